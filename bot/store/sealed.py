"""The sealed envelope: AES-256-GCM, bound to its cell, padded so that lengths tell little.

Every contact has a data key of its own, wrapped by an installation key that lies outside the database. Cells of a
contact are sealed by the data key; other cells by the installation key. Rotating installation keys rewraps data
keys only. Format: version 1, length and bytes of the key id, 12 random bytes, ciphertext with tag.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import field
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.errors import SealError
from bot.frozen import dataclass
from bot.mac import Mac
from bot.messages import Address

VERSION = 1
NONCE = 12
KEY = 32
BUCKETS = (256, 1024, 4096, 16384)
CONTACT_KEY_ID = "contact"


def derive(key: bytes, purpose: str) -> bytes:
    """A 32-byte key for one purpose (HKDF-SHA256, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY, salt=None, info=f"engawa/{purpose}".encode()).derive(key)


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a sealed value lies. A value moved to any other cell does not open."""

    operator_id: str
    table: str
    column: str
    row: str

    def bound_to(self, key_id: str) -> bytes:
        return f"{self.operator_id}\x1f{self.table}\x1f{self.column}\x1f{self.row}\x1f{key_id}".encode()


def marked_by(key_id: str) -> bytes:
    """How every envelope of this key begins."""
    return bytes((VERSION, len(key_id))) + key_id.encode()


def _pad(plain: bytes) -> bytes:
    size, largest = len(plain) + 4, BUCKETS[-1]
    bucket = BUCKETS[bisect_left(BUCKETS, size)] if size <= largest else -(-size // largest) * largest
    return (len(plain).to_bytes(4) + plain).ljust(bucket, b"\0")


def _unpad(padded: bytes) -> bytes:
    return padded[4 : 4 + int.from_bytes(padded[:4])]


def _seal(cipher: AESGCM, key_id: str, cell: Cell, plain: bytes) -> bytes:
    nonce = os.urandom(NONCE)
    return marked_by(key_id) + nonce + cipher.encrypt(nonce, plain, cell.bound_to(key_id))


def _split(envelope: bytes) -> tuple[str, bytes, bytes]:
    if len(envelope) < 2 + NONCE or envelope[0] != VERSION:
        raise SealError("A sealed cell has an unknown format.")
    end = 2 + envelope[1]
    return envelope[2:end].decode("ascii", "replace"), envelope[end : end + NONCE], envelope[end + NONCE :]


def _open(cipher: AESGCM, cell: Cell, envelope: bytes) -> bytes:
    key_id, nonce, sealed = _split(envelope)
    try:
        return cipher.decrypt(nonce, sealed, cell.bound_to(key_id))
    except (InvalidTag, ValueError) as error:
        raise SealError from error


def key_id_of(envelope: bytes) -> str:
    """The id of the key that sealed this. Raises SealError."""
    return _split(envelope)[0]


CONTACT_MARK = marked_by(CONTACT_KEY_ID)


class ContactKey:
    """Seals and opens the cells of one contact."""

    __slots__ = ("_cipher", "_operator_id")

    def __init__(self, operator_id: str, key: bytes) -> None:
        self._operator_id = operator_id
        self._cipher = AESGCM(key)

    def seal(self, table: str, column: str, row: str, plain: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        return (
            CONTACT_MARK + nonce + self._cipher.encrypt(nonce, _pad(plain), self._bound(table, column, row))
        )

    def open(self, table: str, column: str, row: str, envelope: bytes) -> bytes:
        """Raises SealError for what another key sealed, or for another cell."""
        end = len(CONTACT_MARK) + NONCE
        if not envelope.startswith(CONTACT_MARK) or len(envelope) < end:
            raise SealError
        try:
            bound = self._bound(table, column, row)
            return _unpad(self._cipher.decrypt(envelope[len(CONTACT_MARK) : end], envelope[end:], bound))
        except (InvalidTag, ValueError) as error:
            raise SealError from error

    def _bound(self, table: str, column: str, row: str) -> bytes:
        """As `Cell.bound_to`, for the cells that are sealed and opened with every message."""
        return f"{self._operator_id}\x1f{table}\x1f{column}\x1f{row}\x1f{CONTACT_KEY_ID}".encode()


def _address_parts(operator_id: str, address: Address) -> tuple[str, ...]:
    return "address", operator_id, address.account, address.key


_mac = lru_cache(maxsize=16)(Mac)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """Installation keys by id (the first seals, all open), and the key that pseudonymises platform ids."""

    keys: dict[str, bytes] = field(repr=False)
    id_key: bytes = field(repr=False)
    id_keys_before: tuple[bytes, ...] = field(default=(), repr=False)
    """Earlier `id_key`s, by which people are still known until `engawa keys rehash` is through."""

    @property
    def sealing_id(self) -> str:
        return next(iter(self.keys))

    def address_key(self, operator_id: str, address: Address) -> bytes:
        """The pseudonym of a platform id: keyed, per operator and account (R-071)."""
        return self._digest(self.id_key, _address_parts(operator_id, address))

    def address_keys(self, operator_id: str, address: Address) -> tuple[bytes, ...]:
        """The pseudonym, and those of before, by which somebody may still be known."""
        parts = _address_parts(operator_id, address)
        return tuple(self._digest(key, parts) for key in (self.id_key, *self.id_keys_before))

    def dedupe_digest(self, operator_id: str, account: str, dedupe_key: str) -> bytes:
        return self._digest(self.id_key, ("dedupe", operator_id, account, dedupe_key))

    def earlier_digests(self, operator_id: str, account: str, dedupe_key: str) -> tuple[bytes, ...]:
        """By what else an event may have been remembered."""
        parts = ("dedupe", operator_id, account, dedupe_key)
        return tuple(self._digest(key, parts) for key in self.id_keys_before)

    def move_token(self, contact_id: str, seq: int) -> str:
        """The token of the link that this message of the contact carries: 144 bits nobody can make without the key."""
        key, place = derive(self.id_key, "move"), f"{contact_id}/{seq}".encode()
        return base64.urlsafe_b64encode(hmac.digest(key, place, hashlib.sha256)[:18]).decode()

    def passphrase_lookup(self, operator_id: str, phrase: str) -> bytes:
        """The keyed hash by which a passphrase is found."""
        return self.passphrase_lookups(operator_id, phrase)[0]

    def passphrase_lookups(self, operator_id: str, phrase: str) -> tuple[bytes, ...]:
        """The same, and those of before."""
        said = f"{operator_id}\x1f{phrase}".encode()
        keys = (derive(key, "passphrase") for key in (self.id_key, *self.id_keys_before))
        return tuple(hmac.digest(key, said, hashlib.sha256) for key in keys)

    @staticmethod
    def _digest(key: bytes, parts: tuple[str, ...]) -> bytes:
        return _mac(key).digest("\x1f".join(parts).encode("utf-8", "surrogatepass"))


class Sealer:
    """Seals and opens with the installation's keys.

    `reread` looks for them again when a cell names a key that is not there: so a key may be added while we serve.
    """

    def __init__(self, keyring: Keyring, reread: Callable[[], Keyring | None] | None = None) -> None:
        self._reread = reread
        self._take(keyring)

    def _take(self, keyring: Keyring) -> None:
        self.keyring = keyring
        self._ciphers = {key_id: AESGCM(derive(key, "seal")) for key_id, key in keyring.keys.items()}

    def _cipher(self, key_id: str) -> AESGCM:
        if key_id not in self._ciphers and self._reread is not None:
            found = self._reread()
            if found is not None and key_id in found.keys:
                self._take(found)
        try:
            return self._ciphers[key_id]
        except KeyError as error:
            raise SealError("A sealed cell names a key that is not in ENGAWA_KEYS.") from error

    def rewrap(self, cell: Cell, envelope: bytes) -> bytes:
        """The same under the key that seals now. Raises SealError for what does not open."""
        padded = _open(self._cipher(_split(envelope)[0]), cell, envelope)
        key_id = self.keyring.sealing_id
        return _seal(self._ciphers[key_id], key_id, cell, padded)

    def seal(self, cell: Cell, plain: bytes) -> bytes:
        key_id = self.keyring.sealing_id
        return _seal(self._cipher(key_id), key_id, cell, _pad(plain))

    def open(self, cell: Cell, envelope: bytes) -> bytes:
        return _unpad(_open(self._cipher(_split(envelope)[0]), cell, envelope))

    def new_contact_key(self, operator_id: str, contact_id: str) -> tuple[ContactKey, bytes]:
        """A fresh data key, and how it lies in the contact's row."""
        key = os.urandom(KEY)
        cell = Cell(operator_id, "contacts", "sealed_key", contact_id)
        key_id = self.keyring.sealing_id
        return ContactKey(operator_id, key), _seal(self._ciphers[key_id], key_id, cell, key)

    def contact_key(self, operator_id: str, contact_id: str, sealed_key: bytes) -> ContactKey:
        cell = Cell(operator_id, "contacts", "sealed_key", contact_id)
        return ContactKey(operator_id, _open(self._cipher(_split(sealed_key)[0]), cell, sealed_key))
