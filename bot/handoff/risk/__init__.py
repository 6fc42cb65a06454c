"""Risk words on every text, in every mode. Pure, deterministic, explainable: every hit names a rule and a spot.

    text → normalise (one folded text, clauses) → surface (one automaton over all terms of all classes and forms)
         → morphology (is the spot a word; forms only a dictionary sees) → compose (rule: cues near one another)
         → vetoes (idiom, negation, past, media; with what re-arms) → hits, most urgent first

Lexicon, vetoes and rules are content (`content/seed/risk`). See docs/risk.md.
"""

from __future__ import annotations

from bot.handoff.risk.model import (
    LEVELS,
    Candidate,
    Level,
    RiskClass,
    RiskHit,
    RiskRule,
    RiskSpelling,
    RiskVeto,
    highest,
)
from bot.handoff.risk.normalise import fold, term
from bot.handoff.risk.scan import MAX_SCANNED, Rules, compile_rules

__all__ = [
    "LEVELS",
    "MAX_SCANNED",
    "Candidate",
    "Level",
    "RiskClass",
    "RiskHit",
    "RiskRule",
    "RiskSpelling",
    "RiskVeto",
    "Rules",
    "compile_rules",
    "fold",
    "highest",
    "term",
]
