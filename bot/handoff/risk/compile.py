"""Classes, vetoes and rules to one automaton over all their terms. A wrong name or an empty one is told by its path.

Rules are found by the cues that start them, so that their number hardly changes what a message costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import ahocorasick_rs

from bot.errors import ContentError
from bot.handoff.risk.book import Against, Book, bits_of
from bot.handoff.risk.lexicon import CUE, Lexicon
from bot.handoff.risk.model import LEVELS, PLACES, SCOPES, RiskClass, RiskRule, RiskSpelling, RiskVeto
from bot.handoff.risk.morphology import TOLD

SPEAKERS = {"SPEAKER_SUPPORTER": "supporter", "SPEAKER_FAMILY": "family"}
"""Classes whose words tell that somebody writes about another person: class → speaker."""


def book_of(
    rules: Sequence[RiskRule],
    classes: Sequence[RiskClass] = (),
    vetoes: Sequence[RiskVeto] = (),
    spellings: Sequence[RiskSpelling] = (),
) -> Book:
    """All looked up and numbered. Raises ContentError at the first name that means nothing."""
    lexicon = Lexicon(classes, spellings)
    known = _vetoes(vetoes)
    anchors: dict[int, list[int]] = {}
    near, unless = [], []
    against: dict[str, Against] = {}
    for name in SPEAKERS:
        if name in lexicon.classes:
            lexicon.cue(name, f"risk_class/{name}")
    for place, rule in enumerate(rules):
        path = f"risk_rule/{rule.id}"
        _check(rule, path)
        for cue in lexicon.cues_of(rule.any, f"{path}/any"):
            anchors.setdefault(cue, []).append(place)
        near.append(tuple(frozenset(lexicon.cues_of(group, f"{path}/near")) for group in rule.near))
        names = tuple(one for name in rule.unless for one in _members(known, name))
        for name in names:
            if name not in against:
                against[name] = _veto(lexicon, known.get(name), name, path)
        unless.append(names)
    lemmas: dict[str, set[str]] = {}
    for one in classes:
        for verb in (*one.godan, *one.ichidan):
            lemmas.setdefault(verb, set()).add(one.id)
    forms = _forms(lexicon, {name for names in lemmas.values() for name in names})
    numbered = {name: number for number, name in enumerate(against)}
    needs, meets = bits_of(near)
    shared: dict[tuple[int, ...], tuple[int, ...]] = {}
    return Book(
        rules=tuple(rules),
        vetoes=known,
        automaton=_automaton(lexicon.terms),
        cues_of=[shared.setdefault(cues, cues) for cues in lexicon.terms.values()],
        names=list(lexicon.cues),
        joints=tuple(lexicon.joints),
        anchors={cue: tuple(places) for cue, places in anchors.items()},
        near=near,
        against=tuple(against.values()),
        unless=[tuple(dict.fromkeys(numbered[name] for name in names)) for names in unless],
        takes_back=_by_cue(against.values()),
        forms=forms,
        lemmas={verb: frozenset(names) for verb, names in lemmas.items()},
        cue_ids=lexicon.cues,
        needs=needs,
        meets=meets,
    )


def _vetoes(vetoes: Sequence[RiskVeto]) -> dict[str, RiskVeto]:
    known = {veto.id: veto for veto in vetoes}
    for veto in vetoes:
        path = f"risk_veto/{veto.id}"
        if veto.where not in PLACES:
            raise ContentError(f"{path}/where", f"one of {', '.join(PLACES)}, not {veto.where!r}")
        if bool(veto.any) is bool(veto.of):
            raise ContentError(path, "needs words in `any`, or else vetoes in `of`")
        for name in veto.of:
            if name not in known or known[name].of:
                raise ContentError(f"{path}/of", f"there is no veto {name} with words of its own")
    return known


def _members(known: dict[str, RiskVeto], name: str) -> tuple[str, ...]:
    """What a name in `unless` stands for: itself, or the vetoes it is the common name of."""
    veto = known.get(name)
    return veto.of if veto is not None and veto.of else (name,)


def _check(rule: RiskRule, path: str) -> None:
    if rule.level not in LEVELS:
        raise ContentError(f"{path}/level", f"one of {', '.join(LEVELS)}, not {rule.level!r}")
    if rule.scope not in SCOPES:
        raise ContentError(f"{path}/scope", f"one of {', '.join(SCOPES)}, not {rule.scope!r}")
    if not rule.any:
        raise ContentError(f"{path}/any", "needs at least one word or class")
    if not rule.hits or not rule.misses:
        raise ContentError(path, "needs at least one example in `hits` and one in `misses`")


def _automaton(terms: Iterable[str]) -> ahocorasick_rs.AhoCorasick | None:
    """Without the terms themselves: what is found is told by number."""
    found = list(terms)
    return ahocorasick_rs.AhoCorasick(found, store_patterns=False) if found else None


def _by_cue(vetoes: Iterable[Against]) -> dict[int, tuple[int, ...]]:
    found: dict[int, tuple[int, ...]] = {}
    for number, one in enumerate(vetoes):
        for cue in one.cues:
            found[cue] = (*found.get(cue, ()), number)
    return found


def _forms(lexicon: Lexicon, names: Iterable[str]) -> dict[int, tuple[int, ...]]:
    """The forms in use that morphology tells (`form_of`), by the class itself."""
    found: dict[int, tuple[int, ...]] = {}
    for name in sorted(names):
        used = [cue for form in TOLD if (cue := lexicon.cues.get(f"{name}.{form}")) is not None]
        if used:
            found[lexicon.cue(name, f"risk_class/{name}")] = tuple(used)
    return found


def _veto(lexicon: Lexicon, veto: RiskVeto | None, name: str, path: str) -> Against:
    """A veto by its id; a plain word or class takes a spot of its own clause back."""
    if veto is None:
        if CUE.fullmatch(name) and name.partition(".")[0] not in lexicon.classes:
            raise ContentError(f"{path}/unless", f"there is no veto {name}")
        veto = RiskVeto(id=name, any=(name,), where="clause")
        where = f"{path}/unless"
    else:
        where = f"risk_veto/{name}"
    return Against(
        name=name,
        veto=veto,
        cues=frozenset(lexicon.cues_of(veto.any, f"{where}/any")),
        needs=tuple(frozenset(lexicon.cues_of(group, f"{where}/near")) for group in veto.near),
        rearm=frozenset(lexicon.cues_of(veto.rearm, f"{where}/rearm")),
    )
