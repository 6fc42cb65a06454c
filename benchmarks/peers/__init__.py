"""Other bots, run by the same harness: what they are, and how they are installed.

Each is the minimal bot of its own documentation in our words (`bots/`), told to use the fake platform. They are
installed when they are measured, at pinned versions, each into an environment of its own under `build/peers/`; nothing
of theirs is kept here and nothing of ours needs them. Whichever cannot be installed here is named, and left out.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.server import ROOT, Bot

BOTS = Path(__file__).parent / "bots"
PLACE = ROOT / "build" / "peers"
PATIENCE = 600  # seconds for one installation


class NotInstalled(Exception):
    """Why a peer is left out."""


@dataclass(frozen=True, slots=True)
class Kit:
    """What is installed, and the bots that run on it."""

    name: str
    packages: tuple[str, ...]
    bots: Callable[[Path], list[Bot]]
    node: bool = False


def _python(name: str, file: str, *arguments: str, path: str, platform: str) -> Callable[[Path], Bot]:
    def made(folder: Path) -> Bot:
        command = (str(folder / "bin" / "python"), str(BOTS / file), *arguments)
        home = (("HOME", str(folder)),)  # whatever one of them keeps of its own stays here
        return Bot(name, command, path=path, platform=platform, cwd=folder, environ=home, peer=True)

    return made


def _all(*makers: Callable[[Path], Bot]) -> Callable[[Path], list[Bot]]:
    return lambda folder: [make(folder) for make in makers]


def _bottender(folder: Path) -> list[Bot]:
    shutil.copytree(BOTS / "bottender", folder, dirs_exist_ok=True)
    node = shutil.which("node") or "node"
    start = str(folder / "node_modules" / "bottender" / "bin" / "cli.js")
    environ = (("NODE_ENV", "production"),)

    def made(name: str, *more: tuple[str, str]) -> Bot:
        # A shell puts the port where bottender looks for it, and is replaced by it.
        command = ("/bin/sh", "-c", f'PORT="$ENGAWA_PORT" exec "{node}" "{start}" start')
        return Bot(name, command, cwd=folder, environ=environ + more, peer=True)

    shutil.rmtree(sessions := folder / "sessions", ignore_errors=True)
    file = (("BOTTENDER_SESSION", "file"), ("BOTTENDER_FOLDER", str(sessions)))
    return [made("bottender memory"), made("bottender file", *file)]


KITS = (
    Kit(
        "line-bot-sdk",
        ("line-bot-sdk==3.27.0",),
        _all(_python("line-bot-sdk", "line_sdk.py", path="/callback", platform="line")),
    ),
    Kit(
        "aiogram",
        ("aiogram==3.31.0",),
        _all(_python("aiogram", "aiogram_bot.py", path="/webhook", platform="telegram")),
    ),
    Kit(
        "python-telegram-bot",
        ("python-telegram-bot[webhooks]==22.8",),
        _all(
            _python("python-telegram-bot", "ptb.py", path="/webhook", platform="telegram"),
            _python("ptb concurrent", "ptb.py", "at-once", path="/webhook", platform="telegram"),
        ),
    ),
    Kit(
        "opsdroid",
        ("opsdroid[connector-telegram]==0.31.0", "setuptools<81"),  # it imports pkg_resources
        _all(_python("opsdroid", "opsdroid_bot.py", path="/webhook", platform="telegram")),
    ),
    Kit("bottender", ("bottender@1.5.5",), _bottender, node=True),
)


def installed(kit: Kit) -> list[Bot]:
    """The bots of a kit, installed if they are not yet. Raises NotInstalled."""
    folder = PLACE / kit.name
    mark = folder / "installed"
    wanted = "\n".join(kit.packages)
    if not mark.exists() or mark.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (_install_node if kit.node else _install_python)(kit, folder)
        mark.write_text(wanted)
    return kit.bots(folder)


def _install_python(kit: Kit, folder: Path) -> None:
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *kit.packages], folder)


def _install_node(kit: Kit, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstalled("there is no npm")
    # Without scripts: one of its dependencies would fetch a program for tunnels, which no webhook here needs.
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)]
    _run([npm, "install", *options, *kit.packages], folder)


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NotInstalled(f"not installed within {PATIENCE} s") from error
    if done.returncode:
        told = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise NotInstalled(told[-1] if told else f"code {done.returncode}")


def all_installed() -> tuple[list[Bot], dict[str, str]]:
    """Every bot that can be had here, and why the others cannot, by their kit."""
    found: list[Bot] = []
    absent: dict[str, str] = {}
    for kit in KITS:
        print(f"installing {kit.name}", file=sys.stderr, flush=True)
        try:
            found += installed(kit)
        except (NotInstalled, OSError) as error:
            absent[kit.name] = str(error)
    return found, absent
