"""The whole journey as its users live it: `engawa demo`, a phone, a counselor's desk, one thread."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.provision import chromium

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 860}
STARTED_WITHIN = 60.0  # seconds, on a busy machine
REPLIES = 3  # the quickest of them tells the way; the others tell how busy the machine is

expect.set_options(timeout=20_000)


@dataclass(frozen=True, slots=True)
class Demo:
    """A running `engawa demo`, as its output introduces it."""

    chat: str
    console: str
    login: str
    secret: str
    folder: Path


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """Starts the demo in an empty folder and home, and reads what it prints."""
    folder = tmp_path / "demo"
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "admin.cli", "demo", "--folder", str(folder), "--port", str(free_port())],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    try:
        yield _introduced(process, folder)
    finally:
        process.terminate()
        process.wait(timeout=20)
        assert process.stdout is not None
        process.stdout.close()
    assert process.returncode == 0


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _introduced(process: subprocess.Popen[str], folder: Path) -> Demo:
    assert process.stdout is not None
    printed, deadline = "", time.monotonic() + STARTED_WITHIN
    while "Ctrl+C" not in printed and time.monotonic() < deadline:
        line = process.stdout.readline()
        if not line:
            break
        printed += line
    urls = re.findall(r"http://localhost:\d+/\w+", printed)
    login = re.search(r"name:\s+(\S+)", printed)
    secret = re.search(r"one-time password:\s+(\S+)", printed)
    assert len(urls) == 2, printed
    assert login, printed
    assert secret, printed
    return Demo(chat=urls[0], console=urls[1], login=login[1], secret=secret[1], folder=folder)


@asynccontextmanager
async def pages(path: Path, **options: object) -> AsyncIterator[tuple[Page, Page]]:
    """A phone with the chat and a desk with the console, in two contexts that know nothing of each other."""
    async with async_playwright() as playwright:
        browser: Browser = await playwright.chromium.launch(**chromium.launch_options(path))
        try:
            phone = await browser.new_context(viewport=PHONE, locale="ja-JP", **options)  # type: ignore[arg-type]
            desk = await browser.new_context(viewport=DESK, locale="ja-JP", **options)  # type: ignore[arg-type]
            yield await phone.new_page(), await desk.new_page()
        finally:
            await browser.close()


async def sign_in(desk: Page, demo: Demo) -> None:
    await desk.goto(demo.console)
    await desk.fill("#login", demo.login)
    await desk.fill("#secret", demo.secret)
    await desk.click("form[action='/admin/login'] button")
    await expect(desk.locator("h1")).to_have_text("待っている人")


async def tap(phone: Page, label: str) -> None:
    await phone.get_by_role("button", name=label, exact=True).last.click()


async def test_the_whole_journey(demo: Demo, chromium_path: Path) -> None:
    """A flow answers, a wish for a person reaches the queue, the counselor answers in the same thread, the flow
    goes on after the hand-back; nothing is reloaded, the reply is there in under a second, nothing is violated."""
    async with pages(chromium_path) as (phone, desk):
        wrong: list[str] = []
        for page in (phone, desk):
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on(
                "console", lambda message: wrong.append(message.text) if message.type == "error" else None
            )
            page.on(
                "request", lambda request: None if "localhost" in request.url else wrong.append(request.url)
            )
        await phone.goto(demo.chat)
        log = phone.locator("#log")
        await expect(log).to_contain_text("ここは自動で答える案内所です")
        await tap(phone, "家族のこと")
        await expect(log).to_contain_text("ここまで支えてこられたこと")
        await tap(phone, "家族の集まりの日")
        await tap(phone, "まだ言いたくない")
        await expect(log.locator("article.card")).to_have_count(3)

        await sign_in(desk, demo)
        await expect(desk.locator("#q-list")).to_contain_text("待っている人はいません")
        await tap(phone, "人と話したい")
        await tap(phone, "つづける")
        await tap(phone, "ゆっくり")
        await tap(phone, "文字だけ")
        await expect(log).to_contain_text("進め方：ゆっくり")
        await log.get_by_role("button", name="送る", exact=True).click()
        await expect(log).to_contain_text("渡しました")
        await expect(desk.locator("tr[data-row]")).to_have_count(1)  # by the live stream, without reload
        await phone.fill("textarea", "夜になると眠れません")
        await phone.locator("form button.act").last.click()
        await expect(log).to_contain_text("人が読むまで")

        await desk.click("#next")
        await expect(desk.locator("#th-log")).to_contain_text("夜になると眠れません")
        await expect(desk.locator("body")).not_to_contain_text("ここまで支えてこられたこと")
        await expect(desk.locator("body")).to_contain_text("ゆっくり")
        await desk.click("#seen")
        took = []
        for place in range(REPLIES):
            words = f"みずのです。渡してくださった分を読みました。{place}"
            await desk.fill("#text", words)
            sent = time.perf_counter()
            await desk.click("#reply button.act")
            await expect(log).to_contain_text(words)
            took.append(time.perf_counter() - sent)
            await expect(desk.locator("#th-log")).to_contain_text(words)
        assert min(took) < 1.0, took

        await phone.fill("textarea", "読んでもらえて、よかったです")
        await phone.locator("form button.act").last.click()
        await expect(desk.locator("#th-log")).to_contain_text("読んでもらえて、よかったです")
        await desk.click("#hand-back")
        await expect(log).to_contain_text("案内にもどりました")
        await expect(phone.locator(".state")).to_contain_text("自動の案内")
        await phone.fill("textarea", "家族")
        await phone.locator("form button.act").last.click()
        await expect(log.locator(".turn").last).to_contain_text("ここまで支えてこられたこと")
        assert wrong == []


async def test_a_risk_word_reaches_the_desk(demo: Demo, chromium_path: Path) -> None:
    """The card comes at once and truthfully, the queue tells level and category but never the words."""
    async with pages(chromium_path) as (phone, desk):
        await phone.goto(demo.chat)
        await expect(phone.locator("#log")).to_contain_text("ここは自動で答える案内所です")
        await sign_in(desk, demo)
        await phone.fill("textarea", "もう死にたいです")
        await phone.locator("form button.act").last.click()
        await expect(phone.locator("#log")).to_contain_text("命が危ないときは 119")
        row = desk.locator("tr[data-row]")
        await expect(row).to_contain_text("高い")
        await expect(row).to_contain_text("死にたい気持ち")
        await expect(row).not_to_contain_text("もう死にたいです")
        assert "死にたい" not in desk.url


async def test_without_script(demo: Demo, chromium_path: Path) -> None:
    """Reading, choosing, writing, signing in, claiming and replying work with script off."""
    async with pages(chromium_path, java_script_enabled=False) as (phone, desk):
        await phone.goto(demo.chat)
        await phone.fill("textarea", "はじめ")
        await phone.locator("form button.act").last.click()
        await phone.goto(demo.chat)
        await expect(phone.locator("#log")).to_contain_text("ここは自動で答える案内所です")
        await phone.fill("textarea", "もう死にたいです")
        await phone.locator("form button.act").last.click()
        await sign_in(desk, demo)
        await expect(desk.locator("tr[data-row]")).to_have_count(1)
        await desk.click("#next")
        await desk.fill("#text", "読みました。ここにいます。")
        await desk.click("#reply button.act")
        await expect(desk.locator("#th-log")).to_contain_text("読みました。ここにいます。")
        await phone.goto(demo.chat)
        await expect(phone.locator("#log")).to_contain_text("読みました。ここにいます。")


async def test_erase_from_the_chat(demo: Demo, chromium_path: Path) -> None:
    """「ぜんぶ消す」 takes effect at once, says so, and the person may begin anew in the same page."""
    async with pages(chromium_path) as (phone, _):
        await phone.goto(demo.chat)
        log = phone.locator("#log")
        await expect(log).to_contain_text("ここは自動で答える案内所です")
        await phone.fill("textarea", "わたしの記録を消す")
        await phone.locator("form button.act").last.click()
        await expect(log).to_contain_text("消すと戻せません")
        await log.get_by_role("button", name="消す", exact=True).click()
        await expect(log).to_contain_text("消しました。")
        await expect(log).not_to_contain_text("ここは自動で答える案内所です")
        await phone.fill("textarea", "家族")
        await phone.locator("form button.act").last.click()
        await expect(log).to_contain_text("ここまで支えてこられたこと")
