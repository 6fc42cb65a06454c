"""The environment is a contract: every variable, every wrong value told at once, no secret ever shown."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.accounts import LINE_API, TELEGRAM_API
from bot.config import DEFAULT_DATABASE, Settings, load
from bot.errors import ConfigError
from bot.store.sealed import derive

RAW = {"k1": bytes(32), "k2": bytes(range(32)), "id": b"\xff" * 32}
ENCODED = {name: base64.b64encode(raw).decode() for name, raw in RAW.items()}
KEYS = f"k1:{ENCODED['k1']}"
LINE = {"ENGAWA_LINE_CHANNEL_SECRET": "line-secret", "ENGAWA_LINE_CHANNEL_ACCESS_TOKEN": "line-token"}
TELEGRAM = {"ENGAWA_TELEGRAM_BOT_TOKEN": "123:bot-token", "ENGAWA_TELEGRAM_SECRET_TOKEN": "hook-token"}
BEFORE = {
    "ENGAWA_LINE_CHANNEL_SECRET_BEFORE": "geheim-line",
    "ENGAWA_TELEGRAM_SECRET_TOKEN_BEFORE": "geheim-hook",
}
OTHERS = [
    *LINE, *TELEGRAM, *BEFORE, "ENGAWA_DATABASE_URL", "ENGAWA_HOST", "ENGAWA_PORT", "ENGAWA_BASE_URL", "ENGAWA_CONFIG",
    "ENGAWA_TRUSTED_PROXIES", "ENGAWA_KEYS_FILE", "ENGAWA_ID_KEY", "ENGAWA_LOG_FORMAT", "ENGAWA_LINE_API_BASE",
    "ENGAWA_TELEGRAM_API_BASE", "ENGAWA_TELEGRAM_POLLING", "ENGAWA_TELEGRAM_PROTECT_CONTENT",
]  # fmt: skip
VALUES = st.text(
    st.characters(exclude_characters="\0", codec="utf-8"), max_size=40
)  # no variable holds a NUL
SECRETS = ("line-secret", "line-token", "bot-token", "hook-token", "geheim", *ENCODED.values())
TOML = """
[[line]]
name = "north"
channel_secret = "line-secret"
channel_access_token = "line-token"

[[line]]
name = "south-2"
channel_secret = "other-secret"
channel_access_token = "other-token"

