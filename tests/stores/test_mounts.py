"""A store on a network file system is named: its log works for the processes of one host only."""

import logging
from pathlib import Path

import pytest

from backends import open_store
from backends.stores.sqlite import store as sqlite_store
from backends.stores.sqlite.mounts import network_file_system
from console.doctor.store import Equipped, examine_store

MOUNTS = r"""21 1 254:0 / / rw shared:1 - ext4 /dev/vda rw
22 21 0:40 / /srv rw,relatime shared:2 - nfs4 files:/export rw,vers=4.2
23 22 0:41 / /srv/local rw - xfs /dev/vdb rw
24 21 0:42 / /srvother rw - tmpfs tmpfs rw
25 21 0:43 / /mnt/two\040words rw master:3 - cifs //files/hr rw
26 21 0:44 / /home/of rw - fuse.sshfs hr@files: rw
27 21 0:45 / /twice rw - nfs files:/old rw
28 27 0:46 / /twice rw - ext4 /dev/vdc rw
29 21 0:47 / /wsl rw - 9p drvfs rw
a line that means nothing
"""


@pytest.mark.parametrize(
    ("path", "lies_on"),
    [
        ("/srv/desk.db", "nfs4, mounted at /srv"),
        ("/srv/new/folder/desk.db", "nfs4, mounted at /srv"),
        ("/srv/local/desk.db", None),
        ("/srvother/desk.db", None),
        ("/mnt/two words/desk.db", "cifs, mounted at /mnt/two words"),
        ("/home/of/desk.db", "fuse.sshfs, mounted at /home/of"),
        ("/twice/desk.db", None),
        ("/wsl/desk.db", "9p, mounted at /wsl"),
        ("/desk.db", None),
    ],
)
def test_the_innermost_mount_says_whether_a_file_is_on_a_network(path: str, lies_on: str | None) -> None:
    assert network_file_system(path, MOUNTS) == lies_on


@pytest.mark.parametrize("mounts", ["", "\n", "1 2 3", MOUNTS[:40]])
def test_what_the_system_does_not_tell_is_unknown(mounts: str) -> None:
    assert network_file_system("/srv/desk.db", mounts) is None


async def test_the_log_and_the_doctor_name_it_and_the_store_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mounts = f"1 0 0:1 / {tmp_path} rw - nfs4 files:/export rw"
    monkeypatch.setattr(sqlite_store, "network_file_system", lambda path: network_file_system(path, mounts))
    with caplog.at_level(logging.WARNING):
        async with open_store(f"sqlite:///{tmp_path}/desk.db") as store:
            found = [one async for one in examine_store(store, Equipped(models=(), tools=frozenset()))]
    assert f"network file system (nfs4, mounted at {tmp_path}): only processes of this host may use it" in caplog.text
    (one,) = [one for one in found if "network file system" in one.what]
    assert one.level == "trouble"
    assert "move it onto a local disk, or use MongoDB" in one.to_do
