"""Whether a file that something else has written into still holds the same store.

In WAL mode the file changes only when a process moves its log into it, and by whoever writes over it in its place, as
`cp` does: the name and the number of the file stay as they are.
"""

from contextlib import closing
from typing import cast

import apsw

from backends.stores.sqlite import tables
from backends.stores.sqlite.backup import immutable
from core.errors import StoreRefused

_FIRST = "SELECT hash FROM entry ORDER BY rowid LIMIT 1"
"""The hash of the oldest entry: no other store has it, and it stays."""


def newest_entry(connection: apsw.Connection) -> int:
    """The number of the newest entry of all logs, 0 without one. It costs a few µs."""
    return cast(int, connection.execute("SELECT ifnull(max(rowid), 0) FROM entry").get)


class Contents:
    """What this process knows of the entries in the file, of which none ever goes. `newest` is the newest of them."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._first: object = None
        self.newest = 0

    def check(self) -> None:
        """Raises StoreRefused if the file holds another store, none, or an older copy of this one.

        An older copy is not noticed while the log holds the page of the newest entry.
        """
        try:
            # A new connection remembers no page.
            with closing(apsw.Connection(self._path, flags=apsw.SQLITE_OPEN_READONLY)) as fresh:
                fresh.set_busy_timeout(tables.BUSY_MS)
                first, newest = fresh.execute(_FIRST).get, newest_entry(fresh)
            held = self._without_log()
        except (apsw.NotADBError, apsw.CorruptError, apsw.SQLError) as error:
            raise self._refused() from error
        if self._first not in (None, first) or held not in (None, first) or newest < self.newest:
            raise self._refused()
        self._first = first

    def _without_log(self) -> object:
        """The oldest entry as the file itself has it; None if that is not to be said."""
        try:
            with closing(immutable(self._path)) as alone:
                return alone.execute(_FIRST).get
        except (apsw.CorruptError, apsw.SQLError):
            # It is young and wholly in its log; or a process was killed while it moved its log into the file.
            return None

    def _refused(self) -> StoreRefused:
        return StoreRefused(
            f"{self._path} was written over in its place, while this process had it open: nothing more is written. "
            "Stop every process that uses it, keep the file with the -wal beside it, and put the store back from a "
            "backup"
        )
