"""What is SQLite's alone: a file that outlives kill -9, is shared by processes, fills up, grows old and forgets."""

import asyncio
import os
import random
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import anyio
import apsw
import pytest

from backends import open_store
from backends.stores.memory import MemoryStore
from backends.stores.sqlite import query as sqlite_query
from backends.stores.sqlite import rows as sqlite_rows
from backends.stores.sqlite import tables as sqlite_tables
from backends.stores.sqlite.store import SqliteStore
from backends.stores.suite.steps import CLOCK, extend, first, found, noted, whole
from core.errors import Conflict, Corrupt, Full, InvalidInput, StoreRefused, Unavailable
from core.log.entry import verify
from core.store import In, Page, Query, Range, Record
from tests.support.desks import PATIENCE
from tests.support.random_queries import agrees_with_memory

WRITER = """
import anyio, sys
from backends import open_store
from backends.stores.memory import MemoryStore
from backends.stores.suite.steps import drafted, whole

async def write(store, stream):
    entries = await whole(store, stream)
    n, prev = len(entries), entries[-1].hash if entries else "0" * 64
    while True:
        new = drafted(stream, n, prev, [{"i": n}, {"i": n + 1}])
        await store.commit(stream, n, new, id=f"c{n}")
        n, prev = n + 2, new[-1].hash
        print(stream, n, flush=True)

async def main(url):
    async with open_store(url) as store, anyio.create_task_group() as group:
        for stream in ("thread:a", "thread:b", "live:t:1"):
            group.start_soon(write, store, stream)

anyio.run(main, sys.argv[1])
"""

