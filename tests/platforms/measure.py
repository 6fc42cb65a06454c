"""Where the platforms' published descriptions lie, and the units in which the platforms count text."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[2]
_ZERO_WIDTH_JOINER: Final = "\u200d"
_MARKS: Final = ("Mn", "Me", "Mc")


class SchemaMissing(FileNotFoundError):
    """A platform's published description is not where tests look for it."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path.name} not found in {path.parent}. The fakes check every request against the platforms'"
            " own descriptions, which are test data beside the project (../shared/openapi) and no part of"
            " it. Put the folder there, or name it in ENGAWA_TEST_OPENAPI, or start the fake with"
            " validate=False."
        )


def spec_path(name: str) -> Path:
    """The file `name` in ENGAWA_TEST_OPENAPI, else in ../shared/openapi as seen from the project's root."""
    folder = os.environ.get("ENGAWA_TEST_OPENAPI")
    path = (Path(folder) if folder else _ROOT.parent / "shared" / "openapi") / name
    if not path.is_file():
        raise SchemaMissing(path)
    return path


def described() -> bool:
    """Whether the published descriptions are at hand; without them the fakes take what they are sent unchecked."""
    try:
        spec_path("webhook.yml")
    except SchemaMissing:
        return False
    return True


def utf16_length(text: str) -> int:
    """UTF-16 units, as LINE and Telegram count: 🍎 is two [LINE docs, text-character-count; platforms.md]."""
    return len(text) + sum(character > "\uffff" for character in text)


def grapheme_count(text: str) -> int:
    """What a reader calls characters; LINE counts labels so [LINE docs, text-character-count].

    Covers marks, joiners, skin tones and flags, not the whole of UAX #29.
    """
    count = 0
    joined = flag = False
    for character in text:
        if unicodedata.category(character) in _MARKS or "\U0001f3fb" <= character <= "\U0001f3ff":
            continue
        if character == _ZERO_WIDTH_JOINER:
            joined = True
            continue
        half_flag = "\U0001f1e6" <= character <= "\U0001f1ff"
        if joined or (half_flag and flag):
            flag = False
        else:
            count += 1
            flag = half_flag
        joined = False
    return count
