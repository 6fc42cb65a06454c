"""The rich menu: six words that mean the same in every state of a conversation, and a picture drawn of them.

One default menu for everybody. A menu for each state would have to be linked to each person at every change, by a
call that may fail: then it would tell of a counselor who is not there. So the menu claims nothing, its words work
while one waits and while a counselor has the thread, and it costs two calls a set-up instead of one a change.
LINE: picture of at most 1 MB, 800 to 2,500 wide, at least 250 high, ratio 1.45 or more.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from bot.errors import BadInput
from bot.frozen import dataclass

WIDTH, HEIGHT, COLUMNS = 1200, 405, 3
WORDS = 6
MAX_BAR = 14
TEXT_SIZE, LEAST_SIZE, MARGIN = 54, 38, 24
PAPER, INK, RULE, WOOD = "#f3f2ec", "#22282b", "#c4c0b2", "#7d5c3a"
VEIN = (3, 9, 15)  # the three lines of the veranda, along the upper edge
MAX_BYTES = 1_000_000
PREFIX = "engawa"

FONT_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
)
FONT_NAMES = (
    "NotoSansCJK-Regular",
    "NotoSansCJKjp-Regular",
    "NotoSansJP-Regular",
    "NotoSansJP",
    "SourceHanSans-Regular",
    "SourceHanSansJP-Regular",
    "BIZUDGothic-Regular",
    "BIZUDPGothic-Regular",
    "ipaexg",
    "ipagp",
    "ipag",
    "TakaoPGothic",
    "VL-PGothic-Regular",
    "ヒラギノ角ゴシック W3",
    "DroidSansFallbackFull",
)
"""Gothic faces with Japanese signs; in collections the Japanese one stands first."""
ADVICE = (
    "Install one (Debian, Ubuntu: apt-get install fonts-noto-cjk) or name a file: --font /path/to/font.ttf"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """What LINE is given: the areas as its API takes them, and the picture as PNG. `name` is made of both."""

    name: str
    request: dict[str, Any]
    picture: bytes


def menu(words: Sequence[str], bar: str, font: Path | None = None) -> Menu:
    """The menu of these words. Raises BadInput when they do not fit, or no font can write them."""
    if len(words) != WORDS or not all(word.strip() for word in words):
        raise BadInput(f"The rich menu needs {WORDS} words (texts/rich_menu).")
    if not 0 < len(bar) <= MAX_BAR:
        raise BadInput(f"The bar of the rich menu needs 1 to {MAX_BAR} characters (texts/rich_menu_bar).")
    picture = draw(words, font or find_font())
    if len(picture) > MAX_BYTES:
        raise BadInput("The picture of the rich menu is over 1 MB.")
    areas = [
        {"bounds": bounds, "action": {"type": "message", "label": word, "text": word}}
        for word, bounds in zip(words, _cells(), strict=True)
    ]
    request = {
        "size": {"width": WIDTH, "height": HEIGHT},
        "selected": True,
        "chatBarText": bar,
        "areas": areas,
    }
    digest = hashlib.sha256(repr(request).encode() + picture).hexdigest()[:16]
    name = f"{PREFIX} {digest}"
    return Menu(name=name, request={**request, "name": name}, picture=picture)


def draw(words: Sequence[str], font: Path) -> bytes:
    """A PNG: paper, ink, ruled lines. Words get smaller before they would touch a line; none is cut."""
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    canvas = ImageDraw.Draw(image)
    for place, bounds in enumerate(_cells()):
        left, top = bounds["x"], bounds["y"]
        if place % COLUMNS:
            canvas.line((left, top + MARGIN, left, top + bounds["height"] - MARGIN), fill=RULE, width=2)
        if place >= COLUMNS:
            canvas.line((left + MARGIN, top, left + bounds["width"] - MARGIN, top), fill=RULE, width=2)
        face = _fitting(words[place], font, bounds["width"] - 2 * MARGIN)
        middle = (left + bounds["width"] / 2, top + bounds["height"] / 2)
        canvas.text(middle, words[place], fill=INK, font=face, anchor="mm")
    for y in VEIN:
        canvas.line((0, y, WIDTH, y), fill=WOOD, width=2)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def find_font(folders: Iterable[str] = FONT_FOLDERS) -> Path:
    """A Japanese font of this machine. Raises BadInput with what to do when there is none."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(Path(folder).expanduser().rglob("*")):
            if path.suffix.lower() in (".ttc", ".ttf", ".otf"):
                found.setdefault(path.stem, path)
    for name in FONT_NAMES:
        if name in found:
            return found[name]
    raise BadInput(f"No Japanese font was found to draw the rich menu with. {ADVICE}")


def _cells() -> list[dict[str, int]]:
    width, height = WIDTH // COLUMNS, HEIGHT // 2
    return [
        {
            "x": place % COLUMNS * width,
            "y": place // COLUMNS * height,
            "width": width,
            "height": height + (HEIGHT % 2 if place >= COLUMNS else 0),
        }
        for place in range(WORDS)
    ]


def _fitting(word: str, path: Path, width: int) -> ImageFont.FreeTypeFont:
    """The font in the largest size in which the word fits. Raises BadInput when it cannot be written."""
    for size in range(TEXT_SIZE, LEAST_SIZE - 1, -2):
        try:
            font = ImageFont.truetype(path, size)
        except OSError as error:
            raise BadInput(f"The font {path.name} cannot be read. {ADVICE}") from error
        if not _writes(font, word):
            raise BadInput(f"The font {path.name} has no signs for {word}. {ADVICE}")
        if font.getlength(word) <= width:
            return font
    raise BadInput(f"{word} is too long for the rich menu; shorten it (texts/rich_menu).")


def _writes(font: ImageFont.FreeTypeFont, word: str) -> bool:
    """Whether the font has every sign of the word: an absent one is drawn like U+FFFF, which no font has."""
    absent = bytes(font.getmask("\uffff"))
    return not any(bytes(font.getmask(sign)) == absent for sign in word if not sign.isspace())
