"""Effects to rows: the one path by which anything changes, for the bot and for the desk. One transaction a batch."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.flows import effects as fx
from bot.frozen import dataclass, replace
from bot.handoff.hours import TOKYO
from bot.handoff.ticket import Ticket
from bot.messages import Address, Hold, Outgoing, Purpose, Reply, ReplyHint
from bot.runtime.live import ERASED, OUTBOX, QUEUE, RECEIPTS, News, with_member
from bot.store import conversations, counts, erase, hints, inbox, moving, outbox, tickets, timeline, wakeups
from bot.store.body import Body
from bot.store.conversations import Loaded
from bot.store.dialect import notify
from bot.store.sealed import Sealer
from bot.talk import Talk

LINK_WORKS_FOR = timedelta(minutes=15)  # told in the text `web_link`


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Effects with their cause: `event:7`, `wake:pause` or `staff:<id>` (R-011). `hint` may answer for free."""

    effects: Sequence[fx.Effect]
    cause: str
    hint: ReplyHint | None = None
    staff_id: str = ""
    staff_name: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """All that happened to one contact in this batch: the talk as it shall be, deeds in order, events done."""

    loaded: Loaded
    talk: Talk
    deeds: Sequence[Deed]
    done: Sequence[int] = ()

    @property
    def wants_a_hint(self) -> bool:
        """Whether something is said without an event that brought a way to answer: by a counselor, or a timer."""
        unasked = (deed.effects for deed in self.deeds if not deed.cause.startswith("event:"))
        return any(isinstance(effect, fx.Say | fx.SayFirst) for effects in unasked for effect in effects)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What committing needs to know: keys, accounts that are read from our own pages, the desk for new tickets.

    `route` is there where this process sends: what is next in its contact's order then leaves with the commit, on
    a lease from `lease()` on.
    """

    sealer: Sealer
    route: outbox.Route | None = None
    lease: Callable[[], datetime] | None = None
    read_accounts: frozenset[str] = frozenset()
    desk_id: str = ""


@dataclass(slots=True)
class _Rows:
    """The rows of a batch, gathered before anything is written."""

    timeline: list[dict[str, object]] = field(default_factory=list)
    outbox: list[tuple[dict[str, object], Loaded, Outgoing]] = field(default_factory=list)
    talks: list[tuple[Loaded, Talk, int]] = field(default_factory=list)
    tickets: list[tuple[Loaded, Ticket]] = field(default_factory=list)
    done: list[tuple[str, int]] = field(default_factory=list)
    wakes: dict[tuple[str, str], datetime | None] = field(default_factory=dict)
    reachable: dict[str, bool] = field(default_factory=dict)
    links: dict[str, int] = field(default_factory=dict)
    erased: list[tuple[str, int]] = field(default_factory=list)
    silenced: list[str] = field(default_factory=list)
    spare: dict[str, tuple[Loaded, ReplyHint]] = field(default_factory=dict)
    counted: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    news: News = field(default_factory=News)


def apply(
    connection: Connection, house: House, changes: Iterable[Change], now: datetime, *, queued: bool = True
) -> News:
    """Writes a batch. Raises Conflict when a talk moved on meanwhile; then nothing is written.

    `queued`: the events that are done lay in the inbox, and leave it.
    """
    rows, changes = _Rows(), list(changes)
    asking = {one.loaded.contact_id: one.loaded for one in changes if one.wants_a_hint}
    rows.spare = hints.take(connection, asking, now) if asking else {}
    for change in changes:
        forgets = (
            (effect, deed)
            for deed in change.deeds
            for effect in deed.effects
            if isinstance(effect, fx.ForgetContact)
        )
        forget = next(forgets, None)
        if forget is None:
            _gather(house, rows, change, now)
            if queued:
                rows.done.extend((change.loaded.contact_id, done) for done in change.done)
        else:
            _forget(connection, house, rows, change, forget, now)
    _write(connection, house, rows, now)
    if rows.news.topics:
        notify(connection, rows.news.topics)
    return rows.news


def _gather(house: House, rows: _Rows, change: Change, now: datetime) -> None:
    loaded, talk = change.loaded, change.talk
    contact_id, seq = loaded.contact_id, loaded.last_seq
    reachable = loaded.reachable
    for deed in change.deeds:
        own = deed.hint
        for effect in deed.effects:
            match effect:
                case fx.Say(reply=reply) | fx.SayFirst(reply=reply) | fx.InviteToWeb(reply=reply):
                    seq += 1
                    purpose = _purpose(effect)
                    if purpose is Purpose.MOVE:
                        rows.links[contact_id] = seq
                    hint, own = own or rows.spare.pop(contact_id, (loaded, None))[1], None
                    _say(house, rows, loaded, deed, reply, purpose, seq, hint, now, reachable=reachable)
                case fx.Mark(marker=marker):
                    seq += 1
                    line = Body(kind=marker, at=now, name=deed.staff_name, staff_id=deed.staff_id)
                    rows.timeline.append(timeline.row(loaded.key, contact_id, seq, timeline.MARKER, line))
                case fx.OpenTicket():
                    rows.news.add(QUEUE)
                    rows.counted[loaded.operator_id]["tickets_opened"] += 1
                case fx.RaisePriority() | fx.RestTicket():
                    rows.news.add(QUEUE)
                case fx.Relay():
                    pass  # whoever has the thread open hears of its contact anyway; no line of the queue changes
                case fx.SilenceBot():
                    rows.silenced.append(contact_id)
                case fx.WakeAt(reason=reason, at=at):
                    rows.wakes[contact_id, reason] = at
                case fx.CancelWake(reason=reason):
                    rows.wakes[contact_id, reason] = None
                case fx.Record():
                    rows.counted[loaded.operator_id][effect.name] += 1
                case fx.EraseWords(seqs=seqs):
                    rows.erased.extend((contact_id, erased) for erased in seqs)
                case fx.Stranded():
                    rows.counted[loaded.operator_id]["stranded"] += 1
                case fx.SetReachable(reachable=value):
                    reachable = rows.reachable[contact_id] = value
                    rows.news.add(QUEUE)
                case fx.RequestPerson() | fx.WithdrawRequest() | fx.SetPreference() | fx.ForgetContact():
                    raise ValueError(f"{type(effect).__name__} is settled in the conversation")
        if own is not None:
            rows.spare[contact_id] = (loaded, own)  # the newest of them
    if talk.ticket is not None and not talk.ticket.desk_id:
        talk = replace(talk, ticket=replace(talk.ticket, desk_id=house.desk_id))
    if talk.ticket is not None and talk.ticket != loaded.talk.ticket:
        rows.tickets.append((loaded, talk.ticket))
        before = loaded.talk.ticket.assignee if loaded.talk.ticket is not None else None
        moved = {before, talk.ticket.assignee} if before != talk.ticket.assignee else set()
        rows.news.add(QUEUE, *(with_member(one) for one in moved if one))
    rows.talks.append((loaded, talk, seq))
    rows.news.add(contact_id)


def _purpose(effect: fx.Say | fx.SayFirst | fx.InviteToWeb) -> Purpose:
    if isinstance(effect, fx.Say):
        return effect.purpose
    return Purpose.SAFETY if isinstance(effect, fx.SayFirst) else Purpose.MOVE


def _say(
    house: House,
    rows: _Rows,
    loaded: Loaded,
    deed: Deed,
    reply: Reply,
    purpose: Purpose,
    seq: int,
    hint: ReplyHint | None,
    now: datetime,
    *,
    reachable: bool,
) -> None:
    by_counselor = purpose is Purpose.COUNSELOR
    line = Body(
        kind=purpose,
        at=now,
        texts=reply.texts,
        cards=reply.cards,
        choices=reply.choices,
        silent=reply.silent,
        name=deed.staff_name if by_counselor else "",
        staff_id=deed.staff_id,
    )
    author = timeline.COUNSELOR if by_counselor else timeline.BOT
    rows.timeline.append(timeline.row(loaded.key, loaded.contact_id, seq, author, line))
    state, error = outbox.QUEUED, None
    if loaded.account_id in house.read_accounts:
        state = outbox.SENT  # the page reads the thread itself: committed is sent
    elif not reachable:
        state, error = outbox.FAILED, "contact_gone"
    row = outbox.row(
        key=loaded.key,
        contact_id=loaded.contact_id,
        seq=seq,
        purpose=purpose,
        cause=deed.cause,
        state=state,
        now=now,
        hint=hint,
        first=purpose is Purpose.SAFETY,
        error_code=error,
    )
    outgoing = Outgoing(
        contact_id=loaded.contact_id,
        seq=seq,
        address=Address(account=loaded.account_id, key=""),
        reply=reply,
        purpose=purpose,
        attempt=1,
        queued_at=now,
        hint=hint,
    )
    rows.outbox.append((row, loaded, outgoing))


def _leaving(connection: Connection, house: House, rows: _Rows, now: datetime) -> list[dict[str, object]]:
    """The outbox rows; the first of each contact with nothing else unsent is marked as leaving now."""
    queued = [one for one in rows.outbox if one[0]["state"] == outbox.QUEUED]
    if house.route is None or not queued:
        rows.news.topics |= {OUTBOX} if queued else set()
        return [row for row, _, _ in rows.outbox]
    heads: dict[str, int] = {}
    for _, loaded, outgoing in sorted(queued, key=lambda one: (one[0]["rank"], one[2].seq)):
        heads.setdefault(loaded.contact_id, outgoing.seq)
    free = {loaded.contact_id: loaded for _, loaded, outgoing in queued if outgoing.hint is not None}
    busy, passed = outbox.make_way(connection, heads, free)
    for contact_id, number in passed.items():
        rows.counted[free[contact_id].operator_id][outbox.STALE] += number
    found = []
    for queued_row, loaded, outgoing in rows.outbox:
        row = queued_row
        head = heads.get(loaded.contact_id) == outgoing.seq and row["state"] == outbox.QUEUED
        if head and loaded.contact_id not in busy:
            via = house.route(outgoing, now)
            if isinstance(via, Hold):
                row = outbox.held(row, outgoing, via)
            elif via is not None:
                rows.news.leaving.append(replace(outgoing, address=loaded.address, via=via))
                row = outbox.started(row, via, now, house.lease() if house.lease is not None else now)
        if row["state"] == outbox.QUEUED:
            rows.news.add(OUTBOX)
        found.append(row)
    return found


def _forget(
    connection: Connection,
    house: House,
    rows: _Rows,
    change: Change,
    forget: tuple[fx.ForgetContact, Deed],
    now: datetime,
) -> None:
    (effect, deed), ticket = forget, change.talk.ticket
    _, spare = rows.spare.pop(change.loaded.contact_id, (None, None))
    if ticket is not None and not ticket.desk_id:
        ticket = replace(ticket, desk_id=house.desk_id)
    erase.erase(
        connection,
        house.sealer,
        now,
        change.loaded,
        effect.receipt,
        deed.hint or spare,
        ticket=ticket,
        by_reading=change.loaded.account_id in house.read_accounts,
    )
    rows.counted[change.loaded.operator_id]["erased"] += 1
    rows.news.add(change.loaded.contact_id, RECEIPTS, ERASED, QUEUE)


def _write(connection: Connection, house: House, rows: _Rows, now: datetime) -> None:
    conversations.save(connection, rows.talks)
    timeline.add(connection, rows.timeline)
    outbox.add(connection, _leaving(connection, house, rows, now))
    hints.keep(connection, rows.spare, now)
    tickets.save(connection, rows.tickets)
    if rows.reachable:
        conversations.set_reachable(connection, rows.reachable)
        gone = [contact_id for contact_id, reachable in rows.reachable.items() if not reachable]
        if gone:
            outbox.cancel_all(connection, gone)
    for contact_id, seq in rows.links.items():
        token = house.sealer.keyring.move_token(contact_id, seq)
        moving.offer_link(connection, contact_id, token, now, now + LINK_WORKS_FOR)
    if rows.erased:
        timeline.erase(connection, rows.erased)
    if rows.silenced:
        outbox.silence(connection, rows.silenced)
    due = {pair: at for pair, at in rows.wakes.items() if at is not None}
    if due:
        wakeups.set_all(connection, due)
    cancelled = [pair for pair, at in rows.wakes.items() if at is None]
    if cancelled:
        wakeups.cancel(connection, cancelled)
    if rows.done:
        inbox.done(connection, rows.done)
    for operator_id, counted in rows.counted.items():
        counts.add(connection, operator_id, now.astimezone(TOKYO).date(), counted)
