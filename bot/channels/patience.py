"""Patience with who tries again and again: growing waits, and limits that fill up again. In memory only.

Networks are kept as keyed hashes with a key of this process: nobody can read out who was here.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import os
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.errors import Busy
from bot.frozen import dataclass

FIRST_DELAY = 0.5
LONGEST_DELAY = 16.0
FREE_TRIES = 2
FORGOTTEN_AFTER = 15 * 60.0
MOST_REMEMBERED = 10_000


@dataclass(slots=True)
class _Tries:
    failures: int = 0
    next_at: float = 0.0


class Delays:
    """A growing wait after wrong tries, per name and network, in memory, keyed by a random hash.

    Nobody is ever locked out: the wait has an upper end, and is forgotten after a quarter of an hour.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        longest: float = LONGEST_DELAY,
    ) -> None:
        """`longest`: seconds between tries at last. Who would wait longer than `LONGEST_DELAY` is told to come back."""
        self._now, self._sleep, self._longest = now, sleep, longest
        self._key = os.urandom(32)
        self._tries: dict[bytes, _Tries] = {}

    async def before(self, login: str, network: str) -> None:
        """Waits this try's turn. Raises Busy when the turn is further away than the longest wait.

        A try counts as wrong until it went well, and tries that come at once queue up: so many in parallel
        learn no more than one after the other.
        """
        now, tries = self._now(), self._recall(login, network) or self._remember(login, network)
        wait = max(0.0, tries.next_at - now)
        if wait > LONGEST_DELAY:
            raise Busy
        tries.failures += 1
        tries.next_at = now + wait + self.delay(tries.failures)
        if wait > 0:
            await self._sleep(wait)

    def succeeded(self, login: str, network: str) -> None:
        """Forgets the wrong tries before this one."""
        self._tries.pop(self._digest(login, network), None)

    def delay(self, failures: int) -> float:
        """Seconds between tries after so many failures."""
        if failures <= FREE_TRIES:
            return 0.0
        return float(min(self._longest, FIRST_DELAY * 2 ** min(failures - FREE_TRIES - 1, 10)))

    def _recall(self, login: str, network: str) -> _Tries | None:
        digest = self._digest(login, network)
        tries = self._tries.get(digest)
        if tries is not None and self._now() - tries.next_at > FORGOTTEN_AFTER:
            del self._tries[digest]
            return None
        return tries

    def _remember(self, login: str, network: str) -> _Tries:
        while len(self._tries) >= MOST_REMEMBERED:
            del self._tries[next(iter(self._tries))]
        return self._tries.setdefault(self._digest(login, network), _Tries(next_at=self._now()))

    def _digest(self, login: str, network: str) -> bytes:
        text = f"{login}\x1f{network}".encode("utf-8", "replace")
        return hashlib.blake2b(text, key=self._key, digest_size=16).digest()


@dataclass(slots=True)
class _Level:
    left: float
    at: float


class Allowance:
    """So many at once, then one in every `every` seconds, for each key (a token bucket)."""

    def __init__(self, burst: int, every: float, now: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._every, self._now = burst, every, now
        self._key = os.urandom(32)
        self._levels: dict[bytes, _Level] = {}

    def take(self, key: str) -> bool:
        """Whether there is one left for this key; then it is taken."""
        digest = hashlib.blake2b(key.encode("utf-8", "replace"), key=self._key, digest_size=16).digest()
        now = self._now()
        level = self._levels.pop(digest, None) or _Level(left=self._burst, at=now)
        level.left = min(self._burst, level.left + (now - level.at) / self._every)
        level.at = now
        while len(self._levels) >= MOST_REMEMBERED:  # the one that was here longest ago
            del self._levels[next(iter(self._levels))]
        self._levels[digest] = level
        if level.left < 1:
            return False
        level.left -= 1
        return True


def shared_by(request: web.Request) -> str:
    """The network a limit is for; empty when it is this machine: then it is a proxy nobody told us of, and everybody
    would share one limit."""
    network = network_of(request)
    return "" if network in ("::/64", "") or network.startswith("127.") else network


def network_of(request: web.Request) -> str:
    """Who shares one patience: an IPv4 address, or the /64 an IPv6 address is in."""
    try:
        address = ipaddress.ip_address(request.remote or "")
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
