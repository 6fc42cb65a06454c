"""The drawing of the simulated shifts: for each level, how many had words of a person after so many minutes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bot.handoff.risk import Level

WIDTH, HEIGHT, MARGIN = 340, 190, 44
MINUTES = (1, 2, 5, 10, 20, 50, 100, 200, 500)
LOOKS = ("stroke='#2f5d50' stroke-width='2.5'", "stroke='#8a6d3b' stroke-width='1.6' stroke-dasharray='6 3'",
         "stroke='#7a7a7a' stroke-width='1.4' stroke-dasharray='2 3'")  # fmt: skip


def drawing(waits: Mapping[str, Mapping[Level, Sequence[float]]]) -> str:
    """SVG of four small charts with one axis; a line per way."""
    parts = list(_charts(waits))
    width, height = 2 * WIDTH + 3 * MARGIN, 2 * (HEIGHT + MARGIN + 20) + 40
    legend = "".join(
        f"<line x1='{MARGIN + 160 * n}' x2='{MARGIN + 30 + 160 * n}' y1='{height - 18}' y2='{height - 18}' {LOOKS[n]}/>"
        f"<text x='{MARGIN + 38 + 160 * n}' y='{height - 14}'>{name}</text>"
        for n, name in enumerate(waits)
    )
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' role='img' "
        "font-family='sans-serif' font-size='11' fill='#333'>"
        "<title>Minutes to the first words of a person, by level and way of giving out who is next</title>"
        f"<rect width='{width}' height='{height}' fill='#fff'/>{''.join(parts)}{legend}</svg>\n"
    )


def _charts(waits: Mapping[str, Mapping[Level, Sequence[float]]]) -> Iterator[str]:
    for place, level in enumerate(reversed(Level)):
        left = MARGIN + (place % 2) * (WIDTH + MARGIN)
        top = 30 + (place // 2) * (HEIGHT + MARGIN + 20)
        yield f"<text x='{left}' y='{top - 8}' font-weight='bold'>{level.name.lower()}</text>"
        yield f"<rect x='{left}' y='{top}' width='{WIDTH}' height='{HEIGHT}' fill='none' stroke='#ccc'/>"
        for minutes in MINUTES:
            x = left + _x(minutes)
            yield f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{top}' y2='{top + HEIGHT}' stroke='#eee'/>"
            yield f"<text x='{x:.1f}' y='{top + HEIGHT + 14}' text-anchor='middle'>{minutes}</text>"
        for share in (0, 50, 90, 100):
            y = top + HEIGHT * (1 - share / 100)
            yield f"<text x='{left - 4}' y='{y + 4:.1f}' text-anchor='end'>{share} %</text>"
        for number, name in enumerate(waits):
            yield _line(sorted(waits[name][level]), left, top, LOOKS[number])


def _x(minutes: float) -> float:
    import math

    return WIDTH * math.log(max(minutes, 1)) / math.log(MINUTES[-1])


def _line(ordered: Sequence[float], left: float, top: float, looks: str) -> str:
    if not ordered:
        return ""
    step = max(1, len(ordered) // 120)
    points = [(ordered[n], (n + 1) / len(ordered)) for n in range(0, len(ordered), step)] + [
        (ordered[-1], 1.0)
    ]
    path = " ".join(f"{left + min(_x(m), WIDTH):.1f},{top + HEIGHT * (1 - share):.1f}" for m, share in points)
    return f"<polyline points='{path}' fill='none' {looks}/>"
