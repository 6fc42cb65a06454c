"""`replace` for frozen classes with slots: what a turn does most often."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any

__all__ = ["replace"]

if TYPE_CHECKING:
    from dataclasses import replace  # the type checker knows it
else:

    def replace(value, /, **changes):
        """As `dataclasses.replace` at half its cost, for classes with slots and no `__post_init__`.

        Slots are copied as they are; neither defaults nor `__init__` are looked at. Raises TypeError for a name
        that is no field.
        """
        kind = type(value)
        members = _members(kind)
        made = object.__new__(kind)
        for get, put in members.values():
            put(made, get(value))
        try:
            for name, changed in changes.items():
                members[name][1](made, changed)
        except KeyError as error:
            raise TypeError(f"{kind.__name__} has no field {error}") from None
        return made


@cache
def _members(kind: type[Any]) -> dict[str, tuple[Any, Any]]:
    """The slot of each field: how to read and how to set it."""
    slots = {field.name: getattr(kind, field.name) for field in fields(kind)}
    return {name: (slot.__get__, slot.__set__) for name, slot in slots.items()}
