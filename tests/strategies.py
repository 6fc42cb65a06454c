"""Random content that passes `check`, random conversations, and a simulation that watches every turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from admin.simulation import Simulation
from bot.content import codec
from bot.content.check import TARGET_TEXTS
from bot.content.check_flows import ALWAYS_KNOWN, FIELDS
from bot.content.pack import Pack, entry_words, is_safety
from bot.content.words import WordRules
from bot.conversation import LATE, RISK_UNANSWERED, take_turn
from bot.flows import effects as fx
from bot.flows import model
from bot.flows.mine import DROPPABLE
from bot.flows.nodes import KINDS, PAUSE
from bot.flows.reminders import LETTER, LOOSE, NOTICE
from bot.flows.scene import COUNTS
from bot.flows.template import fields
from bot.handoff.ticket import Reason, Status, Ticket
from bot.messages import Kind
from bot.store import body
from bot.talk import Event, Mode, Talk, Turn, WokeUp

LETTERS = "あいうえおかきくけこアイウ漢字家族ー、。?！aZ0９ \u3000\u200b💊\U0001f469\u200d👧{}\\n"
RISKY = (
    "もう死にたいです",
    "し に た い",
    "薬を全部飲んだ",
    "またリスカした",
    "父に殴られています",
    "包丁を持って部屋から出てきた",
)
CONCERNING = ("もう限界です", "生きていても迷惑なだけです")
STALE = (
    "",
    "/",
    "F-START",
    "F-START/hello/00000000",
    "F-GONE/x/00000000",
    "exit/nothing",
    "nav/",
    "r1.",
    "F-FIND/any/r1",
)


@cache
def seed_documents() -> tuple[codec.Document, ...]:
    """The shipped content, read once."""
    return tuple(codec.seed())


@cache
def seed_pack() -> Pack:
    """The shipped content as release 1."""
    return codec.build(1, seed_documents())


def safety_cards() -> set[str]:
    """The steps that come as a safety card, of themselves."""
    return {target for key, targets in seed_pack().texts.items() if is_safety(key) for target in targets}


def reread(talk: Talk) -> Talk:
    """The talk as it comes back from the database's sealed cells."""
    state = body.talk_state(body.encode(body.state_of(talk)))
    ticket = None
    if talk.ticket is not None:
        ticket = msgspec.json.decode(body.encode(talk.ticket), type=Ticket)
        detail = body.TicketDetail(
            wishes=talk.ticket.wishes, hits=talk.ticket.hits, handed=talk.ticket.handed
        )
        detail = body.ticket_detail(body.encode(detail))
        ticket = replace(ticket, wishes=detail.wishes, hits=detail.hits, handed=detail.handed)
    return Talk(
        contact_id=talk.contact_id,
        mode=Mode(talk.mode.value),
        session=state.session,
        ticket=ticket,
        preferences=state.preferences,
        concerns=state.concerns,
        recent=state.recent,
        held=state.held,
        away=state.away,
        moved=state.moved,
        quiet=state.quiet,
        unanswered=state.unanswered,
        mine=state.mine,
        seen_at=state.seen_at,
        revision=talk.revision,
    )


# --- content --------------------------------------------------------------------------------------------------

SAYABLE = "".join(set(LETTERS) - set("?？!！"))
words = st.text(SAYABLE, min_size=1, max_size=30).filter(lambda text: bool(text.strip()) and not fields(text))
labels = st.text("あいうえおカキク家族0aA💊", min_size=1, max_size=20)


@st.composite
def bubbles(draw: DrawFn) -> tuple[str, ...]:
    """One to three bubbles, with fields that may not be known, of which one is always said."""
    said = [draw(words) for _ in range(draw(st.integers(0, 1)))]
    if draw(st.booleans()):
        said.append(
            "{" + draw(st.sampled_from(sorted(FIELDS))) + "}" + draw(st.sampled_from(("", "。つづき。")))
        )
    return (*said, draw(st.sampled_from(["はい。", *("{" + name + "}" for name in sorted(ALWAYS_KNOWN))])))


