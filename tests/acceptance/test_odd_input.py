"""What must not come in, and what comes in oddly: refused in words or handled gently, never a 500."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator

import pytest

from tests.acceptance.serving import Serving, Visitor, on_line, on_telegram, serving


@pytest.fixture
async def house(ready_url: str) -> AsyncIterator[Serving]:
    async with serving(ready_url) as running:
        yield running


# --- signatures and bodies ------------------------------------------------------------------------


async def test_what_is_not_signed_is_refused_and_nothing_is_stored(house: Serving) -> None:
    """401 for a missing, wrong, foreign or garbled signature or secret, before anything is read."""
    line, telegram = house.line, house.telegram
    body = line.body([line.text(line.new_user(), "家族")])
    update = json.dumps(telegram.text(telegram.new_person(), "家族")).encode()
    before = await house.stored()
    for signature in (None, "", "x", "====", line.sign(b"{}"), line.sign(body)[:-4], "署名".encode().hex()):
        assert (await line.post_raw(body, signature)).status == 401, signature
    for secret in (None, "", "wrong", telegram.environ()["ENGAWA_TELEGRAM_SECRET_TOKEN"] + "x"):
        assert (await telegram.post_raw(update, secret)).status == 401, secret
    assert (await line.post_raw(b"{", "x")).status == 401  # unsigned comes before unreadable
    assert await house.stored() == before


UNREADABLE = (  # body, then the status on LINE, on Telegram and on the web
    (b"", 400, 400, 400),
    (b"{", 400, 400, 400),
    (b"[]", 400, 400, 400),
    (b"null", 400, 400, 400),
    (b'{"events": 5, "message": 5}', 400, 400, 400),
    (b'{"events": "\xff\xfe"}', 400, 400, 400),
    (b'{"events": [], "update_id": "5", "client_id": 5}', 200, 400, 400),
    (b'{"events": [], "deep": ' + b"[" * 50_000, 400, 400, 400),
    (b'{"events": [], "deep": ' + b"[" * 200 + b"]" * 200 + b"}", 400, 400, 400),
    (b'{"events": [], "number": ' + b"9" * 5_000 + b"}", 400, 400, 400),
    (b'{"events": [], "long": "' + b"x" * 270_000 + b'"}', 200, 400, 413),
    (b'{"events": [], "long": "' + b"x" * (1 << 20) + b'"}', 413, 413, 413),
)


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_a_body_that_cannot_be_read_is_told_so_and_nothing_is_stored(house: Serving) -> None:
    """400, or 413 over the size limit, on both platforms and on the web. An empty list of events is fine."""
    visitor = Visitor(house)
    await visitor.begins()
    await house.settled()
    secret = house.telegram.environ()["ENGAWA_TELEGRAM_SECRET_TOKEN"]
    before = await house.stored()
    for body, on_line_, on_telegram_, on_web in UNREADABLE:
        line = await house.line.post_raw(body, house.line.sign(body))
        telegram = await house.telegram.post_raw(body, secret)
        told, answer = await visitor.call("POST", "/messages", body)
        assert (line.status, telegram.status, told) == (on_line_, on_telegram_, on_web), body[:60]
        assert answer["error"]
    assert (await house.line.post()).status == 200  # the platform's own test of the address
    assert await house.stored() == before


async def test_a_body_that_does_not_say_its_size_is_cut_off_at_the_limit(house: Serving) -> None:
    """A chunked body over the limit is refused while it still comes in."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * (1 << 16)

    async with house.http.post(f"{house.url}/webhooks/line", data=endless()) as response:
        assert response.status == 413
    assert sum((await house.stored()).values()) == 0


# --- what is odd ----------------------------------------------------------------------------------


async def test_unknown_kinds_of_one_person_are_kept_and_answered_gently(house: Serving) -> None:
    """200, stored as unsupported, and one gentle line: kinds newer than any description, and all media."""
    line, telegram = house.line, house.telegram
    user, person = line.new_user(), telegram.new_person()
    events = [line.unknown_message(user), line.image(user), line.audio(user), line.location(user)]
    updates = [telegram.photo(person), telegram.voice(person), telegram.contact(person)]
    await line.deliver(*events, line.text(user, "家族"))
    await telegram.deliver_all([*updates, telegram.text(person, "家族")])
    await house.settled()
    for address, many, texts in (
        (on_line(user), len(events), line.texts(user)),
        (on_telegram(person.id), len(updates), telegram.texts(person.id)),
    ):
        kinds = [told.body.kind for told in await house.thread(address) if told.author == "person"]
        assert kinds == ["unsupported"] * many + ["text"]
        assert sum("写真や音声は開いていません" in text for text in texts) == many
    events = [line.unknown(user), line.unfollow_shaped(user)]
    unknown = [await line.post(*events), await telegram.post(telegram.unknown(person))]
    assert [attempt.status for attempt in unknown] == [200, 200]


