"""The Bot API's side that takes our calls, as `platforms.md` §2 tells."""

from __future__ import annotations

import json
import random
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from typing import Any, Final

from aiohttp import web

from tests.platforms.faults import Call, Fault
from tests.platforms.loopback import Answer, Loopback, Work
from tests.platforms.measure import described
from tests.platforms.validate import UPLOAD, TelegramSchema, utf16_length

_PATH: Final = re.compile(r"/bot(?P<token>[^/]+)/(?P<method>[A-Za-z]+)")
_BLOCKED: Final = "Forbidden: bot was blocked by the user"
_KICKED: Final = "Forbidden: bot was kicked from the supergroup chat"
_DESCRIPTIONS: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: _BLOCKED,
    404: "Not Found",
    409: "Conflict: terminated by other getUpdates request",
    429: "Too Many Requests: retry after {retry_after}",
    500: "Internal Server Error",
    502: "Bad Gateway",
}
_OLD_QUERY: Final = "Bad Request: query is too old and response timeout expired or query ID is invalid"
_TEXTS: Final = frozenset({"text", "callback_query_id", "url", "secret_token", "action", "language_code"})


class Refusal(Exception):
    """A sound call that Telegram does not carry out."""

    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status = status


class TelegramApi(Loopback):
    """Methods of a bot, at /bot<token>/<method>, by GET and POST, as query, form, multipart or JSON.

    `methods` maps a method's name to what gives its result; more may be added.
    """

    def __init__(
        self,
        *,
        token: str = "123456789:fake-telegram-bot-token",
        clock: Callable[[], float] = time.time,
        seed: int | None = None,
        validate: bool | None = None,
    ) -> None:
        super().__init__()
        self.token = token
        self.clock = clock
        self.schema = TelegramSchema.load() if (described() if validate is None else validate) else None
        self.random = random.Random(seed)
        bot_id = int(token.partition(":")[0])
        self.bot = {"id": bot_id, "is_bot": True, "first_name": "えんがわ", "username": "engawa_fake_bot"}
        self.sent: list[dict[str, Any]] = []  # every Message we sent, in order
        self.by_chat: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        self.silent: set[int] = set()  # message ids sent without a sound
        self.protected: set[int] = set()  # message ids sent with protect_content
        self.refused: list[tuple[Call, str]] = []
        self.chats: dict[int, dict[str, Any]] = {}
        self.blocked: set[int] = set()
        self.queries: dict[str, bool] = {}  # callback queries: answered?
        self.actions: list[tuple[int, str]] = []
        self._next_message = self.random.randrange(1000, 5000)
        self.methods: dict[str, Callable[[Call], Any]] = {
            "getMe": lambda _: {**self.bot, "can_join_groups": True, "supports_inline_queries": False},
            "sendMessage": self._send_message,
            "editMessageReplyMarkup": self._edit_markup,
            "answerCallbackQuery": self._answer_query,
            "sendChatAction": self._chat_action,
        }

    # -- what arrived ------------------------------------------------------------------------

    def received(self, chat_id: int) -> list[dict[str, Any]]:
        """The messages that came to this chat, in order."""
        return list(self.by_chat.get(chat_id, ()))

    def texts(self, chat_id: int) -> list[str]:
        return [message["text"] for message in self.received(chat_id)]

    def message_id(self) -> int:
        self._next_message += 1
        return self._next_message

    # -- one call ----------------------------------------------------------------------------

    async def read(self, request: web.Request, number: int) -> Call:
        matched = _PATH.fullmatch(request.path)
        method = matched["method"] if matched else ""
        body: Any = dict(request.query)
        if request.content_type == "application/json":
            try:
                given = json.loads(await request.read() or b"{}")
            except (ValueError, RecursionError):
                given = None
            body = body | given if isinstance(given, dict) else given
        else:
            form = await request.post()
            body |= {name: value if isinstance(value, str) else UPLOAD for name, value in form.items()}
        if isinstance(body, dict):
            body = self.schema.decoded(method, body) if self.schema is not None else _loosely(body)
        return Call(
            number=number,
            name=method if matched and matched["token"] == self.token else "",
            to=str(body.get("chat_id", "")) if isinstance(body, dict) else "",
            method=request.method,
            path=request.path.replace(self.token, "<token>"),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
        )

    def receive(self, call: Call) -> Answer | Work:
        if not call.name:
            return self.reject(call, ["wrong token or path"], _error(401))
        if self.schema is not None and call.name not in self.schema.methods:
            return self.reject(call, [f"{call.name}: the Bot API has no such method"], _error(404))
        problems = self._problems(call)
        if problems:
            return self.reject(call, problems, _error(400, "Bad Request: " + "; ".join(problems)))
        method = self.methods.get(call.name)
        if method is None:
            return self.reject(call, [f"{call.name}: not played by this fake"], _error(404))
        return lambda: self._carry_out(call, method)

    def _problems(self, call: Call) -> list[str]:
        if not isinstance(call.body, dict):
            return ["body: a JSON object is wanted"]
        if self.schema is not None:
            return self.schema.request_problems(call.name, call.body)
        text = call.body.get("text")
        if call.name == "sendMessage" and not (isinstance(text, str) and 1 <= utf16_length(text) <= 4096):
            return ["text: 1 to 4096 characters"]
        return []

    async def _carry_out(self, call: Call, method: Callable[[Call], Any]) -> Answer:
        try:
            result = method(call)
            if isinstance(result, Awaitable):
                result = await result
        except Refusal as refusal:
            self.refused.append((call, str(refusal)))
            return _error(refusal.status, str(refusal))
        except KeyError as missing:  # without the description only the method itself finds this out
            return self.reject(
                call, [f"{missing}: required"], _error(400, f"Bad Request: {missing} is empty")
            )
        call.accepted = True
        return Answer(200, {"ok": True, "result": result}, {"Date": formatdate(self.clock(), usegmt=True)})

    def failure(self, fault: Fault, call: Call) -> Answer:
        return _error(fault.status or 500, fault.message, fault.retry_after)

    # -- messages ----------------------------------------------------------------------------

    def _chat(self, call: Call) -> dict[str, Any]:
        chat = self.chats.get(call.body["chat_id"])
        if chat is None:
            raise Refusal(400, "Bad Request: chat not found")
        if chat["id"] in self.blocked:
            raise Refusal(403, _BLOCKED if chat["type"] == "private" else _KICKED)
        return chat

    def _send_message(self, call: Call) -> dict[str, Any]:
        chat = self._chat(call)
        message = {
            "message_id": self.message_id(),
            "from": self.bot,
            "chat": chat,
            "date": int(self.clock()),
            "text": call.body["text"].strip(),
        }
        if "inline_keyboard" in call.body.get("reply_markup", {}):
            message["reply_markup"] = call.body["reply_markup"]
        if call.body.get("disable_notification"):
            self.silent.add(message["message_id"])
        if call.body.get("protect_content"):
            self.protected.add(message["message_id"])
            message["has_protected_content"] = True
        self.sent.append(message)
        self.by_chat[chat["id"]].append(message)
        return message

    def _edit_markup(self, call: Call) -> dict[str, Any]:
        chat = self._chat(call)
        for message in self.by_chat[chat["id"]]:
            if message["message_id"] == call.body.get("message_id"):
                return self._edited(message, call.body.get("reply_markup"))
        raise Refusal(400, "Bad Request: message to edit not found")

    def _edited(self, message: dict[str, Any], markup: Mapping[str, Any] | None) -> dict[str, Any]:
        kept = markup if markup and markup.get("inline_keyboard") else None
        if kept == message.get("reply_markup"):
            raise Refusal(400, "Bad Request: message is not modified")
        message.pop("reply_markup", None)
        if kept is not None:
            message["reply_markup"] = kept
        message["edit_date"] = int(self.clock())
        return message

    def _answer_query(self, call: Call) -> bool:
        query = call.body["callback_query_id"]
        if query not in self.queries:
            raise Refusal(400, _OLD_QUERY)
        self.queries[query] = True
        return True

    def _chat_action(self, call: Call) -> bool:
        self.actions.append((self._chat(call)["id"], call.body["action"]))
        return True


def _loosely(raw: Mapping[str, object]) -> dict[str, object]:
    """Parameters as values when no description tells their types."""
    values = dict(raw)
    for name, value in raw.items():
        if isinstance(value, str) and name not in _TEXTS:
            try:
                values[name] = json.loads(value)
            except ValueError:
                continue
    return values


def _error(status: int, description: str | None = None, retry_after: int | None = None) -> Answer:
    told = description or _DESCRIPTIONS.get(status, "Internal Server Error")
    body: dict[str, Any] = {"ok": False, "error_code": status}
    body["description"] = told.format(retry_after=retry_after) if description is None else told
    if retry_after is not None:
        body["parameters"] = {"retry_after": retry_after}
    return Answer(status, body)
