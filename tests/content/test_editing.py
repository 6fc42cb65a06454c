"""Editing a flow: whatever is done, it can be read again, nothing else changes, and it can be taken back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject
from msgspec.structs import replace as with_fields

from bot.content import codec, editing
from bot.content.check_flows import flow_issues
from bot.content.editing import CannotEdit
from bot.content.flow_links import Link, Row, arrivals, document_of, links, rows, uses
from bot.content.pack import Pack, entry_words
from bot.content.step_templates import made, templates
from bot.flows import model
from bot.flows.model import Flow
from tests.strategies import labels, packs, seed_pack

TITLES = st.text(max_size=12)


def done(data: DataObject, flow: Flow, published: frozenset[str]) -> Flow:
    """One operation of any sort on any step; a refused one leaves the flow as it was."""
    name = data.draw(st.sampled_from(list(flow.steps)))
    target = data.draw(st.sampled_from([*flow.steps, "F-END/bye"]))
    known = list(flow.steps[name].choices)
    label = data.draw(st.sampled_from(known)) if known else "なし"
    word, place = data.draw(labels), data.draw(st.integers(0, 5))
    template, kind = (
        data.draw(st.sampled_from(list(templates()))),
        data.draw(st.sampled_from(editing.kinds())),
    )
    ways = list(links(flow))
    link = data.draw(st.none() | st.sampled_from(ways)) if ways else None
    fresh = editing.fresh_id(flow, data.draw(st.sampled_from(("step", "a/b", "", name))), published)
    operations = [
        lambda: editing.insert(flow, fresh, made(template, target), after=name, link=link),
        lambda: editing.move(flow, name, place),
        lambda: editing.copy(flow, name, published)[0],
        lambda: editing.remove(flow, name, data.draw(st.sampled_from(("", target)))),
        lambda: editing.rename(flow, name, fresh, published),
        lambda: editing.set_step(flow, name, {"title": word, "say": [word], "save": "x"}),
        lambda: editing.set_step(flow, name, {"to": target}),
        lambda: editing.turn_into(flow, name, str(kind.__struct_config__.tag)),
        lambda: editing.add_choice(flow, name, Row(label=word, target=target), place),
        lambda: editing.remove_choice(flow, name, label),
        lambda: editing.move_choice(flow, name, label, place),
        lambda: editing.rename_choice(flow, name, label, word),
    ]
    try:
        return data.draw(st.sampled_from(operations))()
    except CannotEdit:
        return flow


@settings(max_examples=60)
@given(data=st.data(), pack=packs())
def test_any_operations_leave_a_flow_that_can_be_read_or_issues_that_name_what_is_wrong(
    data: DataObject, pack: Pack
) -> None:
    """Must-show 2: and nobody who stands at a published step finds another one under its id."""
    flow = data.draw(st.sampled_from(list(pack.flows.values())))
    published, before = frozenset(flow.steps), {name: type(step) for name, step in flow.steps.items()}
    gone: set[str] = set()
    for _ in range(data.draw(st.integers(1, 8))):
        flow = done(data, flow, published)
        gone |= published - set(flow.steps)
    assert codec.typed(document_of(flow)) == flow
    assert not gone & set(flow.steps), "an id came back with another step"
    assert set(before) - gone <= set(flow.steps)
    edited = replace(pack, flows={**pack.flows, flow.id: flow}, entries=entry_words(pack.flows))
    broken = {issue.path for issue in flow_issues(edited, ())}
    for link in links(flow):
        flow_id, step = model.resolve(link.target, flow.id)
        if flow_id not in edited.flows or step not in edited.flows[flow_id].steps:
            where = f"choices/{link.label}" if not link.field else link.field
            assert f"flow/{flow.id}/steps/{link.step}/{where}" in broken


@settings(max_examples=60)
@given(data=st.data(), pack=packs())
def test_every_operation_has_one_that_takes_it_back(data: DataObject, pack: Pack) -> None:
    flow = data.draw(st.sampled_from([flow for flow in pack.flows.values() if len(flow.steps) > 1]))
    name = data.draw(st.sampled_from(list(flow.steps)))
    place, order = list(flow.steps).index(name), list(flow.steps)
    step, word = flow.steps[name], data.draw(labels)
    target = data.draw(st.sampled_from(order))

    def same(made_: Flow) -> None:
        assert made_ == flow
        assert list(made_.steps) == order

    same(editing.move(editing.move(flow, name, data.draw(st.integers(0, 9))), name, place))
    same(editing.remove(editing.copy(flow, name)[0], editing.copy(flow, name)[1]))
    same(editing.rename(editing.rename(flow, name, "neu"), "neu", name))
    way = next(links(flow), None)
    if way is not None:
        added = editing.insert(flow, "neu", made("menu", way.target), after=name, link=way)
        assert Link(step=way.step, label=way.label, field=way.field, target="neu") in arrivals(added, "neu")
        same(editing.lead(editing.remove(added, "neu"), way, way.target))
    taken = editing.insert(editing.remove(flow, name), name, step)
    same(editing.move(taken, name, place))
    mended = editing.remove(flow, name, next(one for one in order if one != name))
    assert not arrivals(mended, name)
    same(editing.set_step(editing.set_step(flow, name, {"title": word}), name, {"title": step.title}))
    if word not in step.choices:
        more = editing.add_choice(flow, name, Row(label=word, target=target), 0)
        assert next(iter(more.steps[name].choices)) == word
        same(editing.remove_choice(more, name, word))
    for at, row in enumerate(rows(step)):
        moved = editing.move_choice(flow, name, row.label, data.draw(st.integers(0, 4)))
        assert rows(editing.move_choice(moved, name, row.label, at).steps[name]) == rows(step)
        if word not in step.choices:
            renamed = editing.rename_choice(flow, name, row.label, word)
            same(editing.rename_choice(renamed, name, word, row.label))


@settings(max_examples=60)
@given(pack=packs())
def test_a_rename_mends_every_way_and_no_other(pack: Pack) -> None:
    for flow in pack.flows.values():
        for name in flow.steps:
            renamed = editing.rename(flow, name, "neu")
            assert len(arrivals(renamed, "neu")) == len(arrivals(flow, name))
            assert not arrivals(renamed, name)
            assert ways(flow, name) == ways(renamed, "neu")


def ways(flow: Flow, name: str) -> list[tuple[str, str, tuple[str, str]]]:
    """Every way of a flow, in which the step of this name is called `*`."""

    def called(one: str) -> str:
        return "*" if one == name else one

    found = []
    for link in links(flow):
        flow_id, step = model.resolve(link.target, flow.id)
        found.append(
            (
                called(link.step),
                link.label + link.field,
                (flow_id, called(step) if flow_id == flow.id else step),
            )
        )
    return found


def test_the_shipped_flows_are_the_same_after_being_written_and_read() -> None:
    for document in codec.seed():
        if document.kind == "flow":
            flow = codec.typed(document)
            assert codec.typed(document_of(flow)) == flow


def test_uses_name_every_place_that_leads_to_a_step() -> None:
    found = uses(seed_pack(), "F-SAFE", "card")
    assert "flow/F-START/steps/hello/choices/つらさが強いとき" in found
    assert "texts/safety" in found
    pack = seed_pack()
    without = replace(
        pack, flows={**pack.flows, "F-SAFE": editing.remove(pack.flows["F-SAFE"], "card", "open")}
    )
    broken = {issue.path for issue in flow_issues(without, ())}
    assert {path for path in found if path.startswith("flow/")} <= broken


def test_a_published_step_keeps_its_id_and_an_id_is_never_given_twice() -> None:
    flow = seed_pack().flows["F-MEET"]
    with pytest.raises(CannotEdit):
        editing.rename(flow, "list", "all", published=frozenset(flow.steps))
    with pytest.raises(CannotEdit):
        editing.rename(editing.remove(flow, "list", "online"), "online", "list", published={"list"})
    assert editing.fresh_id(editing.remove(flow, "list"), "list", taken={"list"}) == "list-2"


def test_what_a_flow_does_not_allow_is_refused_with_a_sentence() -> None:
    flow = seed_pack().flows["F-MEET"]
    single = with_fields(flow, steps={"list": flow.steps["list"]})
    for refused in (
        lambda: editing.remove(single, "list"),
        lambda: editing.remove(flow, "list", "F-MEET/list"),
        lambda: editing.remove(flow, "gone"),
        lambda: editing.insert(flow, "list", made("menu", "area")),
        lambda: editing.insert(flow, "a/b", made("menu", "area")),
        lambda: editing.set_step(flow, "list", {"to": "area"}),
        lambda: editing.set_step(flow, "list", {"say": 3}),
        lambda: editing.rename_choice(flow, "kind", "どれでも", "夜や土日"),
        lambda: editing.rename_choice(flow, "kind", "どれでも", " "),
        lambda: editing.turn_into(flow, "kind", "script"),
        lambda: made("script", "list"),
    ):
        with pytest.raises(CannotEdit) as error:
            refused()
        assert str(error.value)


def test_a_template_says_nothing_until_somebody_writes_it() -> None:
    """Nothing that stands there for the moment can be published."""
    pack = seed_pack()
    for template in templates():
        flow = editing.insert(pack.flows["F-MEET"], "neu", made(template, "list"), after="area")
        found = flow_issues(replace(pack, flows={**pack.flows, "F-MEET": flow}), ())
        blocking = [issue.path for issue in found if issue.blocks]
        assert blocking == ["flow/F-MEET/steps/neu/say"]


def test_a_copy_of_a_list_goes_on_to_its_own_next_page() -> None:
    flow, name = editing.copy(seed_pack().flows["F-MEET"], "list")
    assert name == "list-2"
    assert flow.steps[name].choices["ほかのもの"] == name
    assert list(flow.steps).index(name) == list(flow.steps).index("list") + 1
