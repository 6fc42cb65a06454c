"""The fields of the kinds of document that have a form, in the words of the console."""

from __future__ import annotations

from typing import Any

from admin.views.studio_desk import DESK
from admin.views.studio_shapes import AUDIENCE, NAME, Field, Section
from admin.words import marked
from bot.content.areas import NATIONWIDE, areas
from bot.content.check_places import VOCABULARY, WORDS

PREFECTURES = (*(area.name for area in areas().values() if area.is_prefecture), NATIONWIDE)
OWNER = Field(path="owner", label=marked("Who keeps it fresh"), hint=marked("A login, such as tanabe"))
SOURCE = (
    Field(path="source.title", label=marked("Where it was seen"), required=True),
    Field(path="source.seen_in_source", label=marked("When it was seen there"), required=True),
    Field(path="source.checked_on", label=marked("Checked with them on"), shape="date"),
    Field(path="source.recheck_by", label=marked("Look at it again by"), shape="date"),
)
WHERE = (
    Field(path="prefecture", label=marked("Prefecture"), shape="choice", options=PREFECTURES, required=True),
    Field(path="municipality", label=marked("City, town or village")),
)

PLACE = (
    Section(
        id="about",
        title=marked("What it is like"),
        fields=(
            NAME,
            Field(
                path="kind",
                label=marked("Kind"),
                shape="choice",
                options=VOCABULARY["kind"],
                group="kind",
                required=True,
            ),
            *WHERE,
            AUDIENCE,
            Field(path="summary", label=marked("In one sentence"), shape="text", most=120, required=True),
            Field(path="atmosphere", label=marked("What it is like inside"), shape="text", most=120),
            Field(path="not_needed", label=marked("What need not be done"), shape="text", most=120),
        ),
    ),
    Section(
        id="senses",
        title=marked("What one feels there"),
        fields=(
            Field(path="senses.people", label=marked("How many people")),
            Field(path="senses.noise", label=marked("Noise")),
            Field(path="senses.light", label=marked("Light")),
            Field(path="senses.silence_is_fine", label=marked("Silence is fine"), shape="tri"),
            Field(path="senses.introduction", label=marked("One introduces oneself"), shape="tri"),
            Field(path="senses.leave_midway", label=marked("One may leave midway"), shape="tri"),
            Field(path="senses.watch_only", label=marked("Watching only is fine"), shape="tri"),
            Field(path="needs.face", label=marked("The face has to be shown"), shape="tri"),
            Field(path="needs.voice", label=marked("One has to speak"), shape="tri"),
            Field(path="needs.name", label=marked("A name has to be said"), shape="tri"),
        ),
    ),
    Section(
        id="conditions",
        title=marked("Conditions"),
        fields=(
            Field(path="age.least", label=marked("From which age"), shape="number"),
            Field(path="age.most", label=marked("To which age"), shape="number"),
            Field(
                path="residence.rule",
                label=marked("Who may come, by where they live"),
                shape="choice",
                options=("unknown", *VOCABULARY["residence"]),
                group="residence",
                required=True,
            ),
            Field(path="condition", label=marked("Their own condition, in their words")),
            Field(path="anonymity", label=marked("Whether a name is asked for")),
            Field(path="cost", label=marked("Cost")),
            Field(path="reservation", label=marked("Booking")),
            Field(
                path="ways",
                label=marked("How one gets in touch"),
                shape="many",
                options=VOCABULARY["way"],
                group="way",
            ),
            Field(path="hours", label=marked("Hours, in words")),
            Field(path="venue", label=marked("Where it is")),
            Field(path="station", label=marked("How to get there")),
            Field(path="bring", label=marked("What to bring")),
        ),
    ),
    Section(id="schedule", title=marked("Dates")),
    Section(
        id="steps",
        title=marked("Smaller ways in"),
        fields=(
            Field(path="smaller_steps", label=marked("A smaller way in"), shape="text", most=120),
            Field(path="interests", label=marked("Interests"), shape="many", options=WORDS["interests"]),
            Field(path="intake", label=marked("How many they take now")),
        ),
    ),
    Section(
        id="source",
        title=marked("Source and agreement"),
        fields=(
            *SOURCE,
            OWNER,
            Field(
                path="agreement",
                label=marked("Their agreement to be listed"),
                shape="choice",
                options=WORDS["agreement"],
                group="agreement",
                required=True,
            ),
            Field(path="url", label=marked("Page")),
            Field(path="phone", label=marked("Telephone")),
            Field(path="mail", label=marked("Mail")),
            Field(
                path="status",
                label=marked("How it is now"),
                shape="choice",
                options=WORDS["status"],
                group="status",
                required=True,
            ),
        ),
    ),
)
SERIES = (
    Section(
        id="about",
        title=marked("What it is like"),
        fields=(
            NAME,
            Field(path="summary", label=marked("In one sentence"), shape="text", most=120),
            *WHERE,
            AUDIENCE,
            Field(path="venue", label=marked("Where it is")),
            Field(path="directions", label=marked("How to get there")),
            Field(path="online", label=marked("One can take part online"), shape="tri"),
            Field(path="cost", label=marked("Cost")),
            Field(path="reservation", label=marked("Booking")),
            Field(path="contact", label=marked("Whom to ask")),
            Field(path="url", label=marked("Page")),
        ),
    ),
    Section(id="schedule", title=marked("Dates")),
    Section(id="source", title=marked("Source and agreement"), fields=SOURCE),
)
HOTLINE = (
    Section(
        id="about",
        title=marked("The line"),
        fields=(
            NAME,
            Field(path="number", label=marked("Number or address"), required=True),
            Field(path="about", label=marked("What it is for"), shape="text", most=120, required=True),
            Field(path="hours", label=marked("Hours, in words")),
            Field(path="charge", label=marked("Charge")),
            Field(path="limits", label=marked("Who may use it")),
            Field(path="url", label=marked("Page")),
            Field(path="source", label=marked("Where it was seen")),
            Field(path="checked_until", label=marked("Surely right until"), shape="date"),
        ),
    ),
)
ARTICLE = (
    Section(
        id="about",
        title=marked("To read"),
        fields=(
            Field(path="title", label=marked("Title"), most=20, required=True),
            Field(path="topics", label=marked("Topics, one a line"), shape="lines"),
            AUDIENCE,
            Field(
                path="pages",
                label=marked("Pages"),
                shape="pages",
                most=120,
                hint=marked("An empty line begins the next page."),
                required=True,
            ),
            Field(path="url", label=marked("Page")),
        ),
    ),
)
LETTER = (
    Section(
        id="about",
        title=marked("The letter"),
        fields=(Field(path="text", label=marked("Words"), shape="text", most=120, required=True),),
    ),
)
CORRECTION = (
    Section(
        id="about",
        title=marked("The correction"),
        fields=(Field(path="text", label=marked("Words"), shape="text", most=120, required=True),),
    ),
)
FORMS: dict[str, tuple[Section, ...]] = {
    "resource": PLACE,
    "event_series": SERIES,
    "hotline": HOTLINE,
    "article": ARTICLE,
    "letter": LETTER,
    "correction": CORRECTION,
    "desk": DESK,
}
"""Kinds with a form; others are written as they are stored."""

NEW: dict[str, dict[str, Any]] = {
    "resource": {
        "name": "",
        "kind": "ibasho",
        "prefecture": "",
        "summary": "",
        "source": {"title": "", "seen_in_source": ""},
    },
    "event_series": {
        "name": "",
        "schedule": {"kind": "roughly"},
        "source": {"title": "", "seen_in_source": ""},
    },
    "hotline": {"name": "", "number": "", "about": ""},
    "article": {"title": "", "pages": []},
    "letter": {"months": [], "text": ""},
    "desk": {"name": "", "shifts": []},
}
"""What a new document of a kind begins with; others begin empty."""
