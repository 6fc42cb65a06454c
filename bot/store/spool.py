"""Events that came in while the database was away: sealed, on this machine's own disk, in their order.

A folder of numbered segments (mode 0600). A record is a mark, its length, a CRC-32 and the sealed event, which is bound
to its segment and place. Appending is fsynced and all or nothing; a record that was cut off by a crash was never
acknowledged, and goes. All processes of a machine share the folder under `flock` (docs/decisions/018).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from bot.errors import SealError, StoreUnavailable
from bot.frozen import dataclass
from bot.messages import Inbound
from bot.store import spool_file as files
from bot.store.dedupe import KEPT_FOR
from bot.store.sealed import Cell, Sealer

MOST = 256 << 20
"""Bytes on disk, all segments together; about 240,000 short messages. Beyond that events are refused."""
SEGMENT = 1 << 20

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(Inbound).decode


class Place(NamedTuple):
    """Where a record begins, or where reading goes on."""

    segment: str
    offset: int


START = Place("", 0)


@dataclass(frozen=True, slots=True)
class Record:
    """What lies at a place; `event` is None when it is damaged, or sealed by a key that is not at hand."""

    place: Place
    event: Inbound | None


class Spool:
    """The folder. Every method may block on the disk; call them off the event loop."""

    def __init__(self, folder: Path, sealer: Sealer, operator_id: str, most: int = MOST) -> None:
        self._folder, self._aside = folder, folder / "aside"
        self._sealer, self._operator_id, self._most = sealer, operator_id, most
        self._whole: dict[str, int] = {}
        self._replaying: int | None = None

    # --- what there is ---

    def is_empty(self) -> bool:
        """Whether nothing waits to be replayed."""
        return not files.segments(self._folder)

    def size(self) -> tuple[int, int]:
        """Bytes that wait to be replayed, and bytes that were set aside."""
        return files.size(self._folder), files.size(self._aside)

    # --- in ---

    def append(self, events: Sequence[Inbound]) -> None:
        """All of them are on disk when this returns. Raises StoreUnavailable when that cannot be."""
        try:
            with self._locked():
                self._append(events)
        except OSError as error:
            raise StoreUnavailable from error

    def _append(self, events: Sequence[Inbound]) -> None:
        names = files.segments(self._folder)
        name = names[-1] if names else self._next()
        end = self._end(self._folder / name)
        if end >= SEGMENT:
            name, end = self._next(), 0
        path = self._folder / name
        written, new = bytearray(), not path.exists()
        for event in events:
            envelope = self._sealer.seal(self._cell(Place(name, end + len(written))), _ENCODE(event))
            written += files.framed(envelope)
        if sum(self.size()) + len(written) > self._most:
            raise StoreUnavailable
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(handle, end)  # what a crash cut off goes
            try:
                files.write(handle, written, end)
                os.fsync(handle)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(handle, end)
                raise
        finally:
            os.close(handle)
        if new:
            files.sync(self._folder)
        self._whole[name] = end + len(written)

    def _next(self) -> str:
        """A number that none has, also not of those that were set aside."""
        names = [*files.segments(self._folder), *files.segments(self._aside)]
        return f"{int(max(names, default='0')) + 1:08d}"

    def _end(self, path: Path) -> int:
        """Where the last whole record ends."""
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            return 0
        if size != self._whole.get(path.name):
            self._whole[path.name] = max(
                (end for _, end, _ in files.records(path.read_bytes(), 0)), default=0
            )
        return self._whole[path.name]

    # --- out ---

    def mine(self) -> bool:
        """Whether this process replays; one on a machine does, until it lets go or dies."""
        if self._replaying is None:
            try:
                self._replaying = files.lock(self._folder / "replay", wait=False)
            except OSError:
                return False
        return True

    def let_go(self) -> None:
        if self._replaying is not None:
            os.close(self._replaying)
            self._replaying = None

    def read(self, after: Place, most: int) -> tuple[list[Record], Place]:
        """The first records from a place on, about `most`, and where reading goes on."""
        found: list[Record] = []
        upto = after
        with self._locked():
            for name in files.segments(self._folder):
                if name < after.segment or len(found) >= most:
                    continue
                upto = Place(name, after.offset if name == after.segment else 0)
                for record, end in self._read(self._folder / name, upto.offset):
                    if len(found) >= most:
                        break
                    found.append(record)
                    upto = Place(name, end)
                else:
                    upto = Place(name, self._end(self._folder / name))
        return found, upto

    def close_segments(self, upto: Place, failed: Collection[Place]) -> Place:
        """Deletes the segments that were read to their end; the records in `failed` are set aside instead.

        Where reading goes on: names of deleted segments are used again.
        """
        with self._locked():
            for name in files.segments(self._folder):
                path = self._folder / name
                if name > upto.segment:
                    break
                if name == upto.segment and upto.offset < self._end(path):
                    return upto
                self._close(path, {place.offset for place in failed if place.segment == name})
        return START

    def _close(self, path: Path, left: Collection[int]) -> None:
        self._whole.pop(path.name, None)
        if left:
            every = {offset for offset, _, _ in files.records(path.read_bytes(), 0)}
            files.blank(path, every - set(left))
            self._aside.mkdir(mode=0o700, exist_ok=True)
            path.rename(self._aside / path.name)
            files.sync(self._aside)
        else:
            path.unlink()
        files.sync(self._folder)

    # --- what could not be stored ---

    def bring_back(self) -> None:
        """What was set aside is tried again, as long as nothing waits before it."""
        with self._locked():
            if not files.segments(self._folder):
                for name in files.segments(self._aside):
                    (self._aside / name).rename(self._folder / name)
                    files.sync(self._folder)

    def aside(self) -> list[Record]:
        """What was set aside and is still there."""
        with self._locked():
            return [
                record
                for name in files.segments(self._aside)
                for record, _ in self._read(self._aside / name, 0)
            ]

    def erase_aside(self, places: Collection[Place]) -> None:
        """Overwrites records that were set aside."""
        with self._locked():
            for name in {place.segment for place in places}:
                gone = {place.offset for place in places if place.segment == name}
                path = self._aside / name
                files.blank(path, gone)
                if not any(self._read(path, 0)):
                    path.unlink()

    def forget_old(self, now: datetime) -> int:
        """Drops what was set aside longer ago than repeats are known. Returns how many segments."""
        if not self._aside.exists():
            return 0
        with self._locked():
            old = [
                name
                for name in files.segments(self._aside)
                if (self._aside / name).stat().st_mtime < (now - KEPT_FOR).timestamp()
            ]
            for name in old:
                (self._aside / name).unlink()
        return len(old)

    # --- files ---

    def _read(self, path: Path, start: int) -> Iterator[tuple[Record, int]]:
        """Records with their ends, but those that were erased."""
        for offset, end, envelope in files.records(path.read_bytes(), start):
            place = Place(path.name, offset)
            if envelope is None:
                yield Record(place, None), end
            elif envelope.strip(b"\0"):
                yield Record(place, self._open(place, envelope)), end

    def _open(self, place: Place, envelope: bytes) -> Inbound | None:
        try:
            return _DECODE(self._sealer.open(self._cell(place), envelope))
        except (SealError, msgspec.DecodeError):
            return None

    def _cell(self, place: Place) -> Cell:
        return Cell(self._operator_id, "spool", "event", f"{place.segment}/{place.offset}")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        handle = files.lock(self._folder / "lock")
        try:
            yield
        finally:
            os.close(handle)
