"""`engawa line …` and the state of an account, against a LINE that checks every call by its own description."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from admin import line_setup
from bot.channels.base import Health, WebhookState
from bot.channels.line import Line
from bot.channels.line.richmenu import HEIGHT, MAX_BYTES, WIDTH, Menu, find_font, menu
from bot.channels.line.setup import Setup, opened
from bot.config import load
from bot.errors import BadInput, ConfigError, Misconfigured, Rejected, SendError, Throttled, Unreachable
from bot.testing import A_KEY, a_pack, a_release
from tests.platforms import FakeLine, Fault, cut, refuse
from tests.platforms.program import Program
from tests.store.ready import fill

NEVER = ("/profile", "/followers", "/members", "/summary", "/message/content", "/insight")
"""Nothing that would tell who somebody is may be asked."""


@pytest.fixture
async def fake() -> AsyncIterator[FakeLine]:
    async with FakeLine() as running:
        yield running
        running.assert_no_invalid()
        assert not [call.path for call in running.calls if any(part in call.path for part in NEVER)]


@pytest.fixture
async def program() -> AsyncIterator[Program]:
    async with Program() as running:
        yield running


@pytest.fixture
async def setup(fake: FakeLine) -> AsyncIterator[Setup]:
    async with opened(fake.access_token, fake.url) as made:
        yield made


@pytest.fixture(scope="module")
def shipped() -> Menu:
    return line_setup.drawn(a_release(), None)


def has_font() -> bool:
    try:
        find_font()
    except BadInput:
        return False
    return True


drawing = pytest.mark.skipif(not has_font(), reason="no Japanese font on this machine")


# --- the webhook ----------------------------------------------------------------------------------


async def test_the_webhook_is_set_once(fake: FakeLine, setup: Setup, program: Program) -> None:
    """Set and tried; a second run finds nothing to change."""
    url = f"{program.url}/webhooks/line"
    first = await setup.webhook(url)
    assert [(one.changed, one.remedy) for one in first] == [(True, ""), (False, "")]
    assert fake.endpoint == url
    assert not any(one.changed or one.remedy for one in await setup.webhook(url))
    assert [path for path, _, _ in program.requests] == ["/webhooks/line"] * 2
    assert len([call for call in fake.calls if call.method == "PUT"]) == 1


async def test_what_only_people_can_mend_is_told(fake: FakeLine, setup: Setup, program: Program) -> None:
    """Webhooks switched off in the console, or a server LINE cannot reach."""
    url = f"{program.url}/webhooks/line"
    fake.endpoint_active = False
    assert "Use webhook" in (await setup.webhook(url))[-1].remedy
    fake.endpoint_active = True
    program.statuses.append(500)
    assert "LINE cannot bring events here" in (await setup.webhook(url))[-1].remedy


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (refuse(401), Misconfigured),
        (refuse(400), Rejected),
        (refuse(429), Throttled),
        (refuse(500), Unreachable),
        (cut(accepted=False), Unreachable),
    ],
)
async def test_the_sdks_errors_are_ours(
    fake: FakeLine, setup: Setup, fault: Fault, error: type[SendError]
) -> None:
    """By kind, and without a word of the platform's: its errors quote headers and bodies."""
    with fake.faults.outage(fault), pytest.raises(error) as caught:
        await setup.webhook("http://127.0.0.1:9/webhooks/line")
    assert "oken" not in str(caught.value)
    assert caught.value.__cause__ is None


# --- the rich menu --------------------------------------------------------------------------------


