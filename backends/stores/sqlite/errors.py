"""What SQLite raises, as this library's errors: what a caller can do about it decides which."""

from collections.abc import Mapping

import apsw

from core.errors import Full, RolltopError, StoreRefused, TooLarge, Unavailable

_RIGHTS = "let this process read and write the file and its folder, which must exist"
_COPY = "put the file back from a copy, or name another"

_REFUSALS: Mapping[type[Exception], str] = {
    apsw.PermissionsError: _RIGHTS,
    apsw.ReadOnlyError: _RIGHTS,
    apsw.CantOpenError: _RIGHTS,
    apsw.AuthError: _RIGHTS,
    apsw.NotADBError: _COPY,
    apsw.CorruptError: _COPY,
    apsw.FormatError: _COPY,
}
"""The way out of each. SQLite raises none of them once a transaction is committed, so that nothing was written."""


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
