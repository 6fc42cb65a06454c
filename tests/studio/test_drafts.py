"""Drafts: nobody loses what they wrote, and nothing of it is public."""

from __future__ import annotations

import pytest

from bot.content.export import body_of
from bot.drafting import DraftConflict
from bot.errors import BadInput, NotAllowed, NotFound, TooLarge
from bot.studio import MAX_BODY
from tests.studio.office import FLOW, Office


class TestDrafts:
    async def test_what_nobody_writes_on_is_what_is_public(self, office: Office) -> None:
        """The words of the latest release, to be saved on top of."""
        draft = await office.draft(FLOW)
        assert (draft.state, draft.base_release, draft.by) == ("published", 1, "")
        assert body_of(*FLOW, draft.body) == await office.said(FLOW, 1)
        with pytest.raises(NotFound):
            await office.draft(("flow", "F-NOWHERE"))

    async def test_a_draft_changes_nothing_that_is_public(self, office: Office) -> None:
        """Saved, listed, read again; the release stays as it is."""
        saved = await office.write(FLOW, name="お金のこと")
        draft = await office.draft(FLOW, "tanabe")
        assert (draft.revision, draft.by, draft.state) == (saved.revision, "oono", "drafted")
        row = next(
            row for row in await office.studio.documents(office["oono"], "flow") if row.name == FLOW[1]
        )
        assert (row.title, row.state, row.by, row.blocking) == ("お金のこと", "drafted", "oono", 0)
        released = await office.engawa.database.read(office.engawa.library.released)
        assert (released.number, released.latest.flows[FLOW[1]].name != "お金のこと") == (1, True)

    async def test_two_who_write_lose_nothing(self, office: Office) -> None:
        """The second to save sees all three states, keeps what they wrote, and can save on top."""
        mine, theirs = await office.draft(FLOW), await office.draft(FLOW, "tanabe")
        first = await office.studio.save(office["tanabe"], *FLOW, theirs.body + "\n", theirs.revision)
        with pytest.raises(DraftConflict) as caught:
            await office.studio.save(office["oono"], *FLOW, mine.body + "# mine\n", mine.revision)
        conflict = caught.value
        assert (conflict.mine, conflict.base) == (mine.body + "# mine\n", mine.body)
        assert (conflict.theirs.body, conflict.theirs.revision) == (theirs.body + "\n", first.revision)
        again = await office.draft(FLOW)
        assert again.aside == conflict.mine
        assert (await office.draft(FLOW, "tanabe")).aside == ""
        await office.studio.save(office["oono"], *FLOW, conflict.mine, again.revision)
        assert (await office.draft(FLOW)).aside == ""

    async def test_a_number_is_never_used_twice(self, office: Office) -> None:
        """Who opened the page before a draft was put away, or published, does not write over what came after."""
        stale = (await office.write(FLOW, name="一")).revision
        await office.studio.put_away(office["oono"], *FLOW, stale)
        assert (await office.draft(FLOW)).state == "published"
        later = await office.write(FLOW, "tanabe", name="二")
        assert later.revision > stale
        with pytest.raises(DraftConflict):
            await office.studio.save(office["oono"], *FLOW, "id: F-MONEY", stale)
        await office.studio.propose(office["tanabe"], *FLOW, later.revision)
        await office.publish()
        assert (await office.draft(FLOW)).revision == later.revision
        assert (await office.write(FLOW, name="三")).revision > later.revision

    async def test_what_is_no_document_is_kept_and_told(self, office: Office) -> None:
        """Broken words are saved as they are; what is wrong with them says where."""
        draft = await office.draft(FLOW)
        saved = await office.studio.save(office["oono"], *FLOW, "id: [", draft.revision)
        assert saved.blocks
        assert saved.issues[0].path.startswith("flow/F-MONEY")
        assert (await office.draft(FLOW)).body == "id: ["
        saved = await office.studio.save(office["oono"], *FLOW, "id: F-OTHER", saved.revision)
        assert "F-MONEY" in saved.issues[0].message
        for kind, name, body, error in (
            ("flow", "F-X", "a" * (MAX_BODY + 1), TooLarge),
            ("flow", "F-X", "\x00", BadInput),
            ("flow", "F/X", "", BadInput),
            ("flow", "x" * 65, "", BadInput),
            ("flows", "F-X", "", BadInput),
            ("texts", "other", "", BadInput),
        ):
            with pytest.raises(error):
                await office.studio.save(office["oono"], kind, name, body, 0)

    async def test_roles(self, office: Office) -> None:
        """Content is for editors and reviewers; publishing for reviewers."""
        for login in ("mizuno", "lead"):
            with pytest.raises(NotAllowed):
                await office.studio.documents(office[login])
            with pytest.raises(NotAllowed):
                await office.studio.save(office[login], *FLOW, "", 1)
        with pytest.raises(NotAllowed):
            await office.studio.publish(office["oono"])
        with pytest.raises(NotAllowed):
            await office.studio.roll_back(office["oono"], 1)
