"""The drawing of growth: cost of a message by number of contacts, median and spread, contacts on a log axis."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

WIDTH, HEIGHT, LEFT, TOP = 460, 220, 60, 40


def drawing(sizes: Sequence[tuple[int, Sequence[float]]]) -> str:
    """SVG; `sizes` are contacts with the ms of processor a message of each round."""
    most = max(max(cost) for _, cost in sizes) * 1.15
    low, high = math.log10(sizes[0][0]), math.log10(sizes[-1][0])
    x_of = lambda count: LEFT + WIDTH * (math.log10(count) - low) / max(high - low, 1e-9)  # noqa: E731
    y_of = lambda value: TOP + HEIGHT * (1 - value / most)  # noqa: E731
    parts = [f"<rect x='{LEFT}' y='{TOP}' width='{WIDTH}' height='{HEIGHT}' fill='none' stroke='#ccc'/>"]
    for step in range(5):
        value = most * step / 4
        parts.append(
            f"<line x1='{LEFT}' x2='{LEFT + WIDTH}' y1='{y_of(value):.1f}' y2='{y_of(value):.1f}' stroke='#eee'/>"
            f"<text x='{LEFT - 6}' y='{y_of(value) + 4:.1f}' text-anchor='end'>{value:.2f}</text>"
        )
    points = []
    for count, cost in sizes:
        x, middle = x_of(count), statistics.median(cost)
        points.append(f"{x:.1f},{y_of(middle):.1f}")
        parts.append(
            f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{y_of(min(cost)):.1f}' y2='{y_of(max(cost)):.1f}' stroke='#8a6d3b'/>"
            f"<circle cx='{x:.1f}' cy='{y_of(middle):.1f}' r='3.5' fill='#2f5d50'/>"
            f"<text x='{x:.1f}' y='{TOP + HEIGHT + 16}' text-anchor='middle'>{count:,}</text>"
        )
    parts.append(f"<polyline points='{' '.join(points)}' fill='none' stroke='#2f5d50' stroke-width='2'/>")
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH + LEFT + 40} {HEIGHT + TOP + 40}' role='img' "
        "font-family='sans-serif' font-size='11' fill='#333'>"
        "<title>Processor time of a message in ms, by the number of contacts</title>"
        f"<rect width='100%' height='100%' fill='#fff'/><text x='{LEFT}' y='24'>ms of processor a message</text>"
        f"{''.join(parts)}</svg>\n"
    )
