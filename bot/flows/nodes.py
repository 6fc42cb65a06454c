"""What entering a step of each kind does. `KINDS` is the registry; a new kind needs a line there and a golden."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from bot.flows import keeping, model
from bot.flows.content import Found, Hit
from bot.flows.effects import (
    Effect,
    ForgetContact,
    Record,
    RequestPerson,
    SetPreference,
    WakeAt,
    WithdrawRequest,
)
from bot.flows.scene import (
    ENTRY,
    GAP,
    LISTED,
    MAX_LISTED,
    Entered,
    Scene,
    at_ease,
    bringing,
    choices_of,
    exits,
    listed_choices,
    page_of,
    spoken,
    wishes_of,
)
from bot.flows.session import Session
from bot.flows.template import fill_all
from bot.frozen import replace
from bot.messages import Reply

__all__ = ["KINDS", "PAUSE", "exits", "wake_after_pause"]

PAUSE = "pause"


def _say(step: model.Say, scene: Scene) -> Entered:
    return Entered(session=scene.session, texts=fill_all(step.say, scene.values), goto=step.to)


def _wait(step: model.Menu | model.Ask, scene: Scene) -> Entered:
    return spoken(step, scene)


def _goto(step: model.Goto, scene: Scene) -> Entered:
    return Entered(session=scene.session, goto=step.to)


def _end(step: model.End, scene: Scene) -> Entered:
    """Where how they are is asked, that is remembered: it is asked once a visit (R-123)."""
    said = replace(spoken(step, scene), ends=True)
    if "at_ease" not in step.when.values() or not at_ease(scene):
        return said
    return replace(said, mine=replace(scene.person.mine, eased_at=scene.now))


def pages_of(found: tuple[Hit, ...], limit: int) -> Iterator[list[Hit]]:
    """Every entry once, best first, each page of at least two kinds where there are (R-092)."""
    left = list(found)
    while left:
        page, left = left[:limit], left[limit:]
        if len(page) > 1 and len({hit.kind for hit in page}) == 1:
            other = next((at for at, hit in enumerate(left) if hit.kind != page[0].kind), None)
            if other is not None:
                page[-1], left[other] = left[other], page[-1]
                left.insert(0, left.pop(other))
        yield page


def _list(step: model.ShowResources | model.ShowEvents, scene: Scene) -> Entered:
    session = scene.session
    found = scene.content.find(step.query, session.answers, scene.now)
    pages = list(pages_of(found.hits, max(1, min(step.query.limit, MAX_LISTED))))
    page = pages[page_of(session) % len(pages)] if pages else []
    session = session.answering(LISTED, " ".join(hit.id for hit in page))
    each = listed_choices(step, session, scene.content)
    texts = fill_all(step.say, scene.values) if page else scene.content.text("nothing_found")
    listed = tuple(Record(count="listed", of=hit.id) for hit in page)
    return Entered(
        session=session,
        texts=found.said + texts,
        cards=tuple(card for hit in page if (card := scene.content.card(hit, scene.now))),
        choices=each + choices_of(step, replace(scene, session=session)),
        effects=listed + _missing(found, session),
    )


def _missing(found: Found, session: Session) -> tuple[Effect, ...]:
    """That nothing fitted, and where and of what kind; once a search, not once a page (R-118)."""
    if page_of(session) or not (found.gap or not found.hits):
        return ()
    where = (Record(count=GAP, of=found.gap),) if found.gap else ()
    return (Record(count="searches_without_entry"), *where)


def _entry(step: model.ShowEntry, scene: Scene) -> Entered:
    card = scene.content.show(scene.session.answers.get(ENTRY, ""), scene.now)
    said = spoken(step, scene)
    if card is None:
        return replace(said, texts=scene.content.text("entry_gone"))
    opened = Record(count="opened", of=scene.session.answers.get(ENTRY, ""))
    return replace(said, cards=(card,), effects=(opened,))


def _handoff(step: model.Handoff, scene: Scene) -> Entered:
    """What was chosen to be handed over goes along; the wishes are kept for another time (R-031)."""
    mine, wishes = scene.person.mine, wishes_of(scene.session)
    brought = bringing(scene.session, scene.person)
    written = tuple(one.seq for one in mine.written) if brought else ()
    request = RequestPerson(reason=step.reason, wishes=wishes, written=written)
    return replace(spoken(step, scene), effects=(request,), mine=replace(mine, wishes=wishes))


def _prefer(step: model.Prefer, scene: Scene) -> Entered:
    until = scene.now + timedelta(days=step.hush_days) if step.hush_days is not None else None
    return replace(spoken(step, scene), effects=(SetPreference(silent=step.silent, hush_until=until),))


def _withdraw(step: model.Withdraw, scene: Scene) -> Entered:
    return replace(spoken(step, scene), effects=(WithdrawRequest(),))


def _forget(_step: model.Forget, scene: Scene) -> Entered:
    receipt = Reply(texts=scene.content.text("erased"))
    return Entered(session=scene.session, effects=(ForgetContact(receipt=receipt),), ends=True)


def wake_after_pause(step: model.Ask, now: datetime) -> WakeAt:
    return WakeAt(reason=PAUSE, at=now + timedelta(seconds=step.pause))


KINDS: dict[type[model.AnyStep], Callable[[Any, Scene], Entered]] = {
    model.Say: _say,
    model.Menu: _wait,
    model.Ask: _wait,
    model.ShowResources: _list,
    model.ShowEvents: _list,
    model.ShowEntry: _entry,
    model.Handoff: _handoff,
    model.Prefer: _prefer,
    model.Withdraw: _withdraw,
    model.Forget: _forget,
    model.Goto: _goto,
    model.End: _end,
    model.Keep: keeping.keep,
    model.Drop: keeping.drop,
    model.ShowSaved: keeping.saved,
    model.Bring: keeping.bring,
    model.Notice: keeping.notice,
    model.Letters: keeping.letters,
    model.Read: keeping.read,
    model.Page: keeping.page,
    model.Count: keeping.count,
    model.Resume: keeping.resume,
}
