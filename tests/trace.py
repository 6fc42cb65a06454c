"""`make trace`: each requirement with the tests that name it, and those no test names yet.

A test names a requirement in its function's source, a golden conversation under `shows`, `about` or `title`.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
NUMBER = re.compile(r"\bR-\d{3}\b")


@cache
def requirements() -> dict[str, dict[str, Any]]:
    """Level, areas and matter by number."""
    found = yaml.safe_load((FOLDER / "requirements.yaml").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


@cache
def named() -> dict[str, list[str]]:
    """The tests by the numbers they name, each as `file::test` or `golden/name`."""
    found: dict[str, list[str]] = {}
    for test, text in (*_tests(), *_goldens()):
        for number in sorted(set(NUMBER.findall(text))):
            found.setdefault(number, []).append(test)
    return found


def _tests() -> Iterator[tuple[str, str]]:
    for path in sorted(FOLDER.rglob("test_*.py")):
        source = path.read_text("utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                text = ast.get_source_segment(source, node) or ""
                yield f"{path.relative_to(FOLDER)}::{node.name}", text


def _goldens() -> Iterator[tuple[str, str]]:
    for path in sorted((FOLDER / "golden").glob("*.yaml")):
        data = yaml.safe_load(path.read_text("utf-8"))
        told = (*data.get("shows", ()), data.get("about", ""), data.get("title", ""))
        yield f"golden/{path.stem}", " ".join(told)


def main(arguments: list[str]) -> int:
    """Prints the table; with areas as arguments (BOT, CON …), only what has one of them."""
    known, tests = requirements(), named()
    wanted = {area.upper() for area in arguments}
    missing = []
    for number, one in known.items():
        if wanted and not wanted & {*one["areas"], "ALL"}:
            continue
        head = f"{number} {one['level']} {'/'.join(one['areas'])}  {one['about']}"
        if number not in tests:
            missing.append(head)
            continue
        print(head)
        for test in tests[number]:
            print(f"    {test}")
    print(f"\nNot named by any test ({len(missing)}):")
    for head in missing:
        print(f"  {head}")
    for number in sorted(tests.keys() - known.keys()):
        print(f"Nobody knows {number}: {', '.join(tests[number])}")
    return 1 if tests.keys() - known.keys() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
