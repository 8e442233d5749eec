"""A file that is no store, or none any more: it is named, with the way out, and nothing is written to it."""

# ruff: noqa: ASYNC221, ASYNC240 - a test has its loop for itself

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import apsw
import pytest

from backends import open_store
from backends.handbooks.catalogue import tables as catalogue_tables
from backends.handbooks.catalogue.catalogue import Catalogue
from backends.stores.sqlite import files as sqlite_files
from backends.stores.sqlite import tables as sqlite_tables
from backends.stores.sqlite.store import SqliteStore
from backends.stores.suite.steps import extend, first, noted, whole
from core.errors import InvalidInput, StoreRefused
from core.store import Query
from tests.support.paths import ROOT

SUFFIXES = ("", "-wal", "-shm")

LEFT_OPEN = """
import anyio, os, sys
from backends import open_store
from backends.stores.suite.steps import extend

async def main(url):
    async with open_store(url) as store:
        for n in range(20):
            await extend(store, f"thread:{n}", {"text": "x" * 900})
        os._exit(0)

anyio.run(main, sys.argv[1])
"""

AS_SOMEBODY = """
import os, sys
from backends.stores.sqlite.store import SqliteStore
if os.geteuid() == 0:  # no right binds root
    os.setgid(65534)
    os.setuid(65534)
try:
    SqliteStore(sys.argv[1])
except Exception as error:
    print(type(error).__name__, error)
else:
    print("open")
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "desk.db"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty file is not waited for: nothing makes it here."""
    monkeypatch.setattr(sqlite_files, "CREATION", 0.0)
    monkeypatch.setattr(sqlite_tables, "CREATION", 0.0)


def killed(file: Path) -> None:
    """Make a store whose process was killed: all of it is in its log."""
    subprocess.run([sys.executable, "-c", LEFT_OPEN, f"sqlite:///{file}"], check=True, cwd=ROOT)
    assert file.stat().st_size == 4096 < Path(f"{file}-wal").stat().st_size


