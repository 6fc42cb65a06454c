"""Codes staff type: the six figures of an app (RFC 6238), and recovery codes."""

from __future__ import annotations

import hmac
import secrets

import pyotp

STEP = 30  # seconds
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no letters that look alike: it can be read aloud


def step_of(secret: str, code: str, now: int) -> int | None:
    """The time step whose code this is: the one of now, or one beside it (RFC 6238, 5.2); None for no such code."""
    app, found = pyotp.TOTP(secret, interval=STEP), None
    for step in (now // STEP - 1, now // STEP, now // STEP + 1):
        if hmac.compare_digest(app.generate_otp(step).encode(), code.encode("utf-8", "replace")):
            found = step
    return found


def new_code() -> str:
    """A recovery code of 118 random bits: enough to lie as a plain hash (ASVS 6.5.2)."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(6))


def plain(code: str) -> str:
    """A recovery code without its spelling."""
    return code.lower().replace("-", "")
