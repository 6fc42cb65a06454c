"""The engine: bounded, always somewhere, and never a deed done twice by going back or on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content.pack import Pack, Released
from bot.flows import effects as fx
from bot.flows import engine, model, nodes
from bot.flows.content import Hit
from bot.flows.session import MAX_ANSWER, MAX_ANSWERS, MAX_TRAIL, PINNED_FOR, Session
from bot.flows.template import MAX_BUBBLES, three
from tests.strategies import Watched, seed_pack

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
HOME = model.Menu(say=("はじめです。",), choices={"先": "F/first"})


def content(*flows: model.Flow, number: int = 1) -> Released:
    """The seed's texts with flows of a test; `START/home` is the start."""
    return Released(latest=pack(*flows, number=number))


def pack(*flows: model.Flow, number: int = 1) -> Pack:
    start = model.Flow(id="START", name="はじめ", steps={"home": HOME})
    texts = {**seed_pack().texts, "start": ("START/home",)}
    found = {flow.id: flow for flow in (start, *flows)}
    return replace(seed_pack(), number=number, texts=texts, flows=found, entries={})


def flow(**steps: model.AnyStep) -> model.Flow:
    return model.Flow(id="F", name="見本", steps=steps)


def at(step: str, *, release: int = 1, trail: tuple[str, ...] = ()) -> Session:
    return Session(flow="F", step=step, release=release, started_at=NOW, trail=trail)


def menu(say: str = "ここです。", **choices: str) -> model.Menu:
    return model.Menu(say=(say,), choices=choices)


# --- bounds ---------------------------------------------------------------------------------------------------


def test_a_circle_ends_and_is_told() -> None:
    """Content that never waits strands the person at the start, with words, and staff hear of it."""
    circle = flow(a=model.Say(say=("あ。",), to="b"), b=model.Goto(to="a"))
    sprint = engine.begin(content(circle), "F/a", NOW)
    assert [type(effect) for effect in sprint.effects] == [fx.Stranded]
    assert len(sprint.reply.texts) <= MAX_BUBBLES
    assert seed_pack().texts["stranded"][0] in sprint.reply.texts[-1]
    assert sprint.session is not None
    assert (sprint.session.flow, sprint.session.step) == ("START", "home")
    assert "先" in [choice.label for choice in sprint.reply.choices]


def test_a_target_that_is_missing_strands_with_a_way_on() -> None:
    """So does a step that leads nowhere; when the start itself is gone, the session ends."""
    sprint = engine.begin(content(flow(a=model.Goto(to="gone"))), "F/a", NOW)
    assert fx.Stranded(where="F/gone") in sprint.effects
    assert sprint.session is not None
    gone = replace(pack(), flows={})
    sprint = engine.begin(Released(latest=gone), "F/a", NOW)
    assert sprint.session is None
    assert sprint.reply.texts == seed_pack().texts["stranded"]


def test_state_stays_small_however_long_one_taps() -> None:
    """A hundred and twenty steps to and fro, and sixty long answers, and the session is still of bounded size."""
    watched = Watched(released=Released(latest=seed_pack()))
    watched.text("さがす")
    for _ in range(60):
        watched.choice("まだわからない")
        watched.choice("ほかのもの")
        watched.choice("条件をかえる")
    session = watched.talk.session
    assert session is not None
    assert len(session.trail) <= MAX_TRAIL
    for number in range(60):
        session = session.answering(f"name {number}", "あ" * 5_000)
    assert len(session.answers) == MAX_ANSWERS
    assert {len(answer) for answer in session.answers.values()} <= set(range(MAX_ANSWER + 1))


@given(st.lists(st.text(min_size=1, max_size=9), max_size=9))
def test_three_bubbles_hold_all_the_words(texts: list[str]) -> None:
    """What is over three bubbles joins the last one; nothing is cut."""
    found = three(tuple(texts))
    assert len(found) <= MAX_BUBBLES
    assert "\n".join(texts) == "\n".join(found)


# --- lists ----------------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from("ab"), max_size=9), st.integers(1, 3))
def test_pages_show_every_entry_once_and_mix_kinds(kinds: str, limit: int) -> None:
    """Paging through shows each entry exactly once; the first page has two kinds where there are two (R-092)."""
    found = tuple(Hit(id=str(at), kind=kind) for at, kind in enumerate(kinds))
    pages = list(nodes.pages_of(found, limit))
    assert sorted(entry.id for entry in found) == sorted(entry.id for page in pages for entry in page)
    assert all(1 <= len(page) <= limit for page in pages)
    if limit > 1 and len(set(kinds)) > 1:
        assert len({entry.kind for entry in pages[0]}) == 2


def test_going_back_to_a_list_shows_the_page_it_was_left_at() -> None:
    """An entry of the second page, then もどる: the second page, not the third."""
    watched = Watched(released=Released(latest=seed_pack()))
    watched.text("さがす")
    watched.choice("まだわからない")
    second = watched.choice("ほかのもの")
    watched.choice("1を見る")
    assert second == watched.text("もどる")
    first = watched.text("さがす") and watched.choice("まだわからない")
    assert first != second  # entered anew, a list begins at its first page


