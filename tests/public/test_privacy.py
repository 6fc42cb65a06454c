"""Each sentence of the privacy page is held by a test, and each number is the running configuration's (B50)."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bot.app import Engawa
from bot.config import load
from bot.public import privacy
from bot.store.retention import Keeping
from bot.testing import A_KEY, a_release
from tests.house import ROOT

SENTENCES: list[dict[str, Any]] = [one for part in privacy.PAGE["sections"] for one in part["sentences"]]
BARS = ROOT / "docs" / "security-bars.md"
ODD = {
    "words": 3,
    "handed": 31,
    "contacts": 111,
    "sends": 29,
    "counts": 1001,
    "emergencies": 47,
    "erasures": 444,
}
LINE = {"ENGAWA_LINE_CHANNEL_SECRET": "s" * 32, "ENGAWA_LINE_CHANNEL_ACCESS_TOKEN": "t" * 40}
TELEGRAM = {"ENGAWA_TELEGRAM_BOT_TOKEN": "1:" + "t" * 35, "ENGAWA_TELEGRAM_SECRET_TOKEN": "s" * 32}


def facts(environ: dict[str, str]) -> privacy.Facts:
    return privacy.facts_of(load({"ENGAWA_KEYS": A_KEY, **environ}))


def whole(environ: dict[str, str], language: str = "ja") -> str:
    return "\n".join(line for _, lines in privacy.told(facts(environ), language) for line in lines)


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda one: one["id"])
def test_each_sentence_is_held(sentence: dict[str, Any]) -> None:
    """By a test that is there by that name; or it promises nothing, and the threat model says the same."""
    assert ("shown_by" in sentence) is not ("told" in sentence)
    for place in sentence.get("shown_by", [sentence.get("told")]):
        path, _, name = place.partition("::")
        assert (ROOT / path).is_file(), place
        assert not name or re.search(rf"\bdef {name}\(", (ROOT / path).read_text("utf-8")), place


def test_each_sentence_stands_in_the_list_of_bars() -> None:
    """B50's table: a sentence that is not in it, or one there that is not on the page, is an error."""
    listed = set(re.findall(r"^\| `([a-z-]+)` \|", BARS.read_text("utf-8"), re.MULTILINE))
    assert listed == {sentence["id"] for sentence in SENTENCES}


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda one: one["id"])
def test_each_sentence_is_short_gentle_and_without_a_number(sentence: dict[str, Any]) -> None:
    for language in privacy.LANGUAGES:
        assert not re.search(r"[0-9０-９]", sentence[language])
    assert len(sentence["ja"]) <= 120
    assert list(a_release().latest.words.scan(sentence["ja"])) == []
    assert sentence["ja"].endswith(("。", "です。", "ます。", "ません。"))
    assert re.findall(r"{\w+}", sentence["ja"]) == re.findall(r"{\w+}", sentence["en"])


def test_no_id_twice() -> None:
    assert len({sentence["id"] for sentence in SENTENCES}) == len(SENTENCES)


@pytest.mark.parametrize("language", privacy.LANGUAGES)
def test_days_are_the_configurations(language: str) -> None:
    """Each number shows when it is changed, and no default stays behind."""
    given = ",".join(f"{name}={days}" for name, days in ODD.items())
    page = whole({"ENGAWA_KEEP_DAYS": given}, language)
    used = set(re.findall(r"{(\w+)}", str(privacy.PAGE)))
    assert used >= {"words", "handed", "contacts", "counts", "emergencies", "erasures"}
    assert set(map(int, re.findall(r"\d+", page))) == {ODD[name] for name in used}
    defaults = Keeping()
    assert f"{defaults.handed}日" in whole({})


def test_what_is_not_here_is_not_spoken_of() -> None:
    """Of LINE, Telegram and TLS only where they are."""
    nothing = whole({})
    assert "LINEの会社" not in nothing
    assert "Telegramの会社は" not in nothing
    assert "TLS" not in nothing
    assert "LINEの会社は、あなたがここを使っていること" in whole(LINE)
    assert "Telegramの会社は、あなたがここを使っていること" in whole(TELEGRAM)
    assert "TLS" in whole({"ENGAWA_BASE_URL": "https://engawa.example.jp"})


async def test_it_is_on_the_web_and_linked(ready_sqlite_url: str) -> None:
    """From every public page and from the chat, in both languages, with the running server's numbers."""
    days = {"ENGAWA_KEEP_DAYS": "words=5,handed=33"}
    engawa = Engawa(load({"ENGAWA_KEYS": A_KEY, "ENGAWA_DATABASE_URL": ready_sqlite_url, **days}))
    await engawa.prepare()
    async with TestClient(TestServer(engawa.application(), host="127.0.0.1")) as client:
        for path in ("/places", "/lines", "/read", "/chat", "/privacy"):
            assert 'href="/privacy"' in await (await client.get(path)).text(), path
        assert 'href="/privacy?lang=en"' in await (await client.get("/chat?lang=en")).text()
        japanese = html.unescape(await (await client.get("/privacy")).text())
        english = html.unescape(await (await client.get("/privacy?lang=en")).text())
    assert "人に渡していない話は、5日で消えます。" in japanese
    assert "came to rest: 33" in english
    assert 'lang="en"' in english
