"""Keeps tests on this machine: a connection or a name look-up beyond loopback is refused and remembered.

Python's sockets pass here, and calls to platforms, which leave by sockets of their own. Chromium gets its own flags,
and libpq is given loopback addresses.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from bot.channels.http import Session


class OutsideRefused(RuntimeError):
    """A test tried to reach another machine. No OSError, which code under test would take for an outage."""


class Guard:
    """Remembers what was refused, since the code under test may swallow the exception."""

    def __init__(self) -> None:
        self.refused: list[str] = []

    def check(self, action: str, host: object) -> None:
        if not is_here(host):
            attempt = f"{action} {host!r}"
            self.refused.append(attempt)
            msg = f"{attempt}: tests stay on this machine"
            raise OutsideRefused(msg)


def is_here(host: object) -> bool:
    """Whether a host can be reached, or resolved, without leaving this machine."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host is None or not isinstance(host, str):
        return host is None
    name = host.rstrip(".").lower()
    if name in {"", "localhost"} or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


@contextmanager
def guarded() -> Iterator[Guard]:
    """Put the guard before `socket`'s ways out, for as long as the context lasts."""
    guard = Guard()
    with pytest.MonkeyPatch.context() as patch:
        for method in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, method, _of_socket(guard, method))
        for function in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
            patch.setattr(socket, function, _look_up(guard, function))
        patch.setattr(Session, "ask", _of_session(guard))
        yield guard


def _of_socket(guard: Guard, method: str) -> Callable[..., Any]:
    original = getattr(socket.socket, method)

    def checked(self: socket.socket, *arguments: Any) -> Any:
        # The address comes last in all three; only internet families have a host in it.
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            guard.check(method, arguments[-1][0])
        return original(self, *arguments)

    return checked


def _of_session(guard: Guard) -> Callable[..., Any]:
    original = Session.ask

    async def checked(self: Session, method: str, url: str, *arguments: Any, **options: Any) -> Any:
        guard.check("call", urlsplit(url).hostname)
        return await original(self, method, url, *arguments, **options)

    return checked


def _look_up(guard: Guard, function: str) -> Callable[..., Any]:
    original = getattr(socket, function)

    def checked(host: object, *arguments: Any, **options: Any) -> Any:
        # A numeric address is parsed, not asked for; connecting to it is checked on its own.
        if not _is_numeric(host):
            guard.check(function, host)
        return original(host, *arguments, **options)

    return checked


def _is_numeric(host: object) -> bool:
    try:
        ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return True