async def test_every_kind_of_event_is_acknowledged(house: Serving) -> None:
    """No kind that a platform can bring, in one webhook or alone, is ever answered with anything but 200."""
    line, telegram = house.line, house.telegram
    user, group, person = line.new_user(), line.new_group(), telegram.new_person()
    every = line.every_kind(user, group)
    attempts = {name: await line.post(event) for name, event in every.items()}
    attempts["all"] = await line.post(*line.every_kind(user, group).values())
    for name, update in telegram.every_kind(person, telegram.new_person()).items():
        attempts[f"telegram {name}"] = await telegram.post(update)
    assert {name: attempt.status for name, attempt in attempts.items() if attempt.status != 200} == {}
    await house.settled()


async def test_an_odd_event_takes_none_of_its_batch_along(house: Serving) -> None:
    """Events that are no objects, have no source, or half an emoji: the rest of the webhook is answered."""
    line = house.line
    user, other = line.new_user(), line.new_user()
    halves = line.text(other, "つづきは \ud83d")
    odd = [5, None, {}, {"type": "message"}, {**line.text(user, "家族"), "source": 5}, halves]
    content = {"destination": line.bot_user_id, "events": [*odd, line.text(user, "家族")]}
    body = json.dumps(content).encode()
    assert (await line.post_raw(body, line.sign(body))).status == 200
    await house.settled()
    assert len(line.received(user)) > 0
    assert len(line.received(other)) > 0


async def test_groups_and_standby_are_not_ours(house: Serving) -> None:
    """200, nothing is stored and no person is answered; groups are told so once, and left."""
    line, telegram = house.line, house.telegram
    user, group, person = line.new_user(), line.new_group(), telegram.new_person()
    said = line.text(user, "家族")
    ours = [line.standby(said), line.in_group(said, group), line.join(group), line.member_joined(group, user)]
    assert (await line.post(*ours)).status == 200
    chat = telegram.new_group()
    for update in (
        telegram.group_text(person, chat, "家族"),
        telegram.channel_post("家族"),
        telegram.membership(person, "member", chat),
    ):
        assert (await telegram.post(update)).status == 200
    assert sum((await house.stored()).values()) == 0
    called = {call.path.rpartition("/")[2] for call in [*line.calls, *telegram.calls]}
    assert called <= {"reply", "leave", "sendMessage", "leaveChat"}
    assert line.received(user) == telegram.received(person.id) == []


ODD_TEXTS = {
    "long": "あ" * 5_000,
    "emoji": "😀" * 2_000,
    "families": "👨‍👩‍👧‍👦🏳️‍🌈🇯🇵" * 50,
    "zero width": "\u200b\u200d\ufeff" * 50,
    "right to left": "\u202eabc\u202c שלום مرحبا \u2066x\u2069",
    "NUL inside": "か\x00ぞく",
    "NUL only": "\x00",
    "control": "\x01\x02\x1b[31m\x7f\r\n\t",
    "marks": "か" + "\u3099" * 300,
    "old kanji": "𠮷野家\U000e0100",
    "no character": "\uffff\ufffe",
    "blank": " \u3000\n",
    "slash": "/",
    "empty": "",
}


async def test_any_text_is_handled_or_refused_in_words(house: Serving) -> None:
    """Platforms: 200 and one answer each. Web: taken, or 400 with a sentence to show. Never a 500."""
    line, telegram, visitor = house.line, house.telegram, Visitor(house)
    user, person = line.new_user(), telegram.new_person()
    await visitor.begins()
    taken = 0
    for name, text in ODD_TEXTS.items():
        assert (await line.post(line.text(user, text))).status == 200, name
        assert (await telegram.post(telegram.text(person, text))).status == 200, name
        status, answer = await visitor.says(text)
        assert status == 202 or (status == 400 and "。" in answer["message"]), name
        taken += status == 202
    await house.settled()
    assert len(line.delivered.all) == len(telegram.received(person.id)) == len(ODD_TEXTS)
    assert len(await visitor.heard()) == 1 + taken
    assert taken >= len(ODD_TEXTS) - 3  # empty, blank, NUL only
    status, answer = await visitor.says("あ" * 5_001)
    assert (status, "5,000" in answer["message"]) == (400, True)
    status, answer = await visitor.call("POST", "/messages", HALF_EMOJI)
    assert status == 202
    own = [message["text"] for message in await visitor.thread() if message["from"] == "person"]
    assert ODD_TEXTS["long"] in own
    assert ODD_TEXTS["emoji"] in own


HALF_EMOJI = json.dumps({"client_id": uuid.UUID(int=7).hex, "text": "half \ud83d"}).encode()
