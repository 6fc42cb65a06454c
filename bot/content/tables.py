"""Files of gatherings by their ending, and rows of tables within bounds, whatever somebody made of them. Pure."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from bot.content.importing import decoded, told
from bot.errors import BadInput

MAX_BYTES = 6_000_000
MAX_ROWS = 12_000
MAX_COLUMNS = 100
MAX_PARTS = 500
MAX_UNPACKED = 40_000_000
"""Of a workbook: its files and their bytes. A file in it never gives more than it says of itself."""

Rows = Iterator[tuple[int, list[str]]]


def csv_rows(data: bytes) -> Rows:
    """Each row with the line it begins on. Raises BadInput."""
    text = decoded(data, MAX_BYTES)
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",\t;", key=first.count), strict=True)
    begun = 1
    try:
        for number, cells in enumerate(reader):
            line, begun = begun, reader.line_num + 1
            if number > MAX_ROWS:
                raise BadInput(told("too_many", n=MAX_ROWS))
            yield line, cells
    except csv.Error as error:
        raise BadInput(f"{begun}: {told('columns')}") from error


def xlsx_rows(data: bytes) -> Rows:
    """Each row of the first sheet of a workbook, with its number. Nothing in it is computed or fetched: a formula is
    the text it is written as. Raises BadInput."""
    if len(data) > MAX_BYTES:
        raise BadInput(told("too_large", n=MAX_BYTES // 1_000_000))
    import openpyxl  # 12 MB that only a workbook needs

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
        if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
            raise BadInput(told("too_large_unpacked", n=MAX_UNPACKED // 1_000_000))
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what it says of its own size is not believed
        rows = sheet.iter_rows(max_row=MAX_ROWS + 2, max_col=MAX_COLUMNS, values_only=True)
        for number, cells in enumerate(rows, 1):
            if number > MAX_ROWS + 1:
                raise BadInput(told("too_many", n=MAX_ROWS))
            yield number, [_said(cell) for cell in cells]
    except BadInput:
        raise
    except Exception as error:  # a broken workbook fails in as many ways as it has parts
        raise BadInput(told("xlsx_broken")) from error


def _said(value: object) -> str:
    """A cell as somebody would write it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        whole = value.time() == time()
        return value.date().isoformat() if whole else f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, timedelta):
        minutes = int(value.total_seconds()) // 60
        return f"{minutes // 60}:{minutes % 60:02}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
