"""How long a sign-in lasts: to its absolute limit, or until it was idle for too long, or until the person signs out."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from console.sign_in.identity import Identity


class Sessions:
    """The sign-ins that this process has served: when each was last used, why its person looks, and which have ended.

    A sign-in ends `lasts` after it was made, or once it was unused for `idle`. The process forgets its uses when it
    ends, so after a restart a sign-in counts as unused since it was made.
    """

    def __init__(self, lasts: timedelta, idle: timedelta, now: Callable[[], datetime]) -> None:
        self._lasts, self._idle, self._now = lasts, idle, now
        self._used: dict[str, datetime] = {}
        self._ended: dict[str, datetime] = {}
        self._purposes: dict[str, str] = {}
        self._lock = Lock()

    def use(self, identity: Identity) -> None:
        """Put off the idle limit: the person has just done something."""
        with self._lock:
            self._forget()
            self._used[identity.key] = self._now()

    def end(self, identity: Identity) -> None:
        """End this sign-in for all tabs."""
        with self._lock:
            self._forget()
            self._ended[identity.key] = self._now()
            self._purposes.pop(identity.key, None)

    def look_for(self, identity: Identity, purpose: str | None) -> None:
        """The person says why they look, in all tabs; None forgets it."""
        with self._lock:
            if purpose and identity.key not in self._ended:
                self._purposes[identity.key] = purpose
            else:
                self._purposes.pop(identity.key, None)

    def purpose(self, identity: Identity) -> str | None:
        """Why the person looks, None if they have not said so. It is kept in memory alone."""
        return self._purposes.get(identity.key)

    def ends_in(self, identity: Identity) -> timedelta:
        """How long the sign-in still lasts if it is not used; zero or less if it has ended, one way or another."""
        if identity.key in self._ended:
            return timedelta()
        last = self._used.get(identity.key, identity.signed_in_at)
        return min(identity.signed_in_at + self._lasts, last + self._idle) - self._now()

    def _forget(self) -> None:
        """Keep no more than the sign-ins that could still be valid without what is kept here."""
        # Twice as long: the clock of the provider may be ahead.
        oldest = self._now() - 2 * self._lasts
        for times in (self._used, self._ended):
            for key in [key for key, at in times.items() if at < oldest]:
                del times[key]
        for key in self._purposes.keys() - self._used.keys():
            del self._purposes[key]
