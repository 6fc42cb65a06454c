"""The tests mirror `bot` and `admin`; journeys through the whole house stand in `acceptance`."""

from __future__ import annotations
