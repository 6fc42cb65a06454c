"""The spool's files: whole or not at all, sealed, bounded, in order, and whatever a crash or a bad disk leaves."""

from __future__ import annotations

import errno
import os
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.errors import StoreUnavailable
from bot.messages import Address, Inbound, Kind, ReplyHint
from bot.store import spool as module
from bot.store.sealed import Keyring, Sealer
from bot.store.spool import START, Spool
from tests.store.ready import KEYRING, NOW, OPERATOR


def an_event(number: int, text: str = "") -> Inbound:
    return Inbound(
        address=Address(account="line", key="U-canary"),
        dedupe_key=f"canary-{number}",
        sent_at=NOW,
        kind=Kind.TEXT,
        text=text or f"canary その{number}",
        reply_hint=ReplyHint(token=f"canary-token-{number}", received_at=NOW),
    )


def a_spool(folder: Path, most: int = module.MOST, keyring: Keyring = KEYRING) -> Spool:
    return Spool(folder / "spool", Sealer(keyring), OPERATOR, most)


def contents(spool: Spool, step: int = 3) -> list[Inbound | None]:
    """Everything in it, read in small steps."""
    found, at = list[Inbound | None](), START
    while True:
        records, upto = spool.read(at, step)
        found += [record.event for record in records]
        if upto == at:
            return found
        at = upto


def segments(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "spool").iterdir() if path.name.isdigit())


def test_what_goes_in_comes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, over several segments and several processes, with everything an event has."""
    monkeypatch.setattr(module, "SEGMENT", 2000)
    one, other = a_spool(tmp_path), a_spool(tmp_path)
    events = [an_event(number) for number in range(40)]
    for number, event in enumerate(events):
        (one, other)[number % 2].append([event])
    assert len(segments(tmp_path)) > 3
    assert contents(a_spool(tmp_path)) == events


def test_nothing_can_be_read_and_nobody_else_may(tmp_path: Path) -> None:
    """No word, id or token in names or bytes; files and folder are the user's own."""
    a_spool(tmp_path).append([an_event(1)])
    paths = [tmp_path / "spool", *(tmp_path / "spool").rglob("*")]
    for path in paths:
        assert path.stat().st_mode & 0o077 == 0, path.name
        assert "canary" not in path.name
        if path.is_file():
            assert b"canary" not in path.read_bytes()
            assert "その".encode() not in path.read_bytes()


