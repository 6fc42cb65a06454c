"""Routing: the right desk, and whose turn it is. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.handoff import routing
from bot.handoff import ticket as tickets
from bot.handoff.hours import Desk, Shift
from bot.handoff.risk import Level, RiskHit
from bot.handoff.routing import Asked, Carrier, RoutingRule, Why, choose_desk, next_for
from bot.handoff.ticket import Reason, Ticket

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)  # Friday noon in Tokyo
ALWAYS = (Shift(days="月火水木金土日祝", opens="00:00", closes="24:00"),)
YOUNG = Desk(id="young", name="青少年", ages=(15, 39), areas=("神奈川県 横浜市",))
OLDER = Desk(
    id="older", name="四十から", ages=(40, 120), areas=("神奈川県 横浜市",), shifts=ALWAYS, year_end="none"
)
WIDE = Desk(id="wide", name="県", areas=("神奈川県",))
PEERS = Desk(id="peers", name="経験のある人", peers=True)
ALL = Desk(id="all", name="みんな")
DESKS = (ALL, PEERS, WIDE, YOUNG, OLDER)
YOKOHAMA = "神奈川県 横浜市"


@pytest.mark.parametrize(
    ("asked", "desk", "why"),
    [
        (Asked(area=YOKOHAMA, ages=(18, 39)), "young", Why.FITS),
        (Asked(area=YOKOHAMA, ages=(40, 64)), "older", Why.FITS),
        (Asked(area=YOKOHAMA), "wide", Why.FITS),  # a band nobody told is not guessed
        (Asked(area="神奈川県 川崎市", ages=(18, 39)), "wide", Why.FITS),
        (Asked(area="岡山県 総社市"), "all", Why.FITS),
        (Asked(), "all", Why.FITS),
        (Asked(area=YOKOHAMA, ages=(18, 39), peer=True), "peers", Why.CHOSEN),
        (Asked(area=YOKOHAMA, ages=(18, 39), desk="wide"), "wide", Why.CHOSEN),
        (Asked(area=YOKOHAMA, ages=(18, 39), desk="gone"), "young", Why.FITS),
    ],
)
def test_which_desk(asked: Asked, desk: str, why: Why) -> None:
    """Yokohama's 15–39 and 40+ are the model; what somebody chose stands before what fits (R-089, R-102)."""
    assert choose_desk(DESKS, (), asked, NOW) == (desk, why)


def test_rules_that_staff_edit() -> None:
    """The first that applies wins, before what fits; a rule to a desk that is gone is none."""
    rules = (
        RoutingRule(id="b", desk="peers", audience=("family",), order=20),
        RoutingRule(id="a", desk="wide", reasons=(Reason.SUPPORTER,), order=10),
        RoutingRule(id="c", desk="gone", order=1),
        RoutingRule(id="d", desk="older", least="high", order=5),
    )
    asked = Asked(area=YOKOHAMA, ages=(18, 39), audience="family")
    assert choose_desk(DESKS, rules, asked, NOW) == ("peers", Why.RULE)
    assert choose_desk(DESKS, rules, replace(asked, reason=Reason.SUPPORTER), NOW)[0] == "wide"
    assert choose_desk(DESKS, rules, replace(asked, level=Level.EMERGENCY), NOW)[0] == "older"
    assert choose_desk(DESKS, rules, Asked(area=YOKOHAMA, ages=(18, 39)), NOW)[0] == "young"
    assert choose_desk((), rules, asked, NOW)[0] == ""


def test_in_danger_who_reads_now_is_closest() -> None:
    """An open desk before the right town, as long as it takes them at all."""
    far = Desk(id="far", name="いつも", shifts=ALWAYS, year_end="none")
    asked = Asked(area=YOKOHAMA, ages=(18, 39))
    assert choose_desk((*DESKS, far), (), replace(asked, level=Level.HIGH), NOW)[0] == "far"
    assert choose_desk((*DESKS, far), (), asked, NOW)[0] == "young"


bands = st.sampled_from([None, (0, 17), (18, 39), (40, 64), (65, 120)])
asks = st.builds(
    Asked,
    area=st.sampled_from(["", YOKOHAMA, "神奈川県 川崎市", "岡山県 総社市"]),
    ages=bands,
    audience=st.sampled_from(["", "family", "supporter"]),
    peer=st.booleans(),
    level=st.sampled_from(Level),
)


