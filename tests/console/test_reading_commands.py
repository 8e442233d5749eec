"""What each command of the command line may write: a store that is missing is never made, and reading is on record."""

import argparse
import os
from contextlib import closing

import anyio
import apsw
import pytest

from backends import open_store
from backends.handbooks.catalogue.catalogue import Catalogue
from backends.stores.sqlite import files, tables
from console.cli.main import _parser
from core.desk.oversight import Oversight
from core.store import Query, every
from tests.console.test_command_line import failed, rolltop
from tests.support.desks import AUDITOR
from tests.support.grants import OPERATING, OPERATOR, make_store
from tests.support.papers import RECORDED, logs
from tests.support.seeding import seed

LOOKING = ("--as", "e-2001", "--purpose", "complaint 7")
ADMINISTERING = ("--as", OPERATOR)
WHY = ("--why", "test")

READING = {
    "threads": [("threads", *LOOKING), ("threads", "t-1", *LOOKING)],
    "tools": [("tools", *LOOKING), ("tools", "q-1-t1", *LOOKING)],
    "looks": [("looks", *LOOKING)],
    "export": [("export", "threads", *LOOKING, "--format", "csv", "--out", "{new}.zip")],
    "grants": [("grants", *ADMINISTERING), ("grants", "e-2001", *ADMINISTERING)],
    "config": [("config", *ADMINISTERING)],
    "switches": [("switches", *ADMINISTERING)],
    "usage": [("usage", "--by", "day", *LOOKING)],
    "rebuild": [("rebuild", "--check")],
    "doctor": [("doctor",)],
}
"""Every command that only reads, in each of its ways; `{new}` is where it writes what it has read."""

WRITING = {
    "grant": [("grant", "e-1", "handler", *ADMINISTERING, *WHY)],
    "block": [("block", "e-1", *ADMINISTERING, *WHY)],
    "switch": [("switch", "off", "tool", "note", *ADMINISTERING, *WHY)],
    "copy": [("copy", *OPERATING, "--to", "sqlite:///{new}.db")],
    "backup": [("backup", "{new}", *OPERATING)],
    "rebuild": [("rebuild", *OPERATING)],
    "ingest": [("ingest", "{folder}", "--as", "e-4001")],
}
"""Every command that writes into a store that is there, or into another place."""

MAKING = {"demo", "restore", "serve"}
"""The commands that make a store."""


def every_way(*kinds):
    return [(name, way) for commands in kinds for name, ways in commands.items() for way in ways]


def given(way, folder, url):
    filled = [part.format(new=folder / "new", folder=folder / "books") for part in way]
    return [*filled, "--from" if way[0] == "copy" else "--store", url]


def test_each_command_is_among_those_that_read_write_or_make_a_store():
    (commands,) = [one for one in _parser()._actions if isinstance(one, argparse._SubParsersAction)]
    assert {*READING, *WRITING, *MAKING} == set(commands.choices)


@pytest.mark.parametrize(("name", "way"), every_way(READING, WRITING), ids=lambda one: str(one)[:40])
def test_no_command_makes_the_store_that_it_was_to_read(name, way, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "books").mkdir()
    ran = rolltop(*given(way, tmp_path, f"sqlite:///{tmp_path}/missing.db"))
    failed(ran, f"{tmp_path}/missing.db does not exist", "name the store with --store")
    assert os.listdir(tmp_path) == ["books"]


def wrong_files(folder, whole):
    """Files that are no store of this version, by what is said of each: `whole` are the bytes of a store."""
    with closing(apsw.Connection(str(folder / "made"))) as other:
        other.execute("CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine')")
    foreign = (folder / "made").read_bytes()
    (folder / "made").unlink()
    newer = bytearray(whole)
    newer[60:64] = (1000).to_bytes(4, "big")  # the schema's version in SQLite's header
    return {
        "is empty (0 bytes)": b"",
        "is a text file": b"Dear colleagues,\n" * 400,
        "is the database of another program": foreign,
        "is damaged": whole[: len(whole) // 3],
        "was written by a newer Rolltop": bytes(newer),
    }


@pytest.mark.parametrize(("name", "way"), every_way(READING, WRITING), ids=lambda one: str(one)[:40])
def test_each_command_names_what_is_no_store_and_leaves_it_as_it_is(name, way, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for module in (files, tables):
        monkeypatch.setattr(module, "CREATION", 0.0)  # nobody is creating the file just now
    held(folder)  # opened and closed by the last process that has it: all is in the file
    (tmp_path / "books").mkdir()
    for words, content in wrong_files(tmp_path, (folder / "desk.db").read_bytes()).items():
        (tmp_path / "wrong.db").write_bytes(content)
        ran = rolltop(*given(way, tmp_path, f"sqlite:///{tmp_path}/wrong.db"))
        failed(ran, words, f"{tmp_path}/wrong.db")
        assert (tmp_path / "wrong.db").read_bytes() == content, words
        assert sorted(os.listdir(tmp_path)) == ["books", "wrong.db"], words


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a store of 3 threads, whose people have roles on record, and a catalogue beside it."""
    folder = tmp_path_factory.mktemp("read")
    url = f"sqlite:///{folder}/desk.db"
    make_store(url, ("e-2001", "auditor"), ("e-4001", "knowledge_owner"))

    async def fill():
        async with open_store(url) as store:
            await seed(store, 3)
            # The first look at a store makes its key for pseudonyms, once.
            await Oversight(store).search_threads(AUDITOR)

    anyio.run(fill)
    Catalogue(folder / "desk.db-handbooks").close()
    return folder


def held(folder):
    """Every log and every record of the store, and the bytes of the catalogue."""

    async def read():
        async with open_store(f"sqlite:///{folder}/desk.db") as store:
            records = {(one.kind, one.id): one for kind in RECORDED async for one in every(store, Query(kind=kind))}
            return await logs(store), records, (folder / "desk.db-handbooks").read_bytes()

    return anyio.run(read)


@pytest.mark.parametrize(("name", "way"), every_way(READING), ids=lambda one: str(one)[:40])
def test_a_command_that_reads_writes_its_audit_entry_and_no_more(name, way, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    streams, records, catalogue = held(folder)
    there = set(os.listdir(folder))
    ran = rolltop(*given(way, tmp_path, f"sqlite:///{folder}/desk.db"))
    assert ran.status in (0, 1), ran  # 1: the doctor finds what is not set yet
    streams_now, records_now, catalogue_now = held(folder)
    assert catalogue_now == catalogue
    viewer = way[way.index("--as") + 1] if "--as" in way else None
    for stream, log in streams_now.items():
        if stream != f"audit:{viewer}":
            assert log == streams[stream], stream
    assert streams.keys() <= streams_now.keys()
    changed = {key for key in {*records, *records_now} if records.get(key) != records_now.get(key)}
    assert {kind for kind, _ in changed} <= {"look", "audit"}
    if viewer is None:
        assert not changed
    assert {name for name in os.listdir(folder) if not name.endswith(("-wal", "-shm"))} <= there
    assert [name for name in os.listdir(tmp_path) if not name.startswith("new")] == []
