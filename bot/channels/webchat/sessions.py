"""Who writes on the web: a random cookie, of which we keep a hash only. No account, no address, no device traces."""

from __future__ import annotations

import hashlib
import secrets

from aiohttp import web

from bot.frozen import dataclass
from bot.messages import Address

ACCOUNT = "web"
HIDDEN_COOKIE = "engawa_hidden"
"""Not secret: the page's script sets it, too, the moment the screen is hidden."""
TOKEN_BYTES = 32
TOKEN_LENGTH = 43
COOKIE_AGE = 180 * 24 * 3600  # seconds; a return after months works as before


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """Reads and sets the cookie. With an https base address it is a `__Host-` cookie, bound to this host."""

    secure: bool

    @property
    def cookie(self) -> str:
        return "__Host-engawa_chat" if self.secure else "engawa_chat"

    def address(self, request: web.Request) -> Address | None:
        token = request.cookies.get(self.cookie, "")
        return address_of(token) if len(token) == TOKEN_LENGTH and token.isascii() else None

    def begin(self) -> str:
        return secrets.token_urlsafe(TOKEN_BYTES)

    def set_cookie(self, response: web.StreamResponse, token: str) -> None:
        response.set_cookie(
            self.cookie,
            token,
            max_age=COOKIE_AGE,
            path="/",
            httponly=True,
            secure=self.secure,
            samesite="Strict",
        )

    def is_hidden(self, request: web.Request) -> bool:
        """Whether the person hid the chat in this browser."""
        return HIDDEN_COOKIE in request.cookies

    def hide(self, response: web.StreamResponse) -> None:
        response.set_cookie(
            HIDDEN_COOKIE, "1", max_age=COOKIE_AGE, path="/chat", secure=self.secure, samesite="Strict"
        )

    def show(self, response: web.StreamResponse) -> None:
        response.del_cookie(HIDDEN_COOKIE, path="/chat", secure=self.secure, samesite="Strict")


def address_of(token: str) -> Address:
    return Address(account=ACCOUNT, key=hashlib.sha256(token.encode()).hexdigest())
