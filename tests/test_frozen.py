"""`replace` is that of the standard library, for frozen classes with slots."""

from __future__ import annotations

import dataclasses
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.frozen import replace
from bot.talk import Mode, Talk

TALKS = st.builds(
    Talk,
    contact_id=st.text(max_size=3),
    held=st.booleans(),
    concerns=st.lists(st.datetimes(timezones=st.just(UTC)), max_size=2).map(tuple),
)


@given(TALKS, st.sampled_from(Mode), st.integers(0, 9))
def test_it_gives_what_the_standard_library_gives(talk: Talk, mode: Mode, revision: int) -> None:
    before = dataclasses.asdict(talk)
    made = replace(talk, mode=mode, revision=revision)
    assert made == dataclasses.replace(talk, mode=mode, revision=revision)
    assert dataclasses.asdict(talk) == before


def test_a_name_that_is_no_field_is_told() -> None:
    with pytest.raises(TypeError, match="colour"):
        replace(Talk(contact_id="a"), colour="red")  # type: ignore[call-arg]


def test_a_class_frozen_by_dataclasses_is_copied_too() -> None:
    """Its fields are set by their slots: who replaces one need not know how its class was made."""

    @dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
    class Guarded:
        a: int
        b: str = ""

    assert replace(Guarded(a=1, b="x"), a=2) == Guarded(a=2, b="x")
