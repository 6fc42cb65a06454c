"""The report as a page."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import Connection

from bot.store import counts
from tests.admin.conftest import Browser, House


@pytest.fixture
async def reader(house: House) -> Browser:
    """A lead in the next quarter, after one in which something was counted."""
    counted = {
        "handoffs_wished": 86,
        "opened/kita": 412,
        "entered/F-FIND": 500,
        "claimed/high": 20,
        "first_reply/high/10": 12,
        "first_reply/high/20": 3,
        "first_reply/emergency/3": 2,
        "searches_without_entry": 3,
    }
    await house.engawa.database.write(_count, house.engawa.operator_id, date(2026, 12, 1), counted)
    house.clock.move(timedelta(days=60))
    return await house.signed_in("oono", "おおの", "lead")


def _count(connection: Connection, operator_id: str, day: date, counted: dict[str, int]) -> None:
    counts.add(connection, operator_id, day, counted)


async def test_a_quarter_is_told_in_sentences_and_quiet_charts(house: House, reader: Browser) -> None:
    """R-121: the measures; R-124: what is under five is said to be so."""
    await reader.get("/admin/report?period=2026-Q4")
    for said in (
        "2026年 10月から12月のまとめ",
        "案内がひらかれた数は 412以上、人と話すことが選ばれた数は 86以上 です。",
        "居場所",
        "10分",
        "5未満",
        "就職、復学、診断、「解決」の数はありません。",
    ):
        assert said in reader.text
    assert reader.page.count("<svg") == 2
    assert "style=" not in reader.page
    assert not re.search(r"\b[23]\b", re.findall(r"(?s)<section><h2>さがして.*?</section>", reader.page)[0])


async def test_periods_lead_to_each_other(house: House, reader: Browser) -> None:
    await reader.get("/admin/report")
    assert "2026年 10月から12月のまとめ" in reader.text
    links = set(re.findall(r"/admin/report\?period=([\w-]+)", reader.page))
    assert {"2026-Q3", "2026-Q4"} <= links
    assert "2027-Q1" not in links
    for odd, status in (("2027-Q1", 400), ("2026-W1", 404), ("2020", 400)):
        await reader.get(f"/admin/report?period={odd}")
        assert reader.status == status
    await reader.get("/admin/report?period=2026-12&lang=en")
    assert reader.status == 200


async def test_reports_are_for_leads_and_editors(house: House) -> None:
    """R-109: no counselor is shown numbers of the work."""
    browser = await house.signed_in()
    await browser.get("/admin/report")
    assert browser.status == 403
