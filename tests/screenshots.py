"""`python -m tests.screenshots [folder]`: every page of the console at 390 and 1280 px, by day and by night.

Small files: few colours, and only as high as the window. They are for looking at, and for docs/screenshots/.
"""

from __future__ import annotations

import asyncio
import io
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, async_playwright

from bot.handoff.desk import How
from bot.handoff.notes import Note, NoteKind, Source
from bot.store import duties
from bot.store.staff import Member
from tests.admin.conftest import House, a_house, enter
from tests.provision import chromium

FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"
SIZES = {"390": (390, 844), "1280": (1280, 860)}
COLOURS = 64
OF_LEADS = ("board", "shifts", "members", "status", "records")
EVENING = (
    ("u1", "もう死にたいです"),
    ("u2", "息子に物を投げられて、手にけがをしました"),
)


async def peopled(house: House) -> dict[str, str]:
    """An evening: people who wait, one who is answered. Returns the pages by name."""
    house.later(12 * 60)
    house.engawa.channels["line"] = house.line
    mizuno, sakurai = await house.staff("mizuno", "みずの"), await house.staff("sakurai", "さくらい")
    lead = await house.staff("oono", "おおの", "lead")
    for member, begins, ends in ((lead, -2, 3), (mizuno, -1, 5), (sakurai, 1, 5)):
        span = (house.clock.now() + timedelta(hours=hours) for hours in (begins, ends))
        await house.engawa.database.write(duties.add, member.staff_id, *span)
    for number, how in enumerate(("ゆっくり", "質問は少なめ", "文字だけ")):
        await house.request(f"r{number}", how)
        house.later(6)
    for person, text in EVENING:
        await house.risk(person, text)
        house.later(4)
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
    waiting = await house.newest()
    return {
        "queue": "/admin",
        "queue-team": "/admin?group=team",
        "thread": f"/admin/tickets/{mine}",
        "thread-calm": f"/admin/tickets/{calm}",
        "thread-side": f"/admin/tickets/{mine}#about",
        "thread-waiting": f"/admin/tickets/{waiting}",
        "notes-consent": f"/admin/tickets/{mine}/notes?kind=consent",
        "pass": f"/admin/tickets/{mine}/pass",
        "hand-over": f"/admin/tickets/{mine}/hand-over",
        "settings": "/admin/settings",
        "components": "/admin/components",
        "login": "/admin/login",
    }


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
    ):
        await desk.note(member, ticket, note)
    await desk.stand_in(member, ticket, colleague)


async def taken(house: House, browser: Browser, pages: dict[str, str], folder: Path) -> None:
    """Takes all pictures."""
    for width, (wide, high) in SIZES.items():
        for scheme in ("light", "dark"):
            context = await browser.new_context(
                base_url=str(house.server.make_url("/")),
                viewport={"width": wide, "height": high},
                color_scheme=scheme,
                locale="ja-JP",
            )
            page = await context.new_page()
            await page.goto("/admin/login")
            _keep(await page.screenshot(), folder / f"login-{width}-{scheme}.png")
            await enter(page, "mizuno")
            for name, path in pages.items():
                if name != "login":
                    tall = 3_000 if name == "components" else high  # one long sheet
                    await page.set_viewport_size({"width": wide, "height": tall})
                    await page.goto(path)
                    _keep(await page.screenshot(), folder / f"{name}-{width}-{scheme}.png")
            await context.clear_cookies()
            await page.set_viewport_size({"width": wide, "height": high})
            await page.goto("/admin/login")
            await enter(page, "oono")
            for name in (*OF_LEADS, "second"):
                await page.goto(f"/admin/{name}")
                _keep(await page.screenshot(), folder / f"{name}-{width}-{scheme}.png")
            await context.close()


def _keep(picture: bytes, path: Path) -> None:
    small = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS)
    small.save(path, optimize=True)


async def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
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
