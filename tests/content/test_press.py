"""A pack made after another is the same as one made from nothing, and takes over what stayed."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from bot.content import codec
from bot.content.codec import Document
from bot.content.export import plain
from bot.content.press import Press
from tests.strategies import seed_documents

SEED = sorted(
    (Document(kind=one.kind, name=one.name, body=plain(one.body)) for one in seed_documents()),
    key=lambda one: (one.kind, one.name),
)
"""In the order of the store."""
GOING = [one for one in SEED if one.kind in ("resource", "article", "letter", "hotline", "word_rule")]


def words(documents: list[Document]) -> list[tuple[str, str, str]]:
    return [(one.kind, one.name, msgspec.json.encode(one.body).decode()) for one in documents]


@given(
    gone=st.lists(st.sets(st.sampled_from(range(len(GOING))), max_size=4), min_size=1, max_size=4),
    name=st.text("あい", max_size=5),
)
def test_a_pack_after_another_is_the_same(gone: list[set[int]], name: str) -> None:
    """Whatever was made before: documents that go and come back, and one that says something else."""
    press = Press()
    for number, away in enumerate(gone, 1):
        left = {(GOING[place].kind, GOING[place].name) for place in away}
        wanted = [
            Document(kind=one.kind, name=one.name, body={**one.body, "name": f"{name}{number}"})
            if (one.kind, one.name) == ("flow", "F-MONEY")
            else one
            for one in SEED
            if (one.kind, one.name) not in left
        ]
        made = press.pack(number, press.documents(words(wanted)))
        fresh = codec.build(number, wanted)
        assert made.words.rules == fresh.words.rules
        assert replace(made, words=fresh.words) == fresh
        assert made.rules is press.pack(number, press.documents(words(wanted))).rules


def test_what_stayed_is_taken_over() -> None:
    """One flow's name changes: every other document is the one of before, and so is the index of places."""
    press = Press()
    first = press.pack(1, press.documents(words(SEED)))
    changed = [
        Document(kind=one.kind, name=one.name, body={**one.body, "name": "ほか"})
        if (one.kind, one.name) == ("flow", "F-MONEY")
        else one
        for one in SEED
    ]
    second = press.pack(2, press.documents(words(changed)))
    assert second.flows["F-MONEY"].name == "ほか"
    assert first.flows["F-MONEY"].name != "ほか"
    assert second.search is first.search
    assert all(second.flows[name] is flow for name, flow in first.flows.items() if name != "F-MONEY")


def test_the_index_is_made_anew_with_other_places() -> None:
    press = Press()
    first = press.pack(1, press.documents(words(SEED)))
    fewer = [one for one in SEED if one.name != next(iter(first.resources))]
    second = press.pack(2, press.documents(words(fewer)))
    assert second.search is not first.search
    assert len(second.resources) == len(first.resources) - 1


def test_a_first_release_is_not_made_twice() -> None:
    """What was made of the shipped files and what comes back from the store is the same, whatever their order: the
    rules of risk, which take half a second, are not made anew."""
    press = Press()
    first = press.pack(1, reversed(SEED))
    again = press.pack(2, press.documents(words(SEED)))
    assert again.rules is first.rules
    assert again.search is first.search
