"""The sealed envelope: opens where it was sealed and nowhere else, and tells little by its size."""

from __future__ import annotations

import base64
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import SealError
from bot.messages import Address, Kind, Reply, ReplyHint
from bot.store import body
from bot.store.body import Body
from bot.store.sealed import BUCKETS, KEY, NONCE, Cell, ContactKey, Keyring, Sealer, derive
from tests.store.ready import KEYRING, NOW

OLD, NEW = bytes(32), bytes(range(32))
HERE = Cell("default", "receipts", "sealed_receipt", "1")
CONTACT = "c" * 32


def a_key() -> ContactKey:
    return Sealer(KEYRING).new_contact_key("default", CONTACT)[0]


def a_message(text: str) -> bytes:
    return body.encode(Body(kind=Kind.TEXT, at=NOW, texts=(text,)))


class TestRoundTrip:
    @given(st.binary(max_size=70_000))
    def test_any_bytes(self, plain: bytes) -> None:
        """Whatever is sealed comes back byte for byte, with either kind of key."""
        sealer = Sealer(KEYRING)
        assert sealer.open(HERE, sealer.seal(HERE, plain)) == plain
        key, sealed_key = sealer.new_contact_key("default", CONTACT)
        sealed = key.seal("timeline", "sealed_body", "row", plain)
        again = sealer.contact_key("default", CONTACT, sealed_key)
        assert again.open("timeline", "sealed_body", "row", sealed) == plain

    @given(st.text(max_size=5_000), st.text(max_size=64))
    def test_any_words(self, text: str, choice: str) -> None:
        """What people write survives its way through JSON and seal, character by character."""
        line = Body(kind=Kind.TEXT, at=NOW, texts=(text,), choice_id=choice)
        key = a_key()
        sealed = key.seal("timeline", "sealed_body", "1", body.encode(line))
        assert body.body(key.open("timeline", "sealed_body", "1", sealed)) == line

    def test_other_contents(self) -> None:
        """Addresses, reply tokens and receipts come back as they were."""
        address, hint = Address(account="line", key="U-1"), ReplyHint(token="t", received_at=NOW)
        receipt = body.Receipt(address=address, reply=Reply(texts=("消しました。",)), hint=hint)
        assert body.address(body.encode(address)) == address
        assert body.reply_hint(body.encode(hint)) == hint
        assert body.receipt(body.encode(receipt)) == receipt


class TestRefusal:
    @pytest.mark.parametrize(
        "there",
        [
            Cell("other", "receipts", "sealed_receipt", "1"),
            Cell("default", "contacts", "sealed_receipt", "1"),
            Cell("default", "receipts", "sealed_key", "1"),
            Cell("default", "receipts", "sealed_receipt", "2"),
            Cell("default", "receipts", "sealed_receipt", ""),
        ],
        ids=["operator", "table", "column", "row", "no row"],
    )
    def test_in_another_cell(self, there: Cell) -> None:
        """A value that was moved does not open: not in another operator, table, column or row."""
        sealer = Sealer(KEYRING)
        with pytest.raises(SealError):
            sealer.open(there, sealer.seal(HERE, b"x"))

    def test_swapped(self) -> None:
        """Of all the cells of two contacts no value opens in any other cell (B3)."""
        sealer = Sealer(KEYRING)
        keys = {one: sealer.new_contact_key("default", one)[0] for one in ("a" * 32, "b" * 32)}
        cells = [
            (contact, table, column, row)
            for contact in keys
            for table, column in (
                ("timeline", "sealed_body"),
                ("inbox", "sealed_hint"),
                ("outbox", "sealed_hint"),
                ("talks", "sealed_state"),
            )
            for row in (f"{contact}/1", f"{contact}/2", f"{contact}/11")
        ]
        sealed = {cell: keys[cell[0]].seal(*cell[1:], plain=b"same") for cell in cells}
        for here, there in permutations(cells, 2):
            with pytest.raises(SealError):
                keys[here[0]].open(*here[1:], envelope=sealed[there])

    def test_another_contacts_key(self) -> None:
        """The wrapped key of one contact is not taken for another's, nor for another operator's."""
        sealer = Sealer(KEYRING)
        _, sealed_key = sealer.new_contact_key("default", CONTACT)
        for operator_id, contact_id in (("default", "d" * 32), ("other", CONTACT)):
            with pytest.raises(SealError):
                sealer.contact_key(operator_id, contact_id, sealed_key)

    def test_every_bit(self) -> None:
        """One flipped bit anywhere in the envelope, and it does not open."""
        sealer, key = Sealer(KEYRING), a_key()
        of_contact = key.seal("timeline", "sealed_body", "1", "つらい".encode())
        of_installation = sealer.seal(HERE, b"x")
        for bit in range(len(of_contact) * 8):
            with pytest.raises(SealError):
                key.open("timeline", "sealed_body", "1", flipped(of_contact, bit))
        for bit in range(len(of_installation) * 8):
            with pytest.raises(SealError):
                sealer.open(HERE, flipped(of_installation, bit))

    @given(st.binary(max_size=400))
    def test_any_rubbish(self, rubbish: bytes) -> None:
        """Whatever lies in a cell that we did not seal is refused, and with no other error."""
        for value in (rubbish, b"\x01\x02k1" + rubbish, b"\x01\x07contact" + rubbish):
            with pytest.raises(SealError):
                Sealer(KEYRING).open(HERE, value)
            with pytest.raises(SealError):
                a_key().open("timeline", "sealed_body", "1", value)

    def test_cut(self) -> None:
        """No beginning of an envelope opens."""
        sealer = Sealer(KEYRING)
        sealed = sealer.seal(HERE, b"x")
        for length in range(len(sealed)):
            with pytest.raises(SealError):
                sealer.open(HERE, sealed[:length])


