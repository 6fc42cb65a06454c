"""What takes long to compute is done beside this process: Python computes one thing at a time, and people are answered
here. Checking the whole content takes a tenth of a second, a second with new risk rules; a table of 10,000 rows more.

The other process is this module, run by the same interpreter at a lower priority, with a bound on its memory. It is
started when somebody first asks, reads jobs on its standard input, writes what comes out on its standard output, and
ends when its input does, or when nobody asked for a while. It knows no settings and no keys. Where it cannot run, the
job is done here, in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import structlog

from bot.content.archive import zipped
from bot.content.check import check_documents
from bot.content.codec import Document
from bot.content.csv_import import read_file
from bot.content.export import files_of
from bot.content.importing import Defaults, Imported, told
from bot.content.issues import Issue
from bot.content.rehearsal import KINDS, Rehearsal, examples, rehearse, rules_of
from bot.errors import BadInput, Busy, ContentError
from bot.sharing import others_first

PATIENCE = 60.0  # seconds for one job
TRIES = 2  # it may have gone at this very moment
IDLE = 600.0  # seconds until it ends
NICE = 5
MEMORY = 2 << 30
HEAD = 8  # bytes: how long what follows is

log = structlog.get_logger("beside")


class Overdone(Exception):
    """The other process ended, or took too long, on the same job twice."""


class Beside:
    """Computes. `open` lets it start a process of its own; closed, it works in a thread."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._open = False
        self._turn = asyncio.Lock()
        self._leaving: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """From now on jobs are done beside."""
        self._open = True

    async def close(self) -> None:
        """Ends the process, whatever it is doing."""
        self._open = False
        async with self._turn:
            await self._end()

    # --- jobs ---

    async def issues(self, documents: Sequence[Document], today: date | None) -> list[Issue]:
        """The same as `check_documents`."""
        given = [(one.kind, one.name, one.body) for one in documents]
        try:
            found = await self._done("issues", (given, today))
        except Overdone:
            return await asyncio.to_thread(check_documents, documents, today)
        return msgspec.convert(found, list[Issue])

    async def imported(self, name: str, data: bytes, defaults: Defaults, today: date) -> Imported:
        """The same as `read_file`. Raises BadInput, also for a file that cannot be read within bounds."""
        try:
            problem, found = await self._done("imported", (name, data, defaults, today))
        except Overdone as error:
            raise BadInput(told("import_heavy")) from error
        if problem:
            raise BadInput(problem)
        return msgspec.convert(found, Imported)

    async def rehearsed(self, before: Sequence[Document], after: Sequence[Document]) -> Rehearsal | Issue:
        """What other rules of risk would find; an issue when the drafted ones cannot be used yet."""
        given = [
            [(one.kind, one.name, one.body) for one in some if one.kind in KINDS] for some in (before, after)
        ]
        try:
            issue, found = await self._done("rehearsed", given)
        except Overdone as error:
            raise Busy("The rules could not be tried in time. Try again.") from error
        return msgspec.convert(issue, Issue) if issue else msgspec.convert(found, Rehearsal)

    async def exported(self, documents: Sequence[Document]) -> bytes:
        """The documents as a zip of YAML files."""
        try:
            found: bytes = await self._done("exported", [(one.kind, one.name, one.body) for one in documents])
        except Overdone as error:
            raise Busy("The files could not be made in time. Try again.") from error
        return found

    # --- the other process ---

    async def _done(self, job: str, given: object) -> Any:
        asked = await asyncio.to_thread(msgspec.msgpack.encode, (job, given))
        told = await self._asked(asked) if self._open else None
        return msgspec.msgpack.decode(await asyncio.to_thread(_done_here, asked) if told is None else told)

    async def _asked(self, asked: bytes) -> bytes | None:
        """What the other process says; None when none can be started. Raises Overdone."""
        async with self._turn:
            for _ in range(TRIES):
                try:
                    process = await self._started()
                except OSError:
                    log.warning("not_started")
                    return None
                with contextlib.suppress(OSError, EOFError, TimeoutError):
                    return await _exchange(process, asked)
                await self._end()
        log.warning("overdone")
        raise Overdone

    async def _started(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot.beside", stdin=PIPE, stdout=PIPE, env={"PYTHONPATH": _path()}
            )
        if self._leaving is not None:
            self._leaving.cancel()
        self._leaving = asyncio.get_running_loop().call_later(IDLE, _leave, self._process)
        return self._process

    async def _end(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()


async def _exchange(process: Process, asked: bytes) -> bytes:
    writer, reader = process.stdin, process.stdout
    assert writer is not None
    assert reader is not None
    async with asyncio.timeout(PATIENCE):
        writer.write(len(asked).to_bytes(HEAD) + asked)
        await writer.drain()
        return await reader.readexactly(int.from_bytes(await reader.readexactly(HEAD)))


def _leave(process: Process) -> None:
    """Its input ends, and so does it; who asks next starts another."""
    if process.stdin is not None:
        process.stdin.close()


def _path() -> str:
    """Where this process found its modules."""
    return os.pathsep.join(path or str(Path.cwd()) for path in sys.path)


# --- in the other process ---


def _issues(given: bytes) -> object:
    documents, today = msgspec.msgpack.decode(
        given, type=tuple[list[tuple[str, str, dict[str, Any]]], date | None]
    )
    return check_documents(
        [Document(kind=kind, name=name, body=body) for kind, name, body in documents], today
    )


def _imported(given: bytes) -> object:
    name, data, defaults, today = msgspec.msgpack.decode(given, type=tuple[str, bytes, Defaults, date])
    try:
        return "", read_file(name, data, defaults, today)
    except BadInput as error:
        return str(error), None


def _rehearsed(given: bytes) -> object:
    before, after = (
        _documents(some)
        for some in msgspec.msgpack.decode(given, type=list[list[tuple[str, str, dict[str, Any]]]])
    )
    try:
        old, new = rules_of(before), rules_of(after)
    except ContentError as error:
        return Issue(path=error.path, message=error.what), None
    return None, rehearse(old, new, examples(old, new))


def _exported(given: bytes) -> object:
    return zipped(
        files_of(_documents(msgspec.msgpack.decode(given, type=list[tuple[str, str, dict[str, Any]]])))
    )


def _documents(rows: Iterable[tuple[str, str, dict[str, Any]]]) -> list[Document]:
    return [Document(kind=kind, name=name, body=body) for kind, name, body in rows]


JOBS: dict[str, Callable[[bytes], object]] = {
    "issues": _issues,
    "imported": _imported,
    "rehearsed": _rehearsed,
    "exported": _exported,
}


def done(asked: bytes) -> bytes:
    """What comes out of a job."""
    job, given = msgspec.msgpack.decode(asked, type=tuple[str, msgspec.Raw])
    return msgspec.msgpack.encode(JOBS[job](bytes(given)))


def _done_here(asked: bytes) -> bytes:
    with others_first():
        return done(asked)


def serve(reader: BinaryIO, writer: BinaryIO) -> None:
    """Does jobs until there are no more."""
    while len(head := reader.read(HEAD)) == HEAD:
        told = done(reader.read(int.from_bytes(head)))
        writer.write(len(told).to_bytes(HEAD) + told)
        writer.flush()


def _bounded() -> None:
    """Gives way to who answers people, and ends before it takes the machine's memory."""
    os.nice(NICE)
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    _bounded()
    serve(sys.stdin.buffer, sys.stdout.buffer)
