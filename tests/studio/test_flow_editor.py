"""The flow editor's service, on both databases: everybody's steps are kept, and drafts are seen by nobody else."""

from __future__ import annotations

import pytest

from bot.content import editing
from bot.content.export import body_of, text_of
from bot.content.flow_links import links_of
from bot.errors import BadInput, Conflict, NotAllowed, NotFound
from bot.flow_editor import FlowEditor, Operation, StepConflict, fingerprint
from bot.flows.model import Flow
from tests.studio.office import Office

FLOW = ("flow", "F-MONEY")


def saying(step: str, text: str) -> Operation:
    """An operation that lets a step say something."""
    return lambda flow, _published: editing.set_step(flow, step, {"say": [text]})


async def flow_of(office: Office) -> Flow:
    opened = await office.engawa.flow_editor.open(office["oono"], FLOW[1])
    assert opened.flow is not None
    return opened.flow


async def test_steps_of_two_editors_are_both_kept_and_one_step_is_fought_over_by_nobody(
    office: Office,
) -> None:
    editor: FlowEditor = office.engawa.flow_editor
    flow = await flow_of(office)
    seen = {name: fingerprint(step) for name, step in flow.steps.items()}
    await editor.change(
        office["oono"], "F-MONEY", saying("menu", "ひとつめ。"), step="menu", seen=seen["menu"]
    )
    await editor.change(
        office["tanabe"], "F-MONEY", saying("places", "ふたつめ。"), step="places", seen=seen["places"]
    )
    with pytest.raises(StepConflict):
        await editor.change(
            office["mori"], "F-MONEY", saying("menu", "みっつめ。"), step="menu", seen=seen["menu"]
        )
    flow = await flow_of(office)
    assert (flow.steps["menu"].say, flow.steps["places"].say) == (("ひとつめ。",), ("ふたつめ。",))


async def test_the_last_change_is_taken_back_and_only_while_it_is_the_last(office: Office) -> None:
    editor = office.engawa.flow_editor
    before = await flow_of(office)
    saved = await editor.change(office["oono"], "F-MONEY", saying("menu", "ひとつめ。"))
    await editor.undo(office["oono"], "F-MONEY", saved.revision)
    assert await flow_of(office) == before
    with pytest.raises(Conflict):
        await editor.undo(office["oono"], "F-MONEY", saved.revision)


async def test_checks_and_previews_see_every_draft_and_people_see_none(office: Office) -> None:
    editor = office.engawa.flow_editor
    new = editing.new_flow("F-NEW", "新しい流れ", (await flow_of(office)).steps["menu"])
    await editor.begin(office["oono"], new)
    draft = await office.draft(("service", "service"))
    body = body_of("service", "service", draft.body) | {"name": "かりの案内所"}
    await office.studio.save(office["oono"], "service", "service", text_of(body), draft.revision)
    await editor.change(office["oono"], "F-MONEY", to_new)
    opened = await editor.open(office["tanabe"], "F-MONEY")
    assert not [issue for issue in opened.issues if issue.blocks]
    assert opened.pack.service.name == "かりの案内所"
    assert "F-NEW" in opened.pack.flows
    public = await office.engawa.database.read(office.engawa.library.released)
    assert "F-NEW" not in public.latest.flows
    assert public.latest.service.name != "かりの案内所"
    with pytest.raises(Conflict):
        await editor.begin(office["tanabe"], new)


def to_new(flow: Flow, _published: object) -> Flow:
    """The first choice of the menu leads to a flow that is only drafted."""
    return editing.lead(flow, next(links_of("menu", flow.steps["menu"])), "F-NEW/menu")


async def test_drafts_that_do_not_go_together_leave_what_is_public_to_play(office: Office) -> None:
    draft = await office.draft(("texts", "texts"))
    body = body_of("texts", "texts", draft.body)
    texts = {key: said for key, said in body["texts"].items() if key != "start"}
    await office.studio.save(
        office["oono"], "texts", "texts", text_of({**body, "texts": texts}), draft.revision
    )
    opened = await office.engawa.flow_editor.open(office["oono"], "F-MONEY")
    assert opened.content.text("start") == ("F-START/hello",)


async def test_what_was_public_keeps_its_id(office: Office) -> None:
    opened = await office.engawa.flow_editor.open(office["oono"], "F-MONEY")
    assert opened.published >= {"menu", "places"}
    with pytest.raises(BadInput):
        await office.engawa.flow_editor.change(
            office["oono"],
            "F-MONEY",
            lambda flow, published: editing.rename(flow, "places", "rooms", published),
        )


async def test_a_flow_with_something_to_mend_is_not_sent_to_review(office: Office) -> None:
    editor = office.engawa.flow_editor
    saved = await editor.change(office["oono"], "F-MONEY", saying("menu", "長" * 121))
    with pytest.raises(BadInput):
        await editor.propose(office["oono"], "F-MONEY", saved.revision)
    saved = await editor.change(office["oono"], "F-MONEY", saying("menu", "みじかい。"))
    await editor.propose(office["oono"], "F-MONEY", saved.revision)
    assert (await office.draft(FLOW)).state == "proposed"


async def test_remarks_stay_until_they_are_settled_and_leave_no_words(office: Office) -> None:
    editor = office.engawa.flow_editor
    await editor.remark(office["sakurai"], "F-MONEY", "menu", " ここを見たいです。 ")
    await editor.remark(office["oono"], "F-MONEY", "places", "わかりました。")
    found = (await editor.open(office["oono"], "F-MONEY")).remarks
    assert [(one.part, one.by, one.body) for one in found] == [
        ("menu", "sakurai", "ここを見たいです。"),
        ("places", "oono", "わかりました。"),
    ]
    await editor.settle(office["oono"], "F-MONEY", found[0].number)
    assert [one.part for one in (await editor.open(office["oono"], "F-MONEY")).remarks] == ["places"]
    for text, step in (("", "menu"), ("a" * 501, "menu"), ("a", "gone")):
        with pytest.raises(BadInput):
            await editor.remark(office["oono"], "F-MONEY", step, text)


async def test_nobody_else_comes_in(office: Office) -> None:
    editor = office.engawa.flow_editor
    for login in ("mizuno", "lead"):
        for call in (
            editor.flows(office[login]),
            editor.open(office[login], "F-MONEY"),
            editor.change(office[login], "F-MONEY", saying("menu", "だめ。")),
            editor.remark(office[login], "F-MONEY", "menu", "だめ。"),
            editor.settle(office[login], "F-MONEY", 1),
            editor.undo(office[login], "F-MONEY", 1),
            editor.propose(office[login], "F-MONEY", 1),
        ):
            with pytest.raises(NotAllowed):
                await call
    with pytest.raises(NotFound):
        await editor.open(office["oono"], "F-GONE")
