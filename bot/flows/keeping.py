"""Steps about what is the person's own: what they put away, wrote, wished to be told of, and read. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from bot.flows import model, reminders
from bot.flows.content import Content, Readable
from bot.flows.effects import CancelWake, Effect, EraseWords, Record, WakeAt
from bot.flows.scene import (
    ARTICLE,
    BRING,
    ENTRY,
    LISTED,
    MAX_LISTED,
    NO_MATCH,
    OFFSET,
    Entered,
    Scene,
    choices_of,
    listed_choices,
    page_of,
    spoken,
    wishes_of,
)
from bot.flows.template import fill_all
from bot.handoff.hours import DAYS, TOKYO


def keep(step: model.Keep, scene: Scene) -> Entered:
    mine, session = scene.person.mine, scene.session
    if step.what == "written":
        mine = replace(mine, written=tuple(replace(one, kept=True) for one in mine.written))
    elif step.what == "wishes":
        mine = replace(mine, wishes=wishes_of(session))
    else:
        mine = mine.saving(session.answers.get(ENTRY, ""))
    return replace(spoken(step, scene), mine=mine)


def drop(step: model.Drop, scene: Scene) -> Entered:
    session, mine = scene.session, scene.person.mine
    left = mine.without(step.what, session.answers.get(ENTRY, ""))
    effects: tuple[Effect, ...] = ()
    if step.what == "written" and mine.written:
        effects = (EraseWords(seqs=tuple(one.seq for one in mine.written)),)
    elif step.what == "notices":
        effects = (CancelWake(reason=reminders.NOTICE),)
    elif step.what == "subscriptions":
        effects = (CancelWake(reason=reminders.NOTICE), CancelWake(reason=reminders.LETTER))
    elif step.what == "letters":
        effects = (CancelWake(reason=reminders.LETTER),)
    elif step.what == "wishes":
        for name, _ in wishes_of(session):
            session = session.without(name)
    after = replace(scene, session=session, person=replace(scene.person, mine=left))
    return replace(spoken(step, after), effects=effects, mine=left)


def saved(step: model.ShowSaved, scene: Scene) -> Entered:
    session, content = scene.session, scene.content
    newest = scene.person.mine.saved[::-1]
    known = [(one, card) for one in newest if (card := content.show(one, scene.now)) is not None]
    pages = [known[at : at + MAX_LISTED] for at in range(0, len(known), MAX_LISTED)]
    page = pages[page_of(session) % len(pages)] if pages else []
    session = session.answering(LISTED, " ".join(one for one, _ in page))
    here = replace(scene, session=session)
    return Entered(
        session=session,
        texts=fill_all(step.say, scene.values) if page else content.text("nothing_saved"),
        cards=tuple(card for _, card in page),
        choices=listed_choices(step, session, content) + choices_of(step, here),
    )


def bring(step: model.Bring, scene: Scene) -> Entered:
    session = scene.session.answering(BRING, "written") if step.written else scene.session.without(BRING)
    return Entered(session=session, texts=fill_all(step.say, scene.values), goto=step.to)


def notice(step: model.Notice, scene: Scene) -> Entered:
    """Says what was agreed on: a day, that the date is looked out for, or that it is too near."""
    content, mine, entry = scene.content, scene.person.mine, scene.session.answers.get(ENTRY, "")
    said = spoken(step, scene)
    if not entry or content.show(entry, scene.now) is None:
        return replace(said, texts=content.text("entry_gone"))
    day = content.next_day(entry, scene.now)
    notice = reminders.planned(entry, step.days, day, scene.now)
    if notice is None:
        return replace(said, texts=content.text("notice_near"))
    mine = mine.noticing(notice)
    told = content.text("notice_set" if day else "notice_waits")
    when = spell_day(content, notice.due.astimezone(TOKYO).date())
    said = spoken(step, replace(scene, person=replace(scene.person, mine=mine)))
    due = reminders.first_due(mine.notices) or notice.due
    return replace(
        said,
        texts=tuple(text.replace("{day}", when) for text in told) + said.texts,
        effects=(WakeAt(reason=reminders.NOTICE, at=due), Record(count="notices_wished")),
        mine=mine,
    )


def spell_day(content: Content, day: date) -> str:
    form = content.text("day")[0]
    for name, value in (("month", day.month), ("day", day.day), ("weekday", DAYS[day.weekday()])):
        form = form.replace("{" + name + "}", str(value))
    return form


def letters(step: model.Letters, scene: Scene) -> Entered:
    mine = replace(scene.person.mine, letters=step.every)
    due = reminders.next_letter(mine, scene.now)
    effects = (WakeAt(reason=reminders.LETTER, at=due),) if due else ()
    said = spoken(step, replace(scene, person=replace(scene.person, mine=mine)))
    return replace(said, effects=(*effects, Record(count="letters_wished")), mine=mine)


def read(step: model.Read, scene: Scene) -> Entered:
    session, content = scene.session, scene.content
    found: tuple[Readable, ...] = content.articles(step.topic)
    pages = [found[at : at + MAX_LISTED] for at in range(0, len(found), MAX_LISTED)]
    page = pages[page_of(session) % len(pages)] if pages else ()
    session = session.answering(LISTED, " ".join(one.id for one in page))
    here = replace(scene, session=session)
    return Entered(
        session=session,
        texts=fill_all(step.say, scene.values) if page else content.text("nothing_to_read"),
        choices=listed_choices(step, session, content) + choices_of(step, here),
    )


def page(step: model.Page, scene: Scene) -> Entered:
    """One page is one bubble; after the last one the first comes again."""
    article = scene.content.article(scene.session.answers.get(ARTICLE, ""))
    said = spoken(step, scene)
    if article is None:
        return replace(said, texts=scene.content.text("entry_gone"))
    at = page_of(scene.session) % len(article.pages)
    opened = (Record(count="read", of=article.id),) if at == 0 else ()
    return replace(said, texts=(article.pages[at], *said.texts), effects=opened)


def count(step: model.Count, scene: Scene) -> Entered:
    texts = fill_all(step.say, scene.values)
    return Entered(session=scene.session, texts=texts, goto=step.to, effects=_counted(step.name, scene))


def _counted(name: str, scene: Scene) -> tuple[Effect, ...]:
    """The count; of what fits nobody, besides where and of what kind (R-118)."""
    if name != NO_MATCH:
        return (Record(count=name),)
    return Record(count=name), Record(count=name, of=scene.content.missing(scene.session.answers))


def resume(step: model.Resume, scene: Scene) -> Entered:
    """Where they were before this flow; the places passed in between are not gone through again."""
    session, content = scene.session, scene.content
    texts = fill_all(step.say, scene.values)
    for at in range(len(session.trail) - 1, -1, -1):
        flow, name = model.resolve(session.trail[at], "")
        found = content.flows(session.release).get(flow)
        place = found.steps.get(name) if found and flow != session.flow else None
        if place is None or not isinstance(place, model.PLACES):
            continue
        back, target = replace(session, trail=session.trail[:at]), f"{flow}/{name}"
        if step.answered:  # what is listed there is another list now
            back = back.without(OFFSET)
            if isinstance(place, model.Ask) and place.save in session.answers:
                target = "/".join(model.resolve(place.to, flow))
        return Entered(session=back, texts=texts, goto=target)
    return Entered(session=session, texts=texts, goto=content.text("start")[0])