RACER = """
import anyio, sys
from backends import open_store
from backends.stores.memory import MemoryStore
from backends.stores.suite.steps import CLOCK, drafted
from core.errors import Conflict

async def main(url, racer):
    async with open_store(url) as store:
        n, prev = 0, "0" * 64
        while n < 100:
            entries = drafted("thread:a", n, prev, [{"racer": racer}])
            try:
                await store.commit("thread:a", n, entries, id=CLOCK.token())
                print(n + 1, flush=True)
            except Conflict:
                entries = await store.read("thread:a", n)
            n, prev = entries[-1].n, entries[-1].hash

anyio.run(main, *sys.argv[1:])
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "desk.db"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite:///{file}"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(str(file))
    yield store
    await store.close()


@pytest.fixture
def other(store: SqliteStore, file: Path) -> Iterator[apsw.Connection]:
    """What another program on the same file would hold."""
    with closing(apsw.Connection(str(file))) as connection:
        yield connection


def transactions(file: Path) -> int:
    """How many transactions the WAL holds: each ends in the one frame that names the size of the file."""
    wal = Path(f"{file}-wal").read_bytes()
    step = 24 + struct.unpack(">I", wal[8:12])[0]
    return sum(struct.unpack(">I", wal[at + 4 : at + 8])[0] > 0 for at in range(32, len(wal) - 23, step))


def killed_after(acknowledgements: int, url: str) -> dict[str, int]:
    """Streams and ends that a writer acknowledged before kill -9 met it."""
    with subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(acknowledgements)]
        os.kill(writer.pid, signal.SIGKILL)
        lines += writer.stdout.readlines()
    return {stream: int(n) for stream, n in (line.split() for line in lines if line.endswith("\n"))}


async def test_a_writer_killed_anywhere_loses_nothing_it_acknowledged(url: str) -> None:
    chance = random.Random(7)
    for _ in range(10):
        acknowledged = killed_after(chance.randrange(1, 60), url)
        assert acknowledged
        async with open_store(url) as store:
            for stream, n in acknowledged.items():
                entries = await whole(store, stream)
                assert len(entries) >= n
                assert len(entries) % 2 == 0, "half a commit survived"
                verify(entries)


def raced(url: str) -> dict[str, list[str]]:
    """The numbers that each of two processes won."""
    command = [sys.executable, "-c", RACER, url]
    racers = {name: subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in ("one", "two")}
    won = {name: racer.communicate(timeout=PATIENCE)[0].split() for name, racer in racers.items()}
    assert [racer.returncode for racer in racers.values()] == [0, 0]
    return won


async def test_two_processes_win_each_number_once(url: str) -> None:
    won = raced(url)
    async with open_store(url) as store:
        entries = await whole(store, "thread:a")
    verify(entries)
    for name, numbers in won.items():
        assert [int(n) for n in numbers] == [entry.n for entry in entries if entry.payload == {"racer": name}]


async def test_all_that_waits_is_one_transaction_and_one_call_into_the_loop(
    store: SqliteStore, other: apsw.Connection, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await extend(store, "thread:taken", {})
    before = transactions(file)
    loop, calls = asyncio.get_running_loop(), []
    call = loop.call_soon_threadsafe
    monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *given: calls.append(given) or call(*given))
    conflicts: list[str] = []

    async def commit(stream: str) -> None:
        try:
            await store.commit(stream, 0, first(stream), id=CLOCK.token())
        except Conflict:
            conflicts.append(stream)

    other.execute("BEGIN IMMEDIATE")
    async with anyio.create_task_group() as group:
        for n in range(60):
            group.start_soon(commit, f"thread:s{n}" if n % 6 else "thread:taken")
        await anyio.wait_all_tasks_blocked()
        other.execute("ROLLBACK")
    assert len(calls) <= 2
    assert conflicts == ["thread:taken"] * 10
    assert len(await found(store, kind="stream")) == 51
    assert transactions(file) - before <= 2, "the first commit may go alone; the 59 that waited go together"


async def test_erasures_that_wait_are_one_transaction_and_one_checkpoint(
    store: SqliteStore, other: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"live:t{n}:1" for n in range(20)]
    for name in names:
        await extend(store, name, {"text": "word"})
    checkpoints: list[int] = []
    monkeypatch.setattr(store._writer, "_checkpoint", checkpoints.append)
    other.execute("BEGIN IMMEDIATE")
    async with anyio.create_task_group() as group:
        for name in names:
            group.start_soon(lambda name: store.erase(name, whole=True), name)
        await anyio.wait_all_tasks_blocked()
        other.execute("ROLLBACK")
    assert len(checkpoints) <= 2, "the first may go alone; those that waited go together"
    assert await found(store, kind="stream") == []


async def test_a_commit_that_fails_half_way_writes_nothing_and_is_no_fault_of_others(
    store: SqliteStore, other: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_record = sqlite_rows.write_record

    def fails(connection: apsw.Connection, new: sqlite_rows.Written, *, repair: bool) -> None:
        write_record(connection, new, repair=repair)
        if new.record.id == "r3":
            raise Corrupt("record note:r3", 1, "cannot be written")

    monkeypatch.setattr(sqlite_rows, "write_record", fails)
    failed: list[int] = []

    async def commit(n: int) -> None:
        try:
            await store.commit(f"thread:s{n}", 0, first(f"thread:s{n}"), [noted(f"r{n}")], id="c1")
        except Corrupt:
            failed.append(n)

    other.execute("BEGIN IMMEDIATE")
    async with anyio.create_task_group() as group:
        for n in range(6):
            group.start_soon(commit, n)
        await anyio.wait_all_tasks_blocked()
        other.execute("ROLLBACK")
    assert failed == [3]
    assert await found(store, kind="stream") == [f"thread:s{n}" for n in (0, 1, 2, 4, 5)]
    assert await found(store) == [f"r{n}" for n in (0, 1, 2, 4, 5)]


async def test_slow_queries_delay_no_commit_and_no_read(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = await extend(store, "thread:a", {}, records=[noted("r1")])
    find, going_on = sqlite_query.find, threading.Event()

    def slow(connection: apsw.Connection, query: Query) -> Page:
        assert going_on.wait(PATIENCE)
        return find(connection, query)

    monkeypatch.setattr(sqlite_query, "find", slow)
    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(lambda: store.find(Query(kind="note")))
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(PATIENCE / 2):
            assert await store.read("thread:a") == entries
            assert await store.get("note", "r1") == noted("r1")
            await extend(store, "thread:b", {})
        going_on.set()


async def test_a_reader_whose_caller_left_serves_the_next(store: SqliteStore) -> None:
    entries = await extend(store, "thread:a", {})
    for _ in range(20):
        with anyio.CancelScope() as left:
            left.cancel()
            await store.read("thread:a")
        async with anyio.create_task_group() as group:
            group.start_soon(store.read, "thread:a")
            await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
    assert await store.read("thread:a") == entries


async def test_lists_of_streams_are_what_the_memory_store_lists(store: SqliteStore) -> None:
    memory, chance = MemoryStore(), random.Random(5)
    names = [f"{kind}:{chance.choice('abc')}{n}" for n in range(40) for kind in ("thread", "live", "audit")]
    for name in chance.sample(names, 90):
        for _ in range(chance.randrange(1, 4)):
            entries = await extend(memory, name, {})
            await store.commit(name, entries[0].n - 1, entries, id=CLOCK.token())
    for name in chance.sample(names, 50):
        whole = name.startswith("live:")
        assert await store.erase(name, whole=whole) == await memory.erase(name, whole=whole)
    names_and_numbers = [None, 2, "2", Range(ge=2), Range(ge="live:", lt="live;"), In((2, 3, *names[:20])), names[0]]
    wanted = {"dirty": [True, False, None, In((False, 1))], "id": names_and_numbers, "n": names_and_numbers}
    orders: list[tuple[str, ...]] = [(), ("id",), ("-id",), ("n",), ("-n", "id"), ("dirty", "-n")]
    for _ in range(150):
        where = {path: chance.choice(wanted[path]) for path in chance.sample([*wanted], chance.randrange(3))}
        query = Query(kind="stream", where=where, order=chance.choice(orders), limit=chance.choice([1, 9, 500]))
        page, expected = await store.find(query), await memory.find(query)
        assert page == expected, query
        if page.cursor is not None:
            query = replace(query, cursor=page.cursor)
            assert await store.find(query) == await memory.find(query), query
        by = chance.choice([(), ("dirty",), ("n",), ("nothing",)])
        assert await store.tally(query, by, ("n",)) == await memory.tally(query, by, ("n",)), (query, by)
    for name in names:
        assert await store.get("stream", name) == await memory.get("stream", name)


async def test_a_reader_blocks_no_writer(store: SqliteStore, other: apsw.Connection) -> None:
    await extend(store, "thread:a", {"secret": 1})
    other.execute("BEGIN")
    assert other.execute("SELECT count(*) FROM entry").get == 1
    with anyio.fail_after(PATIENCE):
        for n in range(20):
            await extend(store, "thread:a", {"i": n})
        assert await store.erase("thread:a", 0, 1) == 1
    assert other.execute("SELECT count(*) FROM entry").get == 1, "a reader's snapshot moved"


async def test_a_lock_held_too_long_is_unavailable_and_reads_go_on(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_tables, "BUSY_MS", 50)
    store = SqliteStore(str(file))
    entries = await extend(store, "thread:a", {})
    with closing(apsw.Connection(str(file))) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="is busy"):
            await store.commit("thread:b", 0, first("thread:b"), id="c1")
        assert await store.read("thread:a") == entries
    await store.commit("thread:b", 0, first("thread:b"), id="c1")
    await store.close()


async def test_a_full_disk_is_full_and_everything_written_can_be_read(store: SqliteStore) -> None:
    # As near as a test gets to a full disk: SQLite gives the same error where the file may not grow.
    store._writer.connection.pragma("max_page_count", store._writer.connection.pragma("page_count") + 20)
    payload = {"text": "x" * 10_000}
    n = 0
    with suppress(Full):
        for n in range(100):
            await store.commit(f"thread:s{n}", 0, first(f"thread:s{n}", payload), [noted(f"r{n}")], id="c1")
    assert 0 < n < 99, "the file grew past its bound, or did not grow"
    for k in range(n):
        (entry,) = await store.read(f"thread:s{k}")
        assert entry.payload == payload
    assert await store.read(f"thread:s{n}") == []
    assert await store.get("note", f"r{n}") is None
    store._writer.connection.pragma("max_page_count", store._writer.connection.pragma("page_count") + 20)
    outcomes: dict[str, str] = {}

    async def commit(stream: str, payload: object) -> None:
        try:
            await store.commit(stream, 0, first(stream, payload), id="c2")
            outcomes[stream] = "written"
        except Full:
            outcomes[stream] = "full"

    async with anyio.create_task_group() as group:
        for stream, size in (("thread:small", 1), ("thread:large", 500_000), ("thread:little", 1)):
            group.start_soon(commit, stream, {"text": "y" * size})
    assert outcomes["thread:large"] == "full"
    assert outcomes["thread:small"] == outcomes["thread:little"] == "written", "one commit's size was another's fault"
    store._writer.connection.pragma("max_page_count", 10**6)
    await store.commit(f"thread:s{n}", 0, first(f"thread:s{n}", payload), id="c1")


async def test_what_is_erased_is_not_in_the_files(store: SqliteStore, file: Path) -> None:
    secret, word = "canary in a payload", "canaryinarecord"
    entries = first("thread:a", {"text": secret * 500}, {"text": secret})
    tags = [word, "kept"]
    await store.commit(
        "thread:a", 0, entries, [noted("r1", n=2, text=f"a {word}", tags=tags, long=word * 900)], id="c1"
    )
    await extend(store, "live:t:1", {"text": "canary alive"})
    files = [file, Path(f"{file}-wal")]
    assert any(secret.encode() in path.read_bytes() for path in files)
    await store.commit("thread:a", 2, [], [noted("r1", n=2, text=None, tags=["kept"])], id="c2")
    assert await store.erase("thread:a") == 2
    assert await store.erase("live:t:1", whole=True) == 1
    for path in files:
        assert b"canary" not in path.read_bytes(), f"{path.name} still holds what was erased"
    verify(await store.read("thread:a"))


@pytest.mark.parametrize(("missing", "reported"), [(1, 1), (3, 3), (5, 5)])
async def test_a_missing_entry_is_corrupt_and_named(
    store: SqliteStore, other: apsw.Connection, missing: int, reported: int
) -> None:
    for n in range(5):
        await extend(store, "thread:a", {"i": n})
    other.execute("DELETE FROM entry WHERE n = ?", (missing,))
    with pytest.raises(Corrupt) as caught:
        await store.read("thread:a")
    assert (caught.value.stream, caught.value.n) == ("thread:a", reported)


async def test_a_row_that_cannot_be_read_is_corrupt_and_named(store: SqliteStore, other: apsw.Connection) -> None:
    await extend(store, "thread:a", {}, {}, records=[noted("r1", n=2)])
    other.execute("UPDATE entry SET payload = '{' WHERE n = 2")
    other.execute("UPDATE record SET fields = '{' WHERE id = 'r1'")
    with pytest.raises(Corrupt, match="thread:a entry 2"):
        await store.read("thread:a")
    with pytest.raises(Corrupt, match="record note:r1"):
        await store.get("note", "r1")


async def test_an_older_file_is_brought_up_to_date(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(str(file))
    entries = await extend(store, "thread:a", {"i": 1}, records=[noted("r1")])
    await store.close()
    newer = (*sqlite_tables.MIGRATIONS, "CREATE TABLE more (a TEXT) STRICT", "CREATE INDEX more_by_a ON more (a)")
    monkeypatch.setattr(sqlite_tables, "MIGRATIONS", newer)
    store = SqliteStore(str(file))
    assert await store.read("thread:a") == entries
    assert await store.get("note", "r1") == noted("r1")
    await store.close()
    with closing(apsw.Connection(str(file))) as connection:
        assert connection.pragma("user_version") == len(newer)
        assert connection.execute("SELECT count(*) FROM more").get == 0
    monkeypatch.undo()
    with pytest.raises(InvalidInput, match=f"schema version {len(newer)}"):
        SqliteStore(str(file))


async def test_indexes_of_an_older_version_are_dropped_and_those_of_others_stay(file: Path) -> None:
    await SqliteStore(str(file)).close()
    with closing(apsw.Connection(str(file))) as connection:
        connection.execute("CREATE INDEX thread_by_title ON record (id) WHERE kind = 'thread'")
        connection.execute("CREATE INDEX mine ON record (id) WHERE kind = 'thread'")
    await SqliteStore(str(file)).close()
    with closing(apsw.Connection(str(file))) as connection:
        there = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'index'")}
    assert there >= {"mine", "thread_by_updated_at"}
    assert "thread_by_title" not in there


async def test_a_migration_that_fails_leaves_the_file_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await SqliteStore(str(file)).close()
    broken = (*sqlite_tables.MIGRATIONS, "CREATE TABLE half (a TEXT) STRICT; SELECT nonsense")
    monkeypatch.setattr(sqlite_tables, "MIGRATIONS", broken)
    with pytest.raises(Unavailable):
        SqliteStore(str(file))
    monkeypatch.undo()
    store = SqliteStore(str(file))
    await extend(store, "thread:a", {})
    await store.close()


def test_the_file_of_another_program_is_left_alone(file: Path) -> None:
    with closing(apsw.Connection(str(file))) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    before = file.read_bytes()
    with pytest.raises(InvalidInput, match="another program"):
        SqliteStore(str(file))
    assert file.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_left_alone(file: Path) -> None:
    file.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreRefused, match=r"is a text file.* from a copy"):
        SqliteStore(str(file))
    assert file.read_bytes() == b"no database at all" * 100


async def test_a_damaged_file_is_refused_and_not_called_away(file: Path) -> None:
    store = SqliteStore(str(file))
    await extend(store, "thread:a", *[{"text": "x" * 500}] * 100)
    await store.close()
    _damage(file)
    store = SqliteStore(str(file))
    with pytest.raises(StoreRefused, match=r"is damaged.* from a copy"):
        await store.read("thread:a")
    await store.close()


def _damage(file: Path) -> None:
    half = file.stat().st_size // 2
    file.write_bytes(file.read_bytes()[:half] + b"\xff" * half)


async def test_a_file_that_may_not_be_written_refuses_commits_and_is_read(store: SqliteStore) -> None:
    entries = await extend(store, "thread:a", {})
    # As near as a test gets that may run as root: SQLite gives the same error for a file without the right to write.
    store._writer.connection.pragma("query_only", True)
    with pytest.raises(StoreRefused, match=r"let this process read and write"):
        await store.commit("thread:b", 0, first("thread:b"), id="c1")
    assert await store.read("thread:a") == entries
    store._writer.connection.pragma("query_only", False)
    assert await store.read("thread:b") == []
    await store.commit("thread:b", 0, first("thread:b"), id="c1")


@pytest.mark.parametrize(
    "url", ["sqlite:", "sqlite://", "sqlite:///", "sqlite::memory:", "sqlite:///:memory:", "sqlite://desk.db"]
)
async def test_a_url_without_a_file_points_to_memory(url: str) -> None:
    with pytest.raises(InvalidInput, match="memory:"):
        async with open_store(url):
            pass


@pytest.mark.parametrize("url", ["", "memory", "memory:x", "postgres://x", "desk.db", "SQLITE:///x"])
async def test_an_unknown_scheme_names_the_ones_there_are(url: str) -> None:
    with pytest.raises(InvalidInput, match=r"memory:, sqlite:///desk.db and mongodb://"):
        async with open_store(url):
            pass


async def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match=r"No such file or directory: .* its folder, which must exist"):
        async with open_store(f"sqlite:///{tmp_path}/nowhere/desk.db"):
            pass


async def test_a_relative_url_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_store("sqlite:///desk.db") as store:
        monkeypatch.chdir("/")
        await extend(store, "thread:a", {})
        assert len(await store.read("thread:a")) == 1
    assert (tmp_path / "desk.db").exists()


def steps(file: Path, query: Query, by: Sequence[str] | None = None) -> int:
    """How many steps, in tens, SQLite's machine takes for a page, or for a tally if there are groups."""
    taken = 0

    def count() -> bool:
        nonlocal taken
        taken += 1
        return False

    with closing(apsw.Connection(str(file))) as connection:
        connection.set_progress_handler(count, 10)
        if by is None:
            sqlite_query.find(connection, query)
        else:
            sqlite_query.tally(connection, query, by, ())
    return taken


