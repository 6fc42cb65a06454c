"""Every component of the console on one page, with the contrast its colours have. No person's word is on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from aiohttp import web

from admin.guard import session_of
from admin.views import times
from admin.views.lines import Fold, Piece, Shown
from admin.views.pages import SHARED, Pages
from admin.views.writing import Remark
from admin.words import Words, marked, words_of
from bot.clock import Clock
from bot.handoff.risk import Level
from bot.messages import Card, CardDate

TEXT, EDGE = 4.5, 3.0  # WCAG 2.2, 1.4.3 and 1.4.11
SURFACES = ("paper", "sheet", "sunk", "ai-wash", "wood-wash", "moss-wash", "kincha-wash", "suou-wash")
PAIRS: tuple[tuple[str, str, float], ...] = (
    *((ink, surface, TEXT) for ink in ("ink", "ink-2", "ink-3") for surface in SURFACES),
    *(("ai", surface, TEXT) for surface in ("paper", "sheet", "sunk", "ai-wash", "wood-wash")),
    *(("wood", surface, TEXT) for surface in ("paper", "sheet")),
    *(
        (name, surface, TEXT)
        for name in ("moss", "kincha", "suou")
        for surface in ("paper", "sheet", f"{name}-wash")
    ),
    ("act-ink", "act", TEXT),
    ("suou-ink", "suou-solid", TEXT),
    *(("line", surface, EDGE) for surface in ("paper", "sheet", "sunk", "ai-wash", "wood-wash")),
    *(("focus", surface, EDGE) for surface in SURFACES),
    *((bar, "paper", EDGE) for bar in ("bar", "bar-2")),
)
"""What stands on what, and how much contrast it needs at least."""

SIZES = (("xs", 13), ("s", 14), ("m", 16), ("l", 18), ("xl", 22), ("xxl", 28))
SAMPLE = marked("A sample line, as a person might write it.")


class Components:
    """The page of components."""

    def __init__(self, pages: Pages, clock: Clock) -> None:
        self._pages, self._clock = pages, clock

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/components", self.show)]

    async def show(self, request: web.Request) -> web.Response:
        t, now = words_of(request), self._clock.now()
        line = Shown(seq=1, side="them", who="北窓の栞", at=times.moment(t, now, now), exact=times.exact(now))
        return self._pages.render(
            request,
            "components.html",
            session_of(request),
            colours=[name for name in themes()["light"] if name not in ("bar", "bar-2")],
            pairs=measured(),
            sizes=SIZES,
            levels=[Level.EMERGENCY, Level.HIGH, Level.CONCERN],
            talk=samples(t, line),
            remark=Remark(word="早めに", said=t("can be heard as something else than you mean.")),
        )


def samples(t: Words, line: Shown) -> list[Shown | Fold]:
    """Each kind of line a thread can have."""
    said = t(SAMPLE)
    card = Card(
        kind="place",
        title="茶の間 みどり台",
        date=CardDate(month=12, day=5, weekday="土"),
        facts=(("ようす", "小さめ"),),
        unknown=("段差",),
        unknown_label="未確認",
    )
    bot = replace(line, seq=2, side="bot", who=t("Automatic guide"), paragraphs=(said,))
    staff = replace(line, seq=4, side="staff", who="みずの", paragraphs=(said,))
    hit = ((Piece(text="……"), Piece(text=said, hit=True)),)
    rule = (("S-WISH", t("wish to die")),)
    return [
        Fold(
            seq=2,
            at=line.at,
            exact=line.exact,
            begins=said,
            lines=(bot, replace(bot, seq=3, cards=(card,))),
        ),
        replace(line, seq=5, paragraphs=(said,), marked=hit, rules=rule, covered=True),
        replace(line, seq=6, paragraphs=(said,), marked=hit, rules=rule),
        replace(
            line,
            seq=7,
            side="mark",
            who="",
            wood=True,
            paragraphs=(t("{name} took this conversation. The automatic guide is silent", name="みずの"),),
        ),
        replace(staff, seq=8, delivery=t("Sent as a reply (free)")),
        replace(staff, seq=9, delivery=t("Waiting its turn"), silent=True),
        replace(
            staff,
            seq=10,
            delivery=t("Not delivered. {reason}.", reason=t("Receiving is paused on their side")),
        ),
    ]


@cache
def themes() -> Mapping[str, Mapping[str, str]]:
    """The colours of the style sheet by name, by day and by night."""
    source = (SHARED / "tokens.css").read_text("utf-8")
    day, _, rest = source.partition("@media (prefers-color-scheme: dark)")
    night = rest.partition(':root[data-theme="dark"]')[0]
    found = {
        name: dict(re.findall(r"--([a-z0-9-]+):\s*(#[0-9a-f]{6})", css))
        for name, css in (("light", day), ("dark", night))
    }
    return {"light": found["light"], "dark": {**found["light"], **found["dark"]}}


def contrast(one: str, other: str) -> float:
    """The contrast of two colours by WCAG 2.2: 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@cache
def measured() -> tuple[tuple[str, str, float, float, float], ...]:
    """Each pair with what it needs, and what it has by day and by night."""
    day, night = themes()["light"], themes()["dark"]
    return tuple(
        (ink, on, least, contrast(day[ink], day[on]), contrast(night[ink], night[on]))
        for ink, on, least in PAIRS
    )
