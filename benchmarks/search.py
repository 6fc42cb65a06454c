"""Searching places: time and memory over 1,000, 10,000 and 100,000 made-up entries. `python -m benchmarks.search`.

Entries are spread over all municipalities, kinds, ages and conditions by a fixed rule, so that every run is the same.
Measured is what a turn does: a query or a few words, up to hits with their reasons; cards are made for three of them.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psutil

from bot.content import areas, codec
from bot.content.check_places import VOCABULARY
from bot.content.finding import Search
from bot.content.model import Age, Needs, Residence, Resource, Source
from bot.content.pack import Pack
from bot.content.search import INTERESTS
from bot.flows.model import Query

SIZES = (1_000, 10_000, 100_000)
LOOKS = 2_000
NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
SYLLABLES = "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわん"
RULES = ("residents", "unknown", "unknown", "anyone", "outsiders", "prefecture")
AGES = (
    None,
    None,
    Age(least=40),
    Age(least=15, most=39),
    Age(least=40, most=64, firm=False),
    Age(least=6, most=15),
)


def entries(count: int, chance: random.Random) -> Iterator[Resource]:
    """So many places with all their conditions."""
    towns = [area for area in areas.areas().values() if not area.is_prefecture]
    for number in range(count):
        town = chance.choice(towns)
        name = "".join(chance.choices(SYLLABLES, k=chance.randint(3, 9)))
        checked = date(2026, 1, 1) + timedelta(days=chance.randrange(300)) if chance.random() < 0.7 else None
        kind = chance.choice(VOCABULARY["kind"])
        yield Resource(
            id=f"place-{number}",
            name=f"{name}の会",
            readings=(f"{name}のかい",),
            aliases=(name,),
            kind=kind,
            prefecture=areas.prefecture_of(town).name,
            municipality=town.name,
            is_centre=number % 500 == 0,
            audience=tuple(chance.sample(VOCABULARY["who"], k=chance.randint(1, 3))),
            interests=tuple(chance.sample(INTERESTS, k=chance.randint(0, 3))),
            ways=("online",) if "online" in kind else tuple(chance.sample(VOCABULARY["way"], k=2)),
            summary="見本です。",
            needs=Needs(face=False) if number % 3 == 0 else Needs(),
            age=chance.choice(AGES),
            residence=Residence(rule=chance.choice(RULES)),
            source=Source(
                title="見本",
                seen_in_source="2026",
                checked_on=checked,
                recheck_by=checked + timedelta(days=365) if checked else None,
            ),
        )


def looks(search: Search, places: list[Resource], chance: random.Random) -> dict[str, Callable[[], object]]:
    """What people do, each with chances of its own."""
    names = [area.name for area in areas.areas().values()]

    def taps() -> object:
        query = Query(
            kinds=(chance.choice(VOCABULARY["kind"]),) if chance.random() < 0.5 else (),
            audience=chance.choice(("", "self", "family")),
            interests=(chance.choice(INTERESTS),) if chance.random() < 0.3 else (),
            without=("face",) if chance.random() < 0.2 else (),
            use=("area",),
        )
        area = chance.choice(names) if chance.random() < 0.8 else "言わない"
        return search.find(query, {"area": area}, NOW)

    def by_name() -> object:
        return search.asked(f"{chance.choice(places).name} つぎ いつ")

    def with_a_slip() -> object:
        name = chance.choice(places).name
        at = chance.randrange(len(name))
        return search.asked(name[:at] + chance.choice(SYLLABLES) + name[at + 1 :])

    def sentence() -> object:
        return search.asked("".join(chance.choices(SYLLABLES, k=chance.randint(8, 50))))

    return {"taps": taps, "name": by_name, "name with a slip": with_a_slip, "sentence": sentence}


def measure(pack: Pack, count: int) -> dict[str, object]:
    """Build time in s, memory in MB, and median and p95 of each way to look, in ms; `cpu` is without waiting for
    others on a machine that is shared."""
    chance = random.Random(count)
    places = list(entries(count, chance))
    gc.collect()
    process = psutil.Process()
    before, begun = process.memory_info().rss, time.perf_counter()
    search = Search({one.id: one for one in places}, pack.borders, pack.wishes, pack.texts)
    built = time.perf_counter() - begun
    gc.collect()
    row: dict[str, object] = {
        "entries": count,
        "build_s": round(built, 3),
        "index_mb": round((process.memory_info().rss - before) / 1e6, 1),
    }
    for name, look in looks(search, places, chance).items():
        times, worked = [], []
        for _ in range(LOOKS if count < SIZES[-1] else LOOKS // 4):
            start, cpu = time.perf_counter(), time.thread_time()
            look()
            worked.append((time.thread_time() - cpu) * 1_000)
            times.append((time.perf_counter() - start) * 1_000)
        cuts, work = statistics.quantiles(times, n=20), statistics.quantiles(worked, n=20)
        row[name] = {
            "median_ms": round(cuts[9], 3),
            "p95_ms": round(cuts[18], 3),
            "cpu_median_ms": round(work[9], 3),
            "cpu_p95_ms": round(work[18], 3),
        }
    return row


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="how many entries")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE")
    options = parser.parse_args(arguments)
    pack = codec.build(1, codec.seed())
    areas.named("大阪")  # the table of areas is read once a process
    rows = [measure(pack, count) for count in options.sizes]
    for row in rows:
        print(json.dumps(row, ensure_ascii=False))
    if options.json:
        options.json.write_text(json.dumps(rows, ensure_ascii=False, indent=1), "utf-8")


if __name__ == "__main__":
    main()
