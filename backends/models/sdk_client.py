"""When the client of a provider's SDK is made, and by whom it is closed."""

from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """A client that holds connections until it is closed."""

    def close(self) -> Awaitable[None]: ...


_Client = TypeVar("_Client", bound=Closable)


class SdkClient(Generic[_Client]):
    """A client of an SDK, which `make` makes when it is first used.

    An application may lend its own client. That one is used instead, and stays open.
    """

    def __init__(self, make: Callable[[], _Client], lent: _Client | None = None) -> None:
        self._make = make
        self._lent = lent
        self._made: _Client | None = None

    def get(self) -> _Client:
        """The client. Call it in the event loop that uses the client: its connections belong to that loop."""
        if self._lent is not None:
            return self._lent
        if self._made is None:
            self._made = self._make()
        return self._made

    async def close(self) -> None:
        """Close the client that was made, if any. The next `get` makes another one."""
        made, self._made = self._made, None
        if made is not None:
            await made.close()
