"""The console on a host of its own (ENGAWA_ADMIN_HOST): nowhere else, and nothing else there."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import TestClient, TestServer

from admin.serving import application
from bot.app import Engawa
from bot.config import load
from bot.errors import ConfigError
from bot.testing import A_KEY

STAFF, PUBLIC = "staff.engawa.example.jp", "engawa.example.jp"
ENVIRON = {"ENGAWA_KEYS": A_KEY, "ENGAWA_BASE_URL": f"https://{PUBLIC}"}
EVERYWHERE = {"/healthz": 200, "/chat/static/tokens.css": 200}
CONSOLE = {"/admin": 303, "/admin/": 303, "/admin/login": 200, "/admin/tickets/" + "0" * 32: 303}
OTHERS = {"/chat": 200, "/places": 200, "/lines": 200, "/webhooks/line": 405}


async def statuses(url: str, environ: dict[str, str], host: str) -> dict[str, int]:
    engawa = Engawa(load({**ENVIRON, **environ, "ENGAWA_DATABASE_URL": url}))
    await engawa.prepare()
    async with TestClient(TestServer(application(engawa), host="127.0.0.1")) as client:
        found = {}
        for path in {**EVERYWHERE, **CONSOLE, **OTHERS}:
            answer = await client.get(path, headers={"Host": host}, allow_redirects=False)
            found[path] = answer.status
        root = await client.get("/", headers={"Host": host}, allow_redirects=False)
        found[root.headers["Location"]] = root.status
        return found


def none_of(paths: dict[str, int]) -> dict[str, int]:
    return dict.fromkeys(paths, 404)


async def test_two_hosts(ready_sqlite_url: str) -> None:
    """Another host's pages are not found; a port or capitals make no other host."""
    apart = {"ENGAWA_ADMIN_HOST": STAFF}
    for host in (STAFF, STAFF.upper()):
        found = await statuses(ready_sqlite_url, apart, host)
        assert found == {**EVERYWHERE, **CONSOLE, **none_of(OTHERS), "/admin": 302}
    for host in (PUBLIC, "evil.example", f"{STAFF}.evil.example", f"{STAFF}:81"):
        found = await statuses(ready_sqlite_url, apart, host)
        assert found == {**EVERYWHERE, **none_of(CONSOLE), **OTHERS, "/chat": 302}


async def test_one_host(ready_sqlite_url: str) -> None:
    """As long as none is set, everything is everywhere."""
    found = await statuses(ready_sqlite_url, {}, "whatever.example")
    assert found == {**EVERYWHERE, **CONSOLE, **OTHERS, "/chat": 302}


@pytest.mark.parametrize("host", [PUBLIC, "https://staff.example.jp", "staff/", "staff example", "*", "-a"])
def test_no_host(host: str) -> None:
    with pytest.raises(ConfigError, match="ENGAWA_ADMIN_HOST"):
        load({**ENVIRON, "ENGAWA_ADMIN_HOST": host})


def test_links_for_staff_lead_there() -> None:
    assert load(ENVIRON).console_url == f"https://{PUBLIC}"
    assert load({**ENVIRON, "ENGAWA_ADMIN_HOST": STAFF}).console_url == f"https://{STAFF}"
