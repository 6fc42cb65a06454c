"""A process that kills itself at a given moment of spooling or replaying; see `test_spooling`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from bot.errors import StoreUnavailable
from bot.messages import Inbound
from bot.store import intake, spool, spool_file
from bot.testing import FakeChannel, an_engawa

MOMENTS = ("half an append", "before the acknowledgement", "after a replayed commit")
SAID = tuple(f"その{number}" for number in range(4))


def events(channel: FakeChannel) -> list[Inbound]:
    return [channel.heard("a", text, event=f"victim-{number}") for number, text in enumerate(SAID)]


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def away(*_: Any) -> None:
    raise StoreUnavailable


def _half(handle: int, data: Sequence[int], at: int) -> int:
    os.pwrite(handle, bytes(data[: len(data) // 2]), at)
    die()
    return 0


async def main(moment: str, url: str, folder: str) -> None:
    channel = FakeChannel()
    async with an_engawa(url, channels=[channel], environ={"ENGAWA_SPOOL": folder}) as engawa:
        assert engawa.spooling is not None
        take, intake.take = intake.take, away  # type: ignore[assignment]
        *first, last = events(channel)
        for event in first:
            await engawa.ingress.accept([event])
        match moment:
            case "half an append":
                spool_file.write = _half  # type: ignore[assignment]
            case "before the acknowledgement":
                engawa.ingress.received = die
        await engawa.ingress.accept([last])
        intake.take = take
        spool.Spool.close_segments = die  # type: ignore[method-assign,assignment]
        await engawa.spooling.work()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
