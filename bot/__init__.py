"""Engawa: an anonymous, low-pressure contact channel on LINE, Telegram and the web."""

from __future__ import annotations

__version__ = "0.1.0"