[[telegram]]
name = "north"
bot_token = "123:bot-token"
secret_token = "hook-token"
"""


def settings(**environ: str) -> Settings:
    return load({"ENGAWA_KEYS": KEYS, **environ})


def problems(environ: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigError) as told:
        load(environ)
    found = told.value.problems
    assert str(told.value) == "\n".join(found)
    for problem in found:
        assert problem.startswith("ENGAWA_"), problem
        assert "Example: " in problem, problem
        for secret in SECRETS:
            assert secret not in problem.partition("Example: ")[0]
    return found


def problem(name: str, value: str, **more: str) -> str:
    [found] = problems({"ENGAWA_KEYS": KEYS, **more, name: value})
    assert found.startswith(name), found
    return found


class TestDefaults:
    def test_keys_are_enough(self) -> None:
        """With nothing but keys: SQLite beside it, loopback, web chat only, plain cookies."""
        found = settings()
        assert (found.database_url, found.host, found.port) == (DEFAULT_DATABASE, "127.0.0.1", 8080)
        assert (found.base_url, found.https, found.on_loopback) == ("", False, True)
        assert (found.line, found.telegram, found.trusted_proxies) == ((), (), ())
        assert found.log_format == "console"

    def test_an_empty_variable_is_none(self) -> None:
        """A variable that is set to nothing counts as not set, as in many unit files."""
        empty = dict.fromkeys(OTHERS, "")
        assert settings(**empty) == settings()

    def test_all_of_it(self) -> None:
        """Every variable arrives where it belongs."""
        found = settings(
            ENGAWA_DATABASE_URL="postgresql://u:geheim@h/engawa",
            ENGAWA_HOST="0.0.0.0",
            ENGAWA_PORT="9000",
            ENGAWA_BASE_URL="https://engawa.example.jp/",
            ENGAWA_TRUSTED_PROXIES="127.0.0.1, ::1,10.0.0.0/24,",
            ENGAWA_LOG_FORMAT="json",
            ENGAWA_LINE_API_BASE="http://127.0.0.1:1",
            ENGAWA_TELEGRAM_API_BASE="http://127.0.0.1:2/",
            **LINE,
            **TELEGRAM,
        )
        assert (found.host, found.port, found.log_format) == ("0.0.0.0", 9000, "json")
        assert (found.base_url, found.https, found.on_loopback) == ("https://engawa.example.jp", True, False)
        assert [str(one) for one in found.trusted_proxies] == ["127.0.0.1/32", "::1/128", "10.0.0.0/24"]
        [line], [telegram] = found.line, found.telegram
        assert (line.account, line.channel_secret, line.access_token) == ("line", "line-secret", "line-token")
        assert (telegram.account, telegram.bot_token) == ("telegram", "123:bot-token")
        assert telegram.secret_token == "hook-token"
        assert (line.api_base, telegram.api_base) == ("http://127.0.0.1:1", "http://127.0.0.1:2")

    def test_secrets_of_before(self, tmp_path: Path) -> None:
        """They are there while a secret is being changed, and never alone; no repr shows them."""
        found = settings(**LINE, **TELEGRAM, **BEFORE)
        assert found.line[0].channel_secret_before == "geheim-line"
        assert found.telegram[0].secret_token_before == "geheim-hook"
        assert "geheim" not in repr(found)
        path = tmp_path / "engawa.toml"
        path.write_text(
            TOML.replace(
                'channel_secret = "line-secret"', 'channel_secret = "x"\nchannel_secret_before = "y"'
            )
        )
        north, south = settings(ENGAWA_CONFIG=str(path)).line
        assert (north.channel_secret_before, south.channel_secret_before) == ("y", "")
        assert len(problems({"ENGAWA_KEYS": KEYS, **BEFORE})) == 4
        problem("ENGAWA_TELEGRAM_SECRET_TOKEN_BEFORE", "no good", **TELEGRAM)

    def test_platforms_by_default(self) -> None:
        """Without a base address the real platforms are meant."""
        found = settings(**LINE, **TELEGRAM)
        assert (found.line[0].api_base, found.telegram[0].api_base) == (LINE_API, TELEGRAM_API)


class TestTelegram:
    """What is on or off, for all bots and for each."""

    @pytest.mark.parametrize(
        ("value", "on"), [("on", True), ("1", True), ("Yes", True), ("off", False), ("", False)]
    )
    def test_polling(self, value: str, on: bool) -> None:
        """A bot that fetches needs no secret."""
        token = {"ENGAWA_TELEGRAM_BOT_TOKEN": "123:bot-token", "ENGAWA_TELEGRAM_POLLING": value}
        secret = {} if on else {"ENGAWA_TELEGRAM_SECRET_TOKEN": "hook-token"}
        [telegram] = settings(**token, **secret).telegram
        assert (telegram.polling, telegram.secret_token) == (
            on,
            secret.get("ENGAWA_TELEGRAM_SECRET_TOKEN", ""),
        )

    def test_each_bot(self, tmp_path: Path) -> None:
        """The file says for one, the variable for those it says nothing of."""
        path = tmp_path / "engawa.toml"
        path.write_text(
            '[[telegram]]\nname = "a"\nbot_token = "1:t"\n'
            '[[telegram]]\nname = "b"\nbot_token = "2:t"\nsecret_token = "s"\npolling = false\n'
            "protect_content = true\n",
            "utf-8",
        )
        found = settings(ENGAWA_CONFIG=str(path), ENGAWA_TELEGRAM_POLLING="on").telegram
        assert [(one.account, one.polling, one.protect_content) for one in found] == [
            ("telegram/a", True, False),
            ("telegram/b", False, True),
        ]

    @pytest.mark.parametrize("name", ["ENGAWA_TELEGRAM_POLLING", "ENGAWA_TELEGRAM_PROTECT_CONTENT"])
    def test_neither_on_nor_off(self, name: str, tmp_path: Path) -> None:
        problem(name, "perhaps", **TELEGRAM)
        path = tmp_path / "engawa.toml"
        path.write_text('[[telegram]]\nname = "a"\nbot_token = "1:t"\nsecret_token = "s"\npolling = "yes"\n')
        problem("ENGAWA_CONFIG", str(path))


class TestProblems:
    def test_all_at_once(self) -> None:
        """One run names everything that is wrong, each with its variable and an example."""
        found = problems(
            {
                "ENGAWA_DATABASE_URL": "mysql://u:geheim@h/engawa",
                "ENGAWA_PORT": "http",
                "ENGAWA_HOST": "http://host",
                "ENGAWA_BASE_URL": "engawa.example.jp",
                "ENGAWA_TRUSTED_PROXIES": "proxy,10.0.0.1/8,0.0.0.0/0",
                "ENGAWA_LOG_FORMAT": "xml",
                "ENGAWA_CONFIG": "/nowhere/engawa.toml",
                "ENGAWA_LINE_CHANNEL_SECRET": "line-secret",
                "ENGAWA_TELEGRAM_BOT_TOKEN": "123:bot-token",
                "ENGAWA_LINE_API_BASE": "ftp://x",
                "ENGAWA_TELEGRAM_API_BASE": "http://[::1",
            }
        )
        assert sorted(one.split()[0].rstrip(":") for one in found) == sorted(
            [
                "ENGAWA_BASE_URL",
                "ENGAWA_CONFIG",
                "ENGAWA_DATABASE_URL",
                "ENGAWA_HOST",
                "ENGAWA_KEYS",
                "ENGAWA_LINE_API_BASE",
                "ENGAWA_LINE_CHANNEL_ACCESS_TOKEN",
                "ENGAWA_LOG_FORMAT",
                "ENGAWA_PORT",
                "ENGAWA_TELEGRAM_API_BASE",
                "ENGAWA_TELEGRAM_SECRET_TOKEN",
                "ENGAWA_TRUSTED_PROXIES",
                "ENGAWA_TRUSTED_PROXIES",
                "ENGAWA_TRUSTED_PROXIES",
            ]
        )

    @pytest.mark.parametrize("port", ["-1", "65536", "8080 ", "０", "9" * 5000, "8080/tcp"])
    @pytest.mark.parametrize(
        "url", ["https://", "//host", "javascript:alert(1)", "http://[::1", "http://:80"]
    )
    def test_ports_and_addresses(self, port: str, url: str) -> None:
        """What is no port or no web address is told, however odd; port 0 lets the system choose."""
        problem("ENGAWA_PORT", port)
        problem("ENGAWA_BASE_URL", url)
        assert settings(ENGAWA_PORT="0").port == 0

    @given(st.dictionaries(st.sampled_from(["ENGAWA_KEYS", *OTHERS]), VALUES))
    def test_never_anything_else(self, environ: dict[str, str]) -> None:
        """Whatever the variables hold: settings, or problems in the agreed form; never another error."""
        found: list[str] = []
        try:
            load(environ)
        except ConfigError as error:
            found = error.problems or ["an error without a problem"]
        assert all(one.startswith("ENGAWA_") and "Example: " in one for one in found)


class TestKeys:
    def test_several(self, tmp_path: Path) -> None:
        """The first listed key seals and all open; a file holds the same, one a line."""
        listed = f"k2:{ENCODED['k2']},{KEYS}"
        file = tmp_path / "keys"
        file.write_text(listed.replace(",", "\n") + "\n")
        for environ in ({"ENGAWA_KEYS": listed}, {"ENGAWA_KEYS_FILE": str(file)}):
            keyring = load(environ).keyring
            assert keyring.sealing_id == "k2"
            assert keyring.keys == {"k2": RAW["k2"], "k1": RAW["k1"]}

    def test_the_id_key_outlives_rotation(self) -> None:
        """It comes from the last listed key, so that a new first key orphans nobody; or it is given."""
        before = settings().keyring.id_key
        assert before == derive(RAW["k1"], "id")
        assert load({"ENGAWA_KEYS": f"k2:{ENCODED['k2']},{KEYS}"}).keyring.id_key == before
        assert load({"ENGAWA_KEYS": f"{KEYS},k2:{ENCODED['k2']}"}).keyring.id_key == derive(RAW["k2"], "id")
        assert settings(ENGAWA_ID_KEY=ENCODED["id"]).keyring.id_key == RAW["id"]

    @pytest.mark.parametrize(
        "keys",
        [
            "k1",
            "k1:",
            ENCODED["k1"],
            f":{ENCODED['k1']}",
            "k1:" + base64.b64encode(bytes(31)).decode(),
            f"k1:{ENCODED['k1'][:-2]}",
            f"{KEYS},k1:{ENCODED['k2']}",
            f"k-1:{ENCODED['k1']}",
            f"鍵:{ENCODED['k1']}",
            f"{'k' * 33}:{ENCODED['k1']}",
        ],
    )
    def test_unusable_ones(self, keys: str) -> None:
        """A key that is cut, short, unnamed or named twice is told by its place, not by its value."""
        [found] = problems({"ENGAWA_KEYS": keys})
        assert found.startswith("ENGAWA_KEYS: key ")

    def test_missing_or_twice(self, tmp_path: Path) -> None:
        """No key at all, a file that cannot be read, an empty one, and both ways at once are told."""
        empty = tmp_path / "empty"
        empty.write_text("\n")
        for environ in ({}, {"ENGAWA_KEYS": " , "}, {"ENGAWA_KEYS_FILE": str(empty)}):
            assert problems(environ)[0].startswith("ENGAWA_KEYS")
        for path in (tmp_path, tmp_path / "nowhere"):
            assert problems({"ENGAWA_KEYS_FILE": str(path)})[0].startswith("ENGAWA_KEYS_FILE cannot be read")
        assert "both" in problems({"ENGAWA_KEYS": KEYS, "ENGAWA_KEYS_FILE": str(empty)})[0]
        for value in ("x", ENCODED["id"][:-2], "é"):
            problem("ENGAWA_ID_KEY", value)


class TestChannels:
    @pytest.mark.parametrize("missing", [*LINE, *TELEGRAM])
    def test_half_a_channel(self, missing: str) -> None:
        """A channel with one of its two secrets is an error that names the other one."""
        both = LINE if missing in LINE else TELEGRAM
        environ = {name: value for name, value in both.items() if name != missing}
        [found] = problems({"ENGAWA_KEYS": KEYS, **environ})
        assert found.startswith(f"{missing} is missing")

    def test_several_accounts(self, tmp_path: Path) -> None:
        """A file adds accounts to those of the variables; each has its own webhook path."""
        file = tmp_path / "engawa.toml"
        file.write_text(TOML)
        found = settings(ENGAWA_CONFIG=str(file), ENGAWA_LINE_API_BASE="http://127.0.0.1:1", **LINE)
        assert [one.account for one in found.line] == ["line", "line/north", "line/south-2"]
        assert [one.account for one in found.telegram] == ["telegram/north"]
        assert {one.api_base for one in found.line} == {"http://127.0.0.1:1"}
        assert found.line[2].access_token == "other-token"

    @pytest.mark.parametrize(
        "text",
        [
            "[[line",
            "[[signal]]\nname = 'a'",
            "line = 'x'",
            "[line]\nname = 'a'",
            "[[line]]\nchannel_secret = 'line-secret'\nchannel_access_token = 'line-token'",
            "[[line]]\nname = 'a/b'\nchannel_secret = 'x'\nchannel_access_token = 'y'",
            "[[line]]\nname = 'north'",
            "[[line]]\nname = 'north'\nchannel_secret = 'line-secret'",
            "[[telegram]]\nname = 'north'\nbot_token = 5\nsecret_token = 'x'",
            "[[telegram]]\nname = 'north'\nbot_token = 'x'\nsecret_token = 'x'\ntoken = 'x'",
            TOML + TOML,
        ],
    )
    def test_a_wrong_file(self, tmp_path: Path, text: str) -> None:
        """Broken TOML, unknown or misspelt parts, missing names and fields, the same name twice: each is told."""
        file = tmp_path / "engawa.toml"
        file.write_text(text)
        found = problems({"ENGAWA_KEYS": KEYS, "ENGAWA_CONFIG": str(file)})
        assert all(one.startswith("ENGAWA_CONFIG") for one in found)


class TestSecrets:
    def test_in_no_repr(self, tmp_path: Path) -> None:
        """Settings can be printed: no token, key or password shows, in no nested value either."""
        file = tmp_path / "engawa.toml"
        file.write_text(TOML)
        found = load(
            {
                "ENGAWA_KEYS": f"{KEYS},k2:{ENCODED['k2']}",
                "ENGAWA_ID_KEY": ENCODED["id"],
                "ENGAWA_DATABASE_URL": "postgresql://u:geheim@h/engawa",
                "ENGAWA_CONFIG": str(file),
                **LINE,
                **TELEGRAM,
            }
        )
        shown = f"{found} {found!r} {found.line!r} {found.telegram!r} {found.keyring!r}"
        for secret in (*SECRETS, "other-secret", "other-token", *(repr(raw) for raw in RAW.values())):
            assert secret not in shown

    def test_in_no_error(self) -> None:
        """A wrong value is told without being quoted, as it may be a secret in the wrong place."""
        for name in (
            *LINE,
            *TELEGRAM,
            "ENGAWA_KEYS",
            "ENGAWA_ID_KEY",
            "ENGAWA_PORT",
            "ENGAWA_BASE_URL",
            "ENGAWA_HOST",
        ):
            with pytest.raises(ConfigError) as told:
                load({"ENGAWA_KEYS": KEYS, name: "hush hush/\x07"})
            assert "hush" not in str(told.value)
            assert "hush" not in repr(told.value)
