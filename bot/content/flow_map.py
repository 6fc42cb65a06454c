"""Where the steps of a flow stand on its map: a layered drawing, the same for the same flow. Pure.

Sugiyama's four stages: ways that lead back are turned round, steps get layers (Coffman and Graham: never more than
`WIDTH` in one), each layer is ordered by the middle of its neighbours, and places are evened out (docs/decisions).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from bot.content.flow_links import links_of
from bot.flows import model
from bot.flows.model import Flow
from bot.frozen import dataclass

WIDTH = 4
"""Steps in a layer at most, so that a map is read downwards."""
SWEEPS = 8
BOX_WIDE, BOX_HIGH = 148, 48  # px
GAP, LANE, DROP, EDGE = 20, 10, 44, 24  # px: between boxes, for ways that pass, between layers, around
LONG = 5
"""A way over more layers than these is named where it begins, not drawn."""
FEW = 2
"""A step of another flow that more ways than these lead to is named at each of them, not drawn."""

Way = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A step on the map, in pixels. `far`: it belongs to another flow. `leads` are steps named beside it."""

    target: str
    x: int
    y: int
    far: bool = False
    again: bool = False
    leads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A way on the map: from `start` to `end`, through `points`. `back`: it leads to an earlier step."""

    start: str
    end: str
    points: tuple[tuple[int, int], ...]
    back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    wide: int
    high: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def map_of(flow: Flow) -> Map:
    """The map of a flow: every step once, every way between two of them once."""
    near, far = _ways(flow)
    drawn = {target for target, number in Counter(end for _, end in far).items() if number <= FEW}
    names = [f"{flow.id}/{name}" for name in flow.steps] + [
        target for target in dict.fromkeys(end for _, end in far) if target in drawn
    ]
    ways = [way for way in (*near, *far) if way[0] != way[1] and way[1] in names]
    back = _back(names, ways)
    down = [way for way in ways if way not in back]
    layers = _layers(names, [*down, *((end, start) for start, end in back)])
    long = [way for way in ways if abs(layers[way[1]] - layers[way[0]]) > LONG]
    rows, chains = _with_lanes(layers, [way for way in down if way not in long])
    _order(rows, chains)
    x = _places(rows, chains)
    y = {name: EDGE + at * (BOX_HIGH + DROP) for at, row in enumerate(rows) for name in row}
    again = {start for start, end in near if start == end}
    leads: dict[str, list[str]] = defaultdict(list)
    for start, end in (*long, *(way for way in far if way[1] not in drawn)):
        leads[start].append(end)
    boxes = tuple(
        Box(
            target=name,
            x=x[name],
            y=y[name],
            far=not name.startswith(f"{flow.id}/"),
            again=name in again,
            leads=tuple(leads[name]),
        )
        for name in names
    )
    wide = max(box.x for box in boxes) + BOX_WIDE + 2 * EDGE
    lines = [_line(chain, x, y) for chain in chains]
    lines += [_back_line(start, end, x, y) for start, end in ways if (start, end) in back - {*long}]
    return Map(wide=wide, high=max(y.values()) + BOX_HIGH + EDGE, boxes=boxes, lines=tuple(lines))


def _ways(flow: Flow) -> tuple[list[Way], list[Way]]:
    """The ways between steps of the flow, and those that leave it; each once, in the order of the steps."""
    near: dict[Way, None] = {}
    far: dict[Way, None] = {}
    for name, step in flow.steps.items():
        for link in links_of(name, step):
            to, target = model.resolve(link.target, flow.id)
            if to != flow.id:
                far[f"{flow.id}/{name}", f"{to}/{target}"] = None
            elif target in flow.steps:
                near[f"{flow.id}/{name}", f"{to}/{target}"] = None
    return list(near), list(far)


def _neighbours(ways: Iterable[Way]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    after: dict[str, list[str]] = defaultdict(list)
    before: dict[str, list[str]] = defaultdict(list)
    for start, end in ways:
        after[start].append(end)
        before[end].append(start)
    return after, before


def _back(names: Sequence[str], ways: Sequence[Way]) -> set[Way]:
    """Ways to the first step, and to a step one comes from, as a walk from the first one meets them."""
    after, _ = _neighbours(ways)
    found = {way for way in ways if way[1] == names[0]}
    seen: set[str] = set()
    for root in names:
        walk, onto = [(root, iter(after[root]))] if root not in seen else [], {root}
        seen.add(root)
        while walk:
            here, further = walk[-1]
            step = next(further, None)
            if step is None:
                onto.discard(here)
                walk.pop()
            elif step in onto:
                found.add((here, step))
            elif step not in seen:
                seen.add(step)
                onto.add(step)
                walk.append((step, iter(after[step])))
    return found


def _layers(names: Sequence[str], ways: Sequence[Way]) -> dict[str, int]:
    """A layer for every step, below all it is reached from; the first is that of the step where the flow begins.
    What follows from the newest step is placed first, so that few ways are long."""
    after, before = _neighbours(ways)
    missing = {name: len(before[name]) for name in names}
    ready = [name for name in reversed(names) if not missing[name]]
    layer: dict[str, int] = {}
    filled: Counter[int] = Counter()
    while ready:
        name = ready.pop()
        at = max((layer[one] + 1 for one in before[name]), default=int(name != names[0]))
        while filled[at] >= WIDTH:
            at += 1
        layer[name] = at
        filled[at] += 1
        for further in reversed(after[name]):
            missing[further] -= 1
            if not missing[further]:
                ready.append(further)
    return layer


def _with_lanes(layer: Mapping[str, int], ways: Sequence[Way]) -> tuple[list[list[str]], list[list[str]]]:
    """The layers, with a lane in each that ways to one step pass; and each way as the chain of what it passes."""
    rows: list[list[str]] = [[] for _ in range(max(layer.values()) + 1)]
    for name, at in layer.items():
        rows[at].append(name)
    chains, lanes = [], set[str]()
    for start, end in ways:
        passed = [f"\x00{at} {end}" for at in range(layer[start] + 1, layer[end])]
        for at, lane in enumerate(passed, start=layer[start] + 1):
            if lane not in lanes:
                lanes.add(lane)
                rows[at].append(lane)
        chains.append([start, *passed, end])
    return rows, chains


def _order(rows: list[list[str]], chains: Sequence[Sequence[str]]) -> None:
    """Orders each layer by the mean place of what it is tied to, down and up in turn."""
    after, before = _neighbours(pair for chain in chains for pair in pairwise(chain))
    for sweep in range(SWEEPS):
        tied, ordered = (after, rows[::-1]) if sweep % 2 else (before, rows)
        for above, row in pairwise(ordered):
            place = {name: at / len(above) for at, name in enumerate(above)}
            own = {name: at / len(row) for at, name in enumerate(row)}

            def middle(
                name: str, place: Mapping[str, float] = place, own: Mapping[str, float] = own
            ) -> float:
                met = [place[one] for one in tied[name] if one in place]  # noqa: B023 - used in this round only
                return sum(met) / len(met) if met else own[name]

            row.sort(key=middle)


def _wide(name: str) -> int:
    """How wide a box is with the gap beside it, or a lane, which has none."""
    return LANE if name[0] == "\x00" else BOX_WIDE + GAP


def _places(rows: Sequence[Sequence[str]], chains: Sequence[Sequence[str]]) -> dict[str, int]:
    """Where each stands from the left: near the middle of its neighbours, in order, without touching."""
    after, before = _neighbours(pair for chain in chains for pair in pairwise(chain))
    x: dict[str, float] = {}
    for row in rows:
        at = 0
        for name in row:
            x[name] = at
            at += _wide(name)
    for sweep in range(SWEEPS):
        tied, ordered = (after, rows[::-1]) if sweep % 2 else (before, rows)
        for row in ordered:
            wish = {
                name: sum(x[one] + _wide(one) / 2 for one in tied[name]) / len(tied[name]) - _wide(name) / 2
                if tied[name]
                else x[name]
                for name in row
            }
            x |= _apart(row, wish)
    least = min(x.values())
    return {name: round(at - least) + EDGE for name, at in x.items()}


def _apart(row: Sequence[str], wish: Mapping[str, float]) -> dict[str, float]:
    """Places in order with gaps, as near to the wishes as a push to the right, then half of it back, brings them."""
    placed: dict[str, float] = {}
    free = float("-inf")
    for name in row:
        placed[name] = max(wish[name], free)
        free = placed[name] + _wide(name)
    shift = sum(placed[name] - wish[name] for name in row) / len(row) if row else 0.0
    return {name: at - shift for name, at in placed.items()}


def _line(chain: Sequence[str], x: Mapping[str, int], y: Mapping[str, int]) -> Line:
    start, *lanes, end = chain
    points = [(x[start] + BOX_WIDE // 2, y[start] + BOX_HIGH)]
    for lane in lanes:
        points += [(x[lane] + LANE // 2, y[lane]), (x[lane] + LANE // 2, y[lane] + BOX_HIGH)]
    points.append((x[end] + BOX_WIDE // 2, y[end]))
    return Line(start=start, end=end, points=tuple(points))


def _back_line(start: str, end: str, x: Mapping[str, int], y: Mapping[str, int]) -> Line:
    """From the right side of one box to the right side of the other."""
    points = ((x[start] + BOX_WIDE, y[start] + BOX_HIGH // 2), (x[end] + BOX_WIDE, y[end] + BOX_HIGH // 2))
    return Line(start=start, end=end, points=points, back=True)


def path_of(line: Line) -> str:
    """The line as the path of an SVG: soft between layers, straight where it passes one; a bow where it leads back."""
    (x, y), *rest = line.points
    if line.back:
        ((end_x, end_y),) = rest
        far = max(x, end_x) + EDGE
        return f"M{x} {y}C{far} {y} {far} {end_y} {end_x} {end_y}"
    said = [f"M{x} {y}"]
    for place, (to_x, to_y) in enumerate(rest):
        if place % 2:
            said.append(f"V{to_y}")
        else:
            middle = (y + to_y) // 2
            said.append(f"C{x} {middle} {to_x} {middle} {to_x} {to_y}")
        x, y = to_x, to_y
    return "".join(said)
