"""Looking after what is told: what to look at again, 変わりなし in one press, and a pause that holds at once."""

from __future__ import annotations

from dataclasses import replace

from bot.content.export import body_of, text_of
from bot.content.freshness import Stale, stale, still_right
from bot.content.gaps import Gaps, gaps, quarter
from bot.drafting import PUBLISHED
from bot.errors import BadInput, Conflict, NotFound
from bot.releases import EDITS, allow
from bot.store import counts
from bot.store.staff import Member
from bot.studio import Studio

PAUSED = "「{name}」を休みにしました"


class Freshness:
    """The board of freshness and gaps, for editors and reviewers."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def stale(self, member: Member) -> list[Stale]:
        """Everything public that is to be looked at."""
        allow(member, EDITS)
        _, documents = await self._studio.latest()
        return stale(documents, self._studio.today())

    async def gaps(self, member: Member) -> Gaps:
        """What people looked for and did not find, in the last quarter that is over (R-118)."""
        allow(member, EDITS)
        first, last = quarter(self._studio.today())
        counted = await self._studio.database.read(
            counts.between, self._studio.operator_id, first, last, "gap"
        )
        return gaps(counted)

    async def still_right(self, member: Member, kind: str, name: str) -> None:
        """Drafts that nothing changed, and sends it to review. Raises Conflict when somebody is writing on it."""
        draft = await self._studio.draft(member, kind, name)
        if draft.state != PUBLISHED:
            raise Conflict("Somebody is writing on this. Open it and keep the day there.")
        if kind == "hotline":
            raise BadInput("A hotline is looked at by two people: open it and write the day.")
        body = still_right(body_of(kind, name, draft.body), self._studio.today())
        saved = await self._studio.save(member, kind, name, text_of(body), draft.revision)
        await self._studio.propose(member, kind, name, saved.revision)

    async def pause(self, member: Member, name: str) -> int:
        """Takes a place out of what is told, at once, as its operator may ask for at any time (R-114).

        A release of its own, without review: less is told by it. Drafts stay. Raises NotFound, Conflict.
        """
        allow(member, EDITS)
        studio = self._studio
        number, public = await studio.latest()
        body = next((one.body for one in public if (one.kind, one.name) == ("resource", name)), None)
        if body is None or body.get("paused"):
            raise NotFound
        wanted = [
            replace(one, body={**one.body, "paused": True}) if one.body is body else one for one in public
        ]
        note = PAUSED.format(name=body.get("name", name))
        return await studio.take(number, public, wanted, note, member.staff_id)
