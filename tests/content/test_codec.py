"""Reading documents: whatever is wrong with them is told with a path somebody can find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content import codec
from bot.content.codec import Document, build, documents_of, read_folder, read_yaml
from bot.content.model import DOCUMENT_TYPES
from bot.errors import ContentError

MENU = {"kind": "menu", "say": ["はい。"]}
SHIFT = {"days": "月", "opens": "9", "closes": "10:00"}
FLOW: dict[str, Any] = {"id": "F-X", "name": "見本", "steps": {"first": MENU, "second": MENU}}


def error_of(text: str) -> str:
    """What is told of a file called f.yaml with this text."""
    with pytest.raises(ContentError) as caught:
        build(1, documents_of(read_yaml(text, "f.yaml"), "f.yaml"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: &x 1\nb: *x", "2行目：* の引用は使えません"),
        ("a: 1\nb: 2\na: 3", "3行目：a が二つあります"),
        ("a:\n  b: 1\n  b: 2", "3行目：b が二つあります"),
        ("a: [1", "行目"),
        ("{[1]: 2}", "unhashable"),
        ("? {a: b}\n: c", "unhashable"),
        ("!!python/object:os.system {}", "1行目：could not determine a constructor"),
        ("day: 2026-13-45", "month must be in 1..12"),
        ("\x00", "control characters"),
        ("[" * 3_000, "深すぎます"),
        ("a: " + "あ" * codec.MAX_YAML, "2 MB まで"),
    ],
)
def test_what_is_no_yaml_is_told_with_file_and_line(text: str, told: str) -> None:
    """Plain data only: no aliases, no key twice, no Python objects, no endless nesting."""
    found = error_of(text)
    assert found.startswith("f.yaml: ")
    assert told in found
    assert len(found) < 200


@pytest.mark.parametrize(
    "text",
    ["", "- 1", "text", "name: x", "kind: nothing", "kind: [flow]", "kind: null", "kind: {flow: 1}"],
)
def test_a_file_without_a_kind_is_told_which_kinds_there_are(text: str) -> None:
    """Every kind of document is named in the answer."""
    found = error_of(text)
    assert "f.yaml: はじめに kind: を書いてください" in found
    assert all(kind in found for kind in DOCUMENT_TYPES)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("kind: desk", "f.yaml"),
        ("kind: desk\nid: 3", "f.yaml"),
        ("kind: desk\nid: ''", "f.yaml"),
        ("kind: desk\nitems: 3", "f.yaml: items"),
        ("kind: desk\nitems: [{id: a, name: x}, 3]", "f.yaml: items[1]"),
        ("kind: desk\nitems: [{id: a, name: x}, {name: x}]", "f.yaml: items[1]"),
    ],
)
def test_a_document_without_an_id_is_told_by_its_place(text: str, path: str) -> None:
    """The place in the file stands for the name that is missing."""
    assert error_of(text).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("kind", "body", "path", "told"),
    [
        ("flow", {**FLOW, "color": "red"}, "flow/F-X", "「color」という項目はありません"),
        ("flow", {"id": "F-X", "steps": {}}, "flow/F-X", "「name」がありません"),
        ("flow", {**FLOW, "entry": "word"}, "flow/F-X.entry", "一覧"),
        ("flow", {**FLOW, "entry": ["a", 3]}, "flow/F-X.entry[1]", "文字"),
        ("flow", {**FLOW, "steps": {"a": MENU, "b": {**MENU, "say": "x"}}}, "flow/F-X.steps[b].say", "一覧"),
        ("flow", {**FLOW, "steps": {"a": {**MENU, "say": ["x", 3]}}}, "flow/F-X.steps[a].say[1]", "文字"),
        ("flow", {**FLOW, "steps": {"a": {**MENU, "kind": "poll"}}}, "flow/F-X.steps[a].kind", "「poll」は使えません"),
        ("flow", {**FLOW, "steps": {"a": {"say": ["x"]}}}, "flow/F-X.steps[a]", "「kind」がありません"),
        ("flow", {**FLOW, "steps": {"a": {**MENU, "pause": 3}}}, "flow/F-X.steps[a]", "「pause」という項目"),
        ("flow", {**FLOW, "steps": {"a": {"kind": "goto"}}}, "flow/F-X.steps[a]", "「to」がありません"),
        ("flow", {**FLOW, "steps": {"a": {**MENU, "choices": {"x": 3}}}}, "flow/F-X.steps[a].choices", "文字"),
        ("flow", {**FLOW, "steps": {}}, "flow/F-X", "少なくとも一つの場面"),
        ("texts", {"texts": {"a": ["x"], "b": "y"}}, "texts/texts.texts[b]", "一覧"),
        ("commands", {"commands": {"stop": "x"}}, "commands/commands.commands[stop]", "一覧"),
        ("commands", {"commands": {"stop": ["やめる"], "back": ["ヤメル"]}}, "commands/back", "もう「stop」の言葉です"),
        ("desk", {"id": "m", "name": "x", "shifts": [SHIFT]}, "desk/m.shifts[0]", "10:00 の形"),
        ("desk", {"id": "m", "name": "x", "shifts": [{**SHIFT, "days": "x"}]}, "desk/m.shifts[0]", "曜日は"),
        ("hotline", {"id": "h", "name": "x", "number": 119, "about": "x"}, "hotline/h.number", "文字"),
        ("resource", {"id": "r", "name": "x"}, "resource/r", "がありません"),
        ("risk_rule", {"id": "S", "level": "high"}, "risk_rule/S", "がありません"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_told_with_its_path(kind: str, body: dict[str, Any], path: str, told: str) -> None:
    """Kind, name, step and field: where a member of staff would look."""
    with pytest.raises(ContentError) as caught:
        build(1, _instead(Document(kind=kind, name=body.get("id", kind), body=body)))
    assert caught.value.path.startswith(path)
    assert told in str(caught.value)


def _instead(document: Document) -> list[Document]:
    """The shipped content with one document in the place of those with its name."""
    others = [one for one in codec.seed() if (one.kind, one.name) != (document.kind, document.name)]
    return [*others, document]


def test_the_same_id_twice_is_refused() -> None:
    """Neither silently wins."""
    twice = Document(kind="flow", name="F-START", body={**FLOW, "id": "F-START"})
    with pytest.raises(ContentError, match="flow/F-START: 同じ名前のものが二つあります"):
        build(1, [*codec.seed(), twice])


@pytest.mark.parametrize("kind", codec.NEEDED)
def test_what_there_must_be_is_missed(kind: str) -> None:
    """Without texts, commands or service there is nothing to play."""
    with pytest.raises(ContentError, match=f"{kind}: 「{kind}」がありません"):
        build(1, [one for one in codec.seed() if one.kind != kind])


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    """Also in folders below; files that are no YAML are left alone."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.yml").write_text("kind: desk\nid: second\nname: x", "utf-8")
    (tmp_path / "a.yaml").write_text("kind: desk\nitems: [{id: first, name: x}]", "utf-8")
    (tmp_path / "README.md").write_text("kind: nothing", "utf-8")
    assert [one.name for one in read_folder(tmp_path)] == ["first", "second"]


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A missing folder, a file in its place, or bytes that are no text."""
    with pytest.raises(ContentError, match="開けません"):
        read_folder(tmp_path / "nowhere")
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ContentError, match=r"a\.yaml: このファイルは読めません"):
        read_folder(tmp_path)
    with pytest.raises(ContentError, match="開けません"):
        read_folder(tmp_path / "a.yaml")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def path_of(read: Callable[[], object]) -> str | None:
    """The path of the ContentError that reading raises; None when it can be read. Anything else goes through."""
    try:
        read()
    except ContentError as error:
        return error.path
    return None


fields = st.sampled_from(("id", "name", "steps", "texts", "items", "say"))


@given(st.sampled_from(sorted(DOCUMENT_TYPES)), st.dictionaries(fields, values))
def test_any_data_is_read_or_told(kind: str, body: dict[str, Any]) -> None:
    """Whatever lies in a document: it is typed, or a ContentError with a path."""
    data = {**body, "kind": kind}
    assert path_of(lambda: [codec.typed(one) for one in documents_of(data, "f.yaml")]) != ""


@given(st.text(max_size=40))
def test_any_text_is_yaml_or_told(text: str) -> None:
    """Whatever lies in a file: data, or a ContentError with the file's name."""
    assert path_of(lambda: read_yaml(text, "f.yaml")) in (None, "f.yaml")
