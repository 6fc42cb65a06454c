"""Frozen values at the cost of plain ones: a turn makes and copies dozens of them.

`dataclasses` guards a frozen class by setting each field through `object.__setattr__`, which costs several times
what the field itself does. Here the type checker guards it, and so does nothing at run time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, fields
from functools import cache
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass", "field", "replace"]

if TYPE_CHECKING:
    from dataclasses import dataclass, replace  # the type checker knows them
else:
    import dataclasses

    def dataclass(kind=None, /, *, frozen=False, **options):
        """As `dataclasses.dataclass`; a frozen class is hashed and compared as one, and made at half the cost."""
        if kind is None:
            return lambda kind: dataclass(kind, frozen=frozen, **options)
        return dataclasses.dataclass(kind, unsafe_hash=frozen and options.get("eq", True), **options)

    def replace(value, /, **changes):
        """As `dataclasses.replace` at a fraction of its cost, for classes with slots and no `__post_init__`.

        Slots are copied as they are; neither defaults nor `__init__` are looked at. Raises TypeError for a name
        that is no field.
        """
        kind = type(value)
        copy, put = _copier(kind)
        made = copy(value)
        try:
            for name, changed in changes.items():
                put[name](made, changed)
        except KeyError as error:
            raise TypeError(f"{kind.__name__} has no field {error}") from None
        return made


@cache
def _copier(kind: type[Any]) -> tuple[Callable[[Any], Any], dict[str, Callable[[Any, Any], None]]]:
    """What copies a value of this class, and what sets each of its fields."""
    if hasattr(kind, "__post_init__") or not hasattr(kind, "__slots__"):
        raise TypeError(f"{kind.__name__} is made with care or has no slots: use dataclasses.replace")
    slots = {field.name: getattr(kind, field.name) for field in fields(kind)}
    put = {name: slot.__set__ for name, slot in slots.items()}
    return _copying(kind, tuple(slots), put), put


def _copying(
    kind: type[Any], names: tuple[str, ...], put: dict[str, Callable[[Any, Any], None]]
) -> Callable[[Any], Any]:
    """A function with a line for each field, written as `dataclasses` writes an `__init__`.

    A class that is frozen by `dataclasses` itself lets its fields be set by their slots only.
    """
    guarded = kind.__dataclass_params__.frozen
    lines = [
        "def copy(value):",
        "    made = new(kind)",
        *(
            f"    put[{name!r}](made, value.{name})" if guarded else f"    made.{name} = value.{name}"
            for name in names
        ),
    ]
    scope: dict[str, Any] = {"new": object.__new__, "kind": kind, "put": put}
    exec("\n".join([*lines, "    return made"]), scope)  # noqa: S102 - names of fields, no text from outside
    copy: Callable[[Any], Any] = scope["copy"]
    return copy
