"""Alerts by the shift table: whoever is on duty is reached first, at an address of their own; nobody is left untold."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot import alerting
from bot.errors import BadInput, Rejected
from bot.handoff.alerts import Alerts
from bot.handoff.escalation import STANDARD
from bot.store import alert_sends, duties, staff
from bot.store.schema import staff_targets
from bot.store.staff import Member
from tests.platforms.mail import a_mail_server
from tests.runtime.support import House
from tests.runtime.test_alerts import MINUTE, Phone

HOUR = timedelta(hours=1)


class Staff:
    """Members with addresses of their own, and what each was told."""

    def __init__(self, house: House, settings: dict[str, Phone] | None = None) -> None:
        self.house, self.phones = house, dict[str, Phone]()
        engawa = house.engawa
        self.alerts = Alerts(
            engawa.database,
            engawa.hub,
            house.clock,
            engawa.operator_id,
            STANDARD,
            settings or {},
            lambda: engawa.library.at_hand,
            "https://engawa.example.jp",
            engawa.sealer,
            self.phones.get,
        )

    async def member(
        self, login: str, shift: tuple[float, float] | None = None, role: str = "counselor", desks: str = "*"
    ) -> Member:
        """Somebody reached at `mailto:LOGIN@x.jp`, on duty between these hours from now."""
        engawa, now = self.house.engawa, self.house.clock.now()
        staff_id = await engawa.database.write(
            lambda c: staff.add(c, engawa.operator_id, login, f"{login}さん", role, None, desks=desks)
        )
        if shift is not None:
            begins, ends = (now + hours * HOUR for hours in shift)
            await engawa.database.write(duties.add, staff_id, begins, ends)
        self.phones[f"mailto:{login}@x.jp"] = Phone()
        member = await engawa.database.read(staff.by_id, engawa.operator_id, staff_id)
        assert member is not None
        await self.alerts.set_own(member, f"{login}@x.jp")
        return member

    def told(self) -> dict[str, int]:
        return {name[7:].partition("@")[0]: len(phone.heard) for name, phone in self.phones.items()}

    async def after(self, minutes: float) -> dict[str, int]:
        self.house.clock.move(minutes * MINUTE)
        await self.alerts.work()
        return self.told()


async def test_who_is_on_duty_then_the_next_then_the_lead_then_the_phone(house: House) -> None:
    """R-080, R-106: by the shift table as it stands; each step in its time, and nobody before theirs."""
    phone = Phone()
    team = Staff(house, {"phone/1": phone})
    await team.member("on", (-1, 5))
    await team.member("later", (8, 12))
    await team.member("soon", (5, 8))
    await team.member("off")
    await team.member("lead", (-1, 5), role="lead", desks="elsewhere")
    await team.member("boss", role="lead")
    await house.waiting("a")
    nobody = dict.fromkeys(team.told(), 0)
    assert await team.after(0) == nobody | {"on": 1}
    assert await team.after(5) == nobody | {"on": 1, "soon": 1}
    assert await team.after(5) == nobody | {"on": 1, "soon": 1, "boss": 1}
    assert len(phone.heard) == 0
    await team.after(10)
    assert len(phone.heard) == 1
    await team.after(15)
    assert len(phone.heard) == 2  # the last step again, until somebody has seen it
    [alert] = await team.alerts.open(await team.member("seen"))
    assert [name for name, _ in alert.told] == ["staff/onさん", "staff/soonさん", "staff/bossさん", "phone/1"]


async def test_nobody_is_left_untold(house: House) -> None:
    """Nobody on duty and nobody coming: the lead at once; no lead either: everybody there is."""
    team = Staff(house)
    await team.member("off")
    await house.waiting("a")
    assert await team.after(0) == {"off": 1}
    other = Staff(house)
    await other.member("boss", role="lead")
    await house.waiting("b")
    assert (await other.after(0))["boss"] == 1


async def test_an_address_that_fails_goes_to_the_next_and_is_shown_by_name(house: House) -> None:
    """What did not arrive leads to the next step at once, is tried again, and stands on the status page with a name."""
    team = Staff(house)
    await team.member("on", (-1, 5))
    await team.member("soon", (5, 8))
    team.phones["mailto:on@x.jp"].error = Rejected("x")
    await house.waiting("a")
    await team.after(0)
    assert await team.after(0.1) == {"on": 0, "soon": 1}
    standing = await team.alerts.standing()
    assert standing.named
    assert standing.not_working == [("staff/onさん", "rejected")]
    team.phones["mailto:on@x.jp"].error = None
    assert (await team.after(0.5))["on"] == 1
    assert (await team.alerts.standing()).not_working == []


async def test_who_leaves_or_takes_the_address_away_is_told_nothing_more(house: House) -> None:
    """The address goes with them, and lay sealed as long as it was there."""
    team = Staff(house)
    on, other = await team.member("on", (-1, 5)), await team.member("other", (-1, 5))
    engawa = house.engawa
    rows = await engawa.database.read(lambda c: c.execute(staff_targets.select()).all())
    assert b"x.jp" not in b"".join(bytes(row.sealed_target) for row in rows)
    assert await team.alerts.own(on) == "mailto:on@x.jp"
    await team.alerts.set_own(on, "")
    await engawa.database.write(staff.disable, other.staff_id, house.clock.now())
    assert await engawa.database.read(lambda c: c.execute(staff_targets.select()).all()) == []
    await house.waiting("a")
    assert await team.after(0) == {"on": 0, "other": 0}


@pytest.mark.parametrize(
    "where", ["https://evil.example", "teams+https://evil.example/x", "a@b\nBcc: c@d", "line:U1", "x", "@"]
)
async def test_no_host_is_taken_from_a_form(house: House, where: str) -> None:
    """Security B33: hosts come from the settings alone; a member names a mailbox, and an account only where allowed."""
    settings = replace(alerting.load({}, []), smtp=None)
    team = Staff(house)
    on = await team.member("on")
    made = Alerts(
        house.engawa.database, house.engawa.hub, house.clock, house.engawa.operator_id, STANDARD, {},
        lambda: None, "", house.engawa.sealer, alerting.personal(settings, {}, house.clock),
    )  # fmt: skip
    with pytest.raises(BadInput):
        await made.set_own(on, where)
    with pytest.raises(BadInput):  # no mail server is set
        await made.set_own(on, "on@example.jp")


async def test_a_mail_reaches_a_member_through_the_server_of_the_settings(house: House) -> None:
    """The whole way: their address, the house's mail server, one mail without a word of the person."""
    problems: list[str] = []
    async with a_mail_server() as server:
        environ = {
            "ENGAWA_SMTP": f"smtp://127.0.0.1:{server.port}",
            "ENGAWA_ALERT_FROM": "engawa@example.jp",
        }
        settings = alerting.load(environ, problems)
        team = Staff(house)
        member = await team.member("on", (-1, 5))
        made = Alerts(
            house.engawa.database, house.engawa.hub, house.clock, house.engawa.operator_id, STANDARD, {},
            lambda: house.engawa.library.at_hand, "https://engawa.example.jp", house.engawa.sealer,
            alerting.personal(settings, {}, house.clock),
        )  # fmt: skip
        await made.set_own(member, "mizuno@example.jp")
        await house.waiting("a")
        await made.work()
        await made.close()
    assert problems == []
    [mail] = server.taken
    assert mail["To"] == "mizuno@example.jp"
    assert "死" not in mail.as_string()
    sent = await house.engawa.database.read(alert_sends.open_ones, house.engawa.operator_id)
    assert [one.told for one in sent] == [[("staff/onさん", True)]]
