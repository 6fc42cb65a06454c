"""A disk whose every fsync takes longer: a library put before the C library's own, compiled when it is asked for."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

EXTRA_MS = 2

_SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static int slow(const char *name, int fd) {
    struct timespec extra = {0, %d};
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    nanosleep(&extra, 0);
    return real(fd);
}
int fsync(int fd) { return slow("fsync", fd); }
int fdatasync(int fd) { return slow("fdatasync", fd); }
"""


def library(folder: Path) -> Path | None:
    """What LD_PRELOAD is to name; None where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    source, made = folder / "slow.c", folder / "slow.so"
    source.write_text(_SOURCE % (EXTRA_MS * 1_000_000))
    command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(made), str(source), "-ldl"]
    done = subprocess.run(command, capture_output=True, check=False)
    return None if done.returncode else made
