"""SQLite files that only their owner can read: they hold what employees ask and are told.

SQLite itself would give a new file the mode that the umask leaves, mostly readable by every user of the machine. It
gives the -wal, -shm and -journal that it makes beside a file the mode of that file.
"""

import os
import stat
import threading
from contextlib import suppress

from core.errors import Unavailable

_SUFFIXES = ("", "-wal", "-shm", "-journal")
_creating = threading.Lock()


def make_private(path: str) -> None:
    """Create the SQLite file with mode 0600 whatever the umask, or narrow an existing one to that, before it is opened.

    The files beside it are narrowed, too. Files of another user keep their mode; `:memory:` and URI names are not
    files. Raises Unavailable if the file cannot be created.
    """
    if path == ":memory:" or path.startswith("file:"):
        return
    path = os.path.realpath(path)
    try:
        # Closing any descriptor of a file ends the locks that SQLite has on it in this process. So a file that exists
        # is never opened here, and another thread waits until a new one is closed before it lets SQLite lock it.
        with _creating:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}") from error
    for suffix in _SUFFIXES:
        # Gone meanwhile, or on a file system without modes.
        with suppress(OSError):
            _narrow(path + suffix)


def _narrow(path: str) -> None:
    known = os.stat(path)
    if stat.S_ISREG(known.st_mode) and known.st_uid == os.geteuid() and known.st_mode & 0o077:
        os.chmod(path, stat.S_IMODE(known.st_mode) & 0o600)
