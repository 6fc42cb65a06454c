"""`python -m tests.screenshots [folder]`: every page in the table of access at 390 and 1280 px, by day and by night.

Small files: few colours, and only as high as the window. They are for looking at, and for docs/screenshots/.
"""

from __future__ import annotations

import asyncio
import io
import re
import secrets
import sys
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright

from admin.access import ACCESS
from bot.content import practice
from bot.content.export import text_of
from bot.handoff.desk import How
from bot.handoff.notes import Consent, Note, NoteKind, Source
from bot.store import accounts, counts, debriefs, duties, practices, staff
from bot.store.staff import Member
from tests.admin.conftest import House, a_house
from tests.admin.test_side import two_desks
from tests.admin.test_studio_in_browser import KITA, changed
from tests.provision import chromium

FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"
SIZES = {"390": (390, 844), "1280": (1280, 860)}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
COLOURS = 64
TALL = {"components": 3_000}  # one long sheet
EVENING = (
    ("u1", "もう死にたいです"),
    ("u2", "息子に物を投げられて、手にけがをしました"),
)
COUNTED = {
    "handoffs_wished": 86,
    "opened/kita": 412,
    "first_reply/high/10": 12,
    "first_reply/none/45": 30,
    "first_reply/none/10": 6,
    "first_reply/none/240": 6,
    "searches_without_entry": 9,
}
NO_PICTURE = {"GET ", "GET /", "GET /static/{name}", "GET /stream"}
"""No pages, or the queue by another address."""
STAFF = {"mizuno": ("みずの", "counselor"), "oono": ("おおの", "lead"), "tanabe": ("たなべ", "reviewer")}
MORE = {
    "queue-team": ("mizuno", "/queue?group=team"),
    "thread-calm": ("mizuno", "/tickets/{calm}"),
    "thread-side": ("mizuno", "/tickets/{ticket}#about"),
    "thread-waiting": ("mizuno", "/tickets/{waiting}"),
    "notes-consent": ("mizuno", "/tickets/{ticket}/notes?kind=consent"),
    "flow-step": ("tanabe", "/studio/flows/F-MEET?step=list"),
    "problem": ("mizuno", "/tickets/{nobody}"),
}
"""Pages that look otherwise with something chosen."""
PATHS = {
    "/places": "/places?q=の",
    "/practice/{practice}": "/practice/{practised}",
    "/studio/documents/{kind}/{name}": "/studio/documents/resource/kita",
    "/studio/documents/{kind}/{name}/history": "/studio/documents/flow/F-MONEY/history",
    "/studio/flows/{flow}": "/studio/flows/F-MEET",
    "/studio/releases/{number}": "/studio/releases/1",
}
"""What stands in the place of fields, where it is not the id of somebody."""


def shots() -> Iterator[tuple[str, str, str]]:
    """Name, who looks, and path of each picture; the path with fields for ids."""
    for key, roles in ACCESS.items():
        method, _, path = key.partition(" ")
        if method != "GET" or key in NO_PICTURE:
            continue
        looks = next((login for login, (_, role) in STAFF.items() if role in roles), "")
        yield named(path), looks, PATHS.get(path, path)
    for name, (login, path) in MORE.items():
        yield name, login, path


def named(path: str) -> str:
    """A file's name for a page: its words; of a field at the end, `one`."""
    words = path.replace("/tickets/{ticket}", "/thread").removeprefix("/").split("/")
    kept = [word for word in words[:-1] if not word.startswith("{")]
    return "-".join([*kept, "one" if words[-1].startswith("{") else words[-1]])


async def peopled(house: House) -> dict[str, str]:
    """An evening: people who wait, one who is answered; drafts in the studio. Returns what stands in for fields."""
    write, operator = house.engawa.database.write, house.engawa.operator_id
    await write(counts.add, operator, date(2026, 12, 1), COUNTED)
    house.later((45 * 24 + 12) * 60)  # a quarter is over that a report can tell of
    house.engawa.channels["line"] = house.line
    await two_desks(house)
    made = {login: await house.staff(login, name, role) for login, (name, role) in STAFF.items()}
    mizuno, lead, sakurai = made["mizuno"], made["oono"], await house.staff("sakurai", "さくらい")
    await _drafted(house, made["tanabe"])
    for member, begins, ends in ((lead, -2, 3), (mizuno, -1, 5), (sakurai, 1, 5)):
        span = (house.clock.now() + timedelta(hours=hours) for hours in (begins, ends))
        await write(duties.add, member.staff_id, *span)
    for number, how in enumerate(("ゆっくり", "質問は少なめ", "文字だけ")):
        await house.request(f"r{number}", how)
        house.later(6)
    for person, text in EVENING:
        await house.risk(person, text)
        house.later(4)
    await write(debriefs.ask, operator, sakurai.staff_id, house.clock.now())
    other = await house.request("o1")
    await house.engawa.desk.claim(sakurai, other)
    mine = await house.request("m1", "ゆっくり", "文字だけ")
    house.later(3)
    await house.engawa.desk.claim(mizuno, mine)
    await house.engawa.desk.confirm(mizuno, mine)
    await house.engawa.desk.reply(mizuno, mine, "みずのです。読みました。返事はいつでも大丈夫です。", "r1")
    await house.engawa.delivery.work()
    house.later(2)
    for text in ("ありがとうございます。朝がいちばんだめです", "もう死にたいです"):
        await house.hear(house.line.heard("m1", text, at=house.clock.now(), token="t" * 8))
    await _noted(house, mizuno, mine, sakurai.staff_id)
    draft = "朝のこと、読みました。眠れない日が続くときは、早めにほかの窓口も使えます。"
    await house.engawa.desk.save_draft(mizuno, mine, draft)
    calm = await house.request("c1", "質問は少なめ", "文字だけ")
    await house.engawa.desk.claim(mizuno, calm)
    await house.engawa.desk.confirm(mizuno, calm)
    await house.engawa.desk.reply(
        mizuno, calm, "本のこと、あす調べて書きます。", "c1", How(at=house.clock.now() + timedelta(hours=12))
    )
    glass = await house.engawa.desk.break_glass(
        mizuno, other, "担当に連絡がつかず、ご家族から電話がありました"
    )
    await house.engawa.desk.open_glass(lead, glass)
    await house.engawa.alerts.work()
    await house.engawa.retention.look()
    now = house.clock.now()
    marks = {"line": accounts.Marks(received_at=now, sent_at=now, failed_at=now, failure_code="throttled")}
    await write(accounts.note, operator, marks)
    return {
        "practised": await _practised(house, mizuno),
        "ticket": mine,
        "calm": calm,
        "waiting": await house.newest(),
        "nobody": "0" * 32,
        "access": glass,
        "staff": sakurai.staff_id,
        "number": "6",
    }


