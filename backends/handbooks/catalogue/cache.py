"""What a catalogue keeps in memory, until its revision moves."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from threading import Lock
from typing import Generic, TypeVar, cast

import apsw

from backends.handbooks.catalogue.versions import Edition, answering

T = TypeVar("T")


class Cached(Generic[T]):
    """A value that is read again once the revision has moved, by one thread for all."""

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
    """All versions at one revision. Which of them are in force is computed once a day, not once a search."""

    def __init__(self, versions: Sequence[Edition]) -> None:
        self.by_row = {one.row: one for one in versions}
        self._by_document = defaultdict[str, list[Edition]](list)
        self._on: tuple[date | None, Mapping[str, Edition]] = (None, {})
        for one in versions:
            self._by_document[one.document].append(one)

    def on(self, day: date) -> Mapping[str, Edition]:
        """The version in force on a day, by document."""
        last, in_force = self._on
        if last != day:
            answers = ((document, answering(versions, day)) for document, versions in self._by_document.items())
            in_force = {document: one for document, one in answers if one is not None}
            self._on = (day, in_force)
        return in_force


def revision(connection: apsw.Connection) -> int:
    """The number that grows with every change that a search may see."""
    return cast(int, connection.execute("SELECT value FROM meta WHERE key = 'revision'").get)
