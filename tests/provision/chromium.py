"""Finds a Chromium for the browser tests, or installs one: Debian's as root, else Playwright's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.provision import Unavailable

ENVIRONMENT = "ENGAWA_TEST_CHROMIUM"
PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
PACKAGES = ("chromium", "fonts-noto-cjk")
# A machine without a way out must not see the browser call home, and no test may depend on it.
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chromium:
    """A browser that was started once, at least to tell its version."""

    path: Path
    version: str

    def __str__(self) -> str:
        return f"{self.version} ({self.path})"


def launch_options(path: Path) -> dict[str, Any]:
    """What every test gives to Playwright's `chromium.launch(**...)`."""
    # Chromium refuses to build its sandbox as root, which is what containers run tests as.
    sandbox = ("--no-sandbox",) if _is_root() else ()
    return {"executable_path": str(path), "headless": True, "args": [*QUIET, *sandbox]}


def find() -> Chromium | None:
    """The first browser that answers; a wrong `ENGAWA_TEST_CHROMIUM` is an error, not a reason to look on."""
    wanted = os.environ.get(ENVIRONMENT)
    if wanted:
        found = _answers(wanted)
        if found is None:
            msg = f"{ENVIRONMENT}={wanted} does not start. Name an executable Chromium or Chrome."
            raise Unavailable(msg)
        return found
    for program in PROGRAMS:
        if found := _answers(program):
            return found
    own = _of_playwright()
    return _answers(own) if own else None


def require() -> Chromium:
    """The browser for a running test: nothing is installed from there, since tests run in parallel."""
    found = find()
    if found is None:
        msg = f"No Chromium. Run `{Path(sys.executable).name} -m tests.provision` once, or set {ENVIRONMENT}."
        raise Unavailable(msg)
    return found


def ensure() -> Chromium:
    """Find or install. Every way that failed is told."""
    found = find()
    if found is not None and _has_japanese():
        return found
    tried = []
    if _is_root() and shutil.which("apt-get"):
        tried.append(_install_with_apt(PACKAGES if found is None else PACKAGES[1:]))
        found = found or find()
    if found is None:
        tried.append(_run([sys.executable, "-m", "playwright", "install", "chromium"]))
        found = find()
    if found is None:
        msg = (
            f"Install Chromium (Debian: apt-get install {' '.join(PACKAGES)})"
            f" or set {ENVIRONMENT} to its path. Tried: {'; '.join(tried)}"
        )
        raise Unavailable(msg)
    if not _has_japanese():
        print("note: no Japanese font is installed (fonts-noto-cjk); screenshots will show boxes", flush=True)
    return found


def _answers(program: str) -> Chromium | None:
    """Ubuntu ships a `chromium-browser` that only says to install a snap; so ask for the version."""
    path = shutil.which(program)
    if path is None:
        return None
    try:
        reply = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = reply.stdout.strip().rpartition("\n")[2].strip()
    known = reply.returncode == 0 and version.startswith(("Chromium", "Google Chrome"))
    return Chromium(path=Path(path), version=version) if known else None


def _of_playwright() -> str | None:
    """Where Playwright keeps its browser, if any. Asked in a process of its own: a loop may run here."""
    ask = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as p: print(p.chromium.executable_path)"
    )
    command = [sys.executable, "-c", ask]
    reply = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    path = reply.stdout.strip()
    return path if reply.returncode == 0 and path and Path(path).exists() else None


def _install_with_apt(packages: Sequence[str]) -> str:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Two sessions on one machine may install at the same time; the second one waits.
    apt = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
    print(f"installing {' '.join(packages)} with apt-get", flush=True)
    return "; ".join(
        (
            _run([*apt, "update"], environment=quiet),
            _run([*apt, "install", "-y", "--no-install-recommends", *packages], environment=quiet),
        )
    )


def _run(command: Sequence[str], *, environment: dict[str, str] | None = None) -> str:
    """Run it; of a failure, the first line that speaks of an error is what the reader needs."""
    try:
        reply = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=900, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return f"`{' '.join(command)}`: {problem}"
    if reply.returncode == 0:
        return f"`{' '.join(command)}`: done"
    lines = (reply.stderr or reply.stdout).strip().splitlines() or ["no output"]
    line = next((line for line in lines if "error" in line.lower()), lines[-1])
    return f"`{' '.join(command)}`: exit {reply.returncode}, {line.strip()}"


def _has_japanese() -> bool:
    fonts = shutil.which("fc-list")
    if fonts is None:
        # Where fontconfig is not used (macOS), Japanese fonts come with the system.
        return not sys.platform.startswith("linux")
    return bool(subprocess.run([fonts, ":lang=ja"], capture_output=True, check=False).stdout.strip())


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
