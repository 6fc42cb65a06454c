"""Releases made of drafts: reviewed, planned, rolled back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.content.export import body_of
from bot.drafting import NotReady
from bot.errors import BadInput, Conflict, NotAllowed, NotFound
from bot.store import releasing
from tests.studio.office import FLOW, LINE, TEXT, Office


class TestReleases:
    async def test_only_what_was_sent_to_review_is_published(self, office: Office) -> None:
        """The other draft stays one; the release holds everything else as it was, with who and why."""
        await office.propose(FLOW, name="お金のこと")
        await office.write(("flow", "F-HOME"), name="家のこと")
        assert await office.publish("名前をかえました") == 2
        assert (await office.said(FLOW, 2))["name"] == "お金のこと"
        assert await office.said(("flow", "F-HOME"), 2) == await office.said(("flow", "F-HOME"), 1)
        assert [row.state for row in await office.studio.documents(office["oono"], "flow") if row.by] == [
            "drafted"
        ]
        newest = (await office.studio.releases(office["oono"]))[0]
        assert (newest.number, newest.note, newest.by) == (2, "名前をかえました", "sakurai")
        assert newest.digest == releasing.digest(await office.documents(2))
        with pytest.raises(BadInput):
            await office.publish()

    async def test_what_blocks_is_not_published(self, office: Office) -> None:
        """Every issue is told; the release stays."""
        await office.propose(FLOW, first="nowhere")
        with pytest.raises(NotReady) as caught:
            await office.publish()
        assert any(issue.path.startswith("flow/F-MONEY") for issue in caught.value.issues)
        assert len(await office.studio.releases(office["oono"])) == 1

    async def test_saving_takes_it_out_of_review(self, office: Office) -> None:
        """What was proposed is what is published, not what was written after."""
        await office.propose(FLOW, name="一")
        await office.write(FLOW, name="二")
        with pytest.raises(BadInput):
            await office.publish()

    async def test_hotlines_and_safety_need_a_second_person(self, office: Office) -> None:
        """R-079: not who wrote or proposed it; and the line says who stands for it, whatever was written there."""
        revision = await office.propose(LINE, "mori", approved_by="someone", checked_until="2027-03-31")
        with pytest.raises(NotReady) as caught:
            await office.publish()
        assert [item.draft.name for item in caught.value.waiting] == ["yorisoi"]
        with pytest.raises(NotAllowed):
            await office.studio.approve(office["mori"], *LINE, revision)
        with pytest.raises(NotAllowed):
            await office.studio.approve(office["oono"], *LINE, revision)
        await office.studio.approve(office["sakurai"], *LINE, revision)
        number = await office.publish()
        line = await office.said(LINE, number)
        assert (line["proposed_by"], line["approved_by"]) == ("mori", "sakurai")
        history = await office.studio.history(office["oono"], *LINE)
        assert [(one.release, one.by, one.approved_by) for one in history] == [
            (2, "mori", "sakurai"),
            (1, "", ""),
        ]

    async def test_safety_texts_need_a_second_person(self, office: Office) -> None:
        """A named text of safety and a flow with a card do; another text of the same document does not."""
        body = await office.said(TEXT, 1)
        texts = body["texts"]
        assert isinstance(texts, dict)
        await office.propose(TEXT, texts={**texts, "later": ["ここに置いておきます。"]})
        await office.propose(("flow", "F-SAFE"), name="かわりました")
        ready = await office.studio.ready(office["oono"])
        assert {item.draft.name: item.two for item in ready.items} == {"texts": False, "F-SAFE": True}
        assert not ready.may
        await office.propose(TEXT, texts={**texts, "risk_handed": ["人にも渡しました。"]})
        assert all(item.two for item in (await office.studio.ready(office["oono"])).items)

    async def test_going_back_restores_exactly(self, office: Office) -> None:
        """The bytes of the older release, as a new one; a draft of meanwhile has to be looked at again."""
        await office.propose(FLOW, name="二")
        await office.publish()
        open_one = await office.propose(FLOW, name="三")
        assert await office.studio.roll_back(office["sakurai"], 1) == 3
        assert await office.documents(3) == await office.documents(1)
        rows = await office.studio.releases(office["oono"])
        assert rows[0].digest == rows[2].digest != rows[1].digest
        with pytest.raises(NotReady) as caught:
            await office.publish()
        assert [item.draft.revision for item in caught.value.overtaken] == [open_one]
        for number in (0, 3, 9):
            with pytest.raises(NotFound):
                await office.studio.roll_back(office["sakurai"], number)
        ((key, _, changed),) = await office.studio.compare(office["oono"], 1, 2)
        assert (key, [one.after for one in changed]) == (FLOW, ["二"])

    async def test_a_document_goes_and_comes_back(self, office: Office) -> None:
        """Removing is a draft like any other; what must be there cannot go."""
        draft = await office.draft(
            ("article", first := (await office.studio.documents(office["oono"], "article"))[0].name)
        )
        saved = await office.studio.remove(office["oono"], "article", first, draft.revision)
        await office.studio.propose(office["oono"], "article", first, saved.revision)
        ready = await office.studio.ready(office["oono"])
        assert "消しました" in ready.items[0].changes[0].title
        if ready.may:
            number = await office.publish()
            assert ("article", first) not in {
                (kind, name) for kind, name, _ in await office.documents(number)
            }
        with pytest.raises(NotAllowed):
            await office.studio.remove(office["oono"], "texts", "texts", 1)

    async def test_published_at_a_time(self, office: Office) -> None:
        """The clockwork publishes what was sent then, not what was written after; once."""
        await office.propose(FLOW, name="二")
        due = office.clock.now() + timedelta(hours=3)
        assert await office.studio.publish(office["sakurai"], "夜に", due) == 2
        await office.write(FLOW, "tanabe", name="三")
        await office.studio.look()
        assert len(await office.studio.releases(office["oono"])) == 1
        office.clock.move(timedelta(hours=3))
        await office.studio.look()
        await office.studio.look()
        assert (await office.said(FLOW, 2))["name"] == "二"
        assert len(await office.studio.releases(office["oono"])) == 2
        still = await office.draft(FLOW)
        assert (still.state, body_of(*FLOW, still.body)["name"]) == ("drafted", "三")
        await office.studio.propose(office["tanabe"], *FLOW, still.revision)
        assert await office.publish() == 3

    async def test_a_plan_that_cannot_be_published_says_so(self, office: Office) -> None:
        """It is not tried for ever, and not forgotten."""
        revision = await office.propose(FLOW, name="二")
        at = office.clock.now() + timedelta(hours=1)
        await office.studio.publish(office["sakurai"], "", at)
        await office.studio.put_away(office["oono"], *FLOW, revision)
        office.clock.move(timedelta(hours=2))
        await office.studio.look()
        planned = (await office.studio.ready(office["sakurai"])).planned
        assert planned is not None
        assert planned.problem == "not_ready"
        await office.studio.call_off(office["sakurai"])
        assert (await office.studio.ready(office["sakurai"])).planned is None
        with pytest.raises(BadInput):
            await office.studio.publish(office["sakurai"], "", office.clock.now())

    async def test_approving_what_moved_on(self, office: Office) -> None:
        """Neither an older state nor what nobody sent to review is approved."""
        first = await office.write(FLOW, name="一")
        with pytest.raises(Conflict):
            await office.studio.approve(office["sakurai"], *FLOW, first.revision)
        await office.write(FLOW, name="二")
        with pytest.raises(Conflict):
            await office.studio.propose(office["oono"], *FLOW, first.revision)