@drawing
async def test_the_menu_is_set_once_for_everybody(fake: FakeLine, setup: Setup, shipped: Menu) -> None:
    """Made, drawn, set; again: nothing. A changed one takes its place; somebody else's is left alone."""
    fake.menus.requests["richmenu-other"] = {
        "name": "theirs",
        **{k: v for k, v in shipped.request.items() if k != "name"},
    }
    assert [one.changed for one in await setup.rich_menu(shipped)] == [True]
    calls = len(fake.calls)
    assert [one.changed for one in await setup.rich_menu(shipped)] == [False]
    assert len(fake.calls) == calls + 2
    first = fake.menus.default
    assert fake.menus.pictures[first] == shipped.picture
    other = menu(("はじめ", "さがす", "家族", "相談", "記録", "やめる"), "ひらく")
    assert [one.changed for one in await setup.rich_menu(other)] == [True]
    assert set(fake.menus.requests) == {"richmenu-other", fake.menus.default}
    assert fake.menus.default != first


@drawing
@pytest.mark.parametrize("step", range(5))
async def test_a_menu_that_failed_half_way_is_made_up_for(
    fake: FakeLine, setup: Setup, shipped: Menu, step: int
) -> None:
    """Whatever call fails, the next run ends with one menu of ours, drawn and set."""
    faults: Iterator[Any] = iter([None] * step + [refuse(500)])
    with fake.faults.rule(lambda call: next(faults, None)), pytest.raises(Unreachable):
        await setup.rich_menu(shipped)
    await setup.rich_menu(shipped)
    assert set(fake.menus.requests) == {fake.menus.default}
    assert fake.menus.requests[fake.menus.default]["name"] == shipped.name


@drawing
def test_the_picture(shipped: Menu) -> None:
    """The size LINE wants, small, six different words on paper; the same each time."""
    image = Image.open(io.BytesIO(shipped.picture))
    assert image.size == (WIDTH, HEIGHT)
    assert image.width / image.height >= 1.45
    assert len(shipped.picture) < MAX_BYTES
    cells = [area["bounds"] for area in shipped.request["areas"]]
    drawn = set()
    for cell in cells:
        part = image.crop(
            (cell["x"] + 10, cell["y"] + 20, cell["x"] + cell["width"] - 10, cell["y"] + cell["height"] - 10)
        )
        assert len(part.getcolors(1 << 20) or ()) > 10, "no ink"
        drawn.add(part.tobytes())
    assert len(drawn) == len(cells)
    assert sum(cell["width"] * cell["height"] for cell in cells) == WIDTH * HEIGHT
    assert line_setup.drawn(a_release(), None) == shipped


def test_every_word_of_the_menu_means_something(shipped: Menu) -> None:
    """A tap writes it for the person; in every state it opens, hides, hands over or erases what it says."""
    pack = a_pack()
    from bot.flows.matching import fold

    for area in shipped.request["areas"]:
        word = fold(area["action"]["text"])
        assert word in pack.entries or word in pack.commands


@drawing
@pytest.mark.parametrize(
    ("words", "bar", "told"),
    [
        (("はじめ",), "メニュー", "needs 6 words"),
        (("はじめ",) * 6, "", "1 to 14"),
        (("はじめ",) * 6, "あ" * 15, "1 to 14"),
        (("あ" * 12,) * 6, "メニュー", "too long"),
        (("\U00013000",) * 6, "メニュー", "no signs for"),
    ],
)
def test_what_cannot_be_drawn_is_told(words: tuple[str, ...], bar: str, told: str) -> None:
    """No word is cut, and no empty box is sent out for one."""
    with pytest.raises(BadInput, match=told):
        menu(words, bar)


def test_without_a_font_it_says_what_to_install(tmp_path: Path) -> None:
    """Nothing found, or a file that is none."""
    with pytest.raises(BadInput, match="fonts-noto-cjk"):
        find_font([str(tmp_path)])
    (tmp_path / "NotoSansJP.ttf").write_bytes(b"no font")
    with pytest.raises(BadInput, match="cannot be read"):
        menu(("はじめ",) * 6, "メニュー", find_font([str(tmp_path)]))


# --- the command ----------------------------------------------------------------------------------


