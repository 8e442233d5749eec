"""What can go wrong, as one tree: a class per fact on which a caller acts differently.

Messages are built from ids, kinds and limits, never from what an employee wrote: they reach logs.
"""


class RolltopError(Exception):
    """Any error of this library. Catch it at a boundary; act on its subclasses."""


class InvalidInput(RolltopError, ValueError):
    """What was given cannot be accepted; the message says what would be. Nothing was written."""


class RequestMismatch(InvalidInput):
    """A `request_id` came again with another text. The first turn stands; send a new id."""

    def __init__(self, request_id: str) -> None:
        super().__init__(f"request {request_id} is on record with another text: send a new request id")


class NotFound(RolltopError, LookupError):
    """No such object, or none that this viewer may know of: the two are told apart nowhere."""

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"no {kind} {id}")
        self.kind = kind
        self.id = id


class Denied(RolltopError, PermissionError):
    """The viewer's roles do not allow an action that concerns no single object, such as a search."""

    def __init__(self, action: str) -> None:
        super().__init__(f"not allowed: {action}")
        self.action = action


class TurnInProgress(RolltopError, RuntimeError):
    """The thread has an open turn. Follow `turn_id`, or stop it, then ask again.

    `status` is `running` or `awaiting_approval`; a parked turn is open too.
    """

    def __init__(self, turn_id: str, status: str) -> None:
        what = "waits for an approval: decide it or stop it" if status == "awaiting_approval" else "is running"
        super().__init__(f"turn {turn_id} {what}")
        self.turn_id = turn_id
        self.status = status


class Conflict(RolltopError):
    """Somebody else committed past `after` on this stream first. Read, fold, decide again."""

    def __init__(self, stream: str, after: int) -> None:
        super().__init__(f"{stream}: an entry after {after} exists already")
        self.stream = stream
        self.after = after


class Unavailable(RolltopError, ConnectionError):
    """The store did not acknowledge. A commit may or may not have been applied: repeat it as it was."""


class StoreRefused(RolltopError):
    """The store will not do it before its operator changes something. A refused commit has put nothing on record.

    A right is missing, a password is wrong, a server lacks a command, a file is damaged or read-only: the message says
    which, and what to do. This is no `Unavailable`: the outcome is known, and repeating the call does not help.
    """


class Full(RolltopError, OverflowError):
    """A commit is larger than a store takes (8 MB), or its medium is full. Nothing was written."""


class TooLarge(Full):
    """A commit is larger than a store takes (8 MB): the same one never fits, however much room there is."""


class Corrupt(RolltopError, ValueError):
    """An entry that is there cannot be true: a gap, a wrong hash, a kind or version this code does not know."""

    def __init__(self, stream: str, n: int, reason: str) -> None:
        super().__init__(f"{stream} entry {n}: {reason}")
        self.stream = stream
        self.n = n


class DeskClosed(RolltopError, RuntimeError):
    """The desk was not started, or is closed: it could put the question on record, but nobody would answer it."""

    def __init__(self) -> None:
        super().__init__("the desk is not open: use `async with desk`, or `await desk.start()` first")


class OutcomeUnknown(RolltopError):
    """Raised by a tool that lost contact after it had sent: its call becomes `unknown`, and is not repeated."""


class ModelError(RolltopError):
    """A model call that failed. `code` is one of the codes in `core.model`; `retry_after` is in seconds.

    `retryable` says that the same request may succeed later; it is honoured only before the first content.
    """

    def __init__(self, code: str, message: str, *, retryable: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable
        self.retry_after = retry_after


class TurnNotCompleted(RolltopError):
    """Raised by `Reply.raise_for_status`, and by nothing else: a turn on record never raises by itself."""

    def __init__(self, turn_id: str, status: str, code: str | None) -> None:
        super().__init__(f"turn {turn_id} is {status}" + (f" ({code})" if code else ""))
        self.turn_id = turn_id
        self.status = status


class Superseded(RolltopError):
    """Somebody else holds the turn, or it has ended: the worker stops. Callers of a desk never see it."""
