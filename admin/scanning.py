"""`engawa risk …`: the rules over lines of JSON, explained, scored, and tried in another wording. Nothing is stored."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TypeVar

import msgspec
import typer

from bot.content import codec
from bot.content.codec import Document
from bot.errors import BadInput
from bot.handoff import dictionary
from bot.handoff.risk import Level, RiskHit, Rules, compile_rules, fold

T = TypeVar("T")
KINDS = ("risk_rule", "risk_class", "risk_veto", "risk_spelling")
NAMES = tuple(level.name.lower() for level in Level)


class Line(msgspec.Struct):
    id: str
    text: str


class Labelled(msgspec.Struct):
    """A line of a corpus: the level a person gave it, and why it is hard."""

    id: str
    text: str
    level: str
    category: str = ""
    speaker: str = "self"
    note: str = ""


def shipped() -> Rules:
    return rules_of(codec.seed())


def rules_of(documents: Iterable[Document]) -> Rules:
    """The risk rules among documents, with the dictionary if there is one (told on standard error if not)."""
    if not dictionary.load():
        typer.echo("engawa: the dictionary is not installed; only the surface is searched.", err=True)
    found: dict[str, list[object]] = {kind: [] for kind in KINDS}
    for document in documents:
        if document.kind in found:
            found[document.kind].append(codec.typed(document))
    return compile_rules(*(tuple(found[kind]) for kind in KINDS))  # type: ignore[arg-type]


def run(file: str) -> None:
    """Reads `{"id", "text"}` lines, writes `{"id", "level", "category", "rules"}` lines, in the same order."""
    rules = shipped()
    out = sys.stdout.buffer
    for line in _lines(file, msgspec.json.Decoder(Line), '{"id", "text"}'):
        hits = rules.scan(line.text)
        found = {
            "id": line.id,
            "level": _level(hits),
            "category": hits[0].category if hits else "",
            "rules": [hit.rule for hit in hits],
        }
        out.write(msgspec.json.encode(found) + b"\n")
    out.flush()


def explain(text: str) -> None:
    """Prints how a text is read: folded, each spot a rule looked at, what took it back, and what hit."""
    rules = shipped()
    typer.echo(f"folded     {fold(text).text}")
    for candidate in rules.candidates(text):
        spot = text[candidate.start : candidate.end]
        why = f"no: {candidate.because}" if candidate.because else "HIT"
        place = f"{candidate.start}-{candidate.end}"
        typer.echo(f"{candidate.rule:<22} {candidate.level.name.lower():<10} {place:>9}  {spot}  {why}")
    hits = rules.scan(text)
    typer.echo(f"level      {_level(hits)}{' by ' + ', '.join(hit.rule for hit in hits) if hits else ''}")


def score(file: str, *, misses: bool = True) -> None:
    """Prints recall, precision and confusion by level over a labelled corpus, and the lines it got wrong."""
    rules = shipped()
    rows = list(_lines(file, msgspec.json.Decoder(Labelled), '{"id", "text", "level"}'))
    found = {row.id: _level(rules.scan(row.text)) for row in rows}
    for line in report(rows, found):
        typer.echo(line)
    if not misses:
        return
    for row in rows:
        if (row.level == "none") is not (found[row.id] == "none"):
            kind = "false alarm" if row.level == "none" else "missed"
            typer.echo(f"{kind:<12} {row.id} {row.level}/{row.category} as {found[row.id]}: {row.text!r}")


def report(rows: list[Labelled], found: dict[str, str]) -> Iterator[str]:
    table = Counter((row.level, found[row.id]) for row in rows)
    total = {level: sum(table[level, other] for other in NAMES) for level in NAMES}
    hit = {level: total[level] - table[level, "none"] for level in NAMES}
    flagged = sum(hit.values())
    urgent = total["emergency"] + total["high"]
    yield _ratio("recall emergency+high", hit["emergency"] + hit["high"], urgent)
    yield _ratio("recall emergency", hit["emergency"], total["emergency"])
    yield _ratio("emergency as emergency", table["emergency", "emergency"], total["emergency"])
    yield _ratio("recall concern", hit["concern"], total["concern"])
    yield _ratio("precision", flagged - hit["none"], flagged)
    yield _ratio("false alarms on none", hit["none"], total["none"])
    yield _ratio("exact level", sum(table[level, level] for level in NAMES), len(rows))
    yield "labelled \\ found " + " ".join(f"{name:>9}" for name in NAMES)
    for level in NAMES:
        yield f"{level:>16} " + " ".join(f"{table[level, other]:9d}" for other in NAMES)
    by_category = Counter((row.level, row.category, found[row.id] != "none") for row in rows)
    for level, category in sorted({(row.level, row.category) for row in rows}):
        yes, no = by_category[level, category, True], by_category[level, category, False]
        yield f"{level + '/' + category:>26} flagged {yes}/{yes + no}"


def try_rules(place: Path, corpus: str) -> None:
    """Prints each line of a corpus whose level changes with the changed documents, beside what is shipped.

    A changed document replaces the shipped one of the same kind and name; the others stay.
    """
    changed = codec.read_folder(place) if place.is_dir() else codec.documents_of(_yaml(place), place.name)
    documents = {(one.kind, one.name): one for one in codec.seed()}
    documents |= {(one.kind, one.name): one for one in changed if one.kind in KINDS}
    before, after = shipped(), rules_of(documents.values())
    counted: Counter[str] = Counter()
    different = 0
    for line in _lines(corpus, msgspec.json.Decoder(Line), '{"id", "text"}'):
        old, new = before.scan(line.text), after.scan(line.text)
        counted.update(hit.rule for hit in new)
        counted.subtract(hit.rule for hit in old)
        if _level(old) != _level(new):
            different += 1
            rules = ", ".join(sorted({hit.rule for hit in new} ^ {hit.rule for hit in old}))
            typer.echo(f"{line.id}: {_level(old)} -> {_level(new)} ({rules}): {line.text!r}")
    for rule, number in sorted(counted.items()):
        if number:
            typer.echo(f"{rule}: {number:+d} hits")
    typer.echo(f"{different} lines change their level.")


def _level(hits: tuple[RiskHit, ...]) -> str:
    return (hits[0].level if hits else Level.NONE).name.lower()


def _ratio(name: str, part: int, whole: int) -> str:
    return f"{name:<24} {part / whole:.3f} ({part}/{whole})" if whole else f"{name:<24} none to measure"


def _yaml(place: Path) -> object:
    try:
        return codec.read_yaml(place.read_text("utf-8"), place.name)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{place.name} cannot be read as UTF-8 text.") from error


def _lines(file: str, decoder: msgspec.json.Decoder[T], shape: str) -> Iterator[T]:
    try:
        with sys.stdin.buffer if file == "-" else open(file, "rb") as lines:  # noqa: PTH123 - a stream either way
            yield from _decoded(decoder, lines, shape)
    except OSError as error:
        raise BadInput(f"{file} cannot be read ({error.strerror}).") from error


def _decoded(decoder: msgspec.json.Decoder[T], lines: IO[bytes], shape: str) -> Iterator[T]:
    for number, raw in enumerate(lines, start=1):
        if not raw.strip():
            continue
        try:
            yield decoder.decode(raw)
        except msgspec.DecodeError as error:
            raise BadInput(f"Line {number} is no {shape} object.") from error
