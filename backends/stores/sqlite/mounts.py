"""Which file system a file lies on, as Linux tells it: SQLite's write-ahead log works on one host only.

Its index is memory that the processes share, which processes of two hosts cannot, and the locks of a network file
system are not to be relied on. See https://sqlite.org/wal.html and https://sqlite.org/lockingv3.html.
"""

import os
import re
from contextlib import suppress
from pathlib import Path

_NETWORK = {
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs", "virtiofs", "davfs"),
    *("fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.glusterfs", "fuse.ceph", "fuse.davfs", "fuse.gcsfuse"),
}


def network_file_system(path: str, mounts: str | None = None) -> str | None:
    """`nfs4, mounted at /srv`: the network file system that the file lies on. None for any other, or if unknown.

    `mounts` is the text of /proc/self/mountinfo, None to read it.
    """
    if mounts is None:
        mounts = ""
        with suppress(OSError):
            mounts = Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
    real, found = os.path.realpath(path), ("", "")
    for line in mounts.splitlines():
        # 36 35 98:0 /root /mnt\040here rw,noatime master:1 - nfs4 server:/export rw
        fields, _, of_type = line.partition(" - ")
        if len(fields.split()) > 4 and of_type:
            place = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields.split()[4])
            # The innermost mount counts, and of several at one place the last.
            if f"{real}/".startswith(f"{place.rstrip('/')}/") and len(place) >= len(found[0]):
                found = place, of_type.split()[0]
    return f"{found[1]}, mounted at {found[0]}" if found[1] in _NETWORK else None
