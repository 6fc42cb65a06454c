"""Where a person is in a flow: a value that survives JSON, restarts and new releases."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime, timedelta

from bot.frozen import dataclass, replace

PINNED_FOR = timedelta(days=7)
MAX_TRAIL = 20
MAX_ANSWER = 2_000
MAX_ANSWERS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """`release` pins the step graph for seven days; `trail` is the way back (もどる), newest last."""

    flow: str
    step: str
    release: int
    started_at: datetime
    answers: dict[str, str] = field(default_factory=dict, repr=False)
    trail: tuple[str, ...] = ()

    def at(self, flow: str, step: str) -> Session:
        """The same session, moved; where it was is remembered."""
        here = f"{self.flow}/{self.step}"
        if (flow, step) == (self.flow, self.step):
            return self
        return replace(self, flow=flow, step=step, trail=(*self.trail, here)[-MAX_TRAIL:])

    def answering(self, name: str, value: str) -> Session:
        """The same session with one more answer. Bounded, so that nobody can grow it without end."""
        if not name or (name not in self.answers and len(self.answers) >= MAX_ANSWERS):
            return self
        return replace(self, answers={**self.answers, name: value[:MAX_ANSWER]})

    def without(self, name: str) -> Session:
        """The same session without an answer."""
        if name not in self.answers:
            return self
        return replace(self, answers={key: value for key, value in self.answers.items() if key != name})

    def is_pinned(self, now: datetime) -> bool:
        return now - self.started_at <= PINNED_FOR
