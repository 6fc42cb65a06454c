"""What the buttons of the flow editor do: forms as operations on a flow."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from admin.views.flow_form import form_of_fields, values_of
from admin.words import marked
from bot.content import editing
from bot.content.editing import CannotEdit
from bot.content.flow_links import Link, links_of
from bot.content.step_templates import made
from bot.errors import BadInput
from bot.flows.model import Flow

SAID = (
    marked("There is something to mend first."),
    marked("A flow needs a short name without spaces or slashes."),
    marked("There is a flow of this name already."),
    marked("There is a step of this name already. Choose another name."),
    marked("A step needs a name without slashes."),
    marked("A flow has at most 1000 steps. Begin another one."),
    marked("This choice is not there any more. Look at the step again."),
    marked("A flow needs at least one step. Write another one first."),
    marked("The ways cannot lead to the step that goes. Choose another one."),
    marked("People may stand at this step. Change what it is called, its id stays."),
    marked("There was a step of this name before. Choose another name."),
    marked("There is no such kind of step."),
    marked("Two choices have the same words. Change one of them."),
    marked("A choice has no words. Write some, or take it away."),
    marked("This step is not there any more. Look at the flow again."),
    marked("Somebody else changed this step meanwhile. Both versions are shown."),
    marked("This draft cannot be read. Mend its text first."),
    marked("There is nothing to go back to."),
    marked("A remark has 1 to 500 characters."),
    marked("Somebody else saved this first."),
    marked("Somebody saved this at the same moment."),
    marked("Content is for editors and reviewers."),
    marked("This name cannot be a document's."),
    marked("A document has at most 400,000 characters."),
    marked("The preview is long enough. Begin it again."),
    marked("Write a number there, such as 3."),
    marked("A flow needs a name of at most 40 characters, and has at most 40 words to begin with."),
)
"""Messages of errors of the editor that staff may read."""

MOST_WORDS = 40
"""Entry words of a flow."""


@dataclass
class Deed:
    """A form as one operation. `step` is where the editor looks afterwards, known once it was done."""

    form: Mapping[str, str]
    step: str

    @property
    def name(self) -> str:
        return self.form.get("do", "save").partition(":")[0]

    def __call__(self, flow: Flow, published: Collection[str]) -> Flow:
        """Does it. Raises CannotEdit or BadInput with a sentence for who pressed the button."""
        deed = DEEDS.get(self.name)
        if deed is None:
            raise BadInput("This form cannot be read.")
        if self.name != "flow" and self.step not in flow.steps:
            raise CannotEdit("This step is not there any more. Look at the flow again.")
        return deed(self, flow, published)


def way_of(link: Link) -> str:
    """A way on as the value of an option."""
    return f"f:{link.field}" if link.field else f"c:{link.label}"


def _saved(deed: Deed, flow: Flow, _published: Collection[str]) -> Flow:
    """The step as it stands in the form; `up:2` and `down:2` move a choice."""
    form = form_of_fields(deed.form, flow.steps[deed.step])
    known = list(form.rows)
    name, _, at = deed.form.get("do", "").partition(":")
    if name in ("up", "down") and at.isdecimal() and int(at) < len(known):
        row = known.pop(int(at))
        known.insert(max(0, int(at) + (1 if name == "down" else -1)), row)
    return editing.set_rows(editing.set_step(flow, deed.step, values_of(form)), deed.step, known)


def _inserted(deed: Deed, flow: Flow, published: Collection[str]) -> Flow:
    """A step of a template behind this one; the way that was chosen leads to it, and it goes on where that led."""
    ways = {way_of(link): link for link in links_of(deed.step, flow.steps[deed.step])}
    link = ways.get(deed.form.get("way", ""))
    template, after = deed.form.get("template", ""), list(flow.steps).index(deed.step) + 1
    following = next(iter(list(flow.steps)[after:]), next(iter(flow.steps)))
    step = replace(
        made(template, link.target if link else following), title=deed.form.get("title", "").strip()
    )
    fresh = editing.fresh_id(flow, template, published)
    changed = editing.insert(flow, fresh, step, after=deed.step, link=link)
    deed.step = fresh
    return changed


def _copied(deed: Deed, flow: Flow, published: Collection[str]) -> Flow:
    changed, deed.step = editing.copy(flow, deed.step, published)
    return changed


def _removed(deed: Deed, flow: Flow, _published: Collection[str]) -> Flow:
    changed = editing.remove(flow, deed.step, deed.form.get("instead", ""))
    deed.step = next(iter(changed.steps))
    return changed


def _earlier(deed: Deed, flow: Flow, _published: Collection[str]) -> Flow:
    return editing.move(flow, deed.step, max(0, list(flow.steps).index(deed.step) - 1))


def _later(deed: Deed, flow: Flow, _published: Collection[str]) -> Flow:
    return editing.move(flow, deed.step, list(flow.steps).index(deed.step) + 1)


def _turned(deed: Deed, flow: Flow, _published: Collection[str]) -> Flow:
    return editing.turn_into(flow, deed.step, deed.form.get("kind", ""), next(iter(flow.steps)))


def _renamed(deed: Deed, flow: Flow, published: Collection[str]) -> Flow:
    new = deed.form.get("id", "").strip()
    changed = editing.rename(flow, deed.step, new, published)
    deed.step = new
    return changed


def _named(deed: Deed, flow: Flow, _published: Collection[str]) -> Flow:
    """The flow's own name and the words that lead to it."""
    words = [word.strip() for word in deed.form.get("entry", "").replace(",", "、").split("、")]
    entry = tuple(dict.fromkeys(word for word in words if word))
    name = deed.form.get("name", "").strip()
    if not name or len(name) > MOST_WORDS or len(entry) > MOST_WORDS:
        raise BadInput(
            "A flow needs a name of at most 40 characters, and has at most 40 words to begin with."
        )
    return replace(flow, name=name, entry=entry)


DEEDS: dict[str, Callable[[Deed, Flow, Collection[str]], Flow]] = {
    "save": _saved,
    "up": _saved,
    "down": _saved,
    "insert": _inserted,
    "copy": _copied,
    "remove": _removed,
    "earlier": _earlier,
    "later": _later,
    "kind": _turned,
    "rename": _renamed,
    "flow": _named,
}
