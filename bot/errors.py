"""The error tree. A class's docstring is its default message.

EngawaError
├── ConfigError          a setting is missing or wrong; `problems` lists all of them
├── ContentError         content cannot be read; `path` tells where
├── NotAllowed           the staff member may not do this
├── NotFound             no such thing (or none this staff member may see)
├── Conflict             somebody else was first
│   └── IllegalMove      a ticket cannot go from this state to that one
├── BadInput             what came in cannot be taken; safe to show to who sent it
│   └── TooLarge         over the size limit
├── BadSignature         not signed by the platform
├── StoreUnavailable     the database cannot be reached; nothing was lost, try again
├── SealError            a sealed cell does not open
├── Busy                 too many at once; it can be tried again
└── SendError            a message could not be sent; `retryable` decides what follows
    ├── Throttled        the platform asks to slow down
    │   └── QuotaSpent   nothing is left of this month's messages
    ├── Unreachable      no answer, or a failure on the platform's side; it may have arrived
    ├── HintSpent        the free reply token is no longer accepted
    ├── Rejected         the platform refuses this message for good
    ├── ContactGone      the person has blocked or left us
    └── Misconfigured    our own account or token is wrong
"""

from __future__ import annotations


class EngawaError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__class__.__doc__ or "").strip())


class ConfigError(EngawaError):
    """The settings are not usable."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ContentError(EngawaError):
    """The content cannot be read."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.what = message


class NotAllowed(EngawaError):
    """This is not allowed for you."""


class NotFound(EngawaError):
    """There is nothing here."""


class Conflict(EngawaError):
    """Somebody else was first."""


class IllegalMove(Conflict):
    """The ticket is not in a state for this."""


class BadInput(EngawaError):
    """This cannot be read."""


class TooLarge(BadInput):
    """This is too large."""


class BadSignature(EngawaError):
    """The signature is missing or wrong."""


class StoreUnavailable(EngawaError):
    """The database cannot be reached; nothing was lost, try again."""


class Busy(EngawaError):
    """Too many are doing this at once; it can be tried again."""


class SealError(EngawaError):
    """A sealed cell does not open with the keys at hand."""


class SendError(EngawaError):
    """The message could not be sent."""

    retryable = False
    may_have_arrived = False
    code = "send_error"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail


class Throttled(SendError):
    """The platform asks to slow down."""

    retryable = True
    code = "throttled"

    def __init__(self, retry_after: float | None = None, detail: str | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class QuotaSpent(Throttled):
    """The account's messages of this month are used up."""

    code = "quota"


class Unreachable(SendError):
    """The platform gave no usable answer."""

    retryable = True
    code = "unreachable"

    def __init__(self, detail: str | None = None, *, may_have_arrived: bool = True) -> None:
        super().__init__(detail)
        self.may_have_arrived = may_have_arrived


class HintSpent(SendError):
    """The reply token is no longer accepted."""

    retryable = True
    code = "hint_spent"


class Rejected(SendError):
    """The platform refuses this message."""

    code = "rejected"


class ContactGone(SendError):
    """The person has blocked or left the account."""

    code = "contact_gone"


class Misconfigured(SendError):
    """The account's own token or settings are refused."""

    retryable = True
    code = "misconfigured"