# --- going back, and on ---------------------------------------------------------------------------------------

DEEDS: dict[str, model.AnyStep] = {
    "handoff": model.Handoff(say=("渡しました。",)),
    "withdraw": model.Withdraw(say=("取りやめました。",)),
    "prefer": model.Prefer(say=("静かにします。",), silent=True),
    "forget": model.Forget(),
    "say": model.Say(say=("ひとこと。",), to="here"),
    "goto": model.Goto(to="here"),
    "end": model.End(say=("おわりです。",)),
}


@pytest.mark.parametrize("kind", DEEDS)
def test_back_passes_over_what_is_no_place(kind: str) -> None:
    """もどる leads to a place one can stand at; nothing is handed over, erased or changed on the way."""
    found = content(flow(first=menu(), deed=DEEDS[kind], here=menu()))
    sprint = engine.back(found, at("here", trail=("F/first", "F/deed")), NOW)
    assert sprint.session == at("first")
    assert sprint.effects == ()


@pytest.mark.parametrize("kind", DEEDS)
def test_a_deed_is_not_done_again_by_going_on(kind: str) -> None:
    """つづき at a step that did something once does not do it again."""
    assert engine.again(content(flow(here=DEEDS[kind])), at("here"), NOW) is None


def test_back_with_nothing_before_is_the_start() -> None:
    """At the beginning, もどる offers the start."""
    sprint = engine.back(content(flow(here=menu())), at("here"), NOW)
    assert sprint.session is not None
    assert (sprint.session.flow, sprint.session.step) == ("START", "home")


# --- releases -------------------------------------------------------------------------------------------------

OLD = pack(flow(first=menu("むかし。", 先="second"), second=menu("むかしの二つ目。")))
NEW = pack(flow(first=menu("いま。", 新しい先="third"), third=menu("いまの三つ目。")), number=2)
BOTH = Released(latest=NEW, older={1: OLD})


def test_a_session_keeps_its_step_graph_for_seven_days() -> None:
    """A step renamed or deleted in release 2 is still there for who was in the middle of it; then the latest counts."""
    last_moment = NOW + PINNED_FOR
    choice = model.choice_id("F", "first", model.choice_key("先"))
    tapped = engine.tap(BOTH, at("first"), choice, last_moment)
    assert tapped is not None
    assert tapped.reply.texts == ("むかしの二つ目。",)
    later = last_moment + timedelta(seconds=1)
    assert engine.tap(BOTH, at("first"), choice, later) is None
    again = engine.again(BOTH, at("first"), later)
    assert again is not None
    assert again.reply.texts == ("いま。",)
    assert again.session is not None
    assert again.session.release == 2


def test_a_step_deleted_meanwhile_is_told_after_seven_days() -> None:
    """Who stood at a deleted step is led to the start, with a line."""
    sprint = engine.again(BOTH, at("second"), NOW + PINNED_FOR + timedelta(seconds=1))
    assert sprint is not None
    assert fx.Stranded(where="F/second") in sprint.effects
    assert sprint.reply.texts == seed_pack().texts["stranded"]


def test_a_newer_button_moves_an_older_session() -> None:
    """A button that only the latest release knows works at once, in the latest step graph."""
    choice = model.choice_id("F", "first", model.choice_key("新しい先"))
    tapped = engine.tap(BOTH, at("first"), choice, NOW)
    assert tapped is not None
    assert tapped.reply.texts == ("いまの三つ目。",)
    assert tapped.session is not None
    assert tapped.session.release == 2


def test_targets_of_the_latest_texts_are_found_by_older_sessions() -> None:
    """A text may lead to a step its reader's release lacks: the session moves on instead of stranding."""
    sprint = engine.begin(BOTH, "F/third", NOW, session=at("first"))
    assert sprint.reply.texts == ("いまの三つ目。",)
    assert sprint.effects == ()


def test_safety_is_always_of_the_latest_release() -> None:
    """The flow of the safety card is not pinned: who began with an old one gets the new words."""
    safety = seed_pack().texts["safety"][0]
    name, step = model.resolve(safety, "")
    old = seed_pack().flows[name]
    steps = {**old.steps, step: menu("あたらしいカード。")}
    latest = replace(
        seed_pack(), number=2, flows={**seed_pack().flows, name: model.Flow(id=name, name="", steps=steps)}
    )
    released = Released(latest=latest, older={1: seed_pack()})
    session = Session(flow="F-START", step="hello", release=1, started_at=NOW)
    tapped = engine.tap(
        released, session, model.choice_id("F-START", "hello", model.choice_key("つらさが強いとき")), NOW
    )
    assert tapped is not None
    assert tapped.reply.texts == ("あたらしいカード。",)


@pytest.mark.parametrize(
    "choice", ["", "/", "F", "F/first", "F/first/", "F/gone/00000000", "G/first/00000000", "F/first/r1.x"]
)
def test_a_button_nobody_knows_is_none(choice: str) -> None:
    """Garbage is no choice, with a session and without."""
    assert engine.tap(BOTH, None, choice, NOW) is None
    assert engine.tap(BOTH, at("first"), choice, NOW) is None
