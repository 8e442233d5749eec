"""What MongoDB's driver raises, as this library's errors: what a caller can do about it decides which.

A server's messages may quote what was written: of them only the code and the name of a command or an index are kept.
"""

import re
from collections.abc import Mapping

from bson.errors import BSONError
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    DocumentTooLarge,
    InvalidOperation,
    NotPrimaryError,
    OperationFailure,
    WriteConcernError,
)

from core.errors import Full, InvalidInput, RolltopError, StoreClosed, StoreRefused, TooLarge, Unavailable

_TOO_LARGE = frozenset({10334, 17419, 17420})
_NO_ROOM = frozenset({14031})

_PASSES = ("RetryableWriteError", "RetryableError", "TransientTransactionError", "SystemOverloadedError")
"""Labels by which the server, or the driver, says that the same request may succeed later."""

_RIGHT = "give the user in the store's URL the role readWrite on this database"
_SIGN_IN = "correct the user, the password or the authSource in the store's URL"
_SERVER = "the server lacks what the store needs: use MongoDB, of a version that the installed PyMongo supports"
_INDEX = "an index or documents of others stand in its way: drop them, or name another database in the store's URL"

_REFUSALS: Mapping[int, tuple[str, str]] = {
    2: ("BadValue", _SERVER),
    9: ("FailedToParse", _SERVER),
    11: ("UserNotFound", _SIGN_IN),
    13: ("Unauthorized", _RIGHT),
    14: ("TypeMismatch", _SERVER),
    18: ("AuthenticationFailed", _SIGN_IN),
    20: ("IllegalOperation", f"add retryWrites=false to the store's URL if it is a standalone server; else {_SERVER}"),
    26: ("NamespaceNotFound", _SERVER),
    59: ("CommandNotFound", _SERVER),
    67: ("CannotCreateIndex", _INDEX),
    68: ("IndexAlreadyExists", _INDEX),
    72: ("InvalidOptions", _SERVER),
    73: ("InvalidNamespace", "name the database otherwise in the store's URL"),
    85: ("IndexOptionsConflict", _INDEX),
    86: ("IndexKeySpecsConflict", _INDEX),
    115: ("CommandNotSupported", _SERVER),
    121: ("DocumentValidationFailure", "a validator is on a collection of the store: remove it"),
    148: ("ReadConcernMajorityNotEnabled", "start the server with majority read concern"),
    168: ("InvalidPipelineOperator", _SERVER),
    197: ("InvalidIndexSpecificationOption", _INDEX),
    238: ("NotImplemented", _SERVER),
    303: ("feature not supported", _SERVER),  # this and the next two are Amazon DocumentDB's
    304: ("aggregation stage not supported", _SERVER),
    305: ("aggregation operator not supported", _SERVER),
    322: ("APIVersionError", _SERVER),
    323: ("APIStrictError", _SERVER),
    334: ("MechanismUnavailable", _SIGN_IN),
    8000: ("AtlasError", "look at the user, its password and its rights in Atlas, and at the cluster's quota"),
    11000: ("DuplicateKey", _INDEX),
    15952: ("unknown group operator", _SERVER),
    40324: ("unrecognized pipeline stage", _SERVER),
    40415: ("unknown field in a command", _SERVER),
}
"""By code, its name and the way out. With each of these the server changed nothing, and a repeat would fail again."""

_NAMED = re.compile(r"to execute command \{ (\w+):|no such command: '(\w+)'|(?:name|index): \"?(by_[a-z_]+)")
"""The part of a message that is a name rather than data: of the refused command, or of one of the store's indexes."""


def translated(error: Exception, database: str) -> RolltopError:
    """The error that the store raises for one of the driver's, of BSON's, or a timeout."""
    match error:
        case DocumentTooLarge():
            return TooLarge(f"{database}: a document of MongoDB ends at 16 MB")
        case BSONError() | OverflowError() | UnicodeEncodeError():
            return InvalidInput(f"{database}: MongoDB cannot hold this ({type(error).__name__})")
        case OperationFailure():
            return _of_a_server(error, database)
        case InvalidOperation() if "after close" in str(error):
            return StoreClosed(f"the application's client of {database}")
        case ConfigurationError() if "wire version" in str(error):
            return StoreRefused(f"{database}: {_SERVER}")
        case ConnectionFailure() if not isinstance(error, NotPrimaryError):
            return Unavailable(f"{database}: {type(error).__name__}: {error}")
        case _:
            return Unavailable(f"{database}: {type(error).__name__}")


def _of_a_server(error: OperationFailure, database: str) -> RolltopError:
    if error.code in _TOO_LARGE:
        return TooLarge(f"{database}: {type(error).__name__} {error.code}")
    if error.code in _NO_ROOM:
        return Full(f"{database}: {type(error).__name__} {error.code}")
    refusal = _REFUSALS.get(error.code or 0)
    passes = isinstance(error, WriteConcernError) or any(map(error.has_error_label, _PASSES))
    if refusal is None or passes:
        # What became of a write is not known if its code is not listed here, or if it waits for its majority.
        return Unavailable(f"{database}: {type(error).__name__} {error.code}")
    name, way_out = refusal
    named = _NAMED.search(str(error))
    what = f" {named[named.lastindex or 0]}" if named else ""
    return StoreRefused(f"{database}: MongoDB refuses{what} ({name}, code {error.code}): {way_out}")
