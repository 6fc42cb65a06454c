"""The design system: contrast measured from the tokens, motion, and a page that shows every component."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from admin.views import components
from admin.views.pages import SHARED
from tests.admin.conftest import House

STYLES = [
    SHARED / "tokens.css",
    Path(components.__file__).parents[1] / "static" / "console.css",
]


@pytest.mark.parametrize(
    ("ink", "on", "least", "day", "night"),
    components.measured(),
    ids=[f"{ink} on {on}" for ink, on, *_ in components.measured()],
)
def test_each_pair_has_its_contrast_by_day_and_by_night(
    ink: str, on: str, least: float, day: float, night: float
) -> None:
    assert min(day, night) >= least, f"{ink} on {on}: {day:.2f} by day, {night:.2f} by night"


def test_contrast_is_what_the_guidelines_say() -> None:
    """WCAG 2.2: black on white is 21, and the order does not matter."""
    assert components.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert components.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert components.contrast("#ffffff", "#777777") == components.contrast("#777777", "#ffffff")


def test_nothing_moves_longer_than_150_ms_and_nothing_by_itself() -> None:
    found = ""
    for style in STYLES:
        css = style.read_text("utf-8")
        found += css
        assert "@keyframes" not in css
        assert "animation" not in css
        for milliseconds in re.findall(r"(\d+)ms", css):
            assert int(milliseconds) <= 150
    assert "prefers-reduced-motion: reduce" in found
    assert not re.search(r"https?:|@import|url\(", found)


async def test_the_page_shows_every_component_and_asks_nobody_else(house: House) -> None:
    browser = await house.signed_in()
    await browser.get("/admin/components")
    assert browser.status == 200
    css = STYLES[1].read_text("utf-8")
    for name in components.themes()["light"]:
        assert name.startswith("bar") or f'class="sw sw-{name}"' in browser.page
        assert name.startswith("bar") or f".sw-{name} {{" in css
    for part in (
        "btn act",
        "btn plain",
        "btn life",
        "field",
        "tabs",
        "note look",
        "cover",
        "fold",
        "hint",
        "en",
    ):
        assert re.search(rf'class="{part}\b', browser.page), part
    assert "style=" not in browser.page
    assert not re.search(r'(?:src|href)="(?!/|#)', browser.page)
