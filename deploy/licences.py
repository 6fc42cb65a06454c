"""`make sbom`: the licences of what is installed, and whether that is exactly what is pinned."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)")
READ = {"ahocorasick-rs": "Apache-2.0", "jaconv": "MIT", "pyrage": "MIT", "pyreqwest": "Apache-2.0"}
"""Of packages whose metadata names none: what the licence file inside them says."""
OF_THE_TOOL = {"pip", "setuptools", "wheel"}


def licence(component: dict[str, Any]) -> str:
    """SPDX expression, id or name; of a text only that there is one."""
    found = []
    for entry in component.get("licenses", []):
        told = entry.get("license", {})
        found.append(entry.get("expression") or told.get("id") or told.get("name") or "")
    return "; ".join(sorted({one for one in found if one and not one.startswith("declared license")}))


def name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


def main(sbom: str, lock: str) -> int:
    """Prints a line a package; 1 when one is not pinned, or tells no licence."""
    components = json.loads(Path(sbom).read_text("utf-8"))["components"]
    there = {name(one["name"]): one for one in components if name(one["name"]) not in OF_THE_TOOL}
    lines = Path(lock).read_text("utf-8").splitlines()
    pinned = {(name(found[1]), found[2]) for line in lines if (found := PINNED.match(line))}
    wrong = []
    for key, component in sorted(there.items()):
        told = licence(component) or READ.get(key, "")
        print(f"{component['name']} {component['version']}: {told or 'UNKNOWN'}")
        if (key, component["version"]) not in pinned:
            wrong.append(f"{key} is not pinned at {component['version']}")
        if not told:
            wrong.append(f"{key} tells no licence")
    for problem in wrong:
        print(problem, file=sys.stderr)
    print(f"{len(there)} packages, {len(wrong)} problems.")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
