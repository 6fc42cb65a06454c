"""What is told about waiting: nothing that does not follow from shifts and queue. Pure, and through the flow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content.model import Minors
from bot.content.pack import Pack, Released
from bot.conversation import take_turn
from bot.flows import effects as fx
from bot.flows.session import Session
from bot.handoff import waiting
from bot.handoff.hours import TOKYO, Desk, Shift
from bot.handoff.waiting import Board, DeskBoard, Open, Server
from bot.messages import Address, Inbound, Kind
from bot.talk import Event, Heard, Talk, WokeUp
from bot.wakes import LONGER
from tests.strategies import seed_pack

NOW = datetime(2026, 11, 20, 14, tzinfo=TOKYO).astimezone(UTC)  # a Friday
DAY = (Shift(days="月火水木金", opens="10:00", closes="18:00"),)
DESK = Desk(id="main", name="相談の窓口", shifts=DAY, year_end="none", room=2)


def board(*servers: Server, ahead: tuple[int, ...] = (), at: datetime = NOW) -> Board:
    return Board(at=at, desks={"main": DeskBoard(servers=servers, ahead=ahead)})


def on_duty(hours: float = 4, room: int = 2, **busy: int) -> Server:
    taken = tuple((NOW + timedelta(minutes=int(name[1:])), weight) for name, weight in busy.items())
    return Server(begins=NOW - timedelta(hours=1), ends=NOW + timedelta(hours=hours), room=room, busy=taken)


def test_nothing_is_told_that_is_not_known() -> None:
    """No hours and no shift table, an old board, an empty table where one is kept: no time, no reader."""
    nothing = replace_desk(shifts=())
    assert waiting.outlook(nothing, board(), NOW).state is Open.UNKNOWN
    old = board(on_duty(), at=NOW - timedelta(minutes=3))
    assert waiting.outlook(DESK, old, NOW).expected is None
    assert waiting.outlook(DESK, None, NOW).expected is None
    kept = replace_desk(shift_table=True)
    found = waiting.outlook(kept, board(), NOW)
    assert (found.state, found.opening, found.expected) == (Open.NOBODY, None, None)
    usual = waiting.expect(DESK, board(), NOW)  # no table is kept: the hours stand for it
    assert usual == NOW + waiting.FIRST_REPLY


def test_the_queue_is_played_forward() -> None:
    """Each ahead takes the room that is free first; who is full is waited for."""
    assert waiting.expect(DESK, board(on_duty()), NOW) == NOW + waiting.FIRST_REPLY
    full = board(on_duty(t30=1, t50=1))
    assert waiting.expect(DESK, full, NOW) == NOW + timedelta(minutes=30) + waiting.FIRST_REPLY
    behind = board(on_duty(t30=1, t50=1), ahead=(1,))
    assert waiting.expect(DESK, behind, NOW) == NOW + timedelta(minutes=50) + waiting.FIRST_REPLY
    two = board(on_duty(t30=1, t50=1), on_duty(t10=2), ahead=(1,))
    assert waiting.expect(DESK, two, NOW) == NOW + timedelta(minutes=10) + waiting.FIRST_REPLY


def test_above_capacity_that_is_said() -> None:
    """Somebody is here, and still it takes hours: the truth, instead of a silent queue (R-108)."""
    crowd = board(on_duty(hours=8, room=1, t40=1), ahead=(1,) * 5)
    found = waiting.outlook(DESK, crowd, NOW)
    assert found.state is Open.FULL
    assert found.expected is not None
    assert found.expected - NOW > waiting.AT_MOST


def test_after_hours() -> None:
    """The next opening, and who is on duty then, by the table or by the desk's hours."""
    night = NOW + timedelta(hours=8)
    closed = waiting.outlook(DESK, board(at=night), night)
    opens = datetime(2026, 11, 24, 10, tzinfo=TOKYO)
    assert (closed.state, closed.opening) == (Open.CLOSED, opens)
    assert closed.expected == opens + waiting.FIRST_REPLY
    saturday = datetime(2026, 11, 21, 13, tzinfo=TOKYO)
    duty = Server(begins=saturday, ends=saturday + timedelta(hours=3), room=2)
    extra = waiting.outlook(DESK, board(duty, at=night), night)
    assert (extra.opening, extra.expected) == (saturday, saturday + waiting.FIRST_REPLY)


