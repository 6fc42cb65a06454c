"""Files of content in a zip: packed the same way every time, unpacked within bounds whatever somebody made. Pure."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping

from bot.content.codec import MAX_YAML
from bot.content.issues import told
from bot.errors import ContentError

MAX_FILES = 2_000
MAX_BYTES = 4 * MAX_YAML
MAX_TOTAL = 5 * MAX_BYTES
FIRST_DAY = (1980, 1, 1, 0, 0, 0)
ENDINGS = (".yaml", ".yml")


def zipped(files: Mapping[str, str]) -> bytes:
    """The files as a zip; the same files give the same bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            archive.writestr(zipfile.ZipInfo(path, FIRST_DAY), files[path], zipfile.ZIP_DEFLATED)
    return made.getvalue()


def unzipped(data: bytes) -> dict[str, str]:
    """The YAML files of a zip by their path. Never written anywhere. Raises ContentError."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if info.filename.endswith(ENDINGS)]
            if len(infos) > MAX_FILES:
                raise ContentError("zip", told("too_many_files", most=MAX_FILES))
            return _read(archive, infos)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise ContentError("zip", told("zip_broken")) from error


def _read(archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> dict[str, str]:
    """What a file says of its own size is not believed: reading stops at the bound."""
    found: dict[str, str] = {}
    total = 0
    for info in infos:
        with archive.open(info) as file:
            raw = file.read(MAX_BYTES + 1)
        total += len(raw)
        if total > MAX_TOTAL:
            raise ContentError("zip", told("too_large"))
        if info.filename in found:
            raise ContentError(info.filename, told("twice"))
        found[info.filename] = text_of_file(raw, info.filename)
    return found


def text_of_file(raw: bytes, name: str) -> str:
    """The text of a file. Raises ContentError when it is too large or no UTF-8."""
    if len(raw) > MAX_BYTES:
        raise ContentError(name, told("file_too_large"))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ContentError(name, told("file_unreadable")) from error