@pytest.mark.parametrize(
    "query",
    [
        Query(kind="turn", where={"thread": "t0"}, order=("-first_n",), limit=20),
        Query(kind="turn", where={"thread": "t0", "first_n": Range(lt=60)}, order=("-first_n",), limit=20),
        Query(kind="turn", where={"thread": "t0", "first_n": Range(ge=9)}, order=("first_n",), limit=20),
        Query(kind="turn", order=("-opened_at",), limit=20),
        Query(kind="turn", where={"status": "completed"}, order=("-opened_at",), limit=20),
        Query(kind="turn", where={"opened_at": Range(lt="00050")}, order=("-opened_at",), limit=20),
        Query(kind="turn", where={"handbooks": In(("u3", "u4"))}, limit=2),
        Query(kind="turn", where={"id": Range(ge="t1-")}, order=("id",), limit=20),
    ],
    ids=lambda query: f"{dict(query.where)} {query.order}",
)
async def test_a_page_of_many_records_costs_what_one_of_few_does(
    store: SqliteStore, file: Path, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_query, "FEW", 20)

    def turn(n: int) -> Record:
        fields = {
            "thread": f"t{n % 2}",
            "handbooks": [f"u{n}"],
            "first_n": n,
            "opened_at": f"{n:05}",
            "status": "completed",
        }
        return noted(f"t{n % 2}-{n}", kind="turn", **fields)

    await extend(store, "thread:a", {}, records=[turn(n) for n in range(200)])
    few = steps(file, query)
    assert len((await store.find(query)).records) == query.limit
    await extend(store, "thread:a", {}, records=[turn(n) for n in range(200, 3000)])
    assert steps(file, query) <= 1.1 * few


