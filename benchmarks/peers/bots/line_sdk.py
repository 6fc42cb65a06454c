"""LINE's own SDK on aiohttp, the way its aiohttp example is built: parse, answer each text, acknowledge."""

from __future__ import annotations

import os

from aiohttp import web
from linebot.v3 import WebhookParser
from linebot.v3.exceptions import InvalidSignatureError
from linebot.v3.messaging import (
    AsyncApiClient,
    AsyncMessagingApi,
    Configuration,
    MessageAction,
    QuickReply,
    QuickReplyItem,
    ReplyMessageRequest,
    TextMessage,
)
from linebot.v3.webhooks import MessageEvent, TextMessageContent

CHOICES = ("はじめ", "家族", "メニュー")


class Echo:
    """The handler with what it needs at hand."""

    def __init__(self, api: AsyncMessagingApi, parser: WebhookParser) -> None:
        self._api = api
        self._parser = parser
        self._last: dict[str, str] = {}

    async def __call__(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        try:
            events = self._parser.parse(body, request.headers["X-Line-Signature"])
        except InvalidSignatureError:
            return web.Response(status=400)
        for event in events:
            if isinstance(event, MessageEvent) and isinstance(event.message, TextMessageContent):
                await self._reply(event)
        return web.Response(text="OK")

    async def _reply(self, event: MessageEvent) -> None:
        self._last[event.source.user_id] = event.message.text
        items = [QuickReplyItem(action=MessageAction(label=choice, text=choice)) for choice in CHOICES]
        message = TextMessage(text=f"読みました。{event.message.text}", quick_reply=QuickReply(items=items))
        await self._api.reply_message(ReplyMessageRequest(reply_token=event.reply_token, messages=[message]))


async def make_app() -> web.Application:
    environ = os.environ
    configuration = Configuration(
        host=environ["ENGAWA_LINE_API_BASE"], access_token=environ["ENGAWA_LINE_CHANNEL_ACCESS_TOKEN"]
    )
    client = AsyncApiClient(configuration)
    parser = WebhookParser(environ["ENGAWA_LINE_CHANNEL_SECRET"])
    app = web.Application()
    app.router.add_post("/callback", Echo(AsyncMessagingApi(client), parser))
    app.on_cleanup.append(lambda _: client.close())
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=int(os.environ["ENGAWA_PORT"]))
