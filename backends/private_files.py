"""Files that only their owner can read: they hold what employees ask and are told.

SQLite itself gives a new file the mode that the umask leaves: usually every user of the machine can read it. The -wal,
-shm and -journal beside a file get the mode of that file.
"""

import errno
import os
import stat
import threading
from contextlib import suppress
from typing import BinaryIO

from core.errors import InvalidInput, StoreRefused, Unavailable

RIGHTS = "let this process read and write the file and its folder, which must exist"
"""What an operator must do about a file that cannot be opened."""

_PASSING = {errno.EAGAIN, errno.EINTR, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT}
_SUFFIXES = ("", "-wal", "-shm", "-journal")
_creating = threading.Lock()


def make_private(path: str) -> bool:
    """Create the SQLite file with mode 0600 whatever the umask, or narrow an existing one to that, before it is opened.

    Returns whether it was created. The files beside it are narrowed, too. Files of another user keep their mode;
    `:memory:` and URI names are not files. If the file cannot be created, raises StoreRefused, or Unavailable for a
    passing reason such as a full disk.
    """
    if path == ":memory:" or path.startswith("file:"):
        return False
    path = os.path.realpath(path)
    created = True
    try:
        # Closing any descriptor of a file ends the locks that SQLite has on it in this process. So a file that exists
        # is never opened here, and another thread waits until a new one is closed before it lets SQLite lock it.
        with _creating:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        created = False
    except OSError as error:
        if error.errno in _PASSING:
            raise Unavailable(f"{path}: {error.strerror}") from error
        raise StoreRefused(f"{path}: {error.strerror}: {RIGHTS}") from error
    for suffix in _SUFFIXES:
        # The file may be gone by now, or its file system may have no modes.
        with suppress(OSError):
            _narrow(path + suffix)
    return created


def create_private(path: str) -> BinaryIO:
    """A new file with mode 0600, open for writing. Raises InvalidInput if something of this name exists."""
    try:
        return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
    except FileExistsError:
        raise InvalidInput(f"{path} exists already: choose another name, or move it away") from None


def _narrow(path: str) -> None:
    status = os.stat(path)
    if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and status.st_mode & 0o077:
        os.chmod(path, stat.S_IMODE(status.st_mode) & 0o600)