async def _practised(house: House, member: Member) -> str:
    """A practice that is over, with something to look at."""
    script = house.engawa.library.at_hand.latest.practices["mother"]  # type: ignore[union-attr]
    session = practice.confirm(practice.begin(script))
    for text, heard in (
        ("ここまで支えてこられましたね。", practice.Heard()),
        ("早めに、何歳からか教えてください。", practice.Heard(presses=True)),
    ):
        session = practice.reply(script, session, text, heard)
    over = practice.hand_back(script, session)
    write, sealer = house.engawa.database.write, house.engawa.sealer
    return await write(practices.add, sealer, member, over, house.clock.now())


async def _drafted(house: House, reviewer: Member) -> None:
    """A place somebody wrote down, and a change that waits for a second person."""
    editor = await house.staff("kishi", "きし", "editor")
    await changed(house, editor, "flow", "F-MONEY", name="お金のこと、すこし")
    await house.engawa.studio.save(reviewer, "resource", "kita", text_of(KITA), 0)


async def _noted(house: House, member: Member, ticket: str, colleague: str) -> None:
    """What stands beside the conversation."""
    now, desk = house.clock.now(), house.engawa.desk
    due = (now + timedelta(days=2)).date()
    for note in (
        Note(kind=NoteKind.WISH, text="夜、だれかに読んでもらえたら", source=Source.PERSON, by="", at=now),
        Note(kind=NoteKind.SAID, text="朝がいちばんつらい", by="", at=now),
        Note(kind=NoteKind.OBSERVED, text="22時台に続けて書いている", by="", at=now),
        Note(kind=NoteKind.GUESS, text="眠れていないかもしれない", by="", at=now),
        Note(
            kind=NoteKind.PROMISE,
            text="本のことを調べて書く",
            owner=member.staff_id,
            due_on=due,
            by="",
            at=now,
        ),
        Note(
            kind=NoteKind.CONSENT,
            text="家族の窓口に話していいです",
            source=Source.PERSON,
            consent=Consent(
                to="families", how="wrote", until=due + timedelta(days=28), notes=(2,), wishes=True
            ),
            by="",
            at=now,
        ),
    ):
        await desk.note(member, ticket, note)
    await desk.stand_in(member, ticket, colleague)


async def taken(house: House, browser: Browser, fields: dict[str, str], folder: Path) -> None:
    """Takes all pictures."""
    cookies = {login: await _signed_in(house, login) for login in STAFF}
    for width, (wide, high) in SIZES.items():
        for scheme in SCHEMES:
            context = await browser.new_context(
                base_url=str(house.server.make_url("/")), color_scheme=scheme, locale="ja-JP"
            )
            page = await context.new_page()
            for name, login, path in shots():
                await context.clear_cookies()
                if login:
                    home = str(house.server.make_url("/"))
                    await context.add_cookies(
                        [{"name": "engawa_staff", "value": cookies[login], "url": home}]
                    )
                await page.set_viewport_size({"width": wide, "height": TALL.get(name, high)})
                await _looked_at(page, re.sub(r"\{(\w+)\}", lambda field: fields[field[1]], path), name)
                _keep(await page.screenshot(), folder / f"{name}-{width}-{scheme}.png")
            await context.close()


async def _looked_at(page: Page, path: str, name: str) -> None:
    """Opens it, and does not take a picture of a mistake for one of the page."""
    answer = await page.goto(f"/admin{path}")
    assert answer is not None
    assert answer.ok or name == "problem", f"{path}: {answer.status}"
    wide = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{path} is {wide} px too wide"


async def _signed_in(house: House, login: str) -> str:
    """The cookie of somebody who has just shown who they are."""
    member, token = (
        await house.engawa.database.read(staff.by_login, house.engawa.operator_id, login),
        secrets.token_urlsafe(),
    )
    assert member is not None
    await house.engawa.database.write(staff.begin_session, member.staff_id, token, house.clock.now())
    return token


def _keep(picture: bytes, path: Path) -> None:
    small = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS)
    small.save(path, optimize=True)


async def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    with tempfile.TemporaryDirectory() as scratch:
        async with a_house(f"sqlite:///{scratch}/engawa.sqlite3") as house, async_playwright() as playwright:
            path = chromium.require().path
            browser = await playwright.chromium.launch(**chromium.launch_options(path))
            await taken(house, browser, await peopled(house), folder)
            await browser.close()
    kept = list(folder.glob("*.png"))
    print(f"{len(kept)} pictures, {sum(one.stat().st_size for one in kept) // 1024} kB, in {folder}")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
