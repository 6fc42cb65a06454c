"""What staff note about a person: what was said, observed or guessed, wishes with their source, promises, consent,
decisions of two. Pure.

A guess is never passed on (R-076). A wish keeps its source wherever it is shown (R-048, R-049). Nothing here is a
goal, a grade or a diagnosis (R-005, R-015).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from datetime import date, datetime
from enum import StrEnum

from bot.errors import BadInput, IllegalMove
from bot.frozen import dataclass, replace


class NoteKind(StrEnum):
    SAID = "said"
    OBSERVED = "observed"
    GUESS = "guess"
    WISH = "wish"
    AVOID = "avoid"
    AGREED = "agreed"
    PROMISE = "promise"
    CONSENT = "consent"
    DECISION = "decision"
    CONSULT = "consult"


STAYS = frozenset({NoteKind.GUESS, NoteKind.CONSULT})
"""What never leaves its desk."""
HOLDS = frozenset({NoteKind.WISH, NoteKind.PROMISE, NoteKind.CONSENT, NoteKind.DECISION, NoteKind.CONSULT})
"""What is open until it is settled."""


class Source(StrEnum):
    """Whose words a wish or a consent is."""

    PERSON = "person"
    FAMILY = "family"
    FAMILY_QUOTING = "family_quoting"
    SUPPORTER = "supporter"


MOST = 2_000  # characters of a note
HOW = ("wrote", "tapped", "said")
"""How consent was given. Silence, and words that leave it open, are none (R-066)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """To which desk what may go: `notes` by their numbers, `wishes` with them; `until` when it holds (R-065)."""

    to: str
    how: str
    until: date
    notes: tuple[int, ...] = ()
    wishes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One note. `desks` see it. `owner` and `due_on` are a promise's; `second` is who agreed to a decision.

    A consult's `owner` is the colleague who is asked, and `second_text` what they said to it (R-107).
    `is_open`: a promise still owed, a wish that holds, a decision that waits for the second person.
    """

    number: int = 0
    kind: NoteKind
    text: str = field(repr=False)
    by: str
    at: datetime
    desks: tuple[str, ...] = ()
    source: Source | None = None
    owner: str | None = None
    due_on: date | None = None
    consent: Consent | None = None
    second: str | None = None
    second_text: str = field(default="", repr=False)
    is_open: bool = False


def checked(note: Note) -> Note:
    """The note as it may be kept. Raises BadInput with what is missing."""
    if not note.text.strip():
        raise BadInput("Nothing is written.")
    if len(note.text) > MOST:
        raise BadInput(f"At most {MOST} characters, please.")
    if note.kind is NoteKind.WISH and note.source is None:
        raise BadInput("Whose wish is it? Choose: the person, the family, or a supporter who heard it.")
    if note.kind is NoteKind.PROMISE and (note.owner is None or note.due_on is None):
        raise BadInput("A promise needs a day and who keeps it.")
    if note.kind is NoteKind.CONSENT:
        _check_consent(note)
    return replace(note, text=note.text.strip(), is_open=note.kind in HOLDS)


def _check_consent(note: Note) -> None:
    given = note.consent
    if given is None or not given.to or given.how not in HOW:
        raise BadInput("Consent needs to whom, what, until when, and how it was given.")
    if note.source is not Source.PERSON:
        raise BadInput("Only the person's own words are consent, not what somebody reports of them.")
    if given.until < note.at.date():
        raise BadInput("This consent would be over already.")


def is_valid(note: Note, desk_id: str, today: date) -> bool:
    """Whether a note is consent to hand over to this desk today."""
    given = note.consent
    return note.is_open and given is not None and given.to == desk_id and given.until >= today


def agree(note: Note, by: str, text: str) -> Note:
    """The second person of a decision, with their own reason (R-080). Raises IllegalMove for the same person."""
    if note.kind is not NoteKind.DECISION or not note.is_open:
        raise IllegalMove("There is nothing to decide here.")
    if by == note.by:
        raise IllegalMove("The second person must be another one.")
    if not text.strip():
        raise BadInput("A reason is needed, in a few words.")
    return replace(note, second=by, second_text=text.strip(), is_open=False)


def supersede(note: Note) -> Note:
    """An older wish, a promise that was kept or taken back: it stays, marked as old (R-042)."""
    return replace(note, is_open=False)


def passed_on(notes: Iterable[Note], consent: Consent) -> list[Note]:
    """What goes with this consent: the notes it names, and never a guess or what staff asked each other."""
    return [note for note in notes if note.number in consent.notes and note.kind not in STAYS]


def in_order(notes: Iterable[Note]) -> list[Note]:
    """Wishes that hold first, the newest of the person's own above all others; then the rest, the newest first."""
    return sorted(notes, key=_rank)


def _rank(note: Note) -> tuple[int, int, float]:
    wish = note.kind is NoteKind.WISH and note.is_open
    own = wish and note.source is Source.PERSON
    return (0 if wish else 1, 0 if own else 1, -note.at.timestamp())


def owed(notes: Iterable[Note], staff_id: str) -> list[Note]:
    """The promises somebody still has to keep."""
    return [n for n in notes if n.kind is NoteKind.PROMISE and n.is_open and n.owner == staff_id]


def hand_over_page(
    notes: Sequence[Note], wishes: Sequence[tuple[str, str]]
) -> dict[str, list[tuple[str, str]]]:
    """The page for who goes on (R-111): preferences, words to avoid, arrangements, open promises, consent; and whose
    words each wish is. Pairs of label and text; guesses are left out.
    """
    by_kind = {
        kind: [n for n in notes if n.kind is kind and (n.is_open or kind not in HOLDS)] for kind in NoteKind
    }
    return {
        "preferences": list(wishes),
        "wishes": [(str(note.source), note.text) for note in in_order(by_kind[NoteKind.WISH])],
        "avoid": [("", note.text) for note in by_kind[NoteKind.AVOID]],
        "agreed": [("", note.text) for note in by_kind[NoteKind.AGREED]],
        "promises": [(str(note.due_on), note.text) for note in by_kind[NoteKind.PROMISE]],
        "consent": [
            (str(note.consent.until), note.text) for note in by_kind[NoteKind.CONSENT] if note.consent
        ],
        "said": [("", note.text) for note in by_kind[NoteKind.SAID]],
        "observed": [("", note.text) for note in by_kind[NoteKind.OBSERVED]],
    }
