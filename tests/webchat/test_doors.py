"""The routes around the talk, without script: passphrase, link, hiding, the button, limits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from bot.channels.patience import Allowance
from bot.channels.webchat import doors, page
from bot.channels.webchat.pages import MAX_FORM
from bot.messages import Inbound
from bot.store.intake import Accepted
from tests.webchat.conftest import Chat, Visitor

DANGER = "もう死にたいです"


async def passphrase_of(visitor: Visitor) -> list[str]:
    await visitor.post("/chat/passphrase", {"do": "make"})
    assert visitor.status == 200
    assert len(visitor.words) == 6
    return visitor.words


class TestPassphrase:
    async def test_from_one_browser_to_another(self, chat: Chat) -> None:
        """Made here, shown once, typed there: the same thread, under a new cookie. Here it says so."""
        async with chat.visitor() as first, chat.visitor() as second:
            await first.get("/chat/passphrase")
            assert "やりとりが始まってから" in first.page
            await first.begins()
            await first.says("夜になると眠れません")
            words = await passphrase_of(first)
            await first.get("/chat/passphrase")
            assert not any(word in first.page for word in words)
            assert "合言葉があります" in first.page
            await second.get("/chat")
            before = second.cookie
            await second.post("/chat/passphrase", {"words": "　".join(words)})
            assert "夜になると眠れません" in second.page
            assert second.cookie not in (before, first.cookie)
            assert "夜になると眠れません" in await second.texts()
            assert await first.texts() == []
            _, body = await first.api("/messages?after=3")
            assert [one["kind"] for one in body["messages"]] == ["erased"]
            assert "消えてはいません" in body["messages"][0]["text"]
            await first.get("/chat")
            assert "ほかの画面に移りました" in first.page
            assert "夜になると眠れません" not in first.page

    async def test_wrong_ones_are_kept_in_the_field(self, chat: Chat) -> None:
        """Not found and not even possible are told apart, gently; what was typed stays. A new talk begins anyhow."""
        async with chat.visitor() as visitor:
            wrong = "さくら" * 6
            await visitor.post("/chat/passphrase", {"words": wrong})
            assert visitor.status == 404
            assert wrong in visitor.page
            assert "見つかりませんでした" in visitor.page
            await visitor.post("/chat/passphrase", {"words": "桜もち"})
            assert visitor.status == 400
            assert "桜もち" in visitor.page
            await visitor.post("/chat/passphrase", {"words": "あ" * MAX_FORM})
            assert visitor.status == 400
            await visitor.begins()
            assert (await visitor.says("はじめ"))[0] == 202

    async def test_guessing_gets_slower_and_never_in_the_way(
        self, chat: Chat, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each wrong try waits longer than the one before, per network; over the limit of all it says to come later.
        Beginning a talk and writing in it are as quick as ever."""
        slept: list[float] = []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)

        delays = chat.engawa.webchat.doors.delays
        monkeypatch.setattr(delays, "_sleep", sleep)
        now = 0.0
        monkeypatch.setattr(delays, "_now", lambda: now)
        async with chat.visitor() as visitor:
            for _ in range(6):
                await visitor.post("/chat/passphrase", {"words": "さくら" * 6})
                now += sum(slept[-1:])
            assert slept == sorted(slept)
            assert slept[-1] > slept[0] >= 0.5
            monkeypatch.setattr(chat.engawa.webchat.doors, "_guesses", Allowance(0, 1e9))
            now += 3600
            await visitor.post("/chat/passphrase", {"words": "さくら" * 6})
            assert visitor.status == 503
            assert "新しいやりとりは、いつでも始められます" in visitor.page
            count = len(slept)
            await visitor.begins()
            assert (await visitor.says(DANGER))[0] == 202
            assert any("119" in text for text in await visitor.texts())
            assert len(slept) == count

    async def test_with_a_talk_of_its_own_it_asks_first(self, chat: Chat) -> None:
        async with chat.visitor() as first, chat.visitor() as second:
            await first.begins()
            words = "".join(await passphrase_of(first))
            await second.begins()
            await second.says("こちらにも書きました")
            kept = second.cookie
            await second.post("/chat/passphrase", {"words": words})
            assert "別のやりとりがあります" in second.page
            assert second.cookie == kept
            await second.post("/chat/passphrase", {"words": words, "anyway": "yes"})
            assert second.cookie != kept

    async def test_dropped(self, chat: Chat) -> None:
        async with chat.visitor() as first, chat.visitor() as second:
            await first.begins()
            words = "".join(await passphrase_of(first))
            await first.post("/chat/passphrase", {"do": "drop"})
            assert "なくしました" in first.page
            await second.post("/chat/passphrase", {"words": words})
            assert second.status == 404

    async def test_another_site_makes_and_opens_nothing(self, chat: Chat) -> None:
        async with chat.visitor() as visitor:
            await visitor.begins()
            for headers in ({"Sec_Fetch_Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
                for path, fields in (
                    ("/chat/passphrase", {"do": "make"}),
                    ("/chat/move/x", {}),
                    ("/chat/open", {}),
                ):
                    await visitor.post(path, fields, follow=False, **headers)
                    assert not visitor.words
            assert await chat.engawa.moves.has_passphrase(visitor.address) is False


class TestLink:
    async def test_looking_does_not_use_it_up(self, chat: Chat) -> None:
        """Previews look; only the button moves. Then the thread is here, and the link is spent."""
        events = [chat.platform.heard("a", text) for text in ("眠れないことを書きます", "ウェブで話す")]
        for event in events:
            await chat.engawa.ingress.accept([event])
        await chat.platform.until(lambda: any("/chat/move/" in text for text in chat.platform.texts("a")))
        [link] = [text for text in chat.platform.texts("a") if "/chat/move/" in text]
        path = "/chat/move/" + link.partition("/chat/move/")[2].partition("?")[0]
        async with chat.visitor() as preview, chat.visitor() as person, chat.visitor() as late:
            for _ in range(5):
                await preview.get(path)
                assert preview.status == 200
                assert "この画面でつづける" in preview.page
            await person.post(path, {})
            assert "眠れないことを書きます" in person.page
            await late.post(path, {})
            assert late.status == 404
            assert "使えません" in late.page
            await late.get("/chat/move/" + "x" * 500)
            assert late.status == 404


class TestHiding:
    async def test_hidden_until_it_is_opened(self, chat: Chat) -> None:
        """Whatever way leads back, the notice is shown; opening is one clear action, and no link can do it."""
        async with chat.visitor() as visitor:
            await visitor.begins()
            await visitor.says("人に見られたくない話")
            await visitor.get("/chat/hidden")
            assert "人に見られたくない話" not in visitor.page
            for path in ("/chat", "/chat?lang=en", "/chat/passphrase"):
                await visitor.get(path)
                assert "<title>お知らせ</title>" in visitor.page or "<title>Notices</title>" in visitor.page
                assert "見られたくない" not in visitor.page
            await visitor.post("/chat/open", {})
            assert "人に見られたくない話" in visitor.page


class TestEntrance:
    async def test_a_link_from_another_site_keeps_the_talk(self, chat: Chat) -> None:
        """A browser keeps our cookie back then: no new session is begun over the one there may be."""
        async with chat.visitor() as visitor:
            response = await visitor.get("/chat?from=library&lang=en", Sec_Fetch_Site="cross-site")
            assert "Set-Cookie" not in response.headers or "engawa_chat" not in response.headers["Set-Cookie"]
            assert 'content="0; url=/chat?lang=en&amp;from=library"' in visitor.page
            await visitor.get("/chat?from=%22%3E%3Cscript%3E", Sec_Fetch_Site="cross-site")
            assert "<script>" not in visitor.page

    async def test_the_place_is_told_with_the_joining(
        self, chat: Chat, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Once per new talk, if it is a code; anything else keeps nobody out."""
        entries: list[tuple[str, str]] = []
        accept = chat.engawa.ingress.accept

        async def noted(events: Sequence[Inbound]) -> list[Accepted]:
            entries.extend((event.kind.value, event.entry) for event in events)
            return await accept(events)

        monkeypatch.setattr(chat.engawa.ingress, "accept", noted)
        async with chat.visitor() as first, chat.visitor() as second, chat.visitor() as third:
            await first.begins(**{"from": "library-2"})
            await first.begins(**{"from": "library-2"})
            await second.begins(**{"from": "<b>"})
            await third.begins()
        assert entries == [("joined", "library-2"), ("joined", ""), ("joined", "")]

    async def test_the_button(self, chat: Chat) -> None:
        """A plain link to copy, with the public address and the code; nothing of a query gets out of its quotes."""
        async with chat.visitor() as visitor:
            await visitor.get("/chat/button?from=library")
            assert "http://engawa.example.jp/chat?from=library" in visitor.page
            assert "&lt;a href=" in visitor.page
            response = await visitor.get('/chat/button?from="><script>alert(1)</script>')
            assert "alert" not in visitor.page
            assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]

    async def test_language_is_kept(self, chat: Chat) -> None:
        async with chat.visitor() as visitor:
            await visitor.get("/chat?lang=en")
            assert 'lang="en"' in visitor.page
            await visitor.get("/chat")
            assert "Hide this screen" in visitor.page
            await visitor.get("/chat?lang=ja")
            await visitor.get("/chat/passphrase")
            assert "合言葉" in visitor.page


class TestLimits:
    async def test_a_flood_is_told_and_a_cry_passes(
        self, chat: Chat, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Over the limit: 429 in kind words; a word of danger, the ways out and other people pass as ever (B37)."""
        monkeypatch.setattr(chat.engawa.webchat, "_messages", Allowance(3, 1e9))
        async with chat.visitor() as flooder, chat.visitor() as other:
            await flooder.begins()
            await other.begins()
            told = [await flooder.says(f"{place} ながれ") for place in range(6)]
            assert [status for status, _ in told] == [202] * 3 + [429] * 3
            assert told[-1][1]["error"] == "slow_down"
            assert "書いたものは残っています" in told[-1][1]["message"]
            assert (await flooder.says(DANGER))[0] == 202
            assert (await flooder.says("つらい"))[0] == 202
            assert any("119" in text for text in await flooder.texts())
            assert await chat.ticket(flooder.address)
            client_id = "0" * 32
            tap = {"client_id": client_id, "choice_id": "exit/person"}
            assert (await flooder.api("/messages", tap))[0] == 202
            assert (await other.says("ふつうに書きます"))[0] == 202
            await flooder.post("/chat/send", {"client_id": "1" * 32, "text": "まだ書きます"})
            assert "まだ書きます" in flooder.page
            assert "書いたものは残っています" in flooder.page

    async def test_a_failing_rule_lets_through(self, chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(chat.engawa.webchat, "_messages", Allowance(0, 1e9))
        released = chat.engawa.library.at_hand
        assert released is not None

        def broken(*_: object) -> None:
            raise RuntimeError

        monkeypatch.setattr(type(released.rules), "scan", broken)
        async with chat.visitor() as visitor:
            await visitor.begins()
            assert (await visitor.says("なにか"))[0] == 202

    def test_the_ordinary_limits_are_generous(self) -> None:
        """Nobody who types meets them."""
        assert page.MESSAGES >= 30
        assert page.ONE_MESSAGE_EVERY <= 1.0
        assert doors.GUESSES >= 10

    def test_an_allowance_fills_up_again(self) -> None:
        now = 0.0
        allowance = Allowance(2, 5.0, now=lambda: now)
        assert [allowance.take("a") for _ in range(3)] == [True, True, False]
        assert allowance.take("b")
        now = 5.0
        assert [allowance.take("a"), allowance.take("a")] == [True, False]
        now = 1000.0
        assert [allowance.take("a") for _ in range(3)] == [True, True, False]


async def test_argon2_does_not_hold_up_talks(chat: Chat) -> None:
    """While many guess at once, writing is stored and answered (B36, in small)."""
    async with chat.visitor() as guesser, chat.visitor() as writer:
        await writer.begins()
        chat.engawa.webchat.doors.delays = type(chat.engawa.webchat.doors.delays)(
            now=lambda: 0.0, sleep=_no_sleep
        )
        guesses = [
            asyncio.ensure_future(guesser.http.post("/chat/passphrase", data={"words": "さくら" * 6}))
            for _ in range(40)
        ]
        for place in range(5):
            assert (await writer.says(f"{place} 書きます"))[0] == 202
        done = await asyncio.gather(*guesses)
        assert {response.status for response in done} <= {404, 503}
        assert any(response.status == 503 for response in done)


async def _no_sleep(_seconds: float) -> None:
    """No time passes."""
