"""Which changes a second person has to look at before people meet them: rules of risk, hotlines, words of safety,
corrections.

A wrong one can cost a life, or send somebody to a number that nobody answers (R-079, R-044). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.content.pack import is_safety

RISK = frozenset({"risk_rule", "risk_class", "risk_veto", "risk_spelling"})
SIGNED = frozenset({"hotline", "correction"})
"""What keeps the names of the two people who stand for it."""

KINDS = RISK | SIGNED
TEXTS = frozenset({"risk_handed", "concern", "concerns_add_up", "parked", "stranded", "request_open"})
"""Named texts said to people in danger, or when something went wrong on our side."""

Bodies = Mapping[tuple[str, str], Mapping[str, Any]]


def needs_second_look(
    kind: str,
    name: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    safety: frozenset[str],
) -> bool:
    """Whether this change does. `safety` names the flows with cards of safety, before or after (`safety_flows`)."""
    if kind in KINDS:
        return True
    if kind == "flow":
        return name in safety
    if kind == "texts":
        old, new = _texts(before), _texts(after)
        changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
        return any(is_safety(key) or key in TEXTS for key in changed)
    return False


def safety_flows(bodies: Bodies) -> frozenset[str]:
    """The flows that texts of safety lead to."""
    texts = _texts(bodies.get(("texts", "texts")))
    targets = [target for key, found in texts.items() if is_safety(key) for target in _list(found)]
    return frozenset(str(target).partition("/")[0] for target in targets)


def stamped(
    kind: str, body: Mapping[str, Any], proposer: str | None, approver: str | None
) -> Mapping[str, Any]:
    """A hotline or a correction with the two people who stand for it, whatever its editor wrote there (R-079)."""
    if kind not in SIGNED:
        return body
    return {**body, "proposed_by": proposer, "approved_by": approver}


def _texts(body: Mapping[str, Any] | None) -> Mapping[str, Any]:
    found = (body or {}).get("texts")
    return found if isinstance(found, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else list(value) if isinstance(value, tuple) else []
