"""What SQLite raises, as this library's errors: what a caller can do about it decides which."""

import apsw

from backends.stores.sqlite.files import BACK, no_right, what_is
from backends.stores.sqlite.lock_holder import lock_holder
from core.errors import Full, RolltopError, StoreBusy, StoreRefused, TooLarge, Unavailable


def translated(error: apsw.Error | MemoryError, path: str) -> RolltopError:
    """The error to raise for one of apsw's, about the file at the path."""
    what = f"{path}: {type(error).__name__}: {error}"
    if isinstance(error, apsw.TooBigError):
        return TooLarge(what)
    if isinstance(error, apsw.FullError):
        return Full(what)
    # SQLite raises these only before a transaction is committed: a refused commit is not written.
    if isinstance(error, apsw.PermissionsError | apsw.ReadOnlyError | apsw.CantOpenError | apsw.AuthError):
        return StoreRefused(f"{no_right(path)} ({error})")
    if isinstance(error, apsw.NotADBError | apsw.CorruptError | apsw.FormatError):
        return StoreRefused(f"{path} {what_is(path)} ({error}): {BACK}")
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return StoreBusy(f"{path} is busy: its lock is held by {lock_holder(path)}")
    return Unavailable(what)
