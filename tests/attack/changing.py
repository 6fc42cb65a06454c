"""What is changed while people write: the secret of a channel."""

from __future__ import annotations

import asyncio
from typing import Final

from sqlalchemy import func, select, text

from bot.store.inbox import PERSON
from bot.store.schema import timeline
from tests.attack.bars import bar, check
from tests.attack.stage import Stage, up

MESSAGES: Final = 1_000
PEOPLE: Final = 20
NEW: Final = "another-channel-secret-of-32-signs"


@bar("B41", "a new secret of a channel while people write", on_both=True)
async def rotated(stage: Stage) -> str:
    """LINE brings 1,000 messages; meanwhile it is told of a new secret, LINE signs with it, the old one ends."""
    line, old = stage.line, stage.line.secret
    users = [line.new_user() for _ in range(PEOPLE)]
    lines = select(func.count()).select_from(timeline).where(timeline.c.author == PERSON)
    before, brought = stage.rows(lines)[0][0], len(line.acknowledged)
    webhooks = [[line.text(users[number % PEOPLE], f"{number}番め")] for number in range(MESSAGES)]
    bringing = asyncio.ensure_future(line.deliver_all(webhooks))
    await stage.until(lambda: len(line.acknowledged) - brought >= MESSAGES * 0.2, 120)
    stage.server.tell({"ENGAWA_LINE_CHANNEL_SECRET": NEW, "ENGAWA_LINE_CHANNEL_SECRET_BEFORE": old})
    await restarted(stage)
    await stage.until(lambda: len(line.acknowledged) - brought >= MESSAGES * 0.5, 120)
    line.secret = NEW
    await bringing
    check(len(line.acknowledged) - brought == MESSAGES, "LINE gave up on some")
    stage.server.tell({"ENGAWA_LINE_CHANNEL_SECRET_BEFORE": ""})
    await restarted(stage)
    await stage.settled()
    if stage.postgresql is None:
        check(stage.rows(text("PRAGMA integrity_check"))[0][0] == "ok", "the file is damaged")
    stored = stage.rows(lines)[0][0] - before
    check(stored == MESSAGES, f"{stored} of {MESSAGES} are there")
    body = line.body([line.text(users[0], "ふるい署名")])
    line.secret = old
    check((await line.post_raw(body, line.sign(body))).status == 401, "the old secret still signs")
    line.secret = NEW
    check((await line.post_raw(body, line.sign(body))).status == 200, "the new secret does not sign")
    return f"{MESSAGES} messages over two restarts: each there once; the old secret is refused afterwards"


async def restarted(stage: Stage) -> None:
    stage.engine.dispose()
    await asyncio.to_thread(stage.server.stop)
    stage.server.start()
    await up(stage)
