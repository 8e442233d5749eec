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
    pid, suspended = _holder(path)
    if pid is None:
        return "another process: wait until it is done, or continue or end it if it is suspended"
    if suspended:
        return f"process {pid}, which is suspended: continue it (kill -CONT {pid}) or end it"
    return f"process {pid}: wait until it is done, or end it"


def is_suspended(path: str) -> bool:
    """Whether the process that holds the lock is known, and suspended: then nothing goes on by itself."""
    return _holder(path)[1]


def _holder(path: str) -> tuple[int | None, bool]:
    """The process that holds the lock, None if it is not known, and whether it is suspended."""
    with suppress(OSError):
        for pid in _writers(os.stat(f"{os.path.realpath(path)}-shm").st_ino):
            if pid != os.getpid():
                # The name before the state is in brackets, and may hold any character.
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
                return pid, state in ("T", "t")
    return None, False


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
