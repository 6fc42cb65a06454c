"""The preview: whatever is tapped or written, the same twice, within what the entrance can show."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from admin.preview import CHANNELS, HOURS, MOST_MOVES, PERSONS, TAP, WRITE, Persona, moves_of, play
from bot.channels.render import units
from bot.errors import BadInput
from bot.flows import model
from bot.testing import A_DAY, a_release
from tests.strategies import RISKY

STEPS = [f"{flow.id}/{name}" for flow in a_release().latest.flows.values() for name in flow.steps]
personas = st.builds(
    Persona,
    person=st.sampled_from(sorted(PERSONS)),
    channel=st.sampled_from(sorted(CHANNELS)),
    hour=st.sampled_from(HOURS),
    returning=st.booleans(),
)


@settings(max_examples=60)
@given(data=st.data(), persona=personas, target=st.sampled_from(STEPS))
def test_any_walk_is_the_same_twice_and_fits_the_entrance(
    data: DataObject, persona: Persona, target: str
) -> None:
    moves: list[str] = []
    capabilities = CHANNELS[persona.channel]
    for _ in range(data.draw(st.integers(0, 5))):
        played = play(a_release(), target, persona, moves, A_DAY)
        taps = [TAP + button.id for button in played.buttons] or [TAP + "gone/x/00000000"]
        words = st.sampled_from(("はい", "仙台市", "家族の集まり", *RISKY)).map(lambda text: WRITE + text)
        moves.append(data.draw(st.sampled_from(taps) | words))
    played = play(a_release(), target, persona, moves, A_DAY)
    assert played == play(a_release(), target, persona, moves_of("\n".join(moves)), A_DAY)
    assert all(bubble.text for bubble in played.bubbles)
    if capabilities is not None:
        assert len(played.buttons) <= capabilities.max_choices
        assert all(units(button.label) <= capabilities.max_label for button in played.buttons)
        told = [bubble for bubble in played.bubbles if bubble.who == "bot"]
        assert all(units(bubble.text) <= capabilities.max_text for bubble in told)


@pytest.mark.parametrize("target", STEPS)
def test_every_step_can_be_looked_at(target: str) -> None:
    played = play(a_release(), target, Persona(), (), A_DAY)
    assert played.bubbles


def test_a_family_is_shown_what_families_are_shown() -> None:
    """The person has come the way such people come: choices for families are there, and for them only."""
    release = a_release()
    shown = {
        person: {
            button.label
            for button in play(release, "F-FIND/entry", Persona(person=person), (), A_DAY).buttons
        }
        for person in PERSONS
    }
    home = release.latest.flows["F-START"].steps["hello"]
    assert any(model.resolve(to, "F-START")[0] == "F-FAMILY" for to in home.choices.values())
    for person in ("self", "family", "supporter"):
        back = play(release, "F-FIND/how", Persona(person=person), (WRITE + "もどる",), A_DAY)
        assert back.flow == PERSONS[person], "もどる leads to where they came from"
    assert shown["family"] >= shown["unsaid"]


def test_a_long_label_is_cut_where_the_entrance_cuts_it() -> None:
    release = a_release()
    step = model.Menu(say=("はい。",), choices={"あ" * 21: "F-END/bye"})
    flow = model.Flow(id="F-LONG", name="長い", steps={"at": step})
    pack = release.latest.with_flows({**release.latest.flows, "F-LONG": flow})
    drafted = replace(release, latest=pack)
    cut = {
        channel: play(drafted, "F-LONG/at", Persona(channel=channel), (), A_DAY).buttons[0].cut
        for channel in CHANNELS
    }
    assert cut == {"line": True, "telegram": False, "web": False}


@pytest.mark.parametrize("text", ["x", "=a\nb", "=" + "a" * 600, "\n".join(["=a"] * (MOST_MOVES + 1))])
def test_moves_that_no_page_sends_are_refused(text: str) -> None:
    with pytest.raises(BadInput):
        moves_of(text)
