"""What is told of what we keep: the preview of what is handed over (R-033), and わたしの記録 (R-073). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.flows.content import Content
from bot.flows.mine import Person, Written
from bot.flows.scene import Scene, at_ease, bringing, wishes_of
from bot.flows.session import Session

SEPARATOR = "／"


def own_values(scene: Scene) -> dict[str, str]:
    """The fields only this person's talk can fill; one that does not apply is absent."""
    content, session, person = scene.content, scene.session, scene.person
    own = {"preview": preview(content, session, person), "stored": stored(content, session, person)}
    wishes = wishes_of(session) or person.mine.wishes
    if wishes:
        own["wishes"] = told_wishes(wishes)
    if "waiting" in person.facts:
        own["request_open"] = content.text("request_open")[0]
    if at_ease(scene):
        own["ease_ask"] = content.text("ease_ask")[0]
    return own


def preview(content: Content, session: Session, person: Person) -> str:
    """All that goes to a person when it is handed over now."""
    wishes = wishes_of(session)
    told = [told_wishes(wishes)] if wishes else []
    if bringing(session, person):
        told.append(written(content, person.mine.written))
    return SEPARATOR.join(told) or content.text("preview_empty")[0]


def told_wishes(wishes: tuple[tuple[str, str], ...]) -> str:
    return SEPARATOR.join(f"{name}：{value}" for name, value in wishes)


def written(content: Content, found: tuple[Written, ...]) -> str:
    """How many texts are meant, and how the first and the last begin."""
    heads = [one.head for one in (found[:1] + found[1:][-1:]) if one.head]
    quoted = "".join(content.text("quoted")[0].replace("{head}", head) for head in heads)
    return content.text("preview_written")[0].replace("{n}", str(len(found))).replace("{heads}", quoted)


def stored(content: Content, session: Session, person: Person) -> str:
    """Everything that is kept of this person, in one enumeration."""
    return "、".join((content.text("stored_talk")[0], *_parts(content, session, person)))


def _parts(content: Content, session: Session, person: Person) -> Iterator[str]:
    mine = person.mine
    counted = {
        "stored_wishes": len(wishes_of(session) or mine.wishes),
        "stored_written": len(mine.written),
        "stored_saved": len(mine.saved),
        "stored_notices": len(mine.notices),
    }
    for key, number in counted.items():
        if number:
            yield content.text(key)[0].replace("{n}", str(number))
    if mine.letters:
        yield content.text(f"stored_letters_{mine.letters}")[0]
    for fact in ("silent", "hushed", "waiting"):
        if fact in person.facts:
            yield content.text(f"stored_{fact}")[0]
