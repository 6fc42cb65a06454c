"""Rich menus, as the Messaging API keeps them: made, given a picture, set for everybody, deleted."""

from __future__ import annotations

import struct
from typing import Any, Protocol

from tests.platforms.faults import Call
from tests.platforms.loopback import Answer


class Account(Protocol):
    """What a menu needs of its account."""

    routes: dict[tuple[str, str], Any]

    def hex(self, digits: int) -> str: ...


class Menus:
    """The rich menus of one account. `default` is the one everybody sees."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.requests: dict[str, dict[str, Any]] = {}
        self.pictures: dict[str, bytes] = {}
        self.default = ""
        one = "/v2/bot/richmenu/{richMenuId}"
        account.routes |= {
            ("GET", "/v2/bot/richmenu/list"): self._list,
            ("POST", "/v2/bot/richmenu"): self._create,
            ("POST", f"{one}/content"): self._draw,
            ("DELETE", one): self._delete,
            ("GET", "/v2/bot/user/all/richmenu"): self._get_default,
            ("POST", "/v2/bot/user/all/richmenu/{richMenuId}"): self._set_default,
        }

    def _list(self, _: Call) -> Answer:
        return Answer(200, {"richmenus": [{"richMenuId": key, **one} for key, one in self.requests.items()]})

    def _create(self, call: Call) -> Answer:
        key = f"richmenu-{self._account.hex(32)}"
        self.requests[key] = call.body
        return Answer(200, {"richMenuId": key})

    def _draw(self, call: Call) -> Answer:
        """PNG, at most 1 MB, of the size the menu says [platforms.md, Rich menu]."""
        key, raw = call.path.split("/")[-2], call.body
        if key not in self.requests or key in self.pictures:
            return Answer(400, {"message": "An image has already been uploaded to the richmenu"})
        if not isinstance(raw, bytes) or not raw.startswith(b"\x89PNG") or len(raw) > 1 << 20:
            return Answer(400, {"message": "The request body is no picture"})
        width, height = struct.unpack(">II", raw[16:24])
        if {"width": width, "height": height} != self.requests[key]["size"]:
            return Answer(400, {"message": "The size of the picture is another one"})
        self.pictures[key] = raw
        return Answer(200)

    def _delete(self, call: Call) -> Answer:
        key = call.path.split("/")[-1]
        if self.requests.pop(key, None) is None:
            return Answer(404, {"message": "Not found"})
        self.default = "" if self.default == key else self.default
        return Answer(200)

    def _get_default(self, _: Call) -> Answer:
        if not self.default:
            return Answer(404, {"message": "no default richmenu"})
        return Answer(200, {"richMenuId": self.default})

    def _set_default(self, call: Call) -> Answer:
        key = call.path.split("/")[-1]
        if key not in self.pictures:
            return Answer(400, {"message": "must upload richmenu image before applying it to user"})
        self.default = key
        return Answer(200)
