"""Documents as YAML for people and for git, and back without any loss. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import yaml

from bot.content.codec import ONLY_ONE, Document, documents_of, read_yaml
from bot.content.issues import told
from bot.errors import ContentError

FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,80}")
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def plain(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body as JSON has it: what was read from a file is the same as what comes from the database."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(body))
    return found


def text_of(body: Mapping[str, Any]) -> str:
    """One document's body as YAML; `body_of` gives it back."""
    return _dumped(plain(body))


def body_of(kind: str, name: str, text: str) -> dict[str, Any]:
    """The body a text says. Raises ContentError with the line when it is no YAML, no mapping, or another document."""
    path = f"{kind}/{name}"
    found = read_yaml(text, path)
    if not isinstance(found, dict):
        raise ContentError(path, told("item_no_mapping"))
    if kind not in ONLY_ONE and found.get("id") != name:
        raise ContentError(f"{path}/id", told("id_changed", name=name))
    return plain({str(key): value for key, value in found.items()})


def files_of(documents: Iterable[Document]) -> dict[str, str]:
    """The documents as files of a folder, by path: a file for each flow, else one for each kind."""
    by_file: dict[str, list[dict[str, Any]]] = {}
    for document in sorted(documents, key=lambda one: (one.kind, one.name)):
        alone = document.kind == "flow" and FILE_NAME.fullmatch(document.name)
        path = f"flow/{document.name}.yaml" if alone else f"{document.kind}.yaml"
        by_file.setdefault(path, []).append(plain(document.body))
    found = {}
    for path, items in by_file.items():
        kind = path.removesuffix(".yaml").partition("/")[0]
        one = len(items) == 1 and not {"kind", "items"} & items[0].keys()
        found[path] = _dumped({"kind": kind, **items[0]} if one else {"kind": kind, "items": items})
    return found


def _dumped(value: Any) -> str:
    text: str = yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=110)
    return text


def documents_from(files: Mapping[str, str]) -> list[Document]:
    """The documents of exported files, in the order of a release. Raises ContentError naming the file."""
    found = [
        document for path in sorted(files) for document in documents_of(read_yaml(files[path], path), path)
    ]
    return sorted(found, key=lambda one: (one.kind, one.name))
