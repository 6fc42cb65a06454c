"""python-telegram-bot's own webhook server. `at-once`: updates side by side, which is not its default."""

from __future__ import annotations

import os
import sys

from telegram import ReplyKeyboardMarkup, Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters

CHOICES = ("はじめ", "家族", "メニュー")


async def answer(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    context.user_data["last"] = update.message.text
    keyboard = ReplyKeyboardMarkup([list(CHOICES)])
    await update.message.reply_text(f"読みました。{update.message.text}", reply_markup=keyboard)


def main() -> None:
    environ = os.environ
    builder = Application.builder().token(environ["ENGAWA_TELEGRAM_BOT_TOKEN"])
    builder = builder.base_url(f"{environ['ENGAWA_TELEGRAM_API_BASE']}/bot")
    application = builder.concurrent_updates("at-once" in sys.argv).build()
    application.add_handler(MessageHandler(filters.TEXT, answer))
    port = int(environ["ENGAWA_PORT"])
    application.run_webhook(
        listen="127.0.0.1",
        port=port,
        url_path="webhook",
        secret_token=environ["ENGAWA_TELEGRAM_SECRET_TOKEN"],
        webhook_url=f"http://127.0.0.1:{port}/webhook",
    )


if __name__ == "__main__":
    main()
