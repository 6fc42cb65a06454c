"""Alerts in the console: what is open, who could not be told, and that somebody has seen it."""

from __future__ import annotations

from datetime import timedelta

from bot.errors import Unreachable
from bot.handoff.alerts import Alerts, by_step
from bot.store import duties, staff
from tests.admin.conftest import House


class Duty:
    """Somebody on duty who cannot be reached while `down`."""

    def __init__(self) -> None:
        self.down = False

    async def tell(self, subject: str, text: str) -> None:
        if self.down:
            raise Unreachable

    async def close(self) -> None:
        """Nothing is open."""


def on_duty(house: House) -> Duty:
    """Names somebody at the desk."""
    duty, alerts = Duty(), house.engawa.alerts
    assert isinstance(alerts, Alerts)
    alerts._bearers = {"desk/1": duty}
    alerts.targets = by_step(alerts._bearers)
    return duty


async def test_an_open_alert_tells_its_level_and_who_was_told_but_no_words(house: House) -> None:
    """R-080: staff see that somebody waits, how urgent it is and who knows of it."""
    on_duty(house)
    ticket = await house.risk("u1", "もう死にたい canary")
    await house.engawa.alerts.work()
    browser = await house.signed_in()
    await browser.get("/admin/alerts")
    assert "1つのお知らせがあります。" in browser.text
    for said in ("高い", "待っている人を、まだ誰も受け取っていません", "窓口 1 に知らせました"):
        assert said in browser.text
    assert f"/admin/tickets/{ticket}" in browser.page
    assert "canary" not in browser.page


async def test_seen_by_one_is_seen_by_all(house: House) -> None:
    await house.risk("u1")
    await house.engawa.alerts.work()
    browser = await house.signed_in()
    await browser.get("/admin/alerts")
    assert "ここにだけ出ています" in browser.text
    [one] = await house.engawa.alerts.open(await house.staff("extra", "よび"))
    await browser.post(f"/admin/alerts/{one.alert_id}/acknowledge")
    assert browser.status == 200
    other = await house.signed_in("sakurai", "さくらい")
    await other.get("/admin/alerts")
    assert "みずの が見ています" in other.text
    await other.post(f"/admin/alerts/{'0' * 32}/acknowledge")
    assert other.status == 404


async def test_an_alert_that_reached_nobody_stands_on_the_status_line(house: House) -> None:
    """What could not be told is itself told, until it can be: on the queue, too."""
    duty = on_duty(house)
    duty.down = True
    await house.risk("u1")
    await house.engawa.alerts.work()
    browser = await house.signed_in()
    for path in ("/admin", "/admin/alerts"):
        await browser.get(path)
        assert "1つの知らせが、誰にも届いていません。" in browser.text
        assert "窓口 1 への知らせが、いま届いていません。" in browser.text
    assert "窓口 1 に届いていません" in browser.text
    duty.down = False
    house.clock.move(timedelta(seconds=15))
    await house.engawa.alerts.work()
    await browser.get("/admin")
    assert "届いていません。" not in browser.text


async def test_an_editor_sees_no_alerts(house: House) -> None:
    await house.staff("hen", "へん", "editor")
    browser = house.browser()
    await browser.sign_in("hen")
    await browser.get("/admin/alerts")
    assert browser.status == 403


async def test_a_member_on_duty_is_told_at_their_own_address_and_its_failure_is_on_the_status_page(
    house: House,
) -> None:
    """R-080, R-106: they enter it in their settings; whom telling fails stands on the status page by name, and the
    address on no other page."""
    duty, alerts = Duty(), house.engawa.alerts
    alerts._personal = lambda where: duty if where == "mailto:mizuno@example.jp" else None
    browser = await house.signed_in()
    await browser.get("/admin/settings")
    await browser.post("/admin/settings/alerts", {"where": "https://evil.example"})
    assert (browser.status, "そこへは知らせを送れません" in browser.text) == (400, True)
    assert 'value="https://evil.example"' in browser.page
    await browser.post("/admin/settings/alerts", {"where": "mizuno@example.jp"})
    assert (browser.status, 'value="mizuno@example.jp"' in browser.page) == (200, True)
    now, operator = house.clock.now(), house.engawa.operator_id
    [member] = await house.engawa.database.read(staff.members, operator)
    await house.engawa.database.write(duties.add, member.staff_id, now, now + timedelta(hours=4))
    duty.down = True
    await house.risk("u1")
    await alerts.work()
    lead = await house.signed_in("oono", "おおの", "lead")
    await lead.get("/admin/status")
    assert "みずの への知らせが、いま届いていません。" in lead.text
    for page in ("/admin/status", "/admin/alerts", "/admin/members", "/admin"):
        await lead.get(page)
        assert "mizuno@example.jp" not in lead.page
    duty.down = False
    house.later(1)
    await alerts.work()
    await lead.get("/admin/alerts")
    assert "みずの に知らせました" in lead.text
