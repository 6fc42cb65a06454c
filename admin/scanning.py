"""`engawa risk scan`: the shipped rules over lines of JSON."""

from __future__ import annotations

import sys
from typing import IO

import msgspec

from bot.content import codec
from bot.errors import BadInput
from bot.handoff.risk import Level, Rules


class Line(msgspec.Struct):
    id: str
    text: str


def run(file: str) -> None:
    """Reads `{"id", "text"}` lines, writes `{"id", "level", "category", "rules"}` lines, in the same order."""
    rules = codec.build(0, codec.seed()).rules
    decoder = msgspec.json.Decoder(Line)
    try:
        with sys.stdin.buffer if file == "-" else open(file, "rb") as lines:  # noqa: PTH123 - a stream either way
            _scan(rules, decoder, lines)
    except OSError as error:
        raise BadInput(f"{file} cannot be read ({error.strerror}).") from error


def _scan(rules: Rules, decoder: msgspec.json.Decoder[Line], lines: IO[bytes]) -> None:
    out = sys.stdout.buffer
    for number, raw in enumerate(lines, start=1):
        if not raw.strip():
            continue
        try:
            line = decoder.decode(raw)
        except msgspec.DecodeError as error:
            raise BadInput(f'Line {number} is no {{"id", "text"}} object.') from error
        hits = rules.scan(line.text)
        found = {
            "id": line.id,
            "level": (hits[0].level if hits else Level.NONE).name.lower(),
            "category": hits[0].category if hits else "",
            "rules": [hit.rule for hit in hits],
        }
        out.write(msgspec.json.encode(found) + b"\n")
    out.flush()
