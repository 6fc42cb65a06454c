"""What a turn asks the world to do, as data. `runtime.commit` is the only place that carries them out."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from bot.frozen import dataclass
from bot.messages import Purpose, Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Send this to the person, in order."""

    reply: Reply
    purpose: Purpose = Purpose.BOT


@dataclass(frozen=True, slots=True, kw_only=True)
class SayFirst:
    """Send this before anything else that is queued, whoever has the thread: the safety card."""

    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPerson:
    """A flow asks for a person (`reason`), with what the person wants passed on; `written`: places in the thread."""

    reason: str
    wishes: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    written: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawRequest:
    """The person takes the request for a person back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPreference:
    """The person chose how quiet we are; None leaves a setting as it is."""

    silent: bool | None = None
    hush_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTicket:
    """The talk's ticket is new, or waits again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisePriority:
    """The talk's ticket became more urgent; with `alarm`, a counselor must hear of it now."""

    alarm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RestTicket:
    """The talk's ticket rests: handed back, or withdrawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceBot:
    """A counselor has the thread: queued words of the machine are cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """The person's words are for the people who have, or will have, the thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeAt:
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelWake:
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A line in the thread that is nobody's message, e.g. `claimed` or `handed_back`."""

    marker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Add one to a daily count; never linked to the person. `of` is the place or path that is counted."""

    count: str
    of: str = ""

    @property
    def name(self) -> str:
        return f"{self.count}/{self.of}" if self.of else self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseWords:
    """Delete what the person wrote at these places of the thread; nobody was given it."""

    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranded:
    """Content sent the person nowhere, at `where`; staff see it, the person is led back to the start."""

    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteToWeb:
    """Send this with a link, good once and for some minutes, that moves the thread to the web chat."""

    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class SetReachable:
    """The person blocked us or came back. Queued sends of a blocked account are cancelled."""

    reachable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetContact:
    """Erase every row of the person; then send the receipt, once."""

    receipt: Reply


Effect = (
    Say
    | SayFirst
    | RequestPerson
    | WithdrawRequest
    | SetPreference
    | OpenTicket
    | RaisePriority
    | RestTicket
    | SilenceBot
    | Relay
    | WakeAt
    | CancelWake
    | Mark
    | Record
    | EraseWords
    | Stranded
    | InviteToWeb
    | SetReachable
    | ForgetContact
)
