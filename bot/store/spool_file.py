"""Records in files that a crash may cut off anywhere: framed by a mark, a length and a CRC-32. Used by `spool`."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path

MARK = b"\xe7\xb8\x81\x01"
HEAD = struct.Struct(">4sII")  # mark, bytes of the envelope, CRC-32 of it


def framed(envelope: bytes) -> bytes:
    """A record as it lies in the file."""
    return HEAD.pack(MARK, len(envelope), zlib.crc32(envelope)) + envelope


def records(data: bytes, start: int) -> Iterator[tuple[int, int, bytes | None]]:
    """Offset, end and envelope of each record; no envelope where it is damaged. What is cut off at the end is left."""
    at = start
    while (at := data.find(MARK, at)) >= 0 and at + HEAD.size <= len(data):
        _, length, crc = HEAD.unpack_from(data, at)
        end = at + HEAD.size + length
        envelope = data[at + HEAD.size : end]
        if len(envelope) == length and zlib.crc32(envelope) == crc:
            yield at, end, envelope
            at = end
        elif (following := _whole_after(data, at + 1)) is not None:
            yield at, following, None
            at = following
        else:
            return


def _whole_after(data: bytes, at: int) -> int | None:
    """Where the next whole record begins, if there is one."""
    while (at := data.find(MARK, at)) >= 0 and at + HEAD.size <= len(data):
        _, length, crc = HEAD.unpack_from(data, at)
        if zlib.crc32(data[at + HEAD.size : at + HEAD.size + length]) == crc:
            return at
        at += 1
    return None


def blank(path: Path, offsets: Collection[int]) -> None:
    """Overwrites the envelopes at these offsets; the others stay where their seal says."""
    data = path.read_bytes()
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        for offset, _, envelope in records(data, 0):
            if envelope is not None and offset in offsets:
                write(handle, framed(bytes(len(envelope))), offset)
        os.fsync(handle)
    finally:
        os.close(handle)


def write(handle: int, data: bytes | bytearray, at: int) -> None:
    """All of it, at this place."""
    view = memoryview(data)
    while view:
        done = os.pwrite(handle, view, at)
        view, at = view[done:], at + done


def segments(folder: Path) -> list[str]:
    """Names of the numbered files, in order."""
    try:
        return sorted(name for name in os.listdir(folder) if name.isdigit())  # noqa: PTH208 - asked often
    except (FileNotFoundError, NotADirectoryError):
        return []


def size(folder: Path) -> int:
    """Bytes of all segments."""
    total = 0
    for name in segments(folder):
        with contextlib.suppress(FileNotFoundError):
            total += (folder / name).stat().st_size
    return total


def lock(path: Path, *, wait: bool = True) -> int:
    """Holds a lock file until the handle is closed. Raises BlockingIOError when it must not wait."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(handle)
        raise
    return handle


def sync(folder: Path) -> None:
    """A new or removed name is on disk, too."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