@given(asks, st.permutations(DESKS))
def test_always_a_desk_and_never_one_that_does_not_take_them(asked: Asked, desks: list[Desk]) -> None:
    chosen, _ = choose_desk(desks, (), asked, NOW)
    found = next(desk for desk in desks if desk.id == chosen)
    if asked.peer:
        assert found.peers
    elif found.areas:
        assert asked.area in found.areas or asked.area.split(" ")[0] in found.areas
    if found.ages and asked.ages:
        assert found.ages[0] <= asked.ages[1]
        assert asked.ages[0] <= found.ages[1]


# --- whose turn -----------------------------------------------------------------------------------------------


def waiting(number: int, level: Level, minutes: float, **changes: object) -> Ticket:
    found = tickets.opened(
        None, f"{number:032x}", 1, Reason.REQUEST, level, 1, NOW - timedelta(minutes=minutes), desk_id="main"
    )
    return replace(found, **changes)  # type: ignore[arg-type]


queues = st.lists(
    st.tuples(
        st.sampled_from(Level), st.integers(0, 3_000), st.booleans(), st.sampled_from(["", "me", "other"])
    ),
    max_size=12,
).map(
    lambda rows: [
        waiting(n, level, minutes, peer=peer, refused=(refused,) if refused else ())
        for n, (level, minutes, peer, refused) in enumerate(rows)
    ]
)
carriers = st.builds(
    Carrier,
    staff_id=st.just("me"),
    peer=st.booleans(),
    load=st.integers(0, 14),
    paused=st.booleans(),
)


@given(queues, carriers, st.lists(carriers.map(lambda one: replace(one, staff_id="other")), max_size=1))
def test_what_next_promises(queue: list[Ticket], me: Carrier, others: list[Carrier]) -> None:
    """Danger first; nobody refused, nobody over what they can carry; nobody in danger left to a full house."""
    found = next_for(me, others, queue, NOW)
    mine = [ticket for ticket in queue if me.may_have(ticket)]
    urgent = [ticket for ticket in mine if ticket.priority >= routing.URGENT]
    if found is None:
        assert not [ticket for ticket in mine if me.has_room(ticket) and ticket.assignee is None]
        for ticket in urgent:
            assert any(one.has_room(ticket) and one.may_have(ticket) for one in others)
        return
    ticket, why = found
    assert "me" not in ticket.refused
    assert me.has_room(ticket) or ticket.priority >= routing.URGENT
    assert me.peer or not ticket.peer or ticket.priority >= routing.URGENT
    if urgent and me.has_room(urgent[0]):
        assert why is Why.LEVEL
        assert ticket.priority == max(one.priority for one in urgent if me.has_room(one))


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_nobody_waits_for_ever(minutes: int, others: int) -> None:
    """Whoever waits comes before everybody who came after them with the same level and nothing else."""
    first, second = waiting(1, Level.NONE, minutes + others + 1), waiting(2, Level.NONE, others)
    assert routing.in_order([second, first], NOW) == [first, second]
    assert routing.share(replace(first, opened_at=NOW + timedelta(hours=1)), NOW) == 0


def test_concerns_add_up_and_promises_come_due() -> None:
    """Three words of concern make the wait shorter; a promise that is near comes before a longer wait."""
    hits = tuple(RiskHit(rule=f"C-{n}", category="x", level=Level.CONCERN, start=0, end=1) for n in range(3))
    plain, several = waiting(1, Level.CONCERN, 31), waiting(2, Level.CONCERN, 20, hits=hits)
    promised = waiting(3, Level.NONE, 10, promised_at=NOW + timedelta(minutes=5))
    order = routing.in_order([plain, several, promised], NOW)
    assert [ticket.id for ticket in order] == [promised.id, several.id, plain.id]
    me = Carrier(staff_id="me")
    assert [routing.why_next(ticket, "me", NOW) for ticket in order] == [Why.PROMISE, Why.CONCERNS, Why.WAIT]
    assert next_for(me, [], order, NOW) == (promised, Why.PROMISE)


def test_left_for_a_while_to_who_they_know() -> None:
    """While the one they know is here with room; not for ever, and never in danger."""
    known = waiting(1, Level.NONE, 10, assignee="other")
    me, other = Carrier(staff_id="me"), Carrier(staff_id="other")
    assert next_for(me, [other], [known], NOW) is None
    assert next_for(other, [me], [known], NOW) == (known, Why.KNOWN)
    assert next_for(me, [], [known], NOW) is not None
    assert next_for(me, [replace(other, paused=True)], [known], NOW) is not None
    later = NOW + routing.LIMITS[Level.NONE] * routing.KEPT_FOR
    assert next_for(me, [other], [known], later) is not None
    assert next_for(me, [other], [replace(known, priority=Level.HIGH)], NOW) is not None
