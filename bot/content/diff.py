"""What changed between two states of a document, in plain Japanese for staff. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal

import yaml

from bot.frozen import dataclass

MOST = 100
MOST_TEXT = 600
WHERE = frozenset({"steps", "texts", "commands", "words", "wishes"})
"""Fields whose keys are names of things: a step, a text."""

Piece = tuple[Literal["same", "gone", "new"], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is different. `path` finds it; `title` tells it; `before` or `after` is empty where none was."""

    path: tuple[str, ...]
    title: str
    before: str = ""
    after: str = ""

    @property
    def pieces(self) -> list[Piece]:
        """What went and what came, for marking in the text."""
        return pieces(self.before, self.after)


@cache
def _words() -> dict[str, dict[str, str]]:
    text = (resources.files("bot.content") / "change_words.yaml").read_text("utf-8")
    found: dict[str, dict[str, str]] = yaml.safe_load(text)
    return found


def kind_name(kind: str) -> str:
    """The kind of a document in words."""
    return _words()["kinds"].get(kind, kind)


def field_name(field: str) -> str:
    """A field of a document in words."""
    return _words()["fields"].get(field, field)


def title_of(kind: str, name: str, body: Mapping[str, Any] | None) -> str:
    """What staff call a document: its own name or title, else that of its kind, else its id."""
    for key in ("name", "title"):
        value = (body or {}).get(key)
        if isinstance(value, str) and value.strip():
            return value
    return kind_name(kind) if kind == name else name


def changes(
    kind: str, name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> list[Change]:
    """Every change of a document, at most `MOST` and a line for the rest. None: it is not there."""
    said = _words()["said"]
    if before is None or after is None:
        if before is after is None:
            return []
        key = "removed" if after is None else "added"
        title = said[key].format(name=title_of(kind, name, after or before))
        return [Change(path=(), title=title, before=_told(before), after=_told(after))]
    found = list(_between((), before, after))
    if len(found) > MOST:
        rest = said["more"].format(n=len(found) - MOST + 1)
        return [*found[: MOST - 1], Change(path=(), title=rest)]
    return found


def _between(path: tuple[str, ...], before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for key in [*before, *(key for key in after if key not in before)]:
        here, old, new = (*path, str(key)), before.get(key), after.get(key)
        if key in before and key in after and _same(old, new):
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _between(here, old, new)
        elif (pairs := _bubbles(old, new)) is not None:
            for place, (one, other) in enumerate(pairs):
                if one != other:
                    yield _change((*here, str(place)), one, other)
        else:
            yield _change(here, old, new)


def _same(old: Any, new: Any) -> bool:
    return type(old) is type(new) and bool(old == new)


def _bubbles(old: Any, new: Any) -> list[tuple[str, str]] | None:
    """Two lists of as many texts, side by side; None when they are something else."""
    if not (isinstance(old, list | tuple) and isinstance(new, list | tuple) and len(old) == len(new)):
        return None
    return list(zip(old, new, strict=True)) if all(isinstance(one, str) for one in (*old, *new)) else None


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], (), {})


def _change(path: tuple[str, ...], old: Any, new: Any) -> Change:
    said = _words()["said"]
    key = "put_in" if _is_empty(old) else "taken_out" if _is_empty(new) else "changed"
    where, field = _place(path)
    sentence = said[f"{key}_at"] if where else said[key]
    return Change(
        path=path,
        title=sentence.format(where=where, field=field),
        before="" if _is_empty(old) else _told(old),
        after="" if _is_empty(new) else _told(new),
    )


def _place(path: tuple[str, ...]) -> tuple[str, str]:
    """Where a change is (the step, the text) and which field it is, in words."""
    where = next((path[at + 1] for at, part in enumerate(path[:-1]) if part in WHERE), "")
    named = [part for part in path if not part.isdecimal() and part != where]
    field = named[-1] if named else path[0]
    if named and named[-1] in WHERE and where:
        field = "say" if named[-1] in ("steps", "texts") else named[-1]
    number = f"{int(path[-1]) + 1}つめの" if path[-1].isdecimal() and path[-1] != where else ""
    return where, number + field_name(field)


def _told(value: Any) -> str:
    """A value as people read it."""
    text = _flat(value)
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return "\n".join(f"{field_name(str(key))}：{_flat(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        parts = [_flat(each) for each in value]
        return ("\n" if any("\n" in part or len(part) > 20 for part in parts) else "、").join(parts)
    if isinstance(value, bool) or value is None:
        return _words()["values"][str(value).lower() if value is not None else "null"]
    text = str(value)
    return _words()["values"].get(text, text)


def pieces(before: str, after: str) -> list[Piece]:
    """Both texts in one row: what stayed, what went, what came."""
    found: list[Piece] = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, begin, end, start, stop in matcher.get_opcodes():
        if kind == "equal":
            found.append(("same", before[begin:end]))
            continue
        if begin < end:
            found.append(("gone", before[begin:end]))
        if start < stop:
            found.append(("new", after[start:stop]))
    return found
