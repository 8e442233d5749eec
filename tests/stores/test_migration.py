"""A file of version 2, written by the code of its time, is rewritten: whole, or not at all.

`version_2.db.gz` holds what `tests.support.papers.papers` writes, while its last turn runs, and a note by a stranger.
"""

import gzip
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import chain
from json import loads
from pathlib import Path
from typing import Any

import apsw
import pytest

from backends.stores.memory import MemoryStore
from backends.stores.sqlite.store import SqliteStore
from backends.stores.suite.steps import extend, found, whole
from core.canonical import canonical
from core.clock import SystemClock
from core.errors import Full
from core.log.entry import verify
from core.maintenance.rebuild import Finding, Rebuild
from core.store import In, Query, Record, Store, every
from core.values import GENESIS, Entry

VERSION_2 = Path(__file__).with_name("version_2.db.gz")

OPENER = """
import sys
from backends.stores.sqlite.store import SqliteStore

print("opening", flush=True)
SqliteStore(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""

KILLED = """
import os, signal, sys
from backends.stores.sqlite import tables

left = int(sys.argv[2])
packed = tables.packed

def counted(text):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return packed(text)

tables.packed = counted
tables.open_writer(sys.argv[1])
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "desk.db"
    file.write_bytes(gzip.decompress(VERSION_2.read_bytes()))
    with closing(apsw.Connection(str(file))) as connection:
        connection.execute("PRAGMA journal_mode = wal")  # as a store leaves it
    return file


@pytest.fixture
def other(file: Path) -> Iterator[apsw.Connection]:
    """What another program on the same file would hold."""
    with closing(apsw.Connection(str(file))) as connection:
        yield connection


def logs_of_version_2(connection: apsw.Connection) -> dict[str, list[Entry]]:
    """Every stream, read from the columns of that version."""
    logs: dict[str, list[Entry]] = {}
    columns = "stream, n, kind, v, at, by, shell, payload, salt, commitment, prev, hash"
    for row in connection.execute(f"SELECT {columns} FROM entry ORDER BY stream, n"):
        values: dict[str, Any] = dict(zip(columns.split(", "), row, strict=True))
        values["shell"], values["payload"] = loads(values["shell"]), loads(values["payload"] or "null")
        values["at"] = datetime.fromisoformat(values["at"]).astimezone(UTC)
        logs.setdefault(values["stream"], []).append(Entry(**values))
    return logs


def records_of_version_2(connection: apsw.Connection) -> dict[tuple[str, str], tuple[int, str]]:
    rows: Any = connection.execute("SELECT kind, id, n, fields FROM record WHERE kind <> 'stream'")
    return {(kind, key): (n, fields) for kind, key, n, fields in rows}


async def logs(store: SqliteStore) -> dict[str, list[Entry]]:
    return {head.id: await whole(store, head.id) async for head in every(store, Query(kind="stream"))}


async def records(store: SqliteStore, kinds: set[str]) -> dict[tuple[str, str], tuple[int, str]]:
    return {
        (kind, record.id): (record.n, canonical(dict(record.fields)).decode())
        for kind in kinds
        async for record in every(store, Query(kind=kind))
    }


async def findings(store: Store, *, mend: bool = False) -> list[Finding]:
    """What a rebuild finds, in the order of ids."""
    rebuild = Rebuild(store, SystemClock(), lambda done, of: None, mend=mend)
    return sorted([one async for one in rebuild.findings()], key=lambda one: (one.kind, one.id))


async def test_everything_in_an_older_file_is_kept(file: Path, other: apsw.Connection) -> None:
    before, records_before = logs_of_version_2(other), records_of_version_2(other)
    other.close()
    assert {stream.partition(":")[0] for stream in before} >= {"thread", "live", "blob", "audit", "review"}
    assert any(entry.erased for entry in chain.from_iterable(before.values()))
    store = SqliteStore(str(file))
    assert await logs(store) == before
    for stream, entries in before.items():
        verify(entries)
        head = await store.get("stream", stream)
        assert head == Record(kind="stream", id=stream, n=len(entries), fields={"dirty": False})
    assert await records(store, {kind for kind, _ in records_before}) == records_before
    # The records are those that the fold of that time made, in any store.
    memory = MemoryStore()
    for stream, entries in before.items():
        await memory.commit(stream, 0, entries, id="c1")
    old = [Record(kind=kind, id=id, n=n, fields=loads(fields)) for (kind, id), (n, fields) in records_before.items()]
    await memory.commit("thread:stranger", 1, [], old, id="c2")
    assert await findings(store, mend=True) == await findings(memory, mend=True)
    # The stranger's log begins with an entry that no thread begins with.
    assert [(one.fault, one.id) for one in await findings(store)] == [("broken", "thread:stranger")]
    assert await found(store, where={"tags": "b"}, words="stranger") == ["r1"]
    assert await found(store, kind="message", words="three") != []
    turns = [loads(fields)["turn"] for (kind, _), (_, fields) in records_before.items() if kind == "tool_call"]
    assert len(await found(store, kind="tool_call", where={"turn": In(tuple(turns))})) == len(turns)
    entries = await extend(store, "thread:stranger", {"after": "the migration"})
    verify([*before["thread:stranger"], *entries])
    await store.close()


async def test_an_older_file_becomes_smaller_inside_and_is_a_wal_file_again(file: Path, other: apsw.Connection) -> None:
    pages = other.pragma("page_count")
    other.close()
    await SqliteStore(str(file)).close()
    with closing(apsw.Connection(str(file))) as connection:
        assert connection.pragma("journal_mode") == "wal"
        used = connection.pragma("page_count") - connection.pragma("freelist_count")
        assert used < pages <= connection.pragma("page_count") <= 1.5 * pages
        assert connection.execute("PRAGMA integrity_check").get == "ok"


