"""A thief with a copy of the database and a list of platform ids learns nobody; with the key, everybody (B2)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from bot.messages import Address
from bot.store.database import make_engine, parse_url
from bot.store.sealed import Sealer
from tests.store.ready import KEYRING, NOW, OPERATOR, Store

IDS = [f"U{hashlib.sha256(str(number).encode()).hexdigest()[:32]}" for number in range(10_000)]
THERE = IDS[::100]


@pytest.fixture
def copy(ready_sqlite_url: str) -> bytes:
    """All bytes of a database with 100 of the 10,000."""
    engine: Engine = make_engine(parse_url(ready_sqlite_url))
    store = Store(url=ready_sqlite_url, engine=engine, sealer=Sealer(KEYRING))
    store.accept(
        *[replace(store.event(one), address=Address(account="line", key=one)) for one in THERE], now=NOW
    )
    engine.dispose()
    path = Path(ready_sqlite_url.removeprefix("sqlite:///"))
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


def guesses(one: str) -> Iterator[bytes]:
    """What a thief can compute of an id: itself, and digests of it and of all that stands in the database in clear."""
    for text in (
        one,
        f"line:{one}",
        f"line\x1f{one}",
        f"address\x1f{OPERATOR}\x1fline\x1f{one}",
        f"{OPERATOR}{one}",
    ):
        yield text.encode()
        for name in ("sha256", "sha1", "md5", "sha512", "blake2b"):
            digest = hashlib.new(name, text.encode()).digest()
            yield digest
            yield digest.hex().encode()
        for key in (b"", b"engawa", OPERATOR.encode(), b"k1", b"line"):
            yield hmac.digest(key, text.encode(), hashlib.sha256)


def test_nobody_is_found(copy: bytes) -> None:
    """Of those who are there as few are found as of those who are not: none."""
    assert len(copy) > 100_000
    found = [one for one in (*THERE, *IDS[1:500:5]) if any(guess in copy for guess in guesses(one))]
    assert found == []


def test_with_the_key_everybody_is(copy: bytes) -> None:
    """The attack works when the key is known; so the test above can fail."""
    found = [one for one in IDS if KEYRING.address_key(OPERATOR, Address(account="line", key=one)) in copy]
    assert found == THERE
