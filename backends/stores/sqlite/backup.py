"""Copies of SQLite files: of one that is in use, by SQLite's own backup, and of one that nobody uses, as its bytes.

A copy is private, whole in itself without a write-ahead log beside it, and on disk when the function returns. It works
for each SQLite file: a store, a catalogue of handbooks, the HR records of a demo.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import apsw

from backends.private_files import create_private
from backends.stores.sqlite.errors import translated
from core.errors import InvalidInput, StoreRefused

BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file while it is in use, or after its process was killed."""

PAGES = 1000
"""Pages that are copied before progress is told."""

_BUSY_MS = 10_000

Tell = Callable[[int, int], None]
"""Is told how many pages have been copied, and of how many."""


def copy_in_use(source: str, target: str, tell: Tell) -> None:
    """Copy the file as it is at one moment, although other processes go on writing it. `target` must be new.

    Raises InvalidInput if the target exists, Full if there is no room for it, StoreRefused and Unavailable as a store.
    """
    create_private(target).close()
    with _translated(source), closing(apsw.Connection(source, flags=apsw.SQLITE_OPEN_READWRITE)) as read:
        read.set_busy_timeout(_BUSY_MS)
        with _translated(target), closing(apsw.Connection(target)) as written:
            # In a transaction of the reader: without it the copy begins anew after each commit of another process.
            read.execute("BEGIN; SELECT count(*) FROM sqlite_schema").fetchall()
            with written.backup("main", read, "main") as backup:
                while not backup.done:
                    backup.step(PAGES)
                    tell(backup.page_count - backup.remaining, backup.page_count)
            read.execute("COMMIT")
    settle(target)


def settle(path: str) -> None:
    """Bring the file, which no process has open, into one without a write-ahead log, and onto the disk."""
    with _translated(path), closing(apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
        connection.execute("PRAGMA journal_mode = delete").fetchall()
    for suffix in BESIDE:
        with suppress(FileNotFoundError):
            os.unlink(path + suffix)
    sync(path)


def copy_at_rest(source: str, target: str) -> None:
    """Copy the bytes of a file that no process has open, such as one of a backup. `target` must be new."""
    with open(source, "rb") as read, create_private(target) as written:
        shutil.copyfileobj(read, written, 1 << 20)
        written.flush()
        os.fsync(written.fileno())


def place(path: str, target: str) -> None:
    """Give a finished file its name, in the same folder. Raises InvalidInput if something has that name already."""
    try:
        os.link(path, target)
    except FileExistsError:
        raise InvalidInput(f"{target} exists already: move it away") from None
    os.unlink(path)
    sync(os.path.dirname(target))


def sync(path: str) -> None:
    """Bring a file, or the names in a folder, onto the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_integrity(path: str) -> None:
    """Check each page of a file at rest, which is not changed. Raises StoreRefused with what SQLite says."""
    # The file may lie on a medium that cannot be written.
    with _translated(path), closing(immutable(path)) as connection:
        said = [str(line) for (line,) in connection.execute("PRAGMA integrity_check(3)")]
    if said != ["ok"]:
        raise StoreRefused(f"{path} is damaged: {'; '.join(said)}")


def immutable(path: str) -> apsw.Connection:
    """A connection that reads the bytes of the file alone, without a log beside it, locks nothing and makes no file."""
    name = f"file:{_quoted(os.path.abspath(path))}?immutable=1"
    return apsw.Connection(name, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)


def schema_version(path: str) -> int:
    """The schema's version in the header of a file at rest."""
    with open(path, "rb") as file:
        file.seek(60)
        return int.from_bytes(file.read(4), "big")


def _quoted(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except (apsw.Error, MemoryError) as error:
        raise translated(error, path) from error