weights = st.integers(1, 6)


@given(st.lists(weights, max_size=12), st.lists(st.tuples(st.integers(0, 300), weights), max_size=4), weights)
def test_more_ahead_is_never_sooner(ahead: list[int], busy: list[tuple[int, int]], mine: int) -> None:
    """One more in the queue never makes the expected time earlier; it is never in the past."""
    taken = tuple((NOW + timedelta(minutes=m), w) for m, w in busy)
    server = Server(begins=NOW, ends=NOW + timedelta(hours=9), room=6, busy=taken)
    times = [
        waiting.expect(DESK, board(server, ahead=tuple(ahead[:n])), NOW, mine) for n in range(len(ahead) + 1)
    ]
    known = [at for at in times if at is not None]
    assert known == sorted(known)
    assert all(at >= NOW for at in known)


@pytest.mark.parametrize(
    ("minutes", "told"), [(0, 15), (15, 15), (16, 30), (119, 120), (121, 180), (400, 420)]
)
def test_how_a_wait_is_told(minutes: int, told: int) -> None:
    assert waiting.rounded(NOW, NOW + timedelta(minutes=minutes)) == timedelta(minutes=told)
    at = waiting.told_at(NOW, NOW + timedelta(minutes=minutes))
    assert at.minute in (0, 30)
    assert at >= NOW + timedelta(minutes=minutes)


# --- what the person is told ----------------------------------------------------------------------------------


class Person:
    """Somebody who asks for a person at a desk with these hours and this board."""

    def __init__(self, desk: Desk, now: datetime, shown: Board | None) -> None:
        self.now, self.desk = now, desk
        self.talk, self.seq = Talk(contact_id="0" * 32), 0
        self.due: dict[str, datetime] = {}
        self.choices: dict[str, str] = {}
        self.show(shown)

    def show(self, shown: Board | None) -> None:
        pack: Pack = replace(seed_pack(), desks=(self.desk,))
        self.content = Released(latest=pack, board=shown)

    def turn(self, event: Event) -> list[str]:
        turn = take_turn(self.content, self.content.rules, self.talk, event, self.now)
        self.talk = turn.talk
        said: list[str] = []
        for effect in turn.effects:
            if isinstance(effect, fx.WakeAt):
                self.due[effect.reason] = effect.at
            if isinstance(effect, fx.Say):
                said += effect.reply.texts
                self.silent = effect.reply.silent
                self.choices |= {choice.label: choice.id for choice in effect.reply.choices}
        return said

    def taps(self, choice_id: str) -> list[str]:
        self.seq += 1
        inbound = Inbound(
            address=Address(account="a", key=""),
            dedupe_key="",
            sent_at=self.now,
            kind=Kind.CHOICE,
            choice_id=choice_id,
        )
        return self.turn(Heard(inbound=inbound, seq=self.seq))

    def wakes(self) -> list[str]:
        self.now = max(self.now, self.due.pop(LONGER))
        self.seq += 1
        return self.turn(WokeUp(reason=LONGER, seq=self.seq))


def test_before_the_handoff_and_after_it() -> None:
    """Hours, the wait as it is, the time that was told; when it passes, that is said once and quietly (R-070)."""
    person = Person(DESK, NOW, board(on_duty(t30=1, t50=1)))
    said = person.taps("exit/person")
    assert "いまの待ち時間のめやすは 45分ほど です。" in said[0]
    assert "いまは人が読む時間です。" in said[0]
    given = person.taps(person.choices["このまま渡す"])
    assert "返事は きょう 15時ごろの見込みです。" in given[-1]
    assert person.talk.ticket is not None
    assert person.talk.ticket.promised_at == datetime(2026, 11, 20, 15, tzinfo=TOKYO)
    later = datetime(2026, 11, 20, 15, tzinfo=TOKYO).astimezone(UTC)
    person.show(board(on_duty(hours=2), at=later))
    told = person.wakes()
    assert person.silent
    assert told == [
        "お伝えした時間をすぎました。ごめんなさい。渡したものは残っています。返事は きょう 15時30分ごろになりそうです。"
    ]
    assert LONGER not in person.due


