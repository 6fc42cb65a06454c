"""What is told about waiting: nothing that does not follow from shifts and queue. Pure, and through the flow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content import desks
from bot.content.model import Minors
from bot.content.pack import Pack, Released
from bot.conversation import take_turn
from bot.flows import effects as fx
from bot.flows.session import Session
from bot.handoff import ticket as tickets
from bot.handoff import waiting
from bot.handoff.forecast import DeskBoard, Queued, Server, coming_of, taken_after
from bot.handoff.hours import TOKYO, Desk, Shift
from bot.handoff.risk import Level
from bot.handoff.routing import Carrier, next_for
from bot.handoff.ticket import Reason, Ticket
from bot.handoff.waiting import Board, Open
from bot.messages import Address, Inbound, Kind
from bot.talk import Event, Heard, Talk, WokeUp
from bot.wakes import LONGER
from tests.strategies import seed_pack

NOW = datetime(2026, 11, 20, 14, tzinfo=TOKYO).astimezone(UTC)  # a Friday
DAY = (Shift(days="月火水木金", opens="10:00", closes="18:00"),)
DESK = Desk(id="main", name="相談の窓口", shifts=DAY, year_end="none", room=2)


def board(*servers: Server, ahead: int = 0, at: datetime = NOW) -> Board:
    queue = tuple(Queued(opened_at=at - timedelta(minutes=n + 1)) for n in range(ahead))
    return Board(at=at, desks={"main": DeskBoard(servers=servers, queue=queue)})


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
    behind = board(on_duty(t30=1, t50=1), ahead=1)
    assert waiting.expect(DESK, behind, NOW) == NOW + timedelta(minutes=50) + waiting.FIRST_REPLY
    two = board(on_duty(t30=1, t50=1), on_duty(t10=2), ahead=1)
    assert waiting.expect(DESK, two, NOW) == NOW + timedelta(minutes=10) + waiting.FIRST_REPLY


def test_above_capacity_that_is_said() -> None:
    """Somebody is here, and still it takes hours: the truth, instead of a silent queue (R-108)."""
    crowd = board(on_duty(hours=8, room=1, t40=1), ahead=5)
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


busy_ones = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 6)), max_size=4)


@given(st.integers(0, 12), busy_ones)
def test_more_ahead_is_never_sooner(ahead: int, busy: list[tuple[int, int]]) -> None:
    """One more like oneself in the queue never makes the expected time earlier; it is never in the past."""
    taken = tuple((NOW + timedelta(minutes=m), w) for m, w in busy)
    server = Server(begins=NOW, ends=NOW + timedelta(hours=9), room=6, busy=taken)
    times = [waiting.expect(DESK, board(server, ahead=n), NOW) for n in range(ahead + 1)]
    known = [at for at in times if at is not None]
    assert known == sorted(known)
    assert all(at >= NOW for at in known)


queued = st.builds(
    Queued,
    opened_at=st.integers(0, 500).map(lambda m: NOW - timedelta(minutes=m, seconds=m)),
    level=st.sampled_from(Level),
    promised_at=st.none() | st.integers(-60, 60).map(lambda m: NOW + timedelta(minutes=m, seconds=7)),
    known=st.sampled_from(["", "s0", "s1"]),
)


@given(st.lists(queued, min_size=1, max_size=8), st.lists(st.integers(0, 8), min_size=1, max_size=3))
def test_the_queue_is_played_by_the_rule_it_is_dealt_by(queue: list[Queued], loads: list[int]) -> None:
    """Whoever `routing.next_for` gives the least laden one who can take somebody is taken at once in the play."""
    queue = [replace(one, ticket_id=f"{n:032x}") for n, one in enumerate(queue)]
    later = NOW + timedelta(minutes=30)
    servers = tuple(
        Server(
            staff_id=f"s{n}",
            begins=NOW,
            ends=NOW + timedelta(hours=9),
            room=6,
            busy=((later, load),) * (load > 0),
        )
        for n, load in enumerate(loads)
    )
    carriers = [Carrier(staff_id=f"s{n}", load=load, most=6) for n, load in enumerate(loads)]
    dealt = [as_ticket(one) for one in queue]
    for me in sorted(carriers, key=lambda one: one.load):
        found = next_for(me, carriers, dealt, NOW)
        if found is not None:
            mine = next(one for one in queue if one.ticket_id == found[0].id)
            assert (
                taken_after(DeskBoard(queue=tuple(queue)), servers, timedelta(minutes=40), NOW, mine)
                == timedelta()
            )
            return


def as_ticket(one: Queued) -> Ticket:
    ticket = tickets.opened(
        None, one.ticket_id, 1, Reason.REQUEST, one.level, 1, one.opened_at, desk_id="main"
    )
    return replace(ticket, id=one.ticket_id, promised_at=one.promised_at, assignee=one.known or None)


def test_who_comes_in_danger_later_is_reckoned_with() -> None:
    """Where many come with worse, a wait is longer: they will go first (R-070); how many come is counted."""
    servers = tuple(
        Server(begins=NOW, ends=NOW + timedelta(hours=9), room=4, busy=((NOW + timedelta(minutes=20), 4),))
        for _ in range(2)
    )
    me, calm = Queued(opened_at=NOW), DeskBoard(queue=tuple(Queued(opened_at=NOW) for _ in range(20)))
    rush = replace(calm, coming=coming_of(40, {Level.HIGH: 30, Level.NONE: 100}))
    alone = taken_after(calm, servers, timedelta(minutes=40), NOW, me)
    crowded = taken_after(rush, servers, timedelta(minutes=40), NOW, me)
    assert alone is not None
    assert crowded is not None
    assert crowded > alone * 1.2
    assert coming_of(0, {}) == tuple((level, 0) for level in (Level.CONCERN, Level.HIGH, Level.EMERGENCY))


@given(st.floats(0, 9 * 60), st.booleans())
def test_what_is_told_is_no_wider_than_half_of_its_middle(minutes: float, later: bool) -> None:
    """±50 %: but for the shortest, whose end alone is told. The expected time lies in it, and the times of day are
    never narrower than the wait beside them."""
    begin = NOW + timedelta(hours=15) if later else NOW
    expected = begin + timedelta(minutes=minutes)
    told = waiting.told_for(NOW, expected, begin)
    assert told.earliest <= expected <= told.latest
    assert told.earliest >= begin
    for early, late in waiting.SPANS[1:]:
        assert late <= 3 * early
    if not later:
        assert told.wait in waiting.SPANS
        assert told.wait is not None
        assert told.earliest <= NOW + told.wait[0]
        assert told.latest >= NOW + told.wait[1]
    else:
        assert told.wait is None


@pytest.mark.parametrize(
    ("minutes", "said", "until"),
    [
        (0, "15分まで", "きょう 14時15分まで"),
        (15, "15分まで", "きょう 14時15分まで"),
        (22, "10分から30分くらい", "きょう 14時10分から14時30分のあいだ"),
        (60, "30分から1時間30分くらい", "きょう 14時30分から15時30分のあいだ"),
        (170, "1時間30分から4時間くらい", "きょう 15時30分から18時のあいだ"),
    ],
)
def test_how_a_wait_is_told(minutes: int, said: str, until: str) -> None:
    told, words = waiting.told_for(NOW, NOW + timedelta(minutes=minutes), NOW), seed_pack().texts
    assert told.wait is not None
    assert desks.spelled_wait(words, *told.wait) == said
    assert desks.spelled_told(words, NOW, told) == until


def test_when_it_will_not_be_today_that_is_told() -> None:
    """Everybody on duty is full until they go: nobody is told a wait in hours, but when people come again (R-108)."""
    tomorrow = NOW + timedelta(hours=19)
    shift = Server(begins=tomorrow, ends=tomorrow + timedelta(hours=8), room=2)
    found = waiting.outlook(DESK, board(on_duty(hours=0.5, t30=2), shift, ahead=1), NOW)
    assert (found.state, found.opening) == (Open.LATER, tomorrow)
    assert found.told is not None
    assert (found.told.wait, found.told.earliest) == (None, tomorrow)
    person = Person(DESK, NOW, board(on_duty(hours=0.5, t30=2), shift, ahead=1))
    said = person.taps("exit/person")
    assert "いまは手がいっぱいです。読めるのは 11月21日 9時からになりそうです。" in said[0]
    assert "待ち時間" not in said[0]


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
    assert "いまの待ち時間のめやすは 15分から45分くらい です。" in said[0]
    assert "いまは人が読む時間です。" in said[0]
    given = person.taps(person.choices["このまま渡す"])
    assert "返事の見込みは きょう 14時15分から14時45分のあいだ です。" in given[-1]
    assert person.talk.ticket is not None
    promised = datetime(2026, 11, 20, 14, 45, tzinfo=TOKYO)
    assert person.talk.ticket.promised_at == promised
    halfway = NOW + timedelta(minutes=22, seconds=30)
    assert person.due[LONGER] == halfway
    person.show(board(on_duty(hours=2), at=halfway))
    assert person.wakes() == []  # it holds so far
    assert person.due[LONGER] == promised
    person.show(board(on_duty(hours=2), at=promised))
    told = person.wakes()
    assert person.silent
    assert told == [
        "お伝えした時間をすぎました。ごめんなさい。渡したものは残っています。返事の見込みは きょう 15時まで です。"
    ]
    assert LONGER not in person.due


def test_a_change_is_told_once_and_before_the_time_has_passed() -> None:
    """Halfway it is seen that it takes longer: one quiet line with the new time, which is the promise from then on."""
    person = Person(DESK, NOW, board(on_duty(t30=1, t50=1)))
    person.taps("exit/person")
    person.taps(person.choices["このまま渡す"])
    halfway = NOW + timedelta(minutes=22, seconds=30)
    person.show(board(on_duty(hours=3, t90=1, t110=1), at=halfway))
    assert person.wakes() == [
        "返事の見込みが変わりました。きょう 15時から16時30分のあいだ です。渡したものは残っています。"
    ]
    assert person.silent
    assert person.talk.ticket is not None
    assert person.talk.ticket.promised_at == datetime(2026, 11, 20, 16, 30, tzinfo=TOKYO)
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
    person = Person(DESK, NOW, board(on_duty(hours=8, room=1, t40=1), ahead=5))
    said = person.taps("exit/person")
    assert "いまは手がいっぱいです。" in said[0]
    assert "めやすは 2時間から6時間くらい です。" in said[0]
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
