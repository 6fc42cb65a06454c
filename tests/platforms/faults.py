"""What can go wrong with a call to a platform, and the plan of what goes wrong when."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class Call:
    """One request that a fake platform got, and what became of it."""

    number: int
    name: str  # what it asks for: reply, push, sendMessage, ...
    to: str  # the user, group or chat it is for; empty when for nobody
    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    fault: Fault | None = None
    accepted: bool = False  # the platform did what was asked
    status: int | None = None  # what was answered; None while open, or when the connection was cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How one call goes wrong. `accepted`: the platform does the work first, then fails."""

    accepted: bool = False
    status: int | None = None
    message: str | None = None
    retry_after: int | None = None
    cut: bool = False
    silent: bool = False
    delay: float = 0.0
    gate: asyncio.Event | None = None

    @property
    def fails(self) -> bool:
        """Whether the client gets anything but the true answer."""
        return self.cut or self.silent or self.status is not None


def refuse(
    status: int, *, message: str | None = None, retry_after: int | None = None, accepted: bool = False
) -> Fault:
    """Answers with this status. `retry_after`: Telegram's `parameters.retry_after`; LINE documents none."""
    return Fault(status=status, message=message, retry_after=retry_after, accepted=accepted)


def cut(*, accepted: bool) -> Fault:
    """Resets the connection before, or after, the platform took the request."""
    return Fault(cut=True, accepted=accepted)


def silence(*, accepted: bool) -> Fault:
    """Never answers, so that the client's time limit strikes, before or after the request is taken."""
    return Fault(silent=True, accepted=accepted)


def slow(seconds: float) -> Fault:
    """Takes and answers the request after this time."""
    return Fault(delay=seconds)


def held(gate: asyncio.Event, *, accepted: bool = False) -> Fault:
    """Waits for the gate: before taking the request, or (accepted) between taking and answering it."""
    return Fault(gate=gate, accepted=accepted)


@dataclass(slots=True)
class _Planned:
    fault: Fault
    call: str | None
    to: str | None

    def fits(self, call: Call) -> bool:
        return self.call in {None, call.name} and self.to in {None, call.to}


@dataclass(slots=True)
class Faults:
    """The plan: one fault for one call in the order given, or standing rules while they last.

    Only calls that pass the check of token and shape take a fault.
    """

    _once: deque[_Planned] = field(default_factory=deque)
    _rules: list[Callable[[Call], Fault | None]] = field(default_factory=list)

    def add(self, *faults: Fault, call: str | None = None, to: str | None = None) -> None:
        """Each fault strikes one call, in this order; only calls of that name and receiver, if given."""
        self._once.extend(_Planned(fault, call, to) for fault in faults)

    @contextlib.contextmanager
    def rule(self, decide: Callable[[Call], Fault | None]) -> Iterator[None]:
        """While this lasts, `decide` names the fault of each call, or None. Single faults go first."""
        self._rules.append(decide)
        try:
            yield
        finally:
            self._rules.remove(decide)

    def outage(self, fault: Fault, *, call: str | None = None) -> contextlib.AbstractContextManager[None]:
        """While this lasts, every call (of that name) fails so."""
        return self.rule(lambda asked: fault if call in {None, asked.name} else None)

    @property
    def waiting(self) -> int:
        """How many single faults have not struck yet."""
        return len(self._once)

    def clear(self) -> None:
        self._once.clear()
        self._rules.clear()

    def pick(self, call: Call) -> Fault | None:
        """The fault of this call; a single one is used up."""
        for planned in self._once:
            if planned.fits(call):
                self._once.remove(planned)
                return planned.fault
        return next((fault for rule in self._rules if (fault := rule(call)) is not None), None)
