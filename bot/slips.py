"""Links to one-page forms, for small groups without accounts: what they write becomes a draft in review (R-117).

A link needs no table. It names the document, the state it was made for and the editor who stands for it, with a day on
which it ends, under a keyed hash. As soon as anybody keeps a newer state, the group itself or an editor, it is spent.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from bot.content import codec
from bot.content.codec import Document
from bot.content.diff import title_of
from bot.content.export import body_of, text_of
from bot.content.importing import Unfit, told
from bot.content.slip import TEXTS, applied
from bot.errors import BadInput, Conflict, ContentError, NotFound
from bot.frozen import dataclass
from bot.releases import EDITS
from bot.store import staff
from bot.store.sealed import derive
from bot.store.staff import Member
from bot.studio import Studio

LASTS = timedelta(days=14)
MARK = 16  # bytes of the keyed hash
MAX_TOKEN = 600

Named = tuple[str, str, int, str, int]
"""Kind and name of the document, its state, who made the link, and until when (seconds since 1970)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """A form that is open: the document it is about, as it stands."""

    kind: str
    name: str
    title: str
    revision: int
    until: datetime
    member: Member = field(repr=False)
    body: Mapping[str, Any] = field(repr=False)


class Slips:
    """Makes links for editors, and takes in what groups write."""

    def __init__(self, studio: Studio, id_key: bytes, base_url: str = "") -> None:
        self._studio, self._key, self._base = studio, derive(id_key, "slip"), base_url

    async def link(self, member: Member, kind: str, name: str) -> str:
        """A link to a form about a place or series, a path where our own address is not known. Raises NotAllowed,
        NotFound, BadInput."""
        draft = await self._studio.draft(member, kind, name)
        if kind not in TEXTS or draft.removes:
            raise BadInput("There are forms for places and series of dates.")
        until = self._studio.clock.now() + LASTS
        named: Named = (kind, name, draft.revision, member.staff_id, int(until.timestamp()))
        packed = msgspec.msgpack.encode(named)
        token = base64.urlsafe_b64encode(self._mark(packed) + packed).decode().rstrip("=")
        return f"{self._base}/slip/{token}"

    async def open(self, token: str) -> Slip:
        """The form of a link. Raises NotFound for one that is forged, over, or spent."""
        kind, name, revision, staff_id, until = self._named(token)
        ends = datetime.fromtimestamp(until, UTC)
        operator, read = self._studio.operator_id, self._studio.database.read
        member = await read(staff.by_id, operator, staff_id)
        if member is None or member.role not in EDITS or self._studio.clock.now() >= ends:
            raise NotFound
        draft = await self._studio.draft(member, kind, name)
        if draft.revision != revision or draft.removes:
            raise NotFound
        try:
            body = body_of(kind, name, draft.body)
        except ContentError as error:
            raise NotFound from error
        title = title_of(kind, name, body)
        return Slip(
            kind=kind, name=name, title=title, revision=revision, until=ends, member=member, body=body
        )

    async def take(self, token: str, form: Mapping[str, str], source: str) -> None:
        """What a group wrote, as a draft in review in the name of the link's maker. Raises NotFound, and BadInput in
        the group's own words."""
        slip = await self.open(token)
        try:
            body = applied(slip.kind, slip.body, form, source, self._studio.today())
            codec.typed(Document(kind=slip.kind, name=slip.name, body=body))
        except Unfit as problem:
            raise BadInput(told(problem.key, **problem.values)) from problem
        except ContentError as error:
            raise BadInput(error.what) from error
        try:
            saved = await self._studio.save(slip.member, slip.kind, slip.name, text_of(body), slip.revision)
            await self._studio.propose(slip.member, slip.kind, slip.name, saved.revision)
        except Conflict as error:
            raise NotFound from error

    def today(self) -> date:
        """The day in Tokyo."""
        return self._studio.today()

    def _named(self, token: str) -> Named:
        try:
            raw = base64.urlsafe_b64decode(token[:MAX_TOKEN].encode("ascii") + b"==")
            mark, packed = raw[:MARK], raw[MARK:]
            if hmac.compare_digest(mark, self._mark(packed)):
                named: Named = msgspec.msgpack.decode(packed, type=Named)
                return named
        except (ValueError, msgspec.MsgspecError):
            pass
        raise NotFound

    def _mark(self, packed: bytes) -> bytes:
        return hmac.digest(self._key, packed, hashlib.sha256)[:MARK]
