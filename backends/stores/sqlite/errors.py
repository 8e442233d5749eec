"""What SQLite raises, as this library's errors: what a caller can do about it decides which."""

from collections.abc import Mapping

import apsw

from backends.private_files import RIGHTS
from core.errors import Full, RolltopError, StoreRefused, TooLarge, Unavailable

_COPY = "put the file back from a copy, or name another"

_REFUSALS: Mapping[type[Exception], str] = {
    apsw.PermissionsError: RIGHTS,
    apsw.ReadOnlyError: RIGHTS,
    apsw.CantOpenError: RIGHTS,
    apsw.AuthError: RIGHTS,
    apsw.NotADBError: _COPY,
    apsw.CorruptError: _COPY,
    apsw.FormatError: _COPY,
}
"""The way out of each. SQLite raises them only before a transaction is committed: a refused commit is not written."""


def translated(error: apsw.Error | MemoryError, path: str) -> RolltopError:
    """The error to raise for one of apsw's, about the file at the path."""
    what = f"{path}: {type(error).__name__}: {error}"
    if isinstance(error, apsw.TooBigError):
        return TooLarge(what)
    if isinstance(error, apsw.FullError):
        return Full(what)
    if way_out := _REFUSALS.get(type(error)):
        return StoreRefused(f"{what}: {way_out}")
    return Unavailable(what)
