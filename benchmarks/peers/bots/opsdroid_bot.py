"""opsdroid with its Telegram connector and one skill. It knows no other address than Telegram's: set from outside."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from opsdroid.cli.utils import configure_lang
from opsdroid.configuration import load_config_file
from opsdroid.core import OpsDroid

SKILL = """
from opsdroid.matchers import match_regex
from opsdroid.skill import Skill


class Echo(Skill):
    @match_regex(r"[\\s\\S]*")
    async def answer(self, message):
        await self.opsdroid.memory.put(str(message.user_id), message.text)
        await message.respond("読みました。" + message.text)
"""
# What differs from the connector as it comes: its path, which it draws at random, and the platform's address.
CONNECTOR = """
import os

from opsdroid.connector import telegram


class ConnectorNear(telegram.ConnectorTelegram):
    def __init__(self, config, opsdroid=None):
        super().__init__(config, opsdroid)
        self.webhook_endpoint = "/webhook"

    def build_url(self, method):
        return "{}/bot{}/{}".format(os.environ["ENGAWA_TELEGRAM_API_BASE"], self.token, method)
"""
CONFIGURATION = """
logging: {{level: warning, console: true}}
welcome-message: false
web: {{host: 127.0.0.1, port: {port}}}
parsers: {{regex: {{}}}}
connectors: {{near: {{path: {folder}/near.py, token: "{token}"}}}}
skills: {{echo: {{path: {folder}/echo.py}}}}
"""


def main() -> None:
    environ = os.environ
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "echo.py").write_text(SKILL)
        (folder / "near.py").write_text(CONNECTOR)
        told = {"port": environ["ENGAWA_PORT"], "token": environ["ENGAWA_TELEGRAM_BOT_TOKEN"], "folder": name}
        (folder / "configuration.yaml").write_text(CONFIGURATION.format(**told))
        configure_lang({})
        with OpsDroid(config=load_config_file([str(folder / "configuration.yaml")])) as opsdroid:
            opsdroid.run()


if __name__ == "__main__":
    main()
