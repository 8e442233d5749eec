"""Who can read the files that the product writes: their owner alone, whatever the umask."""

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from backends.private_files import make_private
from console.app import App
from console.demo.records import HrRecords
from core.errors import StoreRefused, Unavailable
from tests.support.desks import ASKER
from tests.support.handbook_folders import handbook, write

TRY_TO_WRITE = """
import sqlite3, sys
try:
    sqlite3.connect(sys.argv[1], timeout=0).execute("BEGIN IMMEDIATE")
    print("free")
except sqlite3.OperationalError as error:
    print(error)
"""


@pytest.fixture(autouse=True, params=[0o022, 0o000])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], App]]:
    """Starts a console's desk, with its files in the folder `desk`; it is closed at the end."""
    started = []
    (tmp_path / "books").mkdir()
    (tmp_path / "desk").mkdir()
    write(tmp_path / "books", {"leave.md": handbook("Leave", "Days\nThere are 28 days.")})
    monkeypatch.setenv("ROLLTOP_STORE", f"sqlite:///{tmp_path}/desk/desk.db")
    monkeypatch.setenv("ROLLTOP_HANDBOOKS", str(tmp_path / "books"))
    monkeypatch.setenv("ROLLTOP_MODEL", "offline:?delay=0")

    def start() -> App:
        started.append(App())
        return started[-1]

    yield start
    for one in started:
        one.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: mode(path) for path in folder.iterdir()}


ALL = {
    *("desk.db", "desk.db-wal", "desk.db-shm"),
    *("desk.db-handbooks", "desk.db-handbooks-wal", "desk.db-handbooks-shm", "desk.db-handbooks-ingest"),
}


def test_all_that_a_console_writes_is_its_owners(start, tmp_path):
    app = start()
    thread = app.run(app.desk.create_thread(ASKER))
    app.run(app.desk.submit(ASKER, thread.id, "How many vacation days do I have left?"))
    assert modes(tmp_path / "desk") == dict.fromkeys(ALL, 0o600)


def test_files_of_an_earlier_version_become_their_owners(start, tmp_path):
    start()
    for path in (tmp_path / "desk").iterdir():
        path.chmod(0o644)
    start()  # beside the first, as another process would: the -wal and -shm are there already
    assert modes(tmp_path / "desk") == dict.fromkeys(ALL, 0o600)


def test_a_file_of_another_user_keeps_its_mode(tmp_path, monkeypatch):
    path = tmp_path / "desk.db"
    path.touch()
    path.chmod(0o664)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    make_private(str(path))
    assert mode(path) == 0o664


def test_a_file_is_narrowed_and_never_widened(tmp_path):
    path = tmp_path / "desk.db"
    path.touch()
    path.chmod(0o440)
    make_private(str(path))
    assert mode(path) == 0o400


def test_a_link_leads_to_the_file_that_is_made_private(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "hr.db"
    link.symlink_to(tmp_path / "elsewhere" / "records.db")
    with closing(HrRecords(str(link))) as records:
        records.balance("e-1042", None)
    assert modes(tmp_path / "elsewhere") == {"records.db": 0o600}


@pytest.mark.parametrize("name", [":memory:", "file:records?mode=memory"])
def test_a_name_that_is_no_path_makes_no_file(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    make_private(name)
    assert modes(tmp_path) == {}


def test_a_folder_keeps_its_mode(tmp_path):
    tmp_path.chmod(0o755)
    make_private(str(tmp_path))
    assert mode(tmp_path) == 0o755


def test_a_file_that_cannot_be_made_is_refused_and_says_what_to_do(tmp_path):
    with pytest.raises(StoreRefused, match=r"nowhere/desk.db: No such file .*its folder, which must exist"):
        make_private(str(tmp_path / "nowhere" / "desk.db"))


def test_a_disk_that_is_full_is_an_outage(tmp_path, monkeypatch):
    def full(*arguments: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(Unavailable, match="No space left"):
        make_private(str(tmp_path / "desk.db"))


def test_a_file_that_is_made_private_again_keeps_its_locks(tmp_path):
    path = str(tmp_path / "desk.db")
    make_private(path)
    holder = apsw.Connection(path)
    holder.execute("BEGIN EXCLUSIVE")
    make_private(path)
    tried = subprocess.run([sys.executable, "-c", TRY_TO_WRITE, path], capture_output=True, text=True, timeout=60)
    assert tried.stdout == "database is locked\n"
    holder.close()
