"""Journeys C-01, C-02, C-09, C-10 and C-18 in Chromium: a phone and a counselor's desk, side by side."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Page, expect

from tests.acceptance.test_browser_journey import Demo, demo, pages, sign_in, tap

__all__ = ["demo"]

PRESSING = (
    "早め",
    "いますぐ",
    "ぜひ",
    "必ず",
    "がんば",
    "お待ちして",
    "何歳",
    "何年",
    "いつから",
    "どうして",
)


async def begun(phone: Page, desk: Page, demo: Demo) -> None:
    await phone.goto(demo.chat)
    await expect(phone.locator("#log")).to_contain_text("ここは自動で答える案内所です")
    await sign_in(desk, demo)


async def write(phone: Page, text: str) -> None:
    await phone.fill("textarea", text)
    await phone.locator("form button.act").last.click()
    await expect(phone.locator("#log")).to_contain_text(text)


async def claim(desk: Page, *, wishes: bool = False) -> None:
    """Take the one conversation there is; its wishes, if any, are confirmed before a word is written."""
    await expect(desk.locator("tr[data-row]")).to_have_count(1)
    await desk.click("#next")
    if wishes:
        await desk.click("#seen")
    await expect(desk.locator("#text")).to_be_visible()


async def reply(phone: Page, desk: Page, text: str) -> None:
    await desk.fill("#text", text)
    await desk.click("#send")
    await expect(phone.locator("#log")).to_contain_text(text)


async def never(page: Page, *words: str) -> None:
    said = await page.locator("body").inner_text()
    assert not [word for word in words if word in said]


async def taken_on(desk: Page, name: str) -> str:
    """One more colleague, entered by the lead who sits at the desk."""
    await desk.goto(f"{desk.url.partition('/admin')[0]}/admin/members")
    await desk.fill("[name=name]", name)
    await desk.fill("[name=login]", "one-more")
    await desk.click("form.narrow-form button.act")
    await expect(desk.locator(".mono")).to_be_visible()
    return name


async def test_c01_a_mother_first_evening(demo: Demo, chromium_path: Path) -> None:
    """R-047, R-053, R-056, R-070: no question on upbringing, no hurry, no name; the wish reaches the desk."""
    async with pages(chromium_path) as (phone, desk):
        await begun(phone, desk, demo)
        await tap(phone, "家族のこと")
        await expect(phone.locator("#log")).to_contain_text("ここまで支えてこられたこと")
        await write(phone, "息子が20年家にいます。わたしが死んだらどうなるのかと思うと眠れません")
        await never(phone, *PRESSING, "育て方", "お名前は")
        await write(phone, "人と話したい")
        await tap(phone, "つづける")
        await tap(phone, "ゆっくり")
        await tap(phone, "文字だけ")
        await phone.locator("#log").get_by_role("button", name="送る", exact=True).last.click()
        await claim(desk, wishes=True)
        await expect(desk.locator("body")).to_contain_text("ゆっくり")
        await reply(phone, desk, "渡してくださった分を読みました。返事はいつでも大丈夫です。")
        await never(phone, *PRESSING, "育て方", "お名前は")
        await never(desk, "ここまで支えて")  # what she tapped before was not handed over


async def test_c02_a_note_answered_at_night(demo: Demo, chromium_path: Path) -> None:
    """R-029, R-030, R-033: what is handed over is shown before; the desk sees it, and the wishes above it."""
    async with pages(chromium_path) as (phone, desk):
        await begun(phone, desk, demo)
        turns = await phone.locator("#log .turn").count()
        await expect(desk.locator("tr[data-row]")).to_have_count(0)  # who only looks is nobody's matter
        assert await phone.locator("#log .turn").count() == turns
        await write(phone, "部屋を見られるのがいやです。ほかの場所ならいいかもしれない")
        await tap(phone, "人に渡す")
        await tap(phone, "つづける")
        await tap(phone, "質問は少なめ")
        await tap(phone, "文字だけ")
        await expect(phone.locator("#log")).to_contain_text("送るのはこの内容だけです")
        await phone.locator("#log").get_by_role("button", name="送る", exact=True).last.click()
        await claim(desk, wishes=True)
        await expect(desk.locator("#about")).to_contain_text("質問は少なめ")
        await expect(desk.locator("#th-log")).to_contain_text("部屋を見られるのがいやです")
        await desk.fill("#text", "公園はどうですか。オンラインはどうですか。")
        await expect(desk.locator("#hints")).to_contain_text("質問が 2つあります")
        await desk.fill("#text", "公園、別の建物、オンライン、文字のまま。どれがいいですか。")
        await expect(desk.locator("#hints")).not_to_contain_text("質問が")
        await reply(
            phone, desk, "文字のままでも、外の場所でも大丈夫です。前の日でも当日でも、やめて大丈夫です。"
        )
        await never(phone, *PRESSING)


async def test_c09_words_of_tonight(demo: Demo, chromium_path: Path) -> None:
    """R-078, R-107, R-110, N2, N12: nothing cheers or denies, and the counselor is told of such words before they are
    sent; a colleague is asked, the lead asked to talk with her; of neither stands anything with the person."""
    async with pages(chromium_path) as (phone, desk):
        await begun(phone, desk, demo)
        await write(phone, "人と話したい")
        await tap(phone, "このまま渡す")
        await claim(desk)
        await reply(phone, desk, "こんばんは。")
        await write(phone, "もう死にたいです")
        await expect(desk.locator("#th-sub")).to_contain_text("高い")
        await expect(desk.locator("#th-log .cover summary")).to_contain_text("つらい表現があります")
        await expect(desk.locator("#th-log .cover p").last).to_be_hidden()
        await desk.fill("#text", "迷惑なんてことはないです。がんばってみませんか。")
        for word in ("「迷惑」", "「がんば」"):
            await expect(desk.locator("#hints")).to_contain_text(word)
        await reply(phone, desk, "書いてくださって、受け取りました。ここにいます。")
        thread = desk.url.partition("#")[0]
        colleague = await taken_on(desk, "さくらい")
        await desk.goto(f"{thread}/consult")
        await desk.select_option("#to", label=colleague)
        await desk.fill("#text", "どう返すか、いっしょに考えてほしいです")
        await desk.click("#ask")
        await desk.click("#hand-back")
        await expect(phone.locator("#log")).to_contain_text("案内にもどりました")
        await desk.goto(f"{demo.console}/board")
        await expect(desk.locator("#b-after")).to_contain_text("危ない状態の方と話していました")
        await desk.click("#b-after button")
        await expect(desk.locator("#b-after")).to_have_text("")
        await write(phone, "わたしの記録")
        await expect(phone.locator("#log")).to_contain_text("ぜんぶ消す")
        await never(phone, *PRESSING, "迷惑なんて", "いっしょに考えて", colleague)


async def test_c10_a_shared_phone(demo: Demo, chromium_path: Path) -> None:
    """R-058, R-059: safety first, the screen is hidden at once, the desk knows the kind and not to talk it over."""
    async with pages(chromium_path) as (phone, desk):
        await begun(phone, desk, demo)
        await write(phone, "きのう物を投げられて、手にけがをしました")
        await expect(phone.locator("#log")).to_contain_text("離れること、安全なことを先に")
        await never(phone, "話し合ってみ", "写真をとって", "日記")
        await expect(desk.locator("tr[data-row]")).to_contain_text("傷つけられていること")
        await never(desk, "投げられて")
        await phone.click("#hide")
        await expect(phone.locator("body")).not_to_contain_text("投げられて")
        await claim(desk)
        await expect(desk.locator("#th-log")).to_contain_text("つらい表現があります")
        await desk.fill("#text", "話し合ってみましょう。けがの写真をとっておけますか。")
        await expect(desk.locator("#hints")).to_contain_text("「ましょう」")
        await desk.fill("#text", "離れていられる所から先に考えます。")
        await desk.click("#send")
        await expect(desk.locator("#th-log .staff")).to_contain_text("離れていられる所")
        await expect(phone).to_have_title("お知らせ")  # nothing shows that an answer came, R-045
        await never(phone, "離れて", "相談", "案内", "縁側")
        await phone.go_back()
        await never(phone, "投げられて", "離れて")
        await phone.goto(demo.chat)
        await phone.locator("form button").click()
        await expect(phone.locator("#log")).to_contain_text("離れていられる所")
        await never(phone, "話し合ってみ", "写真をとって", "日記")


async def test_c18_another_name(demo: Demo, chromium_path: Path) -> None:
    """R-008, R-030, R-072: a name only if one gives it, no gender; what was asked for stands above the reply."""
    async with pages(chromium_path) as (phone, desk):
        await begun(phone, desk, demo)
        await write(phone, "親には言ってない。名前も違うのを使ってる")
        await tap(phone, "人に渡す")
        await tap(phone, "つづける")
        await tap(phone, "答えない")
        await tap(phone, "名前のよび方がある")
        await write(phone, "そら")
        await expect(phone.locator("#log")).to_contain_text("よび方：そら")
        await phone.locator("#log").get_by_role("button", name="送る", exact=True).last.click()
        await never(phone, *PRESSING, "性別", "男", "女", "本名を")
        await claim(desk, wishes=True)
        await expect(desk.locator("#about")).to_contain_text("そら")
        await never(desk, "性別")
