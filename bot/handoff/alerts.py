"""Telling staff: finds what waits, follows it step by step, and sends what is due (docs/alerts.md).

What is sent holds a count, a level and the console's address: never a word, a name or an id of a person (R-071).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog
from sqlalchemy import Connection

from bot.clock import Clock
from bot.content.pack import Released
from bot.errors import BadInput, NotAllowed, NotFound, SendError, StoreUnavailable
from bot.frozen import dataclass
from bot.handoff.escalation import Plan
from bot.handoff.risk import Level
from bot.runtime.live import QUEUE, Hub, News
from bot.runtime.loop import Worker
from bot.runtime.metrics import ALERT_SENDS, ALERTS_OPEN, ALERTS_UNDELIVERED
from bot.store import alert_sends, alerts, reach, watch
from bot.store.alert_sends import Open, Send
from bot.store.database import Database
from bot.store.reach import Targets
from bot.store.sealed import Sealer
from bot.store.staff import ANSWERING, Member

ALERTS = "alerts"
POLL = 1.0  # seconds
TELL_WITHIN = 30.0  # seconds; shorter than the lease of a send
MOST_ADDRESS = 254  # characters
SEES_ALERTS = frozenset({*ANSWERING, "operator"})
WORDS = {Level.NONE: "none", Level.CONCERN: "concern", Level.HIGH: "high", Level.EMERGENCY: "emergency"}

log = structlog.get_logger("alerts")


class Bearer(Protocol):
    """One way to somebody on duty (bot.channels.alerts)."""

    async def tell(self, subject: str, text: str) -> None: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How telling is, for console, doctor and health: targets that do not work, alerts that reached nobody.

    `named`: whether anybody is to be told at all.
    """

    named: bool
    not_working: Sequence[tuple[str, str]]
    undelivered: int
    watch: watch.Round | None


