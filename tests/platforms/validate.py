"""Is this a request that the platform would take? The two checks and what they stand on, in one place."""

from __future__ import annotations

from tests.platforms.measure import SchemaMissing, grapheme_count, spec_path, utf16_length
from tests.platforms.validate_line import LineSchema, limit_problems
from tests.platforms.validate_telegram import UPLOAD, TelegramSchema

__all__ = [
    "UPLOAD",
    "LineSchema",
    "SchemaMissing",
    "TelegramSchema",
    "grapheme_count",
    "limit_problems",
    "spec_path",
    "utf16_length",
]