@drawing
async def test_the_command(
    fake: FakeLine, program: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Says what changed, what is as it was, and what is to be done by hand; no token is printed."""
    url = f"sqlite:///{tmp_path / 'engawa.sqlite3'}"
    environ = {"ENGAWA_KEYS": A_KEY, "ENGAWA_DATABASE_URL": url, **fake.environ()}
    settings = load({**environ, "ENGAWA_BASE_URL": "https://engawa.example.jp"})
    with pytest.raises(BadInput, match="engawa migrate"):
        await line_setup.run(settings, webhook=False)
    await _filled(url)
    assert await line_setup.run(settings, webhook=False) == 0
    assert "changed  line rich menu" in capsys.readouterr().out
    fake.endpoint_active = False
    assert await line_setup.run(settings, webhook=True) == 1
    told = capsys.readouterr().out
    assert "changed  line webhook https://engawa.example.jp/webhooks/line" in told
    assert "ok       line rich menu" in told
    assert "auto-response messages off" in told
    fake.faults.add(refuse(401))
    assert await line_setup.run(settings, webhook=False) == 1
    told += capsys.readouterr().out
    assert "refuses the channel access token" in told
    assert fake.access_token not in told
    assert (await line_setup.picture(settings)).startswith(b"\x89PNG")


async def _filled(url: str) -> None:
    import asyncio

    await asyncio.to_thread(fill, url)


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({}, "No LINE account"),
        ({"ENGAWA_LINE_CHANNEL_SECRET": "x", "ENGAWA_LINE_CHANNEL_ACCESS_TOKEN": "x"}, "https only"),
    ],
)
async def test_what_it_needs(environ: dict[str, str], told: str) -> None:
    """An account, and an address LINE can reach."""
    with pytest.raises(ConfigError, match=told):
        await line_setup.run(load({"ENGAWA_KEYS": A_KEY, **environ}), webhook=True)


# --- health ---------------------------------------------------------------------------------------


async def checked(fake: FakeLine, url: str) -> Health:
    line = Line(
        account="line",
        channel_secret=fake.secret,
        access_token=fake.access_token,
        api_base=fake.url,
        words=lambda key: key,
        webhook_url=url,
    )
    await line.open()
    try:
        return await line.check()
    finally:
        await line.close()


async def test_health(fake: FakeLine, program: Program) -> None:
    """Where the webhook leads, whether LINE gets through, what is left, whether the clocks agree."""
    ours = f"{program.url}/webhooks/line"
    assert (await checked(fake, ours)).webhook is WebhookState.UNSET
    fake.endpoint = "http://127.0.0.1:9/webhooks/line"
    assert (await checked(fake, ours)).webhook is WebhookState.ELSEWHERE
    assert (await checked(fake, "")).webhook is not WebhookState.ELSEWHERE  # at least the path is ours
    fake.endpoint = ours
    fake.quota, fake.consumed = 200, 150
    found = await checked(fake, ours)
    assert (found.webhook, found.problem, found.quota_left) == (WebhookState.OK, "", 50)
    assert found.clock_skew is not None
    assert abs(found.clock_skew) < timedelta(seconds=5).total_seconds()
    fake.endpoint_active = False
    assert (await checked(fake, ours)).problem == "inactive"
    fake.endpoint_active, fake.quota = True, None
    program.statuses.append(500)
    found = await checked(fake, ours)
    assert (found.webhook, found.quota_left) == (WebhookState.FAILING, None)
    assert found.problem in {"error_status_code", "unclassified"}


@pytest.mark.parametrize(
    ("fault", "error"),
    [(refuse(401), Misconfigured), (refuse(503), Unreachable), (cut(accepted=False), Unreachable)],
)
async def test_who_cannot_be_asked(fake: FakeLine, fault: Fault, error: type[SendError]) -> None:
    """Then that is what is known."""
    with fake.faults.outage(fault), pytest.raises(error):
        await checked(fake, "")
