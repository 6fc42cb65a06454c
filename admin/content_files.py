"""Content as files: a folder of YAML, a zip of one, or one file; read within bounds, whatever is in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.content.archive import ENDINGS, MAX_BYTES, MAX_FILES, MAX_TOTAL, text_of_file, unzipped, zipped
from bot.content.codec import Document
from bot.content.export import documents_from, files_of
from bot.content.issues import told
from bot.errors import BadInput, ContentError


def read(source: Path) -> list[Document]:
    """The documents of a folder, a zip or a YAML file. Raises BadInput or ContentError, naming the file."""
    if source.is_dir():
        return documents_from(_folder(source))
    raw = _bytes(source, MAX_TOTAL)
    if source.suffix.lower() == ".zip":
        return documents_from(unzipped(raw))
    if source.suffix.lower() not in ENDINGS:
        raise BadInput(f"{source.name}: give a folder of YAML files, a .zip of one, or a .yaml file")
    return documents_from({source.name: text_of_file(raw, source.name)})


def _folder(folder: Path) -> Mapping[str, str]:
    found: dict[str, str] = {}
    total = 0
    for path in _yaml_files(folder):
        name = path.relative_to(folder).as_posix()
        raw = _bytes(path, MAX_BYTES)
        total += len(raw)
        if len(found) == MAX_FILES:
            raise ContentError(str(folder), told("too_many_files", most=MAX_FILES))
        if total > MAX_TOTAL:
            raise ContentError(str(folder), told("too_large"))
        found[name] = text_of_file(raw, name)
    return found


def _yaml_files(folder: Path) -> Iterator[Path]:
    """Every YAML file below; links out of the folder are not followed."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            if name.endswith(ENDINGS) and path.is_file() and not path.is_symlink():
                yield path


def _bytes(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise BadInput(f"{path.name}: cannot be read ({error.strerror})") from error


def write(target: Path, documents: list[Document]) -> int:
    """Writes the documents to a zip, or to a folder that is new or empty. Returns the number of files."""
    files = files_of(documents)
    if target.suffix.lower() == ".zip":
        target.write_bytes(zipped(files))
        return len(files)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BadInput(f"{target.name}: name a folder that is new or empty, or a .zip")
    for name, text in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return len(files)
