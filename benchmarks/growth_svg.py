"""The drawing of growth: medians and spread by number of contacts, contacts on a log axis, a line for each series."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT, LEFT, TOP = 460, 220, 60, 40
COLOURS = ("#2f5d50", "#8a6d3b", "#4a5a8a")

Series = Sequence[tuple[int, Sequence[float]]]


def drawing(title: str, series: Mapping[str, Series]) -> str:
    """SVG; each series has contacts with the values measured there."""
    every = [point for points in series.values() for point in points]
    most = max(max(values) for _, values in every) * 1.15
    low, high = (math.log10(pick(count for count, _ in every)) for pick in (min, max))
    x_of = lambda count: LEFT + WIDTH * (math.log10(count) - low) / max(high - low, 1e-9)  # noqa: E731
    y_of = lambda value: TOP + HEIGHT * (1 - value / most)  # noqa: E731
    parts = [f"<rect x='{LEFT}' y='{TOP}' width='{WIDTH}' height='{HEIGHT}' fill='none' stroke='#ccc'/>"]
    for step in range(5):
        value = most * step / 4
        parts.append(
            f"<line x1='{LEFT}' x2='{LEFT + WIDTH}' y1='{y_of(value):.1f}' y2='{y_of(value):.1f}' stroke='#eee'/>"
            f"<text x='{LEFT - 6}' y='{y_of(value) + 4:.1f}' text-anchor='end'>{value:.2f}</text>"
        )
    parts += [
        f"<text x='{x_of(count):.1f}' y='{TOP + HEIGHT + 16}' text-anchor='middle'>{count:,}</text>"
        for count in sorted({count for count, _ in every})
    ]
    for number, (name, points) in enumerate(series.items()):
        colour, line = COLOURS[number % len(COLOURS)], []
        for count, values in points:
            x, middle = x_of(count), statistics.median(values)
            line.append(f"{x:.1f},{y_of(middle):.1f}")
            parts.append(
                f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{y_of(min(values)):.1f}' y2='{y_of(max(values)):.1f}' "
                f"stroke='{colour}'/><circle cx='{x:.1f}' cy='{y_of(middle):.1f}' r='3.5' fill='{colour}'/>"
            )
        parts.append(f"<polyline points='{' '.join(line)}' fill='none' stroke='{colour}' stroke-width='2'/>")
        if len(series) > 1:
            parts.append(f"<text x='{LEFT + 10}' y='{TOP + 16 + 15 * number}' fill='{colour}'>{name}</text>")
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH + LEFT + 40} {HEIGHT + TOP + 40}' role='img' "
        f"font-family='sans-serif' font-size='11' fill='#333'><title>{title}</title>"
        f"<rect width='100%' height='100%' fill='#fff'/><text x='{LEFT}' y='24'>{title}</text>"
        f"{''.join(parts)}</svg>\n"
    )
