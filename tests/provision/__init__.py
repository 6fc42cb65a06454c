"""How the tests come by what no Python package can be imported for: PostgreSQL and Chromium.

`python -m tests.provision` does it once, before pytest; the fixtures in `tests/conftest.py` hand it out.
What cannot be had raises `Unavailable` with what to do: a test is never skipped for want of a program.
"""

from __future__ import annotations


class Unavailable(RuntimeError):
    """A program that the tests need is not there and could not be installed."""