class Alerts(Worker):
    """The worker that tells staff."""

    name = ALERTS

    def __init__(
        self,
        database: Database,
        hub: Hub,
        clock: Clock,
        operator_id: str,
        plan: Plan,
        bearers: Mapping[str, Bearer],
        released: Callable[[], Released | None],
        base_url: str,
        sealer: Sealer | None = None,
        personal: Callable[[str], Bearer | None] = lambda _where: None,
    ) -> None:
        """`bearers` by target: a step of the plan with a number, such as `lead/1`. `personal` is the way to an address
        that a member keeps in their account; `sealer` opens it."""
        super().__init__(hub, ALERTS, poll=POLL)
        self._database, self._hub, self._clock = database, hub, clock
        self._operator_id, self._plan, self._bearers = operator_id, plan, bearers
        self._released, self._console = released, f"{base_url}/admin"
        self._sealer, self._personal = sealer, personal
        self.targets = by_step(bearers)

    async def work(self) -> bool:
        """One sweep, and what is due. A send that failed waits its time, so there is never more at once."""
        now = self._clock.now()
        if await self._database.read(alerts.needed, self._plan, self.targets, now):
            await self._database.write(alerts.sweep, self._plan, self.targets, now)
            self._hub.spread(News({QUEUE}))
        sends = await self._database.write(alert_sends.take, now) if await self._is_due() else []
        if sends:
            await asyncio.gather(*(self._send(send) for send in sends))
            self._hub.spread(News({QUEUE}))
        return False

    async def _is_due(self) -> bool:
        return await self._database.read(alert_sends.is_due, self._clock.now())

    async def _send(self, send: Send) -> None:
        error = await self._tell(send)
        ALERT_SENDS.labels(outcome=error or "sent").inc()
        if error:
            log.warning("alert_not_delivered", target=send.target, code=error, attempt=send.attempts)
        await self._database.write(alert_sends.finish, send, self._clock.now(), error)

    async def _tell(self, send: Send) -> str:
        """Empty once somebody was told; else our code for why not."""
        if send.target == alerts.MACHINE:
            await self._database.write(
                alerts.acknowledge, send.operator_id, send.alert_id, alerts.MACHINE, self._clock.now()
            )
            return ""
        bearer = await self._bearer(send.target)
        if bearer is None:
            return "no_such_target"
        try:
            async with asyncio.timeout(TELL_WITHIN):
                await bearer.tell(*self._said(send))
        except SendError as error:
            return error.code
        except TimeoutError:
            return "unreachable"
        except StoreUnavailable:
            raise
        except Exception as error:  # a fault of ours must not keep the others from being told  # noqa: BLE001
            log.error("alert_raised", error=type(error).__name__)
            return "failed"
        return ""

    async def _bearer(self, target: str) -> Bearer | None:
        if not target.startswith(reach.OWN) or self._sealer is None:
            return self._bearers.get(target)
        where = await self._database.read(reach.address, self._sealer, target)
        return self._personal(where) if where else None

    def _said(self, send: Send) -> tuple[str, str]:
        """Subject and text, from the content; without content in plain English, for something must be said."""
        released = self._released()

        def words(key: str) -> str:
            return " ".join(released.text(key)) if released is not None else ""

        level = words(f"alert_level_{WORDS[send.level]}") or WORDS[send.level]
        values = {"level": level, "n": str(send.waiting), "console": self._console}
        subject = words("alert_subject") or "Engawa: {level}"
        text = words(f"alert_{send.kind}") or "{level}: {n} waiting. {console}"
        return _filled(subject, values), _filled(text, values)

    # --- the console ---

    async def open(self, member: Member) -> list[Open]:
        """What is not over yet. Raises NotAllowed for who does not answer."""
        self._check(member)
        return await self._database.read(alert_sends.open_ones, member.operator_id)

    async def acknowledge(self, member: Member, alert_id: str) -> None:
        """Takes an alert upon this member: it is silent for a while, and goes on unless it is over by then.

        Raises NotFound when it is over, NotAllowed for who does not answer.
        """
        self._check(member)
        now = self._clock.now()
        if not await self._database.write(
            alerts.acknowledge, member.operator_id, alert_id, member.staff_id, now
        ):
            raise NotFound
        self._hub.spread(News({QUEUE, ALERTS}))

    @staticmethod
    def _check(member: Member) -> None:
        if member.role not in SEES_ALERTS:
            raise NotAllowed("Conversations are for counselors.")

    async def own(self, member: Member) -> str:
        """Where this member is told while they are on duty; empty when nowhere but in the console."""
        if self._sealer is None:
            return ""
        return await self._database.read(reach.address, self._sealer, f"{reach.OWN}{member.staff_id}")

    async def set_own(self, member: Member, where: str) -> None:
        """Where they are told from now on; empty: nowhere. Raises BadInput for what leads to nobody."""
        where = where.strip()
        if "@" in where and ":" not in where:
            where = f"mailto:{where}"
        if where and (self._sealer is None or len(where) > MOST_ADDRESS or self._personal(where) is None):
            raise BadInput(
                "Alerts cannot be sent there. A mail address such as name@example.jp can be reached."
            )
        if self._sealer is not None:
            await self._database.write(reach.keep, self._sealer, member, where)

    async def standing(self) -> Standing:
        """How telling is."""
        found = await self._database.read(standing, self._operator_id, self.targets)
        ALERTS_UNDELIVERED.set(found.undelivered)
        return found

    async def look(self) -> None:
        """Shows how telling is as metrics."""
        try:
            await self.standing()
            ALERTS_OPEN.set(len(await self._database.read(alert_sends.open_ones, self._operator_id)))
        except StoreUnavailable:
            log.warning("store_unavailable", worker=ALERTS)

    async def close(self) -> None:
        """Closes the ways out."""
        for bearer in self._bearers.values():
            await bearer.close()


def standing(connection: Connection, operator_id: str, targets: Targets) -> Standing:
    """How telling is, as the database knows it."""
    named = {name for names in targets.values() for name in names}
    failing = alert_sends.not_working(connection, operator_id)
    return Standing(
        named=bool(named) or reach.is_anybody(connection, operator_id),
        not_working=[one for one in failing if one[0] in named or one[0].startswith(reach.OWN)],
        undelivered=sum(one.undelivered for one in alert_sends.open_ones(connection, operator_id)),
        watch=watch.last(connection, operator_id),
    )


def in_words(found: Standing) -> dict[str, str]:
    """How telling is, for a monitor: no number, no name."""
    told = "ok" if found.named else "nobody is named"
    if found.not_working or found.undelivered:
        told = "some could not be delivered"
    rounds = "none yet" if found.watch is None else "failing" if found.watch.is_failing else "ok"
    return {"alerts": told, "rounds": rounds}


def by_step(names: Mapping[str, object]) -> dict[str, list[str]]:
    """Targets by their step: `lead/1` is told at the step `lead`."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        found.setdefault(name.partition("/")[0], []).append(name)
    return found


def _filled(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text
