"""LINE: signed webhooks in, free replies first and pushes with a retry key after (docs/delivery.md).

events reads webhooks · messages and flex write what we say · sender decides how it leaves · quota knows how many
pushes are left · health asks how the account is · setup and richmenu are for the command line. The hot path speaks
HTTP itself; the SDK does the set-up and is the oracle in the tests. Never called: profile, name and picture endpoints.
"""

from __future__ import annotations

from bot.channels.line.channel import Line
from bot.channels.line.messages import CAPABILITIES
from bot.channels.line.sender import PUSH, REPLY

__all__ = ["CAPABILITIES", "PUSH", "REPLY", "Line"]