@given(cut=st.integers(min_value=1, max_value=2000), more=st.binary(max_size=40))
def test_a_torn_end_goes_and_the_rest_stays(
    cut: int, more: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Cut anywhere in the last record, with any bytes behind: all before it is there, and appending goes on."""
    folder = tmp_path_factory.mktemp("torn")
    events = [an_event(number) for number in range(3)]
    a_spool(folder).append(events[:2])
    (path,) = segments(folder)
    whole = path.stat().st_size
    a_spool(folder).append(events[2:])
    data = path.read_bytes()
    kept, behind = whole + min(cut, len(data) - whole - 1), more.replace(b"\xe7", b"")
    assume(not behind.startswith(data[kept:]))  # sealed bytes are random: these may be the very ones cut off
    path.write_bytes(data[:kept] + behind)
    spool = a_spool(folder)
    assert contents(spool) == events[:2]
    spool.append(events[2:])
    assert contents(spool) == events


def test_a_damaged_record_is_told_and_harms_no_other(tmp_path: Path) -> None:
    """One flipped bit in the middle: the record is reported as unreadable, those around it are whole."""
    spool = a_spool(tmp_path)
    events = [an_event(number) for number in range(3)]
    spool.append(events)
    (path,) = segments(tmp_path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert contents(a_spool(tmp_path)) == [events[0], None, events[2]]


def test_a_record_opens_in_its_place_only(tmp_path: Path) -> None:
    """Swapped records, or another key, do not open; they are reported, not taken for others' words."""
    spool = a_spool(tmp_path)
    spool.append([an_event(1), an_event(2)])
    (path,) = segments(tmp_path)
    data = path.read_bytes()
    half = len(data) // 2
    path.write_bytes(data[half:] + data[:half])
    assert contents(a_spool(tmp_path)) == [None, None]
    path.write_bytes(data)
    stranger = Keyring(keys={"k2": bytes(32)}, id_key=bytes(32))
    assert contents(a_spool(tmp_path, keyring=stranger)) == [None, None]


def test_a_full_spool_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    """Over its bound nothing is taken; what was acknowledged stays."""
    spool = a_spool(tmp_path, most=6000)
    taken = [an_event(number) for number in range(4)]
    spool.append(taken)
    with pytest.raises(StoreUnavailable):
        spool.append([an_event(number) for number in range(4)])
    assert contents(spool) == taken


def test_a_full_disk_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that stops half way is refused, and no part of it is ever read; with room again it goes on."""
    spool = a_spool(tmp_path)
    spool.append([an_event(0)])
    write = os.pwrite

    def short(handle: int, data: memoryview, at: int) -> int:
        if len(data) < 100:
            raise OSError(errno.ENOSPC, "full")
        return write(handle, data[: len(data) // 2], at)

    with monkeypatch.context() as patch:
        patch.setattr("os.pwrite", short)
        with pytest.raises(StoreUnavailable):
            spool.append([an_event(1), an_event(2)])
    assert contents(a_spool(tmp_path)) == [an_event(0)]
    spool.append([an_event(3)])
    assert contents(spool) == [an_event(0), an_event(3)]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """No folder, no acknowledgement."""
    (tmp_path / "spool").write_text("a file is in the way")
    spool = a_spool(tmp_path)
    with pytest.raises(StoreUnavailable):
        spool.append([an_event(1)])


def test_read_segments_go_and_failed_records_are_set_aside(tmp_path: Path) -> None:
    """What was replayed leaves no bytes; what failed stays alone, is brought back, erased, or forgotten in time."""
    spool = a_spool(tmp_path)
    spool.append([an_event(number) for number in range(3)])
    records, upto = spool.read(START, 10)
    spool.append([an_event(3)])
    assert spool.close_segments(upto, []) == upto
    assert not spool.is_empty(), "something came in meanwhile"
    _, upto = spool.read(upto, 10)
    assert spool.close_segments(upto, [records[1].place]) == START
    assert spool.is_empty()
    assert [record.event for record in spool.aside()] == [an_event(1)]
    spool.append([an_event(4)])
    assert contents(spool) == [an_event(4)]
    failed, upto = spool.read(START, 10)
    spool.close_segments(upto, [failed[0].place])
    assert [record.event for record in spool.aside()] == [an_event(1), an_event(4)], "both, side by side"
    spool.erase_aside([failed[0].place])
    spool.bring_back()
    assert contents(spool) == [an_event(1)]
    records, upto = spool.read(START, 10)
    spool.close_segments(upto, [records[0].place])
    assert spool.forget_old(NOW) == 0
    spool.erase_aside([records[0].place])
    assert spool.size() == (0, 0)


def test_what_was_set_aside_is_forgotten_in_time(tmp_path: Path) -> None:
    """After the days for which repeats are known it could be answered twice; so it goes."""
    spool = a_spool(tmp_path)
    spool.append([an_event(1)])
    records, upto = spool.read(START, 10)
    spool.close_segments(upto, [records[0].place])
    (aside,) = (path for path in (tmp_path / "spool" / "aside").iterdir())
    old = (NOW - timedelta(days=8, hours=1)).timestamp()
    os.utime(aside, (old, old))
    assert spool.forget_old(NOW) == 1
    assert spool.size() == (0, 0)


def test_one_process_replays(tmp_path: Path) -> None:
    """The first one does until it lets go."""
    one, other = a_spool(tmp_path), a_spool(tmp_path)
    assert one.mine()
    assert not other.mine()
    one.let_go()
    assert other.mine()
    other.let_go()
