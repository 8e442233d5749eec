"""What can go wrong, as one tree: a class per fact on which a caller acts differently.

Messages are built from ids, kinds and limits, never from what an employee wrote: they reach logs.
"""

from collections.abc import Sequence
from datetime import UTC, datetime


class RolltopError(Exception):
    """Any error of this library. Catch it at a boundary; act on its subclasses.

    It can be pickled, so that another process may raise it: message, attributes and notes are those of the original.
    """

    # An exception is unpickled by calling its class with the message, which most of these classes build themselves.
    def __reduce__(self) -> tuple[object, ...]:
        return _unpickled, (type(self), self.args), vars(self)


class InvalidInput(RolltopError, ValueError):
    """The input cannot be accepted; the message says what would be. The store is unchanged."""


class NewerStore(InvalidInput):
    """A newer Rolltop wrote the store, which is unchanged: use the newer one."""


class MissingExtra(InvalidInput, ImportError):
    """A package that this needs is not installed. The message says which, and the command that installs it."""


class RequestMismatch(InvalidInput):
    """This `request_id` was used before, with another text, schema or `replaces`. The first turn stands."""

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"request {request_id} was used before with another text, schema or `replaces`: send a new request id"
        )


class NotFound(RolltopError, LookupError):
    """The object does not exist, or this viewer may not see it."""

    # One message for both cases: with two, a caller could try ids and learn which exist.
    def __init__(self, kind: str, object_id: str) -> None:
        super().__init__(f"{kind} {object_id} was not found")
        self.kind = kind
        self.id = object_id


class Denied(RolltopError, PermissionError):
    """The viewer's roles do not allow an action on many objects, such as a search. For one object it is NotFound."""

    def __init__(self, action: str) -> None:
        super().__init__(f"{action} is not allowed for the roles of this viewer")
        self.action = action


class Blocked(Denied):
    """An administrator has blocked this person, whatever their roles are."""

    def __init__(self, person: str) -> None:
        RolltopError.__init__(self, f"{person} is blocked on this desk: an administrator can unblock them")
        self.action = "desk.use"
        self.person = person


class TurnInProgress(RolltopError, RuntimeError):
    """The thread has an open turn. Follow or stop `turn_id`, then ask again.

    `status` is `running` or `awaiting_approval`: a turn that waits for an approval is open too.
    """

    def __init__(self, turn_id: str, status: str) -> None:
        what = "waits for an approval: decide it or stop it" if status == "awaiting_approval" else "is running"
        super().__init__(f"turn {turn_id} {what}")
        self.turn_id = turn_id
        self.status = status


class LimitReached(RolltopError, RuntimeError):
    """A limit of the desk, or a program's own budget, does not allow this now. Only a count of it is on record.

    `limit` names it, for the desk's own as the field of `core.Limits` does. `said` is what was reached, in whole
    sentences; the message goes on with `until`, from when on to try again, None if no time is known.
    """

    def __init__(self, said: str, *, limit: str, until: datetime | None = None) -> None:
        super().__init__(said if until is None else f"{said} Ask again at {until.astimezone(UTC):%H:%M} UTC.")
        self.said = said
        self.limit = limit
        self.until = until


class NotReplaceable(InvalidInput):
    """This turn's answer cannot be given again in its place. The message says why, and what to do in its stead."""


class Conflict(RolltopError):
    """Another writer has committed entry `after`+1 of this stream. Read, fold and decide again."""

    def __init__(self, stream: str, after: int) -> None:
        super().__init__(f"{stream}: entry {after + 1} exists already")
        self.stream = stream
        self.after = after


class MetadataConflict(RolltopError, RuntimeError):
    """Another chat has changed these fields of the metadata since this caller read them. Nothing was written."""

    def __init__(self, thread_id: str, fields: Sequence[str]) -> None:
        super().__init__(
            f"the metadata of thread {thread_id} has changed since it was read ({', '.join(fields)}): "
            "read it again, with `await chat.reload()` for example, then decide what to write"
        )
        self.thread_id = thread_id
        self.fields = tuple(fields)


class Unavailable(RolltopError, ConnectionError):
    """The store did not answer. A commit may or may not have been applied: repeat it unchanged, with the same id."""


class StoreClosed(Unavailable):
    """This program has closed the store. Unlike after `Unavailable`, repeating the call does not help."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is closed: open the store again, or close it after all that uses it, desks first")
        self.name = name


class StoreBusy(Unavailable):
    """Another process holds the store's lock and does not get on: the message names it, if that is known.

    The store has waited before it raised this. The call may be repeated as after `Unavailable`.
    """


class StoreRefused(RolltopError):
    """The store cannot do this until its operator changes something. A refused commit was not applied.

    A right is missing, a password is wrong, a server lacks a command, or a file is damaged or read-only: the message
    says which, and what to do. Repeating the call does not help, unlike after `Unavailable`.
    """


class Full(RolltopError, OverflowError):
    """A commit is larger than 8 MB, the limit of every store, or the disk is full. The commit was not applied."""


class TooLarge(Full):
    """A commit is larger than 8 MB. Unlike after `Full`, free space does not help: the commit never fits."""


class Corrupt(RolltopError, ValueError):
    """A stored entry is invalid: a gap, a wrong hash, or a kind or version that this code does not know."""

    def __init__(self, stream: str, n: int, reason: str) -> None:
        super().__init__(f"{stream} entry {n}: {reason}")
        self.stream = stream
        self.n = n
        self.reason = reason


class DeskClosed(RolltopError, RuntimeError):
    """The desk was not started, or is closed, so a question would stay unanswered."""

    def __init__(self) -> None:
        super().__init__(
            "the desk, or the chat, is not open: write `async with desk:`, or `await desk.start()` first; "
            "a closed chat is opened again with `load_chat`"
        )


class RunnerError(RolltopError, RuntimeError):
    """The Runner is closed, or is called from its own event loop. The message says which, and what to do."""


class OutcomeUnknown(RolltopError):
    """A tool raises this if it sent its request and lost contact: the call becomes `unknown`, and is not repeated."""


class ModelError(RolltopError):
    """A model call failed. `code` is one of `core.model.ErrorCode`; `retry_after` is in seconds.

    `status` is the HTTP status that the model's server answered, None without one. `unsent`: nothing of the request has
    reached the server, so that it cost nothing.

    `retryable`: the same request may succeed later. The desk repeats it only before the first content.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retryable: bool = False,
        retry_after: float | None = None,
        status: int | None = None,
        unsent: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.unsent = unsent
        self.code = code
        self.retryable = retryable
        self.retry_after = retry_after


class TurnNotCompleted(RolltopError):
    """The turn ended in another way than `completed`. Only `Reply.raise_for_status` raises this."""

    def __init__(self, turn_id: str, status: str, code: str | None) -> None:
        super().__init__(f"turn {turn_id} is {status}" + (f" ({code})" if code else ""))
        self.turn_id = turn_id
        self.status = status


class Superseded(RolltopError):
    """Another worker has claimed the turn, or it has ended: this worker stops. Callers of a desk never see it."""


def _unpickled(kind: type[RolltopError], args: tuple[object, ...]) -> RolltopError:
    """The error with these arguments; what it holds besides follows as its state."""
    error = kind.__new__(kind)
    error.args = args
    return error
