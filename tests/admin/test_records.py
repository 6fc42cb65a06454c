"""The audit in the console: for leads, in words, with filters; and looking at it is noted."""

from __future__ import annotations

from tests.admin.conftest import House


async def test_a_lead_sees_who_read_and_wrote_and_what_for(house: House) -> None:
    """R-077: visible to the lead, without a word of the thread."""
    ticket = await house.risk("u1", "もう死にたい canary")
    counselor = await house.signed_in()
    await counselor.get(f"/admin/tickets/{ticket}")
    await counselor.post(f"/admin/tickets/{ticket}/claim")
    await counselor.post(f"/admin/tickets/{ticket}/reply", {"text": "読みました。"})
    lead = await house.signed_in("oono", "おおの", "lead")
    await lead.get("/admin/records")
    for said in ("みずの", "受け取りました", "書きました", "待っている人", "受け持っている会話", "おおの"):
        assert said in lead.text
    assert "この記録を見ました" in lead.text
    assert "canary" not in lead.page
    everything = lead.page.count('<tr id="e-')
    await lead.get("/admin/records?action=reply&login=mizuno&purpose=care")
    assert lead.page.count('<tr id="e-') == 1 < everything
    day = house.clock.now().date().isoformat()
    await lead.get(f"/admin/records?day={day}")
    assert lead.page.count('<tr id="e-') > everything
    await lead.get("/admin/records?day=2020-01-01")
    assert "こうした記録はありません。" in lead.text
    for odd in ("day=soon", "purpose=curiosity", "login=%00"):
        await lead.get(f"/admin/records?{odd}")
        assert lead.status == 404
    await lead.get("/admin/records?login=%22%3E<script>")
    assert lead.status == 200
    assert "<script>" not in lead.page


async def test_counselors_do_not_watch_each_other(house: House) -> None:
    """R-109: the records are for leads."""
    browser = await house.signed_in()
    assert "/admin/records" not in browser.page
    await browser.get("/admin/records")
    assert browser.status == 403
