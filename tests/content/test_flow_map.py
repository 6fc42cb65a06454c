"""The map of a flow: every step once, nothing upon another, and the same map for the same flow."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given

from bot.content.flow_links import links
from bot.content.flow_map import BOX_HIGH, BOX_WIDE, map_of, path_of
from bot.content.pack import Pack
from bot.flows import model
from tests.strategies import packs, seed_pack


def a_long_flow(steps: int) -> model.Flow:
    """A flow of many steps: each leads to a few later ones, some to the first, all to the end of the day."""
    made: dict[str, model.AnyStep] = {}
    for number in range(steps):
        onward = {f"その{way}へ": f"s{number * 2 + way}" for way in (1, 2, 3) if number * 2 + way < steps}
        back = {} if number % 7 else {"はじめにもどる": "s0"}
        made[f"s{number}"] = model.Menu(
            say=("長い流れの場面です。",), choices={**onward, **back, "今日はここまで": "F-END/bye"}
        )
    return model.Flow(id="F-LONG", name="長い流れ", entry=("ながいながれ",), steps=made)


def looked_at(flow: model.Flow) -> None:
    drawn = map_of(flow)
    assert drawn == map_of(flow)
    near = [box for box in drawn.boxes if not box.far]
    assert [box.target for box in near] == [f"{flow.id}/{name}" for name in flow.steps]
    for one, other in combinations(drawn.boxes, 2):
        assert abs(one.x - other.x) >= BOX_WIDE or abs(one.y - other.y) >= BOX_HIGH
    for box in drawn.boxes:
        assert 0 <= box.x <= drawn.wide - BOX_WIDE
        assert 0 <= box.y <= drawn.high - BOX_HIGH
    assert min(near, key=lambda box: (box.y, box.x)).target == flow.first
    shown = {(line.start, line.end) for line in drawn.lines}
    shown |= {(box.target, target) for box in drawn.boxes for target in box.leads}
    shown |= {(box.target, box.target) for box in drawn.boxes if box.again}
    wanted = {
        (f"{flow.id}/{link.step}", "/".join(model.resolve(link.target, flow.id))) for link in links(flow)
    }
    assert shown == {
        (start, end)
        for start, end in wanted
        if not end.startswith(f"{flow.id}/") or end.partition("/")[2] in flow.steps
    }
    for line in drawn.lines:
        assert path_of(line).startswith("M")
        assert line.back or line.points[0][1] < line.points[-1][1], "a way goes down"


@given(pack=packs())
def test_every_step_and_every_way_is_on_the_map_once(pack: Pack) -> None:
    for flow in pack.flows.values():
        looked_at(flow)


def test_the_shipped_flows_have_maps() -> None:
    for flow in seed_pack().flows.values():
        looked_at(flow)


def test_a_flow_of_two_hundred_steps_is_a_map_that_can_be_read() -> None:
    flow = a_long_flow(200)
    looked_at(flow)
    drawn = map_of(flow)
    assert drawn.wide < 4_000
    assert drawn.high < 8_000
