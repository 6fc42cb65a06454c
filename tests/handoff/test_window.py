"""A sentence split over bubbles is scanned as one, and the short way to nothing finds nothing only where nothing is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from bot.handoff.risk.window import Bubble, scan, with_one_more
from tests.strategies import seed_pack

RULES = seed_pack().rules
NOW = datetime(2026, 11, 21, 22, tzinfo=UTC)
SAID = [text for rule in RULES.rules for text in (*rule.hits, *rule.misses) if 4 < len(text) < 60]

halves = st.sampled_from(SAID).flatmap(
    lambda text: st.integers(1, len(text) - 1).map(lambda at: (text[:at], text[at:]))
)
noise = st.text(alphabet="死にたいしニタぁィーー〜。、 　☆タヒﾀﾋカ゛ﾞは1ww", max_size=12)


def scanned_twice(before: str, text: str) -> set[str]:
    """What a scan of the text and one of both together find, less what the first bubble said by itself."""
    alone = {hit.rule for hit in RULES.scan(text)}
    return alone | (
        {hit.rule for hit in RULES.scan(f"{before} {text}")} - {hit.rule for hit in RULES.scan(before)}
    )


@given(st.one_of(halves, st.tuples(noise, noise)))
@example(("もう し", "にたい"))
@example(("し", "ーにたい"))
@example(("歹", "ヒにたい"))
def test_two_bubbles_are_scanned_as_one_text_and_each_alone(parts: tuple[str, str]) -> None:
    before, text = parts
    recent = with_one_more((), before, NOW)
    found = {hit.rule for hit in scan(RULES, recent, text, NOW + timedelta(seconds=20))}
    expected = (
        scanned_twice(before, text) if before.strip() and text.strip() else {h.rule for h in RULES.scan(text)}
    )
    assert found == expected


def test_after_two_minutes_a_text_stands_by_itself() -> None:
    recent = (Bubble(at=NOW, text="もう し"),)
    assert scan(RULES, recent, "にたい", NOW + timedelta(seconds=30))
    assert not scan(RULES, recent, "にたい", NOW + timedelta(minutes=3))