SAID = bubbles()
OWN_FIELDS: dict[type, dict[str, Sequence[object]]] = {
    model.Keep: {"what": ("entry", "written", "wishes")},
    model.Drop: {"what": DROPPABLE},
    model.Bring: {"written": (True, False)},
    model.Letters: {"every": ("month", "season")},
    model.Notice: {"days": (1, 3, 14)},
    model.Count: {"name": tuple(sorted(COUNTS))},
}


@st.composite
def packs(draw: DrawFn) -> Pack:
    """The seed with flows of its own: every kind of step, targets anywhere, the named targets among them."""
    kinds = st.lists(st.sampled_from(list(KINDS)), max_size=4)
    layout = {"X-0": [model.Menu, model.Withdraw, model.Bring, *draw(kinds)]}
    for number in range(1, draw(st.integers(1, 3))):
        layout[f"X-{number}"] = draw(kinds.filter(bool))
    places = [(f"{flow}/s{at}", kind) for flow, kinds_ in layout.items() for at, kind in enumerate(kinds_)]
    flows = {}
    for flow, kinds_ in layout.items():
        steps = {f"s{at}": draw(_step(kind, f"{flow}/s{at}", places)) for at, kind in enumerate(kinds_)}
        may_have_words = kinds_[0] in (*model.PLACES, model.Prefer, model.Withdraw, model.End)
        words_ = (("つらい", "ことば") if flow == "X-0" else (f"ことば{flow[-1]}",)) if may_have_words else ()
        flows[flow] = model.Flow(id=flow, name=flow, entry=draw(st.sampled_from(((), words_))), steps=steps)
    menus = st.sampled_from([target for target, kind in places if kind is model.Menu])
    texts = {key: said for key, said in seed_pack().texts.items() if key != "asked"}
    for key, targets in list(texts.items()):
        if key in TARGET_TEXTS or is_safety(key):
            texts[key] = tuple(draw(menus) for _ in targets)
    texts["rich_menu"] = ("人と話したい", "画面をかくす", "あとで", "やめる", "もどる", "つづき")
    texts["withdraw"], texts["bring"] = ("X-0/s1",), ("X-0/s2",)
    asked = model.Question(id="q", leads_to=texts["start"][0], all=(("子",), ("使って",)))
    return replace(
        seed_pack(),
        flows=flows,
        texts=texts,
        entries=entry_words(flows),
        questions=(asked,),
        words=WordRules(),
    )


def _step(
    kind: type[model.AnyStep], here: str, places: Sequence[tuple[str, type]]
) -> SearchStrategy[model.AnyStep]:
    """A step of a kind. Steps that do not wait go on to later ones or to a menu, so that none goes in a circle."""
    passing = model.PASSING
    at = [target for target, _ in places].index(here)
    onward = [target for place, (target, kind_) in enumerate(places) if kind_ not in passing or place > at]
    anywhere = st.sampled_from([target for target, _ in places])
    choices = st.dictionaries(labels, anywhere, max_size=3)
    known: dict[str, SearchStrategy[object]] = {"say": SAID, "choices": choices}
    if kind in passing:
        known["to"] = st.sampled_from(onward)
    if kind is model.Menu or kind in model.PLACES:
        known["save"] = st.sampled_from(("", "進め方"))
    if kind is model.Menu:
        known["exits"] = st.just("std") | st.sampled_from(("std", "none"))
        known["choices"] = st.dictionaries(labels, anywhere, min_size=1, max_size=4)
    if kind is model.Ask:
        known |= {"to": anywhere, "pause": st.sampled_from((0, 0, 20))}
    if kind in (model.ShowResources, model.ShowEvents):
        query = st.builds(
            model.Query,
            kinds=st.sampled_from(((), ("ibasho",), ("event",))),
            online=st.booleans(),
            dated=st.booleans(),
            limit=st.integers(1, 3),
        )
        known |= {"query": query, "each": anywhere | st.just("")}
    if kind is model.Handoff:
        known["reason"] = st.sampled_from([reason.value for reason in Reason])
    if kind is model.Prefer:
        known |= {"silent": st.none() | st.booleans(), "hush_days": st.none() | st.integers(1, 400)}
    if kind is model.Read:
        known |= {"topic": st.sampled_from(("all", "nothing")), "each": anywhere}
    if kind is model.ShowSaved:
        known["each"] = anywhere | st.just("")
    known |= {name: st.sampled_from(values) for name, values in OWN_FIELDS.get(kind, {}).items()}
    return st.builds(kind, **known)


