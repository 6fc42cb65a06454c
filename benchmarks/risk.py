"""What the risk scan costs: `python -m benchmarks.risk`. Ratios travel between machines; milliseconds do not.

Each time is CPU time, and the least of several rounds: what else runs on the machine adds to neither. Memory is what
the process holds more (VmRSS).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

import msgspec

from admin.scanning import KINDS
from bot.content import codec
from bot.handoff import dictionary
from bot.handoff.risk import RiskRule, Rules, morphology

LETTER = (
    "いつもお世話になっております。今日は図書館に行きました。本は読めませんでした。帰りの電車で、ああ死にたいなと"
    "思いました。家に着いたら母がお帰りと言ってくれました。夕飯はカレーでした。"
)
DAILY = "昼過ぎに起きて、パンを食べて、ゲームをしていた。窓の外は雨で、猫がずっと寝ていた。買い物に行けたらいいな。"
ROUNDS, REPEATS = 7, 60


def least(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Milliseconds of one call."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = process_time()
        for _ in range(repeats):
            work()
        best = min(best, (process_time() - begun) / repeats)
    return best * 1_000


def held() -> float:
    """MB of memory this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4_096 / 1e6


def memory(what: str) -> float:
    """MB more in a fresh process after `what`."""
    code = (
        "from benchmarks.risk import held\nfrom bot.content import codec\nfrom bot.handoff import dictionary\n"
        f"documents = codec.seed()\nbefore = held()\n{what}\nprint(held() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def typed() -> tuple[tuple[object, ...], ...]:
    """The shipped rules, classes, vetoes and spellings as they are compiled."""
    found: dict[str, list[object]] = {kind: [] for kind in KINDS}
    for document in codec.seed():
        if document.kind in found:
            found[document.kind].append(codec.typed(document))
    return tuple(map(tuple, found.values()))


def grown(rules: tuple[RiskRule, ...], number: int) -> Rules:
    """So many rules, each with words of its own, beside those we ship."""
    plain = rules[0]
    more = tuple(
        msgspec.structs.replace(
            plain, id=f"X-{n}", any=(f"架空{n}号", f"別の語{n}番"), near=(), unless=("けして",)
        )
        for n in range(number)
    )
    return Rules(more)


def main() -> None:
    pack = codec.build(1, codec.seed())
    rules = pack.rules
    parts = typed()
    took = least(lambda: Rules(*parts), 1)  # type: ignore[arg-type]
    print(f"compiling {len(rules.rules)} rules: {took:.0f} ms")
    for name in ("surface", "dictionary"):
        morphology.use(None)
        if name == "dictionary" and not dictionary.load():
            print("no dictionary here")
            continue
        print(f"{name}: 60 characters, everyday {least(lambda: rules.scan(DAILY[:60])):.3f} ms, "
              f"with a candidate {least(lambda: rules.scan(LETTER[:60])):.3f} ms")  # fmt: skip
        for size in (625, 1_250, 2_500, 5_000):
            text = (LETTER * (size // len(LETTER) + 1))[:size]
            took = least(lambda text=text: rules.scan(text), 5)  # type: ignore[misc]
            print(f"  {size:>5} characters {took:7.2f} ms, {took / size * 1_000:.2f} µs a character")
    morphology.use(None)
    base = 0.0
    for number in (100, 1_000, 10_000):
        many = grown(rules.rules, number)
        took = least(lambda many=many: many.scan(LETTER[:60]))  # type: ignore[misc]
        base = base or took
        print(f"{number:>6} rules {took:.4f} ms a message, {took / base:.2f} times that of 100")
    print(f"memory: rules {memory('codec.build(1, documents)'):.0f} MB, "
          f"dictionary {memory('dictionary.load()'):.0f} MB")  # fmt: skip


if __name__ == "__main__":
    main()
