"""A clock whose hands are set, so that what happens now is dated in the past, or a week later."""

from datetime import datetime, timedelta

from core.clock import SystemClock, milliseconds


class SetClock:
    """A `core.clock.Clock`: the machine's own, `ahead` of its time of day."""

    def __init__(self) -> None:
        self._own = SystemClock()
        self.ahead = timedelta()

    def set(self, moment: datetime) -> None:
        """Go on from this moment."""
        self.ahead = moment - self._own.now()

    def now(self) -> datetime:
        return milliseconds(self._own.now() + self.ahead)

    def monotonic(self) -> float:
        return self._own.monotonic()

    def token(self) -> str:
        return self._own.token()
