"""What a file is that should be a store, in words, and whether an open one is still in its place.

A file is opened here to look at its first bytes only after SQLite has refused it: closing any descriptor of a file ends
the locks that SQLite has on it in this process.
"""

import os
import struct
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic, sleep

from backends.private_files import make_private
from core.errors import Full, StoreRefused

BACK = "put the file back from a copy, or name another"
"""The way out if a file is not what it should be."""

CREATION = 5.0
"""Seconds that another process may take from creating a file to the first page in it."""

_BEGINNINGS: Mapping[bytes, str] = {
    b"\x89PNG\r\n\x1a\n": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"GIF8": "a picture (GIF)",
    b"%PDF-": "a PDF document",
    b"PK\x03\x04": "a ZIP archive, such as an export or an Office document",
    b"\x1f\x8b": "compressed (gzip): unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed (zstd): unpack it first",
}

_ROOM = 1 << 20
"""Bytes that a disk must have free: more than most commits take, with SQLite's log."""

_SQLITE = b"SQLite format 3\0"

_FRAMES, _PAGE = 32, 4096
"""The bytes of a log before its first page, and of a page, both of SQLite's format."""


def what_is(path: str) -> str:
    """What a file is that SQLite refuses: `is a text file`, for example."""
    try:
        with open(path, "rb") as file:
            begin = file.read(4096)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    for beginning, name in _BEGINNINGS.items():
        if begin.startswith(beginning):
            return f"is {name}, and no SQLite database"
    if begin.startswith(_SQLITE):
        return "is damaged: it begins as an SQLite database, and what follows does not fit"
    if not begin.strip(b"\0"):
        return "is damaged: it begins with zeros"
    with suppress(UnicodeDecodeError):
        # The last character may be cut.
        if (text := begin[:-3].decode() if len(begin) == 4096 else begin.decode()).isprintable() or "\n" in text:
            return "is a text file, and no SQLite database"
    return "is no SQLite database: it is another kind of file, encrypted or damaged"


def no_right(path: str) -> str:
    """Why this process cannot open or write the file, and what to do."""
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        return f"{path} is a folder: name a file in it"
    if not os.path.isdir(folder):
        return f"{path}: its folder does not exist: make the folder {folder}, or name another file"
    for what, right, place, lacks in (
        ("read", os.R_OK, path, "may not read it"),
        ("write", os.W_OK, path, "may only read it"),
        ("write", os.W_OK | os.X_OK, folder, f"may not write in its folder {folder}, where SQLite keeps its log"),
    ):
        if os.path.exists(place) and not os.access(place, right, effective_ids=True):
            return f"{path}: this process {lacks}: let the user {os.geteuid()} {what} the file and its folder"
    return f"{path}: let this process read and write the file and its folder"


def check_disk(path: str) -> None:
    """Raises StoreRefused if the file or its folder cannot be written, Full without room for a commit. Writes nothing.

    What the operating system says counts: a disk that is read-only, too.
    """
    folder = os.path.dirname(path)
    if not all(os.access(place, os.R_OK | os.W_OK, effective_ids=True) for place in (path, folder)):
        raise StoreRefused(no_right(path))
    disk = os.statvfs(folder)
    if disk.f_bavail * disk.f_frsize < _ROOM:
        raise Full(f"the disk of {path} is full: make room on it")


def create(path: str) -> bool:
    """Make sure that a file is there, for its owner alone; whether this call has created it.

    Raises StoreRefused for a folder, for a file that this process may not write, and for an empty one: data that were
    in it would be gone, and SQLite would remove the log beside it. One that another process has just created is waited
    for.
    """
    created = make_private(path)
    if created:
        return True
    if os.path.isdir(path) or not os.access(path, os.R_OK | os.W_OK, effective_ids=True):
        raise StoreRefused(no_right(path))
    until = monotonic() + CREATION
    while (size := os.path.getsize(path)) == 0 and monotonic() < until and not _holds(f"{path}-wal"):
        sleep(0.02)
    if size == 0:
        log = f", and {path}-wal beside it still holds something: save both first" if _holds(f"{path}-wal") else ""
        raise StoreRefused(
            f"{path} is empty (0 bytes): put it back from a copy; if it never held anything, remove it, and a new one "
            f"is begun{log}"
        )
    return False


