"""Fake LINE and Telegram servers on loopback, for tests and for programs that run the server as a subprocess.

    from tests.platforms import FakeLine, FakeTelegram, refuse, cut, silence

Both are plain async context managers that live in the caller's event loop.
They take the calls of the real SDKs, record what each person received and every request that the platform
would never take, let planned faults strike, and bring signed webhooks until they are acknowledged.
"""

from __future__ import annotations

from tests.platforms.faults import Call, Fault, Faults, cut, held, refuse, silence, slow
from tests.platforms.line import FakeLine
from tests.platforms.line_books import Delivered
from tests.platforms.loopback import Answer, Invalid
from tests.platforms.measure import SchemaMissing
from tests.platforms.posting import Attempt, NotAcknowledged
from tests.platforms.telegram import FakeTelegram
from tests.platforms.telegram_updates import Person

__all__ = [
    "Answer",
    "Attempt",
    "Call",
    "Delivered",
    "FakeLine",
    "FakeTelegram",
    "Fault",
    "Faults",
    "Invalid",
    "NotAcknowledged",
    "Person",
    "SchemaMissing",
    "cut",
    "held",
    "refuse",
    "silence",
    "slow",
]
