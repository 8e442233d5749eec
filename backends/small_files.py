"""Files that a person writes by hand: read whole, unless they are endless, or no files."""

import errno
import os
import stat
from pathlib import Path

MOST = 1 << 20
"""The most bytes that are read."""


def read_small(path: str | Path) -> bytes:
    """The file's bytes. Raises OSError, also for what is no file, such as a device or a pipe, and beyond `MOST`."""
    # Without O_NONBLOCK, a pipe waits here for somebody who writes to it.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a file")
        content = file.read(MOST + 1)
    if len(content) > MOST:
        raise OSError(errno.EFBIG, f"it is larger than {MOST:,} bytes")
    return content
