"""The dictionary behind `risk.morphology`: SudachiDict core (risk guide 4.3). Optional: see docs/risk.md.

Loaded once a process, off the event loop (50 ms, the file is mapped); one tokenizer a thread reads it.
"""

from __future__ import annotations

import threading
from typing import Any

import structlog

from bot.handoff.risk import morphology
from bot.handoff.risk.morphology import Token

MAX_TOKENIZED = 12_000
"""Characters: the tokenizer takes 48 kB of UTF-8 at once."""

_loading = threading.Lock()
log = structlog.get_logger("risk")


class _Dictionary:
    """A tokenizer is for one thread; the dictionary behind them is shared."""

    def __init__(self) -> None:
        import sudachipy

        self._mode = sudachipy.SplitMode.C
        self._dictionary: Any = sudachipy.Dictionary(dict="core")
        self._mine = threading.local()

    def __call__(self, text: str) -> list[Token]:
        tokenizer = getattr(self._mine, "tokenizer", None)
        if tokenizer is None:
            tokenizer = self._mine.tokenizer = self._dictionary.create(mode=self._mode)
        shown = text[:MAX_TOKENIZED].encode("utf-8", "replace").decode()  # a lone surrogate is one ? here
        return [
            Token(m.begin(), m.end(), m.normalized_form(), m.part_of_speech()[0], not m.is_oov())
            for m in tokenizer.tokenize(shown)
        ]


def load(*, warn: bool = False) -> bool:
    """Reads with the dictionary from now on. False if it is not installed or cannot be read; `warn` logs that."""
    with _loading:
        if morphology.current() is None:
            try:
                reader = _Dictionary()
                reader("はじめ")
            except Exception:  # noqa: BLE001 - whatever is wrong with it, the surface is still searched
                if warn:
                    log.warning("risk_dictionary_missing")
                return False
            morphology.use(reader)
        return True


def is_loaded() -> bool:
    return morphology.current() is not None
