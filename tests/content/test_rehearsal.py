"""Rules of risk tried on every example: what changes is counted, and what does not is not told."""

from __future__ import annotations

from bot.content.codec import Document
from bot.content.export import plain
from bot.content.rehearsal import examples, rehearse, rules_of
from bot.handoff.risk import Level, Rules
from tests.strategies import seed_documents

SEED = [Document(kind=one.kind, name=one.name, body=plain(one.body)) for one in seed_documents()]
RULES = rules_of(SEED)
SENTENCES = examples(RULES)


def alone(rules: Rules, level: Level) -> str:
    """A rule that is the only one to find one of its examples at this level."""
    return next(
        rule.id
        for rule in rules.rules
        for text in rule.hits
        if [hit.rule for hit in rules.scan(text) if hit.level == level] == [rule.id]
    )


def test_the_same_rules_change_nothing() -> None:
    found = rehearse(RULES, rules_of(SEED), SENTENCES)
    assert found.sentences == len(SENTENCES) > 500
    assert (found.counts, found.turned, found.turned_in_all) == ((), (), 0)
    assert all(before == after for _, before, after in found.by_level)
    assert sum(before for _, before, _ in found.by_level) == len(SENTENCES)


def test_a_level_that_sinks_stands_first() -> None:
    """One rule of emergency becomes a concern: sentences only it found are told, with their rules."""
    name = alone(RULES, Level.EMERGENCY)
    changed = [
        Document(kind=one.kind, name=one.name, body={**one.body, "level": "concern"})
        if (one.kind, one.name) == ("risk_rule", name)
        else one
        for one in SEED
    ]
    found = rehearse(RULES, rules_of(changed), SENTENCES)
    assert found.counts == ()
    assert found.turned
    assert found.turned_in_all >= len(found.turned)
    assert all(name in one.rules_before and one.after < one.before for one in found.turned)
    assert found.turned[0].before == Level.EMERGENCY


def test_a_rule_that_goes_is_counted() -> None:
    """Its own examples are read with those that stay, too."""
    name = RULES.rules[0].id
    fewer = rules_of(one for one in SEED if (one.kind, one.name) != ("risk_rule", name))
    found = rehearse(RULES, fewer, examples(RULES, fewer))
    count = next(one for one in found.counts if one.rule == name)
    assert count.after is None
    assert count.before is not None
    assert count.before >= 1
