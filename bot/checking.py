"""Checks the whole content beside this process: it takes a tenth of a second of pure computing, a second with new risk
rules, and Python computes one thing at a time. Meanwhile people are answered here.

The other process is this module, run by the same interpreter at a lower priority. It is started when somebody first
asks, reads documents on its standard input, writes what is wrong with them on its standard output, and ends when its
input does, or when nobody asked for a while. Where it cannot run, the check is made here, in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import BinaryIO

import msgspec
import structlog

from bot.content.check import check_documents
from bot.content.codec import Document
from bot.content.issues import Issue

PATIENCE = 60.0  # seconds for one check
TRIES = 2  # it may have gone at this very moment
IDLE = 600.0  # seconds until it ends
NICE = 5
HEAD = 8  # bytes: how long what follows is

Told = list[tuple[str, str, bool]]

log = structlog.get_logger("checking")


class Checking:
    """Finds the issues of documents. `open` lets it start a process of its own; closed, it works in a thread."""

    def __init__(self) -> None:
        self._beside: Process | None = None
        self._open = False
        self._turn = asyncio.Lock()
        self._leaving: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """From now on checks are made beside."""
        self._open = True

    async def close(self) -> None:
        """Ends the process, whatever it is doing."""
        self._open = False
        async with self._turn:
            await self._end()

    async def issues(self, documents: Sequence[Document], today: date | None) -> list[Issue]:
        """The same as `check_documents`."""
        if self._open:
            asked = await asyncio.to_thread(_asked, documents, today)
            async with self._turn:
                for _ in range(TRIES):
                    with contextlib.suppress(OSError, EOFError, TimeoutError, msgspec.MsgspecError):
                        return await self._ask(asked)
                    await self._end()
            log.warning("checked_in_thread")
        return await asyncio.to_thread(check_documents, documents, today)

    async def _ask(self, asked: bytes) -> list[Issue]:
        if self._beside is None or self._beside.returncode is not None:
            self._beside = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot.checking", stdin=PIPE, stdout=PIPE, env={"PYTHONPATH": _path()}
            )
        self._later()
        writer, reader = self._beside.stdin, self._beside.stdout
        assert writer is not None
        assert reader is not None
        async with asyncio.timeout(PATIENCE):
            writer.write(len(asked).to_bytes(HEAD) + asked)
            await writer.drain()
            size = int.from_bytes(await reader.readexactly(HEAD))
            told = msgspec.msgpack.decode(await reader.readexactly(size), type=Told)
        return [Issue(path=path, message=message, blocks=blocks) for path, message, blocks in told]

    def _later(self) -> None:
        """Puts off the end."""
        if self._leaving is not None:
            self._leaving.cancel()
        self._leaving = asyncio.get_running_loop().call_later(IDLE, _leave, self._beside)

    async def _end(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
        beside, self._beside = self._beside, None
        if beside is not None:
            with contextlib.suppress(ProcessLookupError):
                beside.kill()
            await beside.communicate()


def _leave(beside: Process | None) -> None:
    """Its input ends, and so does it; who asks next starts another."""
    if beside is not None and beside.stdin is not None:
        beside.stdin.close()


def _path() -> str:
    """Where this process found its modules: the other one reads no settings, and no keys."""
    return os.pathsep.join(path or str(Path.cwd()) for path in sys.path)


def _asked(documents: Sequence[Document], today: date | None) -> bytes:
    return msgspec.msgpack.encode((today, [(one.kind, one.name, one.body) for one in documents]))


def answer(asked: bytes) -> bytes:
    """What the other process makes of one question."""
    today, found = msgspec.msgpack.decode(
        asked, type=tuple[date | None, list[tuple[str, str, dict[str, object]]]]
    )
    documents = [Document(kind=kind, name=name, body=body) for kind, name, body in found]
    issues = check_documents(documents, today)
    return msgspec.msgpack.encode([(one.path, one.message, one.blocks) for one in issues])


def serve(reader: BinaryIO, writer: BinaryIO) -> None:
    """Answers until there is no more to read."""
    while len(head := reader.read(HEAD)) == HEAD:
        told = answer(reader.read(int.from_bytes(head)))
        writer.write(len(told).to_bytes(HEAD) + told)
        writer.flush()


if __name__ == "__main__":
    os.nice(NICE)
    serve(sys.stdin.buffer, sys.stdout.buffer)
