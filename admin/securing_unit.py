"""What systemd and the kernel tell of the running service, for `engawa doctor --security`."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

MOST_EXPOSED = 2.0
SECRET = re.compile(r"[A-Za-z0-9+/]{43}=|\d{6,}:[A-Za-z0-9_-]{30,}|AGE-SECRET-KEY-")
"""32 bytes in base64, a Telegram token, a backup's secret key."""

Told = tuple[str, bool | None, str]


def measures(unit: str) -> Iterator[Told]:
    pid = _systemctl("show", "--property=MainPID", "--value", unit)
    if not pid.isdigit() or int(pid) == 0:
        yield (
            f"service {unit}",
            None,
            "systemd runs no such service here; deploy/engawa.service is an example",
        )
        return
    process = Path("/proc") / pid
    yield from of_process(process)
    exposure = _exposure(unit)
    remedy = f"exposure {exposure}; use deploy/engawa.service"
    yield (
        "systemd-analyze security at most 2.0",
        None if exposure is None else exposure <= MOST_EXPOSED,
        remedy,
    )


def of_process(process: Path) -> Iterator[Told]:
    """What /proc tells of a process that serves."""
    try:
        status = dict(
            line.split(":\t", 1)
            for line in (process / "status").read_text("ascii").splitlines()
            if ":\t" in line
        )
        limits = (process / "limits").read_text("ascii")
        words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except (OSError, ValueError):
        yield "service looked at", None, "its /proc cannot be read; run this as root"
        return
    yield "service not run by root", status.get("Uid", "0").split()[0] != "0", "DynamicUser=yes"
    yield "service cannot gain rights", status.get("NoNewPrivs", "0").strip() == "1", "NoNewPrivileges=yes"
    yield "service has no capability", int(status.get("CapEff", "1"), 16) == 0, "CapabilityBoundingSet="
    yield (
        "service's system calls filtered",
        status.get("Seccomp", "0").strip() == "2",
        "SystemCallFilter=@system-service",
    )
    core = re.search(r"^Max core file size +(\S+)", limits, re.MULTILINE)
    yield "service leaves no core dump", core is not None and core[1] == "0", "LimitCORE=0"
    yield (
        "no secret among the service's arguments",
        SECRET.search(words) is None,
        "take them out of ExecStart",
    )


def _systemctl(*words: str) -> str:
    try:
        return subprocess.run(  # noqa: S603 - fixed words, and a unit's name as one argument
            ["/usr/bin/systemctl", *words], capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _exposure(unit: str) -> float | None:
    try:
        told = subprocess.run(  # noqa: S603
            ["/usr/bin/systemd-analyze", "security", "--no-pager", unit],
            capture_output=True, text=True, timeout=20, check=False,
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"Overall exposure level[^:]*: ([0-9.]+)", told)
    return float(found[1]) if found else None
