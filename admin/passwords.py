"""What a passphrase must be (ASVS 6.2): long enough, not one that is guessed first; no rule about kinds of signs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.errors import BadInput

LEAST, MOST = 12, 256  # characters (ASVS 6.2.1, 6.2.9)
LEAST_SCORE = 3  # of 4: more than 10^8 guesses
READ = 72  # characters that are looked at; what comes after makes it only better
OURS = ("engawa", "縁側", "counselor", "password")
TOO_SHORT = "A passphrase needs 12 to 256 characters."
TOO_EASY = "This passphrase is among the first that are tried. A few words in a row are better."


def check(secret: str, known: Sequence[str] = ()) -> None:
    """Raises BadInput for what is too short, or guessed first: lists of common ones, rows of keys, dates, `known`.

    `known`: what somebody who guesses knows of this member, such as login, name and town (ASVS 6.2.11).
    """
    if not LEAST <= len(secret) <= MOST:
        raise BadInput(TOO_SHORT)
    from zxcvbn import zxcvbn  # 12 MB of lists, for the few times that somebody chooses a passphrase

    guessed = [*OURS, *filter(None, known)]
    for spelling in filter(None, (secret, re.sub(r"[\W_]", "", secret))):  # a dash between words is no secret
        if zxcvbn(spelling[:READ], user_inputs=guessed)["score"] < LEAST_SCORE:
            raise BadInput(TOO_EASY)