# What it is


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "is empty"),
        (b"hello\n" * 999, "is a text file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, r"is a picture \(PNG\)"),
        (b"%PDF-1.7\n" + b"\xff" * 999, "is a PDF"),
        (b"PK\x03\x04" + b"\xff" * 999, "is a ZIP archive"),
        (b"\x1f\x8b" + b"\xff" * 999, "is compressed"),
        (b"\0" * 9999, "begins with zeros"),
        (b"\xff\xfe\xfd" * 999, "encrypted or damaged"),
        (b"SQLite format 3\0" + b"\xff" * 9999, "is damaged"),
    ],
)
@pytest.mark.parametrize("opened", [SqliteStore, Catalogue])
def test_a_file_that_is_no_database_is_named(
    file: Path, opened: Callable[[str], object], content: bytes, name: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(StoreRefused, match=name) as refused:
        opened(str(file))
    assert str(file) in str(refused.value)
    assert "back from a copy" in str(refused.value)
    assert file.read_bytes() == content


def test_a_folder_and_a_missing_folder_are_named(file: Path) -> None:
    file.mkdir()
    with pytest.raises(StoreRefused, match="is a folder: name a file in it"):
        SqliteStore(str(file))
    with pytest.raises(StoreRefused, match="its folder, which must exist"):
        SqliteStore(str(file / "nowhere" / "desk.db"))


async def test_a_store_and_a_catalogue_are_told_apart(file: Path) -> None:
    Catalogue(file).close()
    with pytest.raises(InvalidInput, match="is a catalogue of handbooks, which ROLLTOP_INDEX names"):
        SqliteStore(str(file))
    other = file.with_name("store.db")
    await SqliteStore(str(other)).close()
    with pytest.raises(InvalidInput, match="is a store, which ROLLTOP_STORE names"):
        Catalogue(other)


@pytest.mark.parametrize("opened", [SqliteStore, Catalogue])
async def test_a_file_of_a_newer_version_is_refused_in_words_and_unchanged(
    file: Path, opened: Callable[[str], Any]
) -> None:
    closed = opened(str(file)).close()
    if closed is not None:
        await closed
    with closing(apsw.Connection(str(file))) as connection:
        connection.pragma("user_version", 99)
    before = file.read_bytes()
    with pytest.raises(InvalidInput, match=r"written by a newer Rolltop: it has schema version 99.* Use the newer one"):
        opened(str(file))
    assert file.read_bytes() == before


def schema(file: Path) -> list[tuple[object, ...]]:
    with closing(apsw.Connection(str(file))) as connection:
        rows = connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY 1, 2").fetchall()
        return [*rows, (connection.pragma("user_version"), connection.pragma("application_id"))]


def aged(file: Path, migrations: Sequence[str], application: int) -> None:
    """Make an empty file as the version of so many migrations left it."""
    with closing(apsw.Connection(str(file))) as connection:
        connection.create_scalar_function("words_of", lambda *_: "", 1, deterministic=True)
        connection.execute(f"PRAGMA journal_mode = wal; {';'.join(migrations)}").fetchall()
        connection.execute(f"PRAGMA user_version = {len(migrations)}; PRAGMA application_id = {application}")


@pytest.mark.parametrize("version", range(1, len(sqlite_tables.MIGRATIONS)))
async def test_each_older_version_of_a_store_becomes_what_a_new_file_is(file: Path, version: int) -> None:
    aged(file, sqlite_tables.MIGRATIONS[:version], sqlite_tables.APPLICATION_ID)
    new = file.with_name("new.db")
    for one in (file, new):
        await SqliteStore(str(one)).close()
    assert schema(file) == schema(new)


@pytest.mark.parametrize("version", range(1, len(catalogue_tables.MIGRATIONS)))
def test_each_older_version_of_a_catalogue_becomes_what_a_new_file_is(file: Path, version: int) -> None:
    aged(file, catalogue_tables.MIGRATIONS[:version], sqlite_tables.CATALOGUE_ID)
    new = file.with_name("new.db")
    for one in (file, new):
        Catalogue(one).close()
    assert schema(file) == schema(new)


async def test_a_file_opens_while_another_process_holds_the_lock(file: Path) -> None:
    store = await grown(file)
    with closing(apsw.Connection(str(file))) as other:
        other.execute("BEGIN IMMEDIATE")
        async with open_store(f"sqlite:///{file}") as second:
            assert len(await whole(second, "thread:a")) == 1
    await store.close()


async def test_an_empty_file_whose_log_holds_something_keeps_it(file: Path) -> None:
    """SQLite removes the log of an empty file."""
    killed(file)
    os.truncate(file, 0)
    before = Path(f"{file}-wal").read_bytes()
    with pytest.raises(StoreRefused, match=r"is empty.*still holds something: save both first"):
        SqliteStore(str(file))
    assert Path(f"{file}-wal").read_bytes() == before


async def test_a_file_that_another_process_creates_just_now_is_waited_for(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_files, "CREATION", 60.0)
    file.touch()
    sleeps = []

    def created(seconds: float) -> None:
        sleeps.append(seconds)
        file.with_name("other.db").rename(file)

    with closing(apsw.Connection(str(file.with_name("other.db")))) as other:
        other.execute("VACUUM")
    monkeypatch.setattr(sqlite_files, "sleep", created)
    await SqliteStore(str(file)).close()
    assert sleeps


async def test_a_store_that_lost_its_log_is_not_opened_as_an_empty_one(file: Path) -> None:
    killed(file)
    log = Path(f"{file}-wal")
    log.rename(f"{file}-aside")
    with pytest.raises(StoreRefused, match=r"has lost its log.*-wal until a checkpoint.* Put it back"):
        SqliteStore(str(file))
    for suffix in ("-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)
    Path(f"{file}-aside").rename(log)
    async with open_store(f"sqlite:///{file}") as store:
        assert len(await whole(store, "thread:19")) == 1


async def test_a_log_that_is_damaged_at_its_beginning_is_not_taken_for_empty(file: Path) -> None:
    killed(file)
    log = Path(f"{file}-wal")
    whole_log = log.read_bytes()
    for damaged in (b"\0" * 32 + whole_log[32:], whole_log[:9] + b"\xff\xff" + whole_log[11:]):
        log.write_bytes(damaged)
        with pytest.raises(StoreRefused, match="is damaged at its beginning"):
            SqliteStore(str(file))
        assert log.read_bytes() == damaged
    log.write_bytes(whole_log)
    async with open_store(f"sqlite:///{file}") as store:
        assert len(await whole(store, "thread:19")) == 1


async def test_a_log_that_is_cut_or_damaged_later_opens_with_what_came_before(file: Path) -> None:
    killed(file)
    log = Path(f"{file}-wal")
    middle = log.stat().st_size // 2
    log.write_bytes(log.read_bytes()[:middle] + b"\xff" * 100 + log.read_bytes()[middle + 100 :])
    async with open_store(f"sqlite:///{file}") as store:
        kept = [len(await whole(store, f"thread:{n}")) for n in range(20)]
    assert kept[0] == 1
    assert kept == sorted(kept, reverse=True)


@pytest.mark.parametrize(
    ("mode", "folder", "name"),
    [
        (0o000, 0o755, "this process may not read it: let the user .* read"),
        (0o444, 0o777, "this process may only read it: let the user .* write"),
        (0o666, 0o555, "may not write in its folder .*, where SQLite keeps its log: let the user .* write"),
        (0o666, 0o777, "open"),
    ],
)
async def test_a_file_without_a_right_is_named_with_the_right(mode: int, folder: int, name: str) -> None:
    with TemporaryDirectory() as outside:  # pytest lets no other user into its own
        place, file = Path(outside), Path(outside) / "desk.db"
        await SqliteStore(str(file)).close()
        file.chmod(mode)
        place.chmod(folder)
        command = [sys.executable, "-c", AS_SOMEBODY, str(file)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        place.chmod(0o755)
    assert ran.returncode == 0, ran.stderr
    assert re.search(name, ran.stdout), ran.stdout


async def test_a_page_that_is_damaged_is_found_by_looking_for_it(file: Path) -> None:
    async with open_store(f"sqlite:///{file}") as store:
        for n in range(200):
            await extend(store, f"thread:{n}", {"text": "x" * 900})
    with closing(apsw.Connection(str(file))) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'entry'").get
    content = file.read_bytes()
    for damage in (b"\0" * 4096, b"\xff" * 4096):
        file.write_bytes(content[: 4096 * (page - 1)] + damage + content[4096 * page :])
        damaged = SqliteStore(str(file))
        assert await damaged.damages() != []
        with pytest.raises(StoreRefused, match=r"is damaged.* back from a copy"):
            await damaged.read("thread:100")
        await damaged.close()
    file.write_bytes(content)
    mended = SqliteStore(str(file))
    assert await mended.damages() == []
    await mended.close()


# While it is open


async def grown(file: Path) -> SqliteStore:
    store = SqliteStore(str(file))
    await extend(store, "thread:a", {"text": "x"}, records=[noted("r1")])
    return store


async def refuses(store: SqliteStore, words: str) -> None:
    """Nothing is read or written, and each call says why."""
    for call in (
        lambda: store.commit("thread:b", 0, first("thread:b"), id="c1"),
        lambda: store.read("thread:a"),
        lambda: store.find(Query(kind="note")),
        lambda: store.erase("thread:a"),
    ):
        with pytest.raises(StoreRefused, match=words):
            await call()


async def test_a_file_that_is_replaced_takes_no_commit_and_goes_on_once_it_is_back(file: Path) -> None:
    store = await grown(file)
    other = file.with_name("other.db")
    await SqliteStore(str(other)).close()
    untouched = other.read_bytes()
    file.rename(aside := file.with_name("aside.db"))
    await refuses(store, f"{file} is gone, while this process had it open")
    other.rename(file)
    await refuses(store, f"another file has been put in the place of {file}.* Put the first file back")
    assert file.read_bytes() == untouched
    aside.rename(file)
    assert len(await whole(store, "thread:a")) == 1
    await store.commit("thread:b", 0, first("thread:b"), id="c1")
    await store.close()
    async with open_store(f"sqlite:///{file}") as again:
        assert [len(await whole(again, f"thread:{name}")) for name in "ab"] == [1, 1]


async def test_a_link_that_leads_elsewhere_is_noticed(file: Path) -> None:
    real = file.with_name("real.db")
    file.symlink_to(real)
    store = await grown(file)
    await SqliteStore(str(file.with_name("other.db"))).close()
    file.unlink()
    file.symlink_to(file.with_name("other.db"))
    await refuses(store, "another file has been put in the place")
    file.unlink()
    file.symlink_to(real)
    assert len(await whole(store, "thread:a")) == 1
    await store.close()


async def test_a_file_that_is_cut_is_noticed(file: Path) -> None:
    store = await grown(file)
    await store.close()
    store = SqliteStore(str(file))
    os.truncate(file, 4096)
    await refuses(store, f"{file} was cut from .* to 4096 bytes")
    await store.close()


def move_log(file: Path) -> None:
    """What another process may do at any time: move the log into the file."""
    with closing(apsw.Connection(str(file))) as other:
        other.execute("SELECT count(*) FROM entry").fetchall()
        other.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    assert file.with_name(f"{file.name}-wal").stat().st_size == 0


@pytest.mark.parametrize("what", ["another store", "another store, and a log", "an older copy", "a text"])
async def test_what_is_written_over_a_file_in_its_place_is_noticed_before_the_next_commit(
    file: Path, what: str
) -> None:
    """As `cp` does it: name and number of the file stay, and it is no shorter than before."""
    other = file.with_name("other.db")
    for path in (other, file):
        await (await grown(path)).close()
    copies = {"another store": other.read_bytes(), "an older copy": file.read_bytes(), "a text": b"notes\n" * 99_999}
    text = copies[what.partition(",")[0]]
    store = SqliteStore(str(file))
    await extend(store, "thread:a", {"text": "y"})
    move_log(file)
    if "log" in what:
        await extend(store, "thread:a", {"text": "z"})
    number = file.stat().st_ino
    text += bytes(max(0, file.stat().st_size - len(text)))
    file.write_bytes(text)
    assert file.stat().st_ino == number
    for _ in range(2):
        with pytest.raises(StoreRefused, match=r"desk\.db was written over in its place.* put the store back"):
            await store.commit("thread:b", 0, first("thread:b"), id="c1")
    logged = file.with_name("desk.db-wal").read_bytes()
    await store.close()
    assert file.read_bytes() == text
    assert file.with_name("desk.db-wal").read_bytes() == logged


async def test_a_log_that_another_process_moves_into_the_file_is_nothing_to_notice(file: Path) -> None:
    store = await grown(file)
    for number in range(3):
        move_log(file)
        await extend(store, f"thread:{number}", {"text": "y"})
    await store.close()


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
async def test_a_log_that_is_removed_under_an_open_store_loses_nothing(file: Path, suffix: str) -> None:
    store = await grown(file)
    Path(f"{file}{suffix}").unlink()
    await refuses(store, f"desk.db{suffix} is gone.* nothing more is written")
    await store.close()
    async with open_store(f"sqlite:///{file}") as again:
        assert len(await whole(again, "thread:a")) == 1
        await again.commit("thread:b", 0, first("thread:b"), id="c1")
    with closing(apsw.Connection(str(file))) as connection:
        assert connection.execute("PRAGMA integrity_check").get == "ok"


async def test_a_process_that_has_lost_its_log_leaves_the_new_one_of_another_alone(file: Path) -> None:
    store = await grown(file)
    Path(f"{file}-wal").unlink()
    Path(f"{file}-shm").unlink()
    command = [sys.executable, "-c", LEFT_OPEN, f"sqlite:///{file}"]
    # All was in the log that is gone, so the other process finds a store that has lost it.
    other = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert other.returncode != 0
    await refuses(store, "desk.db-wal")
    await store.close()


async def test_a_catalogue_that_is_replaced_is_noticed(file: Path) -> None:
    catalogue = Catalogue(file)
    file.rename(aside := file.with_name("aside.db"))
    Catalogue(file.with_name("other.db")).close()
    file.with_name("other.db").rename(file)
    with pytest.raises(StoreRefused, match="another file has been put in the place"):
        catalogue.documents()
    aside.rename(file)
    assert catalogue.documents() == []
    catalogue.close()
