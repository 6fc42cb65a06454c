"""Publishing while people write: how long answers take before and meanwhile. `python -m benchmarks.publishing`.

A whole house with its workers on SQLite; every person writes, waits for the answer, and writes again. Meanwhile an
editor changes a flow, sends it to review, and a reviewer publishes it, again and again.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from admin.serving import keep_what_is_made
from bot.app import Engawa
from bot.clock import SystemClock
from bot.content.export import body_of, text_of
from bot.messages import Outgoing
from bot.store import staff
from bot.store.staff import Member
from bot.testing import FakeChannel, an_engawa

FLOW = ("flow", "F-MONEY")
WORDS = ("はじめ", "さがす", "あとで", "お金のこと")
PATIENCE = 30.0  # seconds until an answer counts as lost


class Phone(FakeChannel):
    """A platform that tells each person when something has arrived."""

    def __init__(self) -> None:
        super().__init__("fake")
        self.got: Counter[str] = Counter()
        self._rung: dict[str, asyncio.Event] = {}

    def bell(self, person: str) -> asyncio.Event:
        return self._rung.setdefault(person, asyncio.Event())

    async def send(self, outgoing: Outgoing) -> None:
        self.got[outgoing.address.key] += 1
        self.bell(outgoing.address.key).set()


@dataclass(slots=True)
class Result:
    """Seconds from an event taken in to its answer sent; `lost` events got none. `number` is the last release."""

    before: list[float] = field(default_factory=list)
    meanwhile: list[float] = field(default_factory=list)
    lost: int = 0
    number: int = 0
    publishing: list[float] = field(default_factory=list)


async def run(url: str, people: int, times: int, pause: float, before: float) -> Result:
    """`people` write all the time, each after `pause` seconds; after `before` seconds `times` releases are made."""
    phone, result = Phone(), Result()
    async with an_engawa(url, clock=SystemClock(), channels=[phone], started=True) as engawa:
        keep_what_is_made()
        editor, reviewer = await member(engawa, "editor"), await member(engawa, "reviewer")
        done, publishing = asyncio.Event(), asyncio.Event()

        async def person(name: str, place: int) -> None:
            await asyncio.sleep(pause * place / people)
            bell, turn = phone.bell(name), place
            while not done.is_set():
                bell.clear()
                begun, during = time.perf_counter(), publishing.is_set()
                now = engawa.clock.now()
                await engawa.ingress.accept([phone.heard(name, WORDS[turn % len(WORDS)], at=now)])
                try:
                    await asyncio.wait_for(bell.wait(), PATIENCE)
                except TimeoutError:
                    result.lost += 1
                else:
                    taken = result.meanwhile if during else result.before
                    taken.append(time.perf_counter() - begun)
                turn += 1
                await asyncio.sleep(pause)

        writing = [asyncio.create_task(person(f"u{place}", place)) for place in range(people)]
        await asyncio.sleep(before)
        publishing.set()
        for count in range(times):
            begun = time.perf_counter()
            result.number = await publish(engawa, editor, reviewer, count)
            result.publishing.append(time.perf_counter() - begun)
        done.set()
        await asyncio.gather(*writing)
    return result


async def member(engawa: Engawa, role: str) -> Member:
    await engawa.database.write(staff.add, engawa.operator_id, role, role, role, None)
    found = await engawa.database.read(staff.by_login, engawa.operator_id, role)
    assert found is not None
    return found


async def publish(engawa: Engawa, editor: Member, reviewer: Member, count: int) -> int:
    """One change from draft to public."""
    studio = engawa.studio
    draft = await studio.draft(editor, *FLOW)
    body = text_of(body_of(*FLOW, draft.body) | {"name": f"お金のこと{count}"})
    saved = await studio.save(editor, *FLOW, body, draft.revision)
    await studio.propose(editor, *FLOW, saved.revision)
    return await studio.publish(reviewer, f"{count}")


def p99(taken: list[float]) -> float:
    """In milliseconds."""
    return statistics.quantiles(taken, n=100)[98] * 1000 if len(taken) > 1 else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--pause", type=float, default=4.0, help="seconds between a person's messages")
    parser.add_argument("--before", type=float, default=15.0, help="seconds before the first release")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'engawa.db'}"
        found = asyncio.run(run(url, given.people, given.times, given.pause, given.before))
    print(f"{given.people} people, {given.times} releases (the last is {found.number})")
    for name, taken in (("before", found.before), ("meanwhile", found.meanwhile)):
        median = statistics.median(taken) * 1000
        print(f"{name:<10} {len(taken):5d} answers, median {median:.0f} ms, p99 {p99(taken):.0f} ms")
    print(
        f"lost {found.lost}; a release takes {statistics.median(found.publishing):.2f} s from draft to public"
    )


if __name__ == "__main__":
    main()
