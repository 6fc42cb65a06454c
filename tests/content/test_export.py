"""Content as files: nothing is lost on the way out and back, and whatever somebody packs is read within bounds."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content import codec
from bot.content.archive import MAX_BYTES, unzipped, zipped
from bot.content.codec import Document
from bot.content.export import body_of, documents_from, files_of, text_of
from bot.content.proposal import public
from bot.errors import ContentError

SEED = public(codec.seed())
SCALARS = st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.text(max_size=40)
ODD = st.sampled_from(
    [
        "10:30",
        "0120",
        "1_000",
        "0x1f",
        "yes",
        "~",
        "2026-11-21",
        "1e3",
        "*a",
        "&a",
        "!x",
        "- a",
        "\u2028",
        "\x85",
    ]
)
VALUES = st.recursive(
    SCALARS | ODD,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12) | ODD, inner, max_size=4)
    ),
    max_leaves=12,
)
BODIES = st.dictionaries(st.text(min_size=1, max_size=12) | ODD | st.just("kind"), VALUES, max_size=5)


def test_the_shipped_content_comes_back_as_it_was() -> None:
    """Every document, through files and through a zip, whose bytes are the same every time."""
    files = files_of(SEED)
    expected = sorted(SEED, key=lambda one: (one.kind, one.name))
    assert documents_from(files) == expected
    assert documents_from(unzipped(zipped(files))) == expected
    assert zipped(files) == zipped(dict(reversed(files.items())))
    assert all(body_of(one.kind, one.name, text_of(one.body)) == one.body for one in SEED)


@given(BODIES, BODIES, st.sampled_from(["flow", "resource", "article"]))
def test_any_document_comes_back_as_it_was(one: dict[str, Any], other: dict[str, Any], kind: str) -> None:
    """Whatever words are in it: times, numbers, marks of YAML, line ends of other alphabets."""
    given_ = [
        Document(kind=kind, name="a", body={**one, "id": "a"}),
        Document(kind=kind, name="b c", body={**other, "id": "b c"}),
    ]
    assert documents_from(unzipped(zipped(files_of(given_)))) == given_
    assert body_of(kind, "a", text_of(given_[0].body)) == given_[0].body


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- 1", "項目"),
        ("id: other", "id は a のまま"),
        ("id: a\nx: !!python/object/apply:os.system [x]", "could not determine a constructor"),
        (
            "id: a\n" + "".join(f"l{n}: &l{n} [*l{n - 1}, *l{n - 1}]\n" for n in range(1, 40)),
            "引用は使えません",
        ),
        ("id: a\nx: " + "あ" * 10_000_000, "大きすぎます"),
    ],
)
def test_hostile_words_of_a_document(text: str, told: str) -> None:
    """They are refused with a path, whatever they would grow to."""
    with pytest.raises(ContentError) as caught:
        body_of("article", "a", text)
    assert caught.value.path.startswith("article/a")
    assert told in str(caught.value)


def bomb() -> bytes:
    """A gigabyte of nothing in a megabyte."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.yaml", "w") as file:
        for _ in range(200):
            file.write(b"\0" * 1_000_000)
    return made.getvalue()


def many() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number in range(2_001):
            archive.writestr(f"{number}.yaml", "")
    return made.getvalue()


def heavy() -> bytes:
    """Each file within its bound, all together not."""
    return zipped({f"{number}.yaml": "a" * MAX_BYTES for number in range(6)})


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (bomb, "大きすぎます"),
        (many, "2000個まで"),
        (heavy, "大きすぎます"),
        (lambda: zipped({"a.yaml": "kind: article\nid: x"})[:-30], "zip として読めません"),
        (lambda: b"PK\x03\x04 nothing", "zip として読めません"),
        (lambda: b"", "zip として読めません"),
    ],
)
def test_hostile_zips(make: Callable[[], bytes], told: str) -> None:
    """Refused in bounded memory: what a zip says of its own sizes is not believed."""
    data = make()
    tracemalloc.start()
    with pytest.raises(ContentError, match=told):
        documents_from(unzipped(data))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 120_000_000


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    """No zip, no crash."""
    with pytest.raises(ContentError):
        unzipped(data)
