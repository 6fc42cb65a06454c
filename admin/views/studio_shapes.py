"""What forms of documents are made of: fields in sections, and the two that many of them have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from admin.words import marked
from bot.content.check_places import VOCABULARY

Shape = Literal["line", "text", "lines", "pages", "tri", "choice", "many", "date", "number", "shifts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field. `path` is where it lies in the body (`source.title`); `group` names the words of its options."""

    path: str
    label: str
    shape: Shape = "line"
    options: tuple[str, ...] = ()
    group: str = ""
    most: int = 0
    hint: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Fields that belong together; `schedule` marks the place of the schedule builder."""

    id: str
    title: str
    fields: tuple[Field, ...] = ()


NAME = Field(path="name", label=marked("Name"), most=100, required=True)
AUDIENCE = Field(
    path="audience", label=marked("For whom"), shape="many", options=VOCABULARY["who"], group="who"
)