# --- conversations --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that happens: what to do, with a text or the number of a button."""

    do: str
    text: str = ""
    number: int = 0


DANGER, CLAIM, BACK = Move("text", RISKY[0]), Move("claim"), Move("hand_back")
OPENINGS: tuple[tuple[Move, ...], ...] = (
    (),
    (DANGER,),
    (DANGER, CLAIM),
    (DANGER, CLAIM, BACK),
    (Move("tap", "nav/person"), Move("text", "このまま渡す"), CLAIM),
    (Move("text", "書く"), Move("text", "きのうは")),
    (Move("text", "あとで"),),
)


def moves(pack: Pack) -> SearchStrategy[list[Move]]:
    """Conversations from any stage on: words of every sort, taps old and new, time, counselors."""
    odd = ("1", "２", "③", "99", "", "\x00", "あ" * 5_000, "\ud83d", "\u202eRTL", "はい")
    entries = [word for flow in pack.flows.values() for word in flow.entry] or ["はい"]
    written = [*RISKY, *CONCERNING, *CONCERNING, *entries, *pack.commands, *odd]
    silent = [kind.value for kind in Kind if kind not in (Kind.TEXT, Kind.CHOICE)]
    number = st.integers(0, 12)
    one = st.one_of(
        st.builds(Move, st.just("text"), st.sampled_from(RISKY + CONCERNING)),
        st.builds(Move, st.just("text"), st.sampled_from(written)),
        st.builds(Move, st.just("text"), st.sampled_from(written) | st.text(max_size=30)),
        st.builds(Move, st.just("choice"), number=number),
        st.builds(Move, st.sampled_from(("choice", "choice", "label", "earlier")), number=number),
        st.builds(Move, st.just("tap"), st.sampled_from(STALE) | st.text(max_size=12)),
        st.builds(Move, st.sampled_from(silent)),
        st.builds(
            Move,
            st.just("wake"),
            st.sampled_from((PAUSE, RISK_UNANSWERED, LATE, NOTICE, LETTER, LOOSE, "nobody knows")),
        ),
        st.builds(Move, st.sampled_from(("claim", "claim", "reply", "hand_back"))),
        st.builds(Move, st.just("after"), number=st.sampled_from((1, 20, 200, 90_000, 700_000))),
    )
    rest = st.lists(one, min_size=4, max_size=12)
    return st.builds(lambda first, then: [*first, *then], st.sampled_from(OPENINGS), rest)


@dataclass
class Watched(Simulation):
    """A simulation whose talk is written and read between turns. `turns`: the talk before, the event, the turn."""

    turns: list[tuple[Talk, Event, Turn]] = field(default_factory=list)

    def make(self, move: Move) -> list[fx.Effect]:
        """Makes a move; one that cannot be made now is none."""
        ticket = self.talk.ticket
        shown, ever = self.choices, list(self.earlier.values())
        match move.do:
            case "text":
                return self.text(move.text)
            case "label" if shown:
                return self.text(shown[move.number % len(shown)].label)
            case "choice" if shown:
                return self.tap(shown[move.number % len(shown)].id)
            case "earlier" if ever:
                return self.tap(ever[move.number % len(ever)].id)
            case "tap":
                return self.tap(move.text)
            case "wake":
                self.seq += 1
                return self._turn(WokeUp(reason=move.text, seq=self.seq))
            case "after":
                return self.after(timedelta(seconds=move.number).total_seconds())
            case "claim" if ticket is not None and ticket.status is Status.WAITING:
                return self.claim()
            case "reply" | "hand_back" if self.talk.mode is Mode.HUMAN:
                return self.reply("はい") if move.do == "reply" else self.hand_back()
            case "claim" | "reply" | "hand_back" | "label" | "choice" | "earlier":
                return []
        return self.hear(Kind(move.do))

    def _turn(self, event: Event) -> list[fx.Effect]:
        before = reread(self.talk)
        assert before == self.talk
        turn = take_turn(self.released, self.released.rules, before, event, self.now)
        self.turns.append((before, event, turn))
        self.talk = before
        effects = super()._turn(event)
        assert (*effects,) == turn.effects  # the same once more
        return effects