@pytest.mark.parametrize(
    "query",
    [
        Query(kind="stream", where={"id": Range(ge="live:", lt="live;")}, limit=3),
        Query(kind="stream", where={"dirty": True, "id": Range(ge="thread:", lt="thread;")}),
        Query(kind="stream", where={"dirty": True}),
        Query(kind="stream", limit=3),
    ],
    ids=lambda query: f"{dict(query.where)}",
)
async def test_what_recovery_asks_of_streams_costs_the_same_among_many(
    store: SqliteStore, file: Path, query: Query
) -> None:
    async def begin(names: Iterable[str]) -> None:
        async with anyio.create_task_group() as group:
            for name in names:
                group.start_soon(lambda name: store.commit(name, 0, first(name), id="c1"), name)

    await begin(f"{kind}:t{n}:1" for kind in ("audit", "live", "thread") for n in range(4))
    few, expected = steps(file, query), await store.find(query)
    await begin(f"thread:{n:04}" for n in range(1500))
    assert await store.find(query) == expected
    assert steps(file, query) <= few + 2


async def test_a_later_page_costs_what_the_first_does(
    store: SqliteStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_query, "FEW", 20)
    turns = [
        noted(f"t{n}", kind="turn", opened_at=f"{n:05}", handbooks=["often", "rare"][: 1 + (n % 200 == 0)])
        for n in range(3000)
    ]
    await extend(store, "thread:a", {}, records=turns)
    for where, deep in (({}, 100), ({"handbooks": "often"}, 100), ({"handbooks": "rare"}, 6)):
        query = Query(kind="turn", where=where, order=("-opened_at",), limit=2)
        first_page = steps(file, query)
        for _ in range(deep):
            query = replace(query, cursor=(await store.find(query)).cursor)
        assert steps(file, query) <= 1.5 * first_page


async def test_a_tally_reads_what_the_filter_leaves_that_leaves_fewest(
    store: SqliteStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_query, "FEW", 20)
    calls = [noted(f"c{n}", kind="tool_call", status="succeeded", tool=f"tool{n // 50}") for n in range(1000)]
    await extend(store, "thread:a", {}, records=calls)
    filters = {"status": "succeeded", "tool": "tool2"}
    fifty, all_of_them = (Query(kind="tool_call", where={name: filters[name]}) for name in ("tool", "status"))
    assert 10 * steps(file, fifty, ()) < steps(file, all_of_them, ())
    assert steps(file, Query(kind="tool_call", where=filters), ()) < 5 * steps(file, fifty, ())


@pytest.mark.parametrize("kind", ["tool_call", "message"])
@pytest.mark.parametrize("few", [0, 5, sqlite_query.FEW], ids=lambda few: f"few={few}")
async def test_any_query_finds_what_the_memory_store_finds(
    store: SqliteStore, few: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_query, "FEW", few)
    await agrees_with_memory(store, random.Random(few), 300, kind)
