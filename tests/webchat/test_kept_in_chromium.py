"""What the page says and shows while the database is away, in a real Chromium."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, expect

from bot.errors import StoreUnavailable
from bot.store import intake
from tests.webchat.conftest import Chat, window


async def test_kept_words_are_told_as_such_and_come_once(
    chat: Chat, chrome: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slip says that nobody has read it yet and whom to call; afterwards it stands once, with its answer."""

    def away(*_: Any) -> None:
        raise StoreUnavailable

    one = await window(chat, chrome)
    await one.open()
    with monkeypatch.context() as patch:
        patch.setattr(intake, "take", away)
        await one.says("家族のことです")
        await expect(one.page.locator("#log .sent")).to_contain_text("まだだれも読んでいません")
        await expect(one.page.locator("#log .sent")).to_contain_text("119")
    await expect(one.page.locator("#log .sent")).to_have_count(0, timeout=20_000)
    await expect(one.page.locator("#log .turn.person")).to_have_count(1)
    await expect(one.page.locator("#log .turn.bot")).to_have_count(2)
    seqs = await one.seqs()
    assert seqs == sorted(set(seqs))
    assert one.wrong == []