def has_log(path: str) -> bool:
    """Whether a log with something in it lies beside the file. Raises StoreRefused if SQLite would pass over it."""
    log = f"{os.path.realpath(path)}-wal"
    if not _holds(log):
        return False
    with open(log, "rb") as file:  # SQLite locks no byte of it
        header = file.read(_FRAMES)
    # A process that was killed while it began the log has written no whole page behind the header.
    if os.path.getsize(log) > 2 * _PAGE and not _is_log(header):
        raise StoreRefused(
            f"{log}, the log of {path}, is damaged at its beginning: SQLite would take it for empty, and what was "
            f"written last would be lost. Save both files, then {BACK}; without the log the file opens as it was before"
        )
    return True


def _is_log(header: bytes) -> bool:
    """Whether SQLite takes this for the beginning of a log: the sums over its first 24 bytes are the last 8."""
    if len(header) < _FRAMES or header[:4] not in (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"):
        return False
    order = ">" if header[3] & 1 else "<"
    one = two = 0
    for first, second in struct.iter_unpack(f"{order}II", header[:24]):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return (one, two) == struct.unpack(">II", header[24:])


def _holds(path: str) -> bool:
    try:
        return os.path.getsize(path) > 0
    except OSError:
        return False


class Place:
    """Where an open file is, with the two that SQLite keeps beside it. `check` costs three calls of the system.

    `written_at` is when the file was last written, in ns, as `check` has found it. `lost` is set once it was found to
    hold something else.
    """

    def __init__(self, path: str) -> None:
        real = os.path.realpath(path)
        # The name as it was given leads to the file through links, which may be changed.
        self._names = (path, f"{real}-wal", f"{real}-shm")
        self._known: dict[str, tuple[int, int]] = {}
        self._size = 0
        self.written_at = 0
        self.lost: StoreRefused | None = None

    def remember(self) -> None:
        """Take the files that are there now for the right ones. SQLite has them all open."""
        for name in self._names:
            with suppress(FileNotFoundError):
                status = os.stat(name)
                self._known[name] = (status.st_dev, status.st_ino)
                self._size = max(self._size, status.st_size if name == self._names[0] else 0)

    def check(self) -> None:
        """Raises StoreRefused if one of the files is another one now, is gone, or is shorter than it was."""
        if self.lost:
            raise StoreRefused(str(self.lost))
        before = self._size  # before the call of the system: another thread may see the file grow meanwhile
        for name, known in self._known.items():
            try:
                status = os.stat(name)
            except FileNotFoundError:
                raise StoreRefused(f"{name} is gone, while {self._open(name)}") from None
            if (status.st_dev, status.st_ino) != known:
                raise StoreRefused(f"another file has been put in the place of {name}, while {self._open(name)}")
            if name == self._names[0]:
                # Only a vacuum makes it shorter, and a store never does one.
                if status.st_size < before:
                    raise StoreRefused(
                        f"{name} was cut from {before} to {status.st_size} bytes, while this process had it open: "
                        "stop every process that uses it, put it back from a copy, and start again"
                    )
                self._size, self.written_at = status.st_size, status.st_mtime_ns

    def is_whole(self) -> bool:
        """Whether the log beside the file belongs to it: it is this process's own, or is gone."""
        if self.lost:
            return False
        for name in self._names[1:]:
            with suppress(FileNotFoundError):
                status = os.stat(name)
                if (status.st_dev, status.st_ino) != self._known.get(name):
                    return False
        return True

    def _open(self, name: str) -> str:
        if name == self._names[0]:
            return (
                "this process had it open: nothing more is written. Put the first file back, and it goes on; or stop "
                "every process that uses it, and start again with the file that is to be used"
            )
        return (
            "this process had it open: nothing more is written. Stop every process that uses the store, in good order, "
            "and start again: what is on record is then in the file itself"
        )