class TestKeys:
    def test_the_first_seals_and_all_open(self) -> None:
        """After a new key is put first, old cells open as before and new ones name the new key."""
        before = Sealer(Keyring(keys={"old": OLD}, id_key=OLD))
        after = Sealer(Keyring(keys={"new": NEW, "old": OLD}, id_key=OLD))
        _, sealed_key = before.new_contact_key("default", CONTACT)
        sealed = before.seal(HERE, b"x")
        assert after.open(HERE, sealed) == b"x"
        assert after.contact_key("default", CONTACT, sealed_key).seal("t", "c", "r", b"x")
        fresh = after.seal(HERE, b"x")
        assert (sealed[2:5], fresh[2:5]) == (b"old", b"new")
        with pytest.raises(SealError):
            before.open(HERE, fresh)

    def test_an_unknown_key_is_told(self) -> None:
        """A cell of a key that is not listed says which setting to look at, and no secret."""
        sealed = Sealer(Keyring(keys={"gone": OLD}, id_key=OLD)).seal(HERE, b"x")
        with pytest.raises(SealError, match="ENGAWA_KEYS") as told:
            Sealer(KEYRING).open(HERE, sealed)
        for secret in (OLD, NEW):
            assert base64.b64encode(secret).decode() not in str(told.value)

    def test_the_same_id_with_another_key(self) -> None:
        """A key that was exchanged under its id opens nothing."""
        sealed = Sealer(Keyring(keys={"k1": OLD}, id_key=OLD)).seal(HERE, b"x")
        with pytest.raises(SealError):
            Sealer(Keyring(keys={"k1": NEW}, id_key=OLD)).open(HERE, sealed)

    def test_one_key_a_purpose(self) -> None:
        """Keys derived for different purposes have nothing in common, and none is the key itself."""
        keys = {derive(NEW, purpose) for purpose in ("seal", "id", "audit")} | {NEW}
        assert len(keys) == 4
        assert {len(key) for key in keys} == {KEY}

    def test_no_secret_in_any_repr(self) -> None:
        """Keys show in no repr."""
        sealer = Sealer(KEYRING)
        shown = f"{KEYRING!r} {sealer!r} {a_key()!r}"
        for secret in (*KEYRING.keys.values(), KEYRING.id_key):
            assert repr(secret) not in shown
            assert secret.hex() not in shown

    def test_the_pseudonym_is_keyed(self) -> None:
        """Without the key a stolen database cannot be held against a list of platform ids."""
        address = Address(account="line", key="U-1")
        other = Keyring(keys=KEYRING.keys, id_key=NEW)
        assert KEYRING.address_key("default", address) == KEYRING.address_key("default", address)
        assert KEYRING.address_key("default", address) != other.address_key("default", address)
        assert KEYRING.address_key("a", address) != KEYRING.address_key("b", address)


class TestSize:
    @pytest.mark.parametrize("char", ["a", "あ", "😢", "\\", '"', "\n"])
    def test_few_sizes(self, char: str) -> None:
        """Messages of 1 to 200 characters have at most two sizes (B4)."""
        key = a_key()
        sizes = {len(key.seal("timeline", "sealed_body", "1", a_message(char * n))) for n in range(1, 201)}
        assert len(sizes) <= 2

    @given(st.integers(0, 70_000))
    def test_only_buckets(self, length: int) -> None:
        """A size says which bucket it is, and nothing finer."""
        sealed = a_key().seal("timeline", "sealed_body", "1", bytes(length))
        bucket = len(sealed) - (2 + len("contact") + NONCE + 16)
        assert bucket in BUCKETS or bucket % BUCKETS[-1] == 0
        assert bucket >= length

    def test_a_state_grows_in_steps(self) -> None:
        """How often somebody worried us does not show in the size of the talk's cell."""
        key = a_key()
        sizes = {
            len(
                key.seal(
                    "talks",
                    "sealed_state",
                    "1",
                    body.encode(
                        body.TalkState(concerns=tuple(NOW + timedelta(hours=n) for n in range(count)))
                    ),
                )
            )
            for count in range(4)
        }
        assert len(sizes) == 1


@settings(max_examples=1)
@given(st.just(100_000))
def test_nonces_never_repeat(count: int) -> None:
    """A hundred thousand seals, a hundred thousand nonces."""
    key = a_key()
    start = 2 + len("contact")
    sealed = (key.seal("timeline", "sealed_body", "1", b"x") for _ in range(count))
    assert len({one[start : start + NONCE] for one in sealed}) == count


def flipped(envelope: bytes, bit: int) -> bytes:
    changed = bytearray(envelope)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
