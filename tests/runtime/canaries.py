"""Strings that occur nowhere else, and where they turned up: in the clear or in any usual disguise."""

from __future__ import annotations

import base64
import json
import secrets
from urllib.parse import quote


def disguises(text: str) -> set[bytes]:
    """The bytes a string may show as: plain, wide, escaped, percent-encoded, hex or base64 at any offset."""
    raw = text.encode()
    found = {
        raw,
        text.encode("utf-16-le"),
        text.encode("utf-16-be"),
        json.dumps(text)[1:-1].encode(),
        repr(raw)[2:-1].encode(),
        quote(text, safe="").encode(),
        quote(text, safe="").lower().encode(),
        raw.hex().encode(),
        raw.hex().upper().encode(),
    }
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # what lies before and after it in the same piece decides the first and last characters
            first, last = (0, 2, 3)[shift], (len(raw) + shift) // 3 * 4
            found.add(encode(bytes(shift) + raw)[first:last])
    return found


class Canaries:
    """Makes and knows them. `found_in` names those that sing somewhere."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def make(self, name: str) -> str:
        """A text with Japanese letters in it, as people write."""
        return self.note(name, f"ひみつ{secrets.token_hex(8)}")

    def plain(self, name: str) -> str:
        """One for places that take ASCII only: tokens, headers, paths."""
        return self.note(name, f"canary-{secrets.token_hex(10)}")

    def note(self, name: str, value: str) -> str:
        """One that somebody else made."""
        assert len(value) >= 8, "too short to be unique"
        self._known[name] = value
        return value

    def __len__(self) -> int:
        return len(self._known)

    def found_in(self, content: bytes) -> list[str]:
        return sorted(
            name
            for name, value in self._known.items()
            if any(disguise in content for disguise in disguises(value))
        )
