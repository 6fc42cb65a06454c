"""Quiet charts as SVG: one ink, direct labels, hatch for the earlier year. Colours are those of the style sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from bot.frozen import dataclass

LABEL = 140
BAR = 250
ROW = 40
WAIT_ROW = 36


@dataclass(frozen=True, slots=True)
class Bar:
    """`words` stand for the number where it is not told."""

    label: str
    number: int
    words: str
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A median within its band, in minutes; None where too few waited."""

    label: str
    words: str
    band: str = ""
    median: int | None = None
    low: int | None = None
    high: int | None = None


def bars(rows: Sequence[Bar], title: str) -> str:
    """Bars from one line, the earlier year below each, hatched."""
    most = max([1, *(row.number for row in rows), *(row.before or 0 for row in rows)])
    parts = []
    for place, row in enumerate(rows):
        y = place * ROW + 4
        parts.append(f'<text x="0" y="{y + 13}" class="ch-l">{escape(row.label)}</text>')
        parts.append(
            f'<rect x="{LABEL}" y="{y}" width="{_long(row.number, most)}" height="13" class="ch-b"/>'
        )
        end = LABEL + _long(row.number, most) + 8
        parts.append(f'<text x="{end}" y="{y + 12}" class="ch-v">{escape(row.words)}</text>')
        if row.before is not None:
            parts.append(
                f'<rect x="{LABEL}" y="{y + 16}" width="{_long(row.before, most)}" height="8" class="ch-p"'
                ' fill="url(#hatch)"/>'
            )
            end = LABEL + _long(row.before, most) + 8
            parts.append(f'<text x="{end}" y="{y + 25}" class="ch-q">{row.before}</text>')
    height = max(1, len(rows)) * ROW
    return _svg(f"{_line(height)}{''.join(parts)}", height, title)


def spans(rows: Sequence[Span], title: str) -> str:
    """Medians as strokes on their bands, on a scale of doublings: minutes and hours both have room."""
    parts = []
    for place, row in enumerate(rows):
        y = place * WAIT_ROW + 18
        parts.append(f'<text x="0" y="{y + 5}" class="ch-l">{escape(row.label)}</text>')
        end = LABEL
        if row.median is not None:
            low, high = _at(row.low or row.median), _at(row.high or row.median)
            parts.append(f'<path d="M{low} {y}H{high}" class="ch-w"/>')
            parts.append(f'<path d="M{_at(row.median)} {y - 6}v12" class="ch-m"/>')
            end = high
        band = f'<tspan dx="10" class="ch-q">{escape(row.band)}</tspan>' if row.band else ""
        parts.append(f'<text x="{end + 10}" y="{y + 5}" class="ch-v">{escape(row.words)}{band}</text>')
    height = max(1, len(rows)) * WAIT_ROW
    return _svg(f"{_line(height)}{''.join(parts)}", height, title)


def _long(number: int, most: int) -> int:
    return round(number / most * BAR)


def _at(minutes: int) -> int:
    """Where so many minutes lie: a minute at the line, two days at the end."""
    return LABEL + round(math.log2(max(1, minutes)) / math.log2(2880) * (BAR - 40))


def _line(height: int) -> str:
    return f'<path d="M{LABEL} 0V{height}" class="ch-a"/>'


def _svg(inside: str, height: int, title: str) -> str:
    hatch = (
        '<defs><pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse"'
        ' patternTransform="rotate(45)"><path d="M0 0V4" class="ch-h"/></pattern></defs>'
    )
    return (
        f'<svg viewBox="0 0 470 {height}" width="470" height="{height}" role="img"'
        f' aria-label="{escape(title, quote=True)}" class="chart">{hatch}{inside}</svg>'
    )
