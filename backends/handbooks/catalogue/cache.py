"""What a catalogue keeps in memory of what it holds, until it has changed."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from threading import Lock
from typing import Generic, TypeVar, cast

import apsw

from backends.handbooks.catalogue.versions import Edition, answering

T = TypeVar("T")


class Kept(Generic[T]):
    """A value that is read anew when the revision has moved, by one thread for all."""

    def __init__(self, read: Callable[[apsw.Connection, int], T]) -> None:
        self._read = read
        self._lock = Lock()
        self._value: tuple[int, T] | None = None

    def get(self, connection: apsw.Connection) -> T:
        now = revision(connection)
        with self._lock:
            if self._value is None or self._value[0] != now:
                self._value = now, self._read(connection, now)
            return self._value[1]


class Editions:
    """All versions at one revision. Which are in force is worked out once a day, not once a search."""

    def __init__(self, known: Sequence[Edition]) -> None:
        self.by_row = {one.row: one for one in known}
        self._by_document = defaultdict[str, list[Edition]](list)
        self._on: tuple[date | None, Mapping[str, Edition]] = (None, {})
        for one in known:
            self._by_document[one.document].append(one)

    def on(self, day: date) -> Mapping[str, Edition]:
        """The version in force on a day, by document."""
        kept, found = self._on
        if kept != day:
            answers = ((document, answering(known, day)) for document, known in self._by_document.items())
            found = {document: one for document, one in answers if one is not None}
            self._on = (day, found)
        return found


def revision(connection: apsw.Connection) -> int:
    """The number that grows with every change that a search may see."""
    return cast(int, connection.execute("SELECT value FROM meta WHERE key = 'revision'").get)
