"""A turn with a tool call, on a short thread and on a long one: its CPU time, its bytes and its commands."""

import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
from mongomock_motor import AsyncMongoMockClient
from pymongo import AsyncMongoClient

from backends import open_store
from backends.models.scripted.model import ScriptedModel
from backends.stores.mongodb.store import MongoStore
from core import Desk
from core.canonical import canonical
from core.store import Query, Range, Record, Store
from core.values import Entry
from tests.bench import peer
from tests.bench.long_threads import ASKER, OPTIONS, QUESTION, answers, vacation_balance, write_past
from tests.bench.measuring import Goal, Row, Sizes, Skipped, Way, bare, bytes_written, interleaved, size_of
from tests.servers.mongodb import server as mongodb_server
from tests.support.mongodb_commands import Commands
from tests.support.wrapped import CountingStore, LaterStore, WrappedStore

TURN = Goal(most=18)
BELOW_PEER = Goal(most=1)
FLAT = Goal(most=1.1)
GROWTH = Goal(most=12, of="ours")

SETTLE = 0.05
"""Seconds in which a store's threads finish what a turn has left them."""

SHORT = 4
"""Turns on a short thread before the next ones go to another, because it has grown."""


class Recording(WrappedStore):
    """A store that remembers what was committed."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.commits: list[tuple[Sequence[Entry], Sequence[Record]]] = []

    async def commit(
        self, stream: str, after: int, entries: Sequence[Entry], records: Sequence[Record] = (), *, id: str
    ) -> None:
        await super().commit(stream, after, entries, records, id=id)
        self.commits.append((entries, records))


class BareTurn:
    """What a turn leaves, committed by bare SQLite: each entry of the thread, and the last version of each record."""

    def __init__(self, path: Path, recorded: Sequence[tuple[Sequence[Entry], Sequence[Record]]]) -> None:
        self.path = path
        self._bare = bare(path)
        self._bare.execute(
            "CREATE TABLE entry (stream TEXT, n INTEGER, kind TEXT, by TEXT, shell TEXT, payload TEXT, salt TEXT,"
            " commitment TEXT, prev TEXT, hash TEXT);"
            "CREATE TABLE record (kind TEXT, id TEXT, n INTEGER, fields TEXT)"
        )
        # Live streams are left out: they are gone soon after their turn.
        kept = [one for one in recorded if not one[0] or one[0][0].stream.startswith("thread:")]
        last = {(one.kind, one.id): number for number, (_, records) in enumerate(kept) for one in records}
        self._commits = [
            (
                [_row(entry) for entry in entries],
                [_fields(one) for one in records if last[one.kind, one.id] == number],
            )
            for number, (entries, records) in enumerate(kept)
        ]

    async def commit(self) -> None:
        """The turn once more, in as many commits as it was."""
        for entries, records in self._commits:
            self._bare.execute("BEGIN IMMEDIATE")
            self._bare.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", entries)
            self._bare.executemany("INSERT INTO record VALUES (?, ?, ?, ?)", records)
            self._bare.execute("COMMIT")

    async def commit_at_once(self) -> None:
        """The turn once more, in one commit."""
        self._bare.execute("BEGIN IMMEDIATE")
        for entries, records in self._commits:
            self._bare.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", entries)
            self._bare.executemany("INSERT INTO record VALUES (?, ?, ?, ?)", records)
        self._bare.execute("COMMIT")

    def close(self) -> None:
        self._bare.close()


def _row(entry: Entry) -> tuple[str | int | bytes | None, ...]:
    payload = None if entry.erased else canonical(entry.payload).decode()
    shell = (entry.stream, entry.n, entry.kind, entry.by, canonical(entry.shell).decode(), payload)
    return (*shell, entry.salt, entry.commitment, entry.prev, entry.hash)


def _fields(record: Record) -> tuple[str | int, ...]:
    return (record.kind, record.id, record.n, canonical(dict(record.fields)).decode())


async def rows(sizes: Sizes, folder: Path) -> AsyncIterator[Row | Skipped]:
    """Turns on SQLite and on the memory store, beside bare commits and beside another agent library."""
    file = folder / "turns.db"
    async with open_store(f"sqlite:///{file}") as store:
        plain, asking = await _prepared(store, sizes, folder / "bare.db")
        peers = await peer.turns(sizes.messages, folder / "peer.db")
        async with answering(store) as turn:
            ways = {f"peer {n}": Way(run, sizes.turns, SETTLE) for n, run in peers.items()}
            cpu = await _measured(sizes, turn, asking, plain, ways)
            for n in sizes.messages:
                for row in _beside_bare(n, "SQLite", cpu, TURN):
                    yield row
                name = f"turn with a tool call, {n:,} messages, SQLite, over openai-agents"
                if peers:
                    yield Row(name=name, unit="ms", ours=cpu[str(n)], bare=cpu[f"peer {n}"], goal=BELOW_PEER)
                else:
                    yield Skipped(name=name, why="openai-agents is not installed")
            long, usual = sizes.messages[-1], sizes.messages[-2]
            name = f"turn, {long:,} messages over {usual:,}, SQLite"
            yield Row(name=name, unit="ms", ours=cpu[str(long)], bare=cpu[str(usual)], goal=FLAT)
            async for row in _bytes(sizes, turn, asking, plain, file):
                yield row
        for row in await _swept(store):
            yield row
        plain.close()
    for n in sizes.messages:
        # A store for each: to find anything, the memory store reads all that it holds. So long threads have no goal.
        only = replace(sizes, messages=(n,))
        async with open_store("memory:") as store:
            plain, asking = await _prepared(store, only, folder / f"bare-{n}.db")
            async with answering(store) as turn:
                cpu = await _measured(only, turn, asking, plain, {})
            for row in _beside_bare(n, "memory", cpu, TURN if n <= 100 else None):
                yield row
            plain.close()


async def _prepared(store: Store, sizes: Sizes, path: Path) -> tuple[BareTurn, dict[int, Iterator[str]]]:
    """The bare turn, and the threads to ask on."""
    asking = await threads_of(store, sizes)
    recording = Recording(store)
    async with answering(recording) as turn:
        await turn(next(asking[sizes.messages[0]]))
        recording.commits.clear()
        await turn(next(asking[sizes.messages[0]]))
    return BareTurn(path, recording.commits), asking


async def _measured(
    sizes: Sizes, turn: "Turn", asking: Mapping[int, Iterator[str]], plain: BareTurn, others: Mapping[str, Way]
) -> dict[str, float]:
    ours = {str(n): Way(_each(turn, asking[n]), sizes.turns, SETTLE) for n in sizes.messages}
    bare = {"bare": Way(plain.commit, 5 * sizes.turns), "at once": Way(plain.commit_at_once, 5 * sizes.turns)}
    return await interleaved({**ours, **bare, **others}, sizes)


def _beside_bare(n: int, store_name: str, cpu: Mapping[str, float], goal: Goal | None) -> list[Row]:
    name, ours = f"turn with a tool call, {n:,} messages, {store_name}", cpu[str(n)]
    return [
        Row(name=name, unit="ms", ours=ours, bare=cpu["bare"], goal=goal),
        Row(name=f"{name}, over one bare commit", unit="ms", ours=ours, bare=cpu["at once"], goal=goal),
    ]


async def _bytes(
    sizes: Sizes, turn: "Turn", asking: dict[int, Iterator[str]], plain: BareTurn, file: Path
) -> AsyncIterator[Row]:
    count = 5 * sizes.turns
    written, grown = {}, {}
    for n in sizes.messages:
        before, size = bytes_written(), size_of(file)
        for _ in range(count):
            await turn(next(asking[n]))
        written[n] = (bytes_written() - before) / count / 1000
        grown[n] = (size_of(file) - size) / count / 1000
    before, size = bytes_written(), size_of(plain.path)
    for _ in range(count):
        await plain.commit()
    bare_written = (bytes_written() - before) / count / 1000
    bare_grown = (size_of(plain.path) - size) / count / 1000
    for n in sizes.messages:
        yield Row(name=f"file growth of a turn, {n:,} messages", unit="KB", ours=grown[n], bare=bare_grown, goal=GROWTH)
    for n in sizes.messages:
        yield Row(name=f"bytes written in a turn, {n:,} messages", unit="KB", ours=written[n], bare=bare_written)
    long, usual = sizes.messages[-1], sizes.messages[-2]
    name = f"bytes written in a turn, {long:,} messages over {usual:,}"
    yield Row(name=name, unit="KB", ours=written[long], bare=written[usual], goal=FLAT)


async def _swept(store: Store) -> list[Row]:
    """What a desk spends later on the live stream of each ended turn."""
    live = Query(kind="stream", where={"id": Range(ge="live:", lt="live;")})
    streams = sum(group.count for group in await store.tally(live, ()))
    later = LaterStore(store)
    later.ahead = 3600.0
    cpu, before = time.process_time(), bytes_written()
    async with Desk(later, ScriptedModel(answers), options=OPTIONS):
        while await store.tally(live, ()):  # noqa: ASYNC110 # the desk sets no event for it
            await anyio.sleep(SETTLE)
    name = "erasing the live stream of an ended turn"
    return [
        Row(name=name, unit="ms", ours=1000 * (time.process_time() - cpu) / streams),
        Row(name=f"{name}, bytes written", unit="KB", ours=(bytes_written() - before) / streams / 1000),
    ]


Turn = Callable[[str], Awaitable[None]]


@asynccontextmanager
async def answering(store: Store) -> AsyncIterator[Turn]:
    """A desk on the store, and a function that asks a question on a thread and waits for the end of its turn."""
    model = ScriptedModel(answers)
    async with Desk(store, model, tools=[vacation_balance], options=OPTIONS) as desk:

        async def turn(thread: str) -> None:
            model.requests.clear()
            chat = await desk.load_chat(ASKER, thread)
            reply = await chat.ask(QUESTION)
            assert reply.status == "completed", reply
            assert len(reply.tool_calls) == 1

        yield turn


async def threads_of(store: Store, sizes: Sizes) -> dict[int, Iterator[str]]:
    """By size, the thread that the next turn is for: another one whenever a short thread has grown."""
    turns = 2 + (sizes.rounds + 6) * sizes.turns
    threads: dict[int, Iterator[str]] = {}
    for n in sizes.messages:
        count = 1 if n >= 100 else -(-turns // SHORT)
        names = [f"past-{n}-{number}" for number in range(count)]
        for name in names:
            await write_past(store, name, n)
        threads[n] = itertools.chain.from_iterable(itertools.cycle([[name] * SHORT for name in names]))
    return threads


def _each(turn: Turn, threads: Iterator[str]) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        await turn(next(threads))

    return run


async def commands(sizes: Sizes, folder: Path) -> AsyncIterator[Row | Skipped]:
    """What a turn asks of MongoDB. It is counted and not timed, because the servers here are stand-ins."""
    counting = CountingStore(await MongoStore.over(AsyncMongoMockClient(), "desk"))
    await _second_turn(counting, counting.reset)
    yield Row(name="store operations in a turn, mongomock", unit="", ours=sum(counting.calls.values()))
    name = "commands in a turn, MongoDB"
    if why := mongodb_server.missing():
        yield Skipped(name=name, why=why)
        return
    sent = Commands()
    with mongodb_server.serving(folder) as server:
        async with AsyncMongoClient(server.uri, event_listeners=[sent]) as client:
            store = await MongoStore.over(client, "desk")
            await _second_turn(store, sent.forget)
            yield Row(name=name, unit="", ours=len(sent.sent))
            yield Row(name="documents that MongoDB returns in a turn", unit="", ours=sent.returned)
            await store.close()


async def _second_turn(store: Store, begin: Callable[[], None]) -> None:
    """A turn on a desk that has had one; `begin` is called between them."""
    await write_past(store, "past", 12)
    async with answering(store) as turn:
        await turn("past")
        await anyio.sleep(SETTLE)
        begin()
        await turn("past")
