"""No test leaves this machine, and none does so unnoticed. 192.0.2.1 is an address kept for documentation."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.provision import loopback


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "chat.localhost", "0.0.0.0", "", None]
)
def test_this_machine(host: str | None) -> None:
    assert loopback.is_here(host)


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "10.0.0.1", "2001:db8::1", "example.org", "localhost.example.org"]
)
def test_other_machines(host: str) -> None:
    assert not loopback.is_here(host)


async def test_a_connection_out_is_refused_and_remembered(loopback_only: loopback.Guard) -> None:
    """Refused before a packet leaves, by address and by name, blocking or not."""
    with socket.socket() as plain, pytest.raises(loopback.OutsideRefused):
        plain.connect(("192.0.2.1", 443))
    with pytest.raises(loopback.OutsideRefused):
        await asyncio.open_connection("192.0.2.1", 443)
    with pytest.raises(loopback.OutsideRefused):
        await asyncio.open_connection("example.org", 443)
    assert len(loopback_only.refused) == 3
    loopback_only.refused.clear()


async def test_a_server_on_this_machine_is_reached() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(greet, "localhost", 0, family=socket.AF_INET) as server:
        reader, writer = await asyncio.open_connection("localhost", server.sockets[0].getsockname()[1])
        assert await reader.read() == b"hello"
        writer.close()
        await writer.wait_closed()


def test_the_fixtures_every_test_gets(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A swallowed refusal fails the test all the same, and a developer's settings do not leak in."""
    monkeypatch.setenv("ENGAWA_PORT", "1")
    monkeypatch.setenv("ENGAWA_TEST_MARK", "kept")
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makeconftest(
        "from tests.conftest import clean_environment, loopback_only, network  # noqa: F401\n"
    )
    pytester.makepyfile(
        """
        import contextlib, os, socket

        def test_swallows():
            with contextlib.suppress(Exception):
                socket.getaddrinfo("example.org", 443)

        def test_environment():
            assert "ENGAWA_PORT" not in os.environ
            assert os.environ["ENGAWA_TEST_MARK"] == "kept"
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*tried to leave this machine: *example.org*"])
    assert os.environ["ENGAWA_PORT"] == "1"


@given(st.text())
def test_any_host_gets_an_answer(host: str) -> None:
    """The guard itself never fails; autouse fixtures and Hypothesis get along."""
    assert loopback.is_here(host) in {True, False}
