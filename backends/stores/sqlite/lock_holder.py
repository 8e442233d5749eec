"""Which process holds the lock of a file's writer, as far as Linux tells it."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_WRITER_BYTE = 120
"""The byte of the -shm that a writer locks in WAL mode. It is part of SQLite's format."""


def lock_holder(path: str) -> str:
    """`process 4242, which is suspended: continue it (kill -CONT 4242) or end it`, for a file in WAL mode.

    `another process`, with a way out, if it is not known: it may run elsewhere, or have let go by now.
    """
    with suppress(OSError):
        inode = os.stat(f"{os.path.realpath(path)}-shm").st_ino
        for pid in _writers(inode):
            if pid == os.getpid():
                continue
            if _is_suspended(pid):
                return f"process {pid}, which is suspended: continue it (kill -CONT {pid}) or end it"
            return f"process {pid}: wait until it is done, or end it"
    return "another process: wait until it is done, or continue or end it if it is suspended"


def _writers(inode: int) -> Iterator[int]:
    """The processes that hold the writer's byte in the -shm with this number."""
    for line in Path("/proc/locks").read_text().splitlines():
        # 4: POSIX  ADVISORY  WRITE 4242 00:1b:7345 120 120
        fields = line.split()
        if "->" not in fields and len(fields) == 8 and fields[3] == "WRITE":
            place, first, last = fields[5:]
            whole = place.rpartition(":")[2] == str(inode) and last.isdigit()
            if whole and int(first) <= _WRITER_BYTE <= int(last) and int(fields[4]) > 0:
                yield int(fields[4])


def _is_suspended(pid: int) -> bool:
    # The name before it is in brackets, and may hold any character.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in ("T", "t")