def test_at_night_and_with_nobody() -> None:
    """Outside the hours that nobody reads now, and when somebody does; a note can be left all the same (R-083)."""
    night = NOW + timedelta(hours=9)
    person = Person(DESK, night, board(at=night))
    said = person.taps("exit/person")
    assert "いまは人が見ていません。つぎに読むのは 11月24日 10時ごろです。" in said[0]
    assert {"このまま渡す", "いま開いている所", "やめておく"} <= set(person.choices)
    empty = Person(replace_desk(shift_table=True), NOW, board())
    assert "人がいつ読むかは、まだ決まっていません。" in empty.taps("exit/person")[0]


def test_when_the_hands_are_full() -> None:
    """The truth and other ways, instead of queueing silently (R-108)."""
    person = Person(DESK, NOW, board(on_duty(hours=8, room=1, t40=1), ahead=(1,) * 5))
    said = person.taps("exit/person")
    assert "いまは手がいっぱいです。" in said[0]
    assert "4時間ほど" in said[0] or "5時間ほど" in said[0]
    assert "いま開いている所" in person.choices


def test_under_an_outage_no_time_is_told() -> None:
    """A board that grew old tells nothing: the hours stay, no wait, no expected time, no promise to pass."""
    person = Person(DESK, NOW, board(on_duty(), at=NOW - timedelta(minutes=10)))
    said = person.taps("exit/person")
    assert "待ち時間" not in said[0]
    given = person.taps(person.choices["このまま渡す"])
    assert "見込み" not in "".join(given)
    assert person.due.get(LONGER) is None


def replace_desk(**changes: object) -> Desk:
    return msgspec.structs.replace(DESK, **changes)


# --- who is under 18 (R-084) ----------------------------------------------------------------------------------


def a_minor(policy: Minors, *desks: Desk) -> Person:
    """Somebody who tapped 18歳になる前 on their way to places; nobody asked for it on the way to a person."""
    person = Person(DESK, NOW, board(on_duty()))
    service = msgspec.structs.replace(seed_pack().service, minors=policy)
    pack = replace(seed_pack(), desks=(DESK, *desks), service=service)
    person.content = Released(latest=pack, board=person.content.board)
    here = Session(flow="F-START", step="hello", release=1, started_at=NOW, answers={"age": "18歳になる前"})
    person.talk = replace(person.talk, session=here)
    return person


def test_the_policy_for_minors_is_the_operators() -> None:
    """R-084: their own desk with its hours; guardians are told nothing; who did not say is treated as everybody."""
    children = Desk(id="children", name="子どもの窓口", shifts=DAY, year_end="none")
    person = a_minor(Minors(desk="children"), children)
    said = person.taps("exit/person")
    assert "保護者や学校に、こちらから知らせることはありません。" in said[1]
    assert "渡す先は「子どもの窓口」です。" in said[2]
    person.taps(person.choices["このまま渡す"])
    assert person.talk.ticket is not None
    assert person.talk.ticket.desk_id == "children"
    other = a_minor(Minors(desk="children"), children)
    other.talk = Talk(contact_id="0" * 32)
    assert not [text for text in other.taps("exit/person") if "保護者" in text]


def test_a_closed_handoff_says_so_and_a_cry_reaches_people() -> None:
    """No button that leads nowhere, and the truth; words of danger open a ticket all the same."""
    person = a_minor(Minors(handoff="closed"))
    said = person.taps("exit/person")
    assert "18歳になる前の方には、ここでは人が返事をできません。" in said[0]
    assert "いまの待ち時間" not in said[0]
    assert not {"このまま渡す", "つづける"} & set(person.choices)
    assert "いま開いている所" in person.choices
    person.choices = {}
    person.taps("exit/person")
    assert "送る" not in person.choices
    person.seq += 1
    cry = Inbound(
        address=Address(account="a", key=""), dedupe_key="", sent_at=NOW, kind=Kind.TEXT, text="死にたい"
    )
    person.turn(Heard(inbound=cry, seq=person.seq))
    assert person.talk.ticket is not None
