"""The LINE Messaging API's side that takes our calls, as `platforms.md` §1 tells."""

from __future__ import annotations

import json
import random
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from tests.platforms.faults import Call, Fault
from tests.platforms.line_books import AcceptedKey, Delivered, Deliveries, ReplyToken
from tests.platforms.line_menus import Menus
from tests.platforms.loopback import Answer, Loopback, Work
from tests.platforms.measure import described
from tests.platforms.validate import LineSchema, limit_problems

_RETRY_HEADER: Final = "x-line-retry-key"
_WITH_RETRY_KEY: Final = {"push", "multicast", "narrowcast", "broadcast"}
_NEEDED: Final = {"reply": "replyToken", "push": "to"}
_RECEIVER: Final = re.compile(r"[UCR][0-9a-f]{32}")
_MESSAGES: Final = {
    400: "The request body has 1 error(s)",
    401: "Authentication failed. Confirm that the access token in the authorization header is valid.",
    404: "Not found",
    409: "The retry key is already accepted",
    429: "The API rate limit has been exceeded. Try again later.",
}


class LineApi(Loopback):
    """Reply, push, validate, quota, bot info, webhook endpoint, loading animation.

    `routes` maps (method, path template) to what answers a checked call; more may be added.
    """

    def __init__(
        self,
        *,
        access_token: str = "line-access-token",
        clock: Callable[[], float] = time.time,
        seed: int | None = None,
        validate: bool | None = None,
    ) -> None:
        super().__init__()
        self.access_token = access_token
        self.clock = clock
        self.schema = LineSchema.load() if (described() if validate is None else validate) else None
        self.delivered = Deliveries()
        self.refused: list[tuple[Call, str]] = []  # sound requests not taken: token used, quota, ...
        self.blocked: set[str] = set()
        self.known: set[str] = set()  # who may be written to: users, groups, rooms
        self.loading: list[str] = []
        self.left: list[str] = []  # groups and rooms that our account went out of
        self.quota: int | None = None  # push calls a month; None is no limit
        self.consumed = 0
        self.endpoint = ""
        self.endpoint_active = True
        self.random = random.Random(seed)
        self.bot_user_id = "U" + self.hex(32)
        self._tokens: dict[str, ReplyToken] = {}
        self._accepted: dict[str, AcceptedKey] = {}
        message = "/v2/bot/message"
        endpoint = "/v2/bot/channel/webhook/endpoint"
        self.routes: dict[tuple[str, str], Callable[[Call], Answer | Awaitable[Answer]]] = {
            ("POST", f"{message}/reply"): self._reply,
            ("POST", f"{message}/push"): self._push,
            ("POST", f"{message}/validate/reply"): lambda _: Answer(200),
            ("POST", f"{message}/validate/push"): lambda _: Answer(200),
            ("GET", f"{message}/quota"): self._quota,
            ("GET", f"{message}/quota/consumption"): lambda _: Answer(200, {"totalUsage": self.consumed}),
            ("GET", "/v2/bot/info"): self._info,
            ("GET", endpoint): self._get_endpoint,
            ("PUT", endpoint): self._set_endpoint,
            ("POST", "/v2/bot/chat/loading/start"): self._loading,
            ("POST", "/v2/bot/group/{groupId}/leave"): self._leave,
            ("POST", "/v2/bot/room/{roomId}/leave"): self._leave,
        }
        self.menus = Menus(self)

    # -- what arrived ------------------------------------------------------------------------

    def received(self, to: str) -> list[dict[str, Any]]:
        """The messages that this user (group, room) got, in order."""
        return list(self.delivered.by_receiver.get(to, ()))

    def texts(self, to: str) -> list[str]:
        """What a reader sees of them: the text, else what stands for the message (alt text, kind)."""
        return [str(m.get("text") or m.get("altText") or f"[{m['type']}]") for m in self.received(to)]

    def hex(self, digits: int) -> str:
        return f"{self.random.getrandbits(4 * digits):0{digits}x}"

    def message_id(self) -> str:
        return str(self.random.randrange(10**17, 10**18))

    def issue_token(self, to: str, event_id: str) -> str:
        """A fresh reply token for an event that happens now."""
        token = self.hex(32)
        now = self.clock()
        self._tokens[token] = ReplyToken(to=to, event_id=event_id, event_at=now, delivered_at=now)
        return token

    def refresh_token(self, token: str | None) -> None:
        """The webhook that carries the token is delivered (again): another minute, unless used."""
        if token in self._tokens:
            self._tokens[token].delivered_at = self.clock()

    # -- one call ----------------------------------------------------------------------------

    async def read(self, request: web.Request, number: int) -> Call:
        raw = await request.read()
        body: Any = None
        if raw and request.content_type == "application/json":
            try:
                body = json.loads(raw)
            except (ValueError, RecursionError):
                body = raw
        elif raw:
            body = raw
        path = request.path
        to = str(body.get("to") or body.get("chatId") or "") if isinstance(body, dict) else ""
        if isinstance(body, dict) and not to and (token := self._tokens.get(str(body.get("replyToken")))):
            to = token.to
        headers = {name.lower(): value for name, value in request.headers.items()}
        name = path.removeprefix("/v2/bot/").removeprefix("message/")
        return Call(
            number=number, name=name, to=to, method=request.method, path=path, headers=headers, body=body
        )

    def receive(self, call: Call) -> Answer | Work:
        if call.headers.get("authorization") != f"Bearer {self.access_token}":
            return self.reject(call, ["authorization: wrong access token"], _error(401))
        problems = self._problems(call)
        if problems:
            details = [{"message": problem, "property": problem.partition(":")[0]} for problem in problems]
            message = f"The request body has {len(problems)} error(s)"
            return self.reject(call, problems, _error(400, message, details))
        route = self._route(call)
        if route is None:
            return self.reject(call, [f"{call.method} {call.path}: not played by this fake"], _error(404))
        return lambda: route(call)

    def _route(self, call: Call) -> Callable[[Call], Answer | Awaitable[Answer]] | None:
        for (method, template), route in self.routes.items():
            pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template))
            if method == call.method and re.fullmatch(pattern, call.path):
                return route
        return None

    def _problems(self, call: Call) -> list[str]:
        if isinstance(call.body, bytes) and not call.headers.get("content-type", "").startswith("image/"):
            return ["body: JSON is wanted, and said to be so"]
        problems = []
        key = call.headers.get(_RETRY_HEADER)
        if key is not None and call.name not in _WITH_RETRY_KEY:
            problems.append(f"{_RETRY_HEADER}: not allowed here")
        elif key is not None and not _is_uuid(key):
            problems.append(f"{_RETRY_HEADER}: not a UUID")
        if self.schema is not None:
            problems += self.schema.problems(call.method, call.path, call.body)
        elif call.name in _NEEDED and not _looks_whole(call):
            problems.append(f"body: {_NEEDED[call.name]} and 1 to 5 messages are wanted")
        problems = problems or limit_problems(call.body)
        if not problems and call.name == "push" and not _RECEIVER.fullmatch(call.to):
            problems.append("body.to: not the id of a user, group or room")
        return problems or (_loading_problems(call) if call.name == "chat/loading/start" else [])

    def failure(self, fault: Fault, call: Call) -> Answer:
        if fault.status == 409:
            accepted = self._accepted.get(call.headers.get(_RETRY_HEADER, ""))
            return _conflict(accepted or AcceptedKey(at=0, request_id=self.hex(32), sent=[{"id": "1"}]))
        return _error(fault.status or 500, fault.message)

    def _refuse(self, call: Call, answer: Answer) -> Answer:
        self.refused.append((call, str(answer.body["message"])))
        return answer

    # -- sending -----------------------------------------------------------------------------

    def _reply(self, call: Call) -> Answer:
        """The token works once and for about a minute; used, expired and unknown look alike."""
        value = call.body["replyToken"]
        token = self._tokens.get(value)
        if token is None or not token.works(self.clock()):
            return self._refuse(call, _error(400, "Invalid reply token"))
        token.used = True
        return self._accept(call, to=token.to, key=value, event_id=token.event_id)

    def _push(self, call: Call) -> Answer:
        key = call.headers.get(_RETRY_HEADER, "").lower()
        accepted = self._accepted.get(key)
        if accepted is not None and accepted.holds(self.clock()):
            return self._refuse(call, _conflict(accepted))
        if call.to not in self.known:
            return self._refuse(call, _error(400, "Failed to send messages"))
        if self.quota is not None and self.consumed >= self.quota:
            return self._refuse(call, _error(429, "You have reached your monthly limit."))
        self.consumed += 1
        answer = self._accept(call, to=call.to, key=key, event_id="")
        if key:
            request_id = answer.headers["x-line-request-id"]
            self._accepted[key] = AcceptedKey(
                at=self.clock(), request_id=request_id, sent=answer.body["sentMessages"]
            )
        return answer

    def _accept(self, call: Call, *, to: str, key: str, event_id: str) -> Answer:
        """Accepted is not delivered: to one who blocked us nothing arrives, and nothing tells so."""
        call.accepted = True
        if to not in self.blocked:
            one = Delivered(
                to=to,
                via=call.name,
                messages=tuple(call.body["messages"]),
                key=key,
                event_id=event_id,
                silent=bool(call.body.get("notificationDisabled", False)),
                at=self.clock(),
            )
            self.delivered.add(one)
        sent = [{"id": self.message_id(), "quoteToken": self.hex(40)} for _ in call.body["messages"]]
        return Answer(200, {"sentMessages": sent}, {"x-line-request-id": self.hex(32)})

    # -- the rest ----------------------------------------------------------------------------

    def _quota(self, _: Call) -> Answer:
        if self.quota is None:
            return Answer(200, {"type": "none"})
        return Answer(200, {"type": "limited", "value": self.quota})

    def _info(self, _: Call) -> Answer:
        about = {"userId": self.bot_user_id, "basicId": "@000fake", "displayName": "えんがわ"}
        return Answer(200, {**about, "chatMode": "bot", "markAsReadMode": "auto"})

    def _get_endpoint(self, _: Call) -> Answer:
        if not self.endpoint:
            return _error(404, "Webhook endpoint is not set")
        return Answer(200, {"endpoint": self.endpoint, "active": self.endpoint_active})

    def _set_endpoint(self, call: Call) -> Answer:
        call.accepted = True
        self.endpoint = call.body["endpoint"]
        return Answer(200)

    def _leave(self, call: Call) -> Answer:
        place = call.path.split("/")[-2]
        if place not in self.known or place in self.left:
            return self._refuse(call, _error(404))
        call.accepted = True
        self.left.append(place)
        return Answer(200)

    def _loading(self, call: Call) -> Answer:
        call.accepted = True
        self.loading.append(call.to)
        return Answer(202)


def _error(status: int, message: str | None = None, details: list[dict[str, str]] | None = None) -> Answer:
    body: dict[str, Any] = {"message": message or _MESSAGES.get(status, "Internal server error")}
    return Answer(status, {**body, **({"details": details} if details else {})})


def _conflict(accepted: AcceptedKey) -> Answer:
    body = {"message": _MESSAGES[409], "sentMessages": accepted.sent}
    return Answer(409, body, {"x-line-accepted-request-id": accepted.request_id})


def _looks_whole(call: Call) -> bool:
    """The least that reply and push need, for want of LINE's own description."""
    messages = call.body.get("messages") if isinstance(call.body, dict) else None
    return (
        isinstance(messages, list)
        and 1 <= len(messages) <= 5
        and all(isinstance(message, dict) and isinstance(message.get("type"), str) for message in messages)
        and isinstance(call.body.get(_NEEDED[call.name]), str)
    )


def _loading_problems(call: Call) -> list[str]:
    if call.body.get("loadingSeconds", 20) % 5 or not call.to.startswith("U"):
        return ["body: loadingSeconds in fives, and the chatId of a user"]
    return []


def _is_uuid(value: str) -> bool:
    try:
        return str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False
