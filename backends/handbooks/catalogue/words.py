"""The words of a catalogue: the passages of all versions that answer on some day, past or future.

Removed documents and replaced versions are left out, so that search does not find them, and they do not change how rare
a word is.
"""

from collections import Counter
from collections.abc import Iterator

import apsw

from backends.handbooks.catalogue.reading import editions, passages
from backends.handbooks.catalogue.tables import Connections, moved
from backends.handbooks.catalogue.versions import Edition, standing
from backends.stems import stemmed, surface
from core.canonical import Json
from core.values import Passage

READING = 1
"""Grows with every change of what the words of a text are."""


def renew(connections: Connections) -> None:
    """Make the words of a catalogue anew if they were made by another reading."""
    with connections.reading() as connection:
        if _reading(connection) == READING:
            return
    with connections.writing() as connection:
        if _reading(connection) == READING:
            return
        connection.execute("INSERT INTO words (words) VALUES ('delete-all')")
        connection.execute("DELETE FROM vocabulary; UPDATE version SET findable = 0")
        for (document,) in connection.execute("SELECT id FROM document").fetchall():
            settle(connection, str(document))
        connection.execute("REPLACE INTO meta VALUES ('reading', ?)", (READING,))


def _reading(connection: apsw.Connection) -> Json:
    reading: Json = connection.execute("SELECT value FROM meta WHERE key = 'reading'").get
    return reading


def settle(connection: apsw.Connection, document: str) -> None:
    """Bring the words in line with the document's versions as they are now, and move the revision."""
    versions = editions(connection, document)
    wanted = {edition.row for edition in standing(versions)}
    present = {
        row for (row,) in connection.execute("SELECT row FROM version WHERE document = ? AND findable", (document,))
    }
    for edition in versions:
        if edition.row in wanted - present:
            _add(connection, edition)
        elif edition.row in present - wanted:
            _drop(connection, edition)
    connection.executemany(
        "UPDATE version SET findable = ? WHERE row = ?", [(edition.row in wanted, edition.row) for edition in versions]
    )
    moved(connection)


def _add(connection: apsw.Connection, edition: Edition) -> None:
    seen = Counter[str]()
    for row, passage in _of(connection, edition):
        seen.update(_surface(passage))
        trail = " ".join(passage.section)
        columns = (row, stemmed(passage.title), stemmed(trail), stemmed(passage.text), edition.row)
        connection.execute("INSERT INTO words (rowid, title, trail, body, version) VALUES (?, ?, ?, ?, ?)", columns)
    connection.executemany(
        "INSERT INTO vocabulary VALUES (?, ?) ON CONFLICT DO UPDATE SET passages = passages + excluded.passages",
        seen.items(),
    )


def _drop(connection: apsw.Connection, edition: Edition) -> None:
    seen = Counter[str]()
    for row, passage in _of(connection, edition):
        seen.update(_surface(passage))
        connection.execute("DELETE FROM words WHERE rowid = ?", (row,))
    connection.executemany(
        "UPDATE vocabulary SET passages = passages - ? WHERE word = ?", [(count, word) for word, count in seen.items()]
    )
    connection.execute("DELETE FROM vocabulary WHERE passages = 0")


def _of(connection: apsw.Connection, edition: Edition) -> Iterator[tuple[int, Passage]]:
    return iter(list(passages(connection, {edition.row: edition}, "WHERE version = ?", (edition.row,))))


def _surface(passage: Passage) -> set[str]:
    return {word for text in (passage.title, *passage.section, passage.text) for word in surface(text)}
