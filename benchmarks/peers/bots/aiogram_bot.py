"""aiogram behind a webhook, the way its webhook page says: a dispatcher, a request handler, aiohttp's server."""

from __future__ import annotations

import os

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.fsm.context import FSMContext
from aiogram.types import KeyboardButton, Message, ReplyKeyboardMarkup
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web

CHOICES = ("はじめ", "家族", "メニュー")

dispatcher = Dispatcher()


@dispatcher.message()
async def answer(message: Message, state: FSMContext) -> None:
    await state.update_data(last=message.text)
    keyboard = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text=choice) for choice in CHOICES]])
    await message.answer(f"読みました。{message.text}", reply_markup=keyboard)


def main() -> None:
    environ = os.environ
    server = TelegramAPIServer.from_base(environ["ENGAWA_TELEGRAM_API_BASE"])
    bot = Bot(environ["ENGAWA_TELEGRAM_BOT_TOKEN"], session=AiohttpSession(api=server))
    app = web.Application()
    handler = SimpleRequestHandler(dispatcher, bot, secret_token=environ["ENGAWA_TELEGRAM_SECRET_TOKEN"])
    handler.register(app, path="/webhook")
    setup_application(app, dispatcher, bot=bot)
    web.run_app(app, host="127.0.0.1", port=int(environ["ENGAWA_PORT"]))


if __name__ == "__main__":
    main()