async def test_a_damaged_log_is_as_damaged_afterwards(file: Path, other: apsw.Connection) -> None:
    thread = other.execute(
        "SELECT stream FROM entry WHERE stream GLOB 'thread:*' GROUP BY 1 HAVING count(*) > 9 LIMIT 1"
    ).get
    other.execute("UPDATE entry SET hash = 'no hash' WHERE stream = ? AND n = 3", (thread,))
    other.execute("UPDATE entry SET prev = ? WHERE stream = ? AND n = 5", ("AB" * 32, thread))
    other.execute("UPDATE entry SET commitment = ?, salt = '' WHERE stream = ? AND n = 7", (GENESIS, thread))
    other.execute("DELETE FROM record WHERE kind = 'stream' AND id = ?", (thread,))
    before = logs_of_version_2(other)
    other.close()
    store = SqliteStore(str(file))
    assert await logs(store) == before
    await store.close()


async def test_words_of_an_older_file_are_read_anew(file: Path, other: apsw.Connection) -> None:
    message = other.execute(
        "SELECT num, id FROM record WHERE kind = 'message' AND fields ->> '$.text' <> ''"
    ).fetchone()
    assert message
    other.execute("UPDATE word SET words = 'ku ndigung' WHERE rowid = ?", (message[0],))
    text = "json_set(fields, '$.text', 'Ku\u0308ndigung')"
    other.execute(f"UPDATE record SET fields = {text} WHERE num = ?; PRAGMA user_version = 1", (message[0],))
    other.close()
    store = SqliteStore(str(file))
    assert await found(store, kind="message", words="K\u00fcndigung") == [message[1]]
    await store.close()


async def test_values_that_an_older_version_did_not_index_are_found(file: Path, other: apsw.Connection) -> None:
    other.close()
    store = SqliteStore(str(file))
    turn = (await store.find(Query(kind="turn", limit=1))).records[0]
    await store.close()
    with closing(apsw.Connection(str(file))) as connection:
        gone = "kind = 'message' AND path = 'turn'"
        connection.execute(f"DELETE FROM field WHERE {gone}; DELETE FROM indexed WHERE {gone}")
        connection.execute("DELETE FROM word; DELETE FROM indexed WHERE path = '*'")
        connection.execute(
            "INSERT INTO indexed VALUES ('turn', 'question'); INSERT INTO field VALUES ('turn', 'question', 1, 1)"
        )
    store = SqliteStore(str(file))
    assert await found(store, kind="message", where={"turn": turn.id}) != []
    assert await found(store, kind="message", words="three") != []
    await store.close()
    with closing(apsw.Connection(str(file))) as connection:
        assert connection.execute("SELECT count(*) FROM field WHERE path = 'question'").get == 0


def test_a_file_that_another_process_has_open_is_refused_and_left_alone(file: Path, other: apsw.Connection) -> None:
    assert other.execute("SELECT count(*) FROM entry").get
    before = logs_of_version_2(other)
    command = [sys.executable, "-c", OPENER, str(file)]
    opener = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert "another process has it open: stop every process" in opener.stderr
    assert other.pragma("user_version") == 2
    assert logs_of_version_2(other) == before


def test_a_file_that_is_being_rewritten_is_opened_by_two_processes_in_turn(file: Path, other: apsw.Connection) -> None:
    before = len(logs_of_version_2(other))
    other.close()
    command = [sys.executable, "-c", OPENER, str(file)]
    openers = [subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) for _ in range(2)]
    said = [opener.communicate()[0].split() for opener in openers]
    assert ["opening", "open"] in said
    with closing(apsw.Connection(str(file))) as connection:
        assert connection.pragma("user_version") == 3
        assert connection.execute("SELECT count(*) FROM stream").get == before


def test_without_room_the_file_is_left_alone(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file.read_bytes()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, len(before)))
    with pytest.raises(Full, match=f"needs {len(before) * 3 // 2} bytes of disk, and {len(before)} are free"):
        SqliteStore(str(file))
    assert file.read_bytes() == before


async def test_a_rewriting_that_is_killed_begins_anew(file: Path, other: apsw.Connection) -> None:
    # Large enough not to fit into SQLite's cache: pages are in the file before the end.
    columns = "n, commit_id, kind, v, at, by, shell, payload, salt, commitment, prev, hash"
    copies = "(SELECT value FROM json_each(json_array(" + ", ".join(map(str, range(40))) + ")))"
    blobs = f"SELECT stream || '-' || value, {columns} FROM entry, {copies} WHERE stream GLOB 'blob:*'"
    other.execute(f"INSERT INTO entry (stream, {columns}) {blobs}")
    heads = "SELECT 'stream', stream, max(n), '{}' FROM entry WHERE stream GLOB 'blob:*-*' GROUP BY stream"
    other.execute(f"INSERT INTO record (kind, id, n, fields) {heads}")
    before = logs_of_version_2(other)
    other.close()
    kill_in_the_middle(file, sum(len(log) for log in before.values()))
    store = SqliteStore(str(file))
    assert await logs(store) == before
    await store.close()


def kill_in_the_middle(file: Path, entries: int) -> None:
    """Kill a process that rewrites the file, early and late. An entry has five texts that are packed."""
    for packings in (entries, 4 * entries):
        killed = subprocess.run([sys.executable, "-c", KILLED, str(file), str(packings)], check=False)
        assert killed.returncode == -signal.SIGKILL
    assert Path(f"{file}-journal").stat().st_size, "the file was not touched when its process was killed"
