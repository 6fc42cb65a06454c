"""What the web chat needs of the house."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from bot.frozen import dataclass
from bot.messages import Address, Inbound


class Bell(Protocol):
    async def wait(self, seconds: float) -> bool: ...


class Stored(Protocol):
    @property
    def seq(self) -> int | None:
        """None while it is not known yet: the event is kept, and the database is away."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """What a person sees: messages as the API gives them, and who answers now. `topic` is where news come from.

    `moved`: nobody is known here, because the thread went to another browser.
    """

    messages: Sequence[dict[str, Any]]
    state: dict[str, str]
    topic: str | None
    moved: bool = False


class Backend(Protocol):
    """Implemented by `bot.app`."""

    async def accept(self, events: Sequence[Inbound]) -> Sequence[Stored]:
        """Stores events durably. Raises StoreUnavailable."""
        ...

    async def thread(self, address: Address, after: int, *, newest: bool = False) -> Thread:
        """The first messages after a seq, or the newest ones; `topic` None when nobody is known at this address."""
        ...

    def listen(self, topic: str) -> AbstractContextManager[Bell]: ...

    def text(self, key: str) -> str:
        """A named text of the latest release."""
        ...

    def greeting(self) -> list[dict[str, Any]]:
        """What a new person would be greeted with, for pages without script. Nothing is stored for it."""
        ...

    def is_urgent(self, text: str) -> bool:
        """Whether this must be taken, whatever limit stands in its way: any risk word, or no way to tell."""
        ...

    def service(self) -> tuple[str, str]:
        """Name and place of this installation."""
        ...


class Moves(Protocol):
    """How a thread comes to another browser. Implemented by `bot.runtime.moves`. All may raise StoreUnavailable."""

    async def has_passphrase(self, address: Address) -> bool | None:
        """None when nobody is known at this address."""
        ...

    async def set_passphrase(self, address: Address, phrase: str) -> bool:
        """Keeps it instead of any before. False when nobody is known here. Raises Busy."""
        ...

    async def drop_passphrase(self, address: Address) -> None: ...

    async def come_back(self, phrase: str, address: Address) -> bool:
        """Brings the thread of a passphrase to this address. Raises Busy."""
        ...

    async def is_open(self, token: str) -> bool:
        """Whether a link still works."""
        ...

    async def follow(self, token: str, address: Address) -> bool:
        """Brings the thread of a link to this address, once."""
        ...
