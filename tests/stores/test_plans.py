"""The queries of oversight cost what they show: on SQLite by its plans and steps, on MongoDB by what comes back.

The tests' own server of MongoDB's protocol explains nothing, so that the documents which it examined are not known.
What is known: each query is one command, an index serves it, and only the page or the groups come back.
"""

import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import apsw
import pymongo
import pytest
from pymongo import AsyncMongoClient

from backends import open_store
from backends.stores.memory import MemoryStore
from backends.stores.mongodb.documents import record_fields
from backends.stores.mongodb.query import RECORD_INDEXES
from backends.stores.mongodb.store import MongoStore
from backends.stores.sqlite import query as sqlite_query
from backends.stores.suite.steps import first
from core.clock import iso
from core.log.buckets import bucket
from core.log.facts import Snapshot
from core.log.records import FOLD, OUTDATED, DeferredCall, Look, Message, ModelCall, Thread, ToolCall, Turn, record
from core.store import All, In, Page, Query, Range, Record, Store, Tally
from core.values import Standing, Usage
from tests.support.mongodb_commands import Commands, asked, served

SNAPSHOT = Snapshot(models=("m",), instructions="-", tools="-", options="-", handbooks="-")
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
WORDS = ("leave", "salary", "letter", "parental", "office", "travel", "notice", "pension", "illness", "holiday")
OUTCOMES = ("sourced", "unsourced", "sourced", "not_found", "stopped")
TOOLS = ("balance", "leave", "letter", "travel")


OLD = 10_000
"""The number of the first of the older records."""


def since(days: int) -> str:
    return iso(NOW - timedelta(days=days))


def papers(first_number: int, count: int, days: tuple[int, int]) -> list[Record]:
    """Threads of one turn with two calls and a look each, evenly over the days; a few recent ones went wrong."""
    chance = random.Random(first_number)
    records: list[Record] = []
    for number in range(first_number, first_number + count):
        share = (number - first_number) / count
        at = iso(NOW - timedelta(days=days[1] - share * (days[1] - days[0]), milliseconds=number))
        recent = number < OLD
        thread, turn, owner = f"t{number}", f"u{number}", f"{'e' if recent else 'f'}{number % 80}@example.com"
        wrong, rare = recent and number % 40 == 0, recent and number % 50 == 7
        of_turn: dict[str, Any] = {"n": 9, "thread": thread, "owner": owner}
        tool, status = TOOLS[number % 4], ("failed", "timed_out")[number % 3 == 0] if wrong else "succeeded"
        if rare:
            tool, status = "book", "failed"
        tools = sorted({tool, f"{tool}:{status}", f":{status}"})
        outcome = "failed" if wrong else OUTCOMES[number % 5]
        rating = "down" if rare or number % 6 == 0 else None
        handbooks = ["relocation"] if rare else ["leave"] if outcome == "sourced" else []
        records.append(
            record(
                Thread(
                    id=thread,
                    n=9,
                    hash="0" * 64,
                    owner=owner,
                    title="Relocation abroad" if rare else f"Question {number}",
                    text="Relocation abroad" if rare else None,
                    shelf="pinned" if rare else None,
                    metadata={"country": "AT"},
                    instructions="-",
                    created_at=at,
                    updated_at=at,
                    status="completed",
                    turns=1,
                    outcomes=[outcome],
                    ratings=[rating] if rating else [],
                    tools=tools,
                    handbooks=handbooks,
                    models=["m"],
                    filters=['country="AT"'],
                    fold=(None, 1)[number % 2] if recent and number % 60 < 2 else FOLD,
                )
            )
        )
        text = " ".join(chance.choices(WORDS, k=30)) + (" relocation abroad" if rare else "")
        records.append(
            record(
                Turn(
                    **of_turn,
                    id=turn,
                    request_id=f"q{number}",
                    snapshot=SNAPSHOT,
                    status="failed" if wrong else "completed",
                    question="How?",
                    text=text,
                    opened_at=at,
                    ended_at=at,
                    first_n=1,
                    last_n=9,
                    rating=rating,
                    day=at[:10],
                    outcome=outcome,
                    country=("AT", "DE")[number % 2],
                    handbooks=handbooks,
                    models=["m"],
                )
            )
        )
        records.append(
            record(
                Message(
                    **of_turn, id=f"{turn}-a", turn=turn, role="assistant", text=text, status="completed", at=at, at_n=9
                )
            )
        )
        took = chance.randrange(20, 4000)
        records.append(
            record(
                ToolCall(
                    **of_turn,
                    id=f"c{number}",
                    turn=turn,
                    model_call=f"m{number}",
                    number=1,
                    tool=tool,
                    effect="read",
                    status=status,
                    planned={"days": 3},
                    digest="-",
                    fence=1,
                    planned_at=at,
                    day=at[:10],
                    duration_ms=took,
                    duration_bucket=bucket(took),
                    about="x" if rare else None,
                    about_other=rare,
                    at_n=4,
                )
            )
        )
        records.append(
            record(
                ModelCall(
                    **of_turn,
                    id=f"m{number}",
                    turn=turn,
                    model=("m", "n")[number % 7 == 0],
                    step=1,
                    attempt=1,
                    fence=1,
                    status="answered",
                    answer=text,
                    usage=Usage(input=900, output=None if wrong else 80),
                    cost=None if wrong else 1000 + number,
                    request="-",
                    window=1,
                    asked_at=at,
                    at_n=2,
                    day=at[:10],
                )
            )
        )
        records.append(
            record(
                DeferredCall(
                    **of_turn,
                    id=f"c{number}-d",
                    turn=turn,
                    call=f"c{number}",
                    tool=tool,
                    effect="unsafe",
                    arguments={"days": 3},
                    digest="-",
                    status="waiting" if rare else "decided" if wrong else "reported",
                    asked_at=at,
                    expires=iso(NOW) if number % 100 == 7 else since(-7),
                    standing=Standing(),
                    at_n=4,
                )
            )
        )
        records.append(
            record(
                Look(
                    id=f"l{number}",
                    n=1,
                    by="auditor@example.com" if rare else f"a{number % 5}@example.com",
                    at=at,
                    action="thread.read",
                    object=f"thread:{thread}",
                    owners=["e0@example.com", owner] if rare else [owner],
                    denied=False,
                    more=0,
                    filters={},
                    manifest=None,
                    purpose="complaint",
                    words=None,
                )
            )
        )
    return records


@dataclass(frozen=True, slots=True)
class Case:
    """A query of the oversight pages: of a list, or of a figure if it has groups."""

    query: Query
    by: Sequence[str] | None = None
    sums: Sequence[str] = ()

    async def answer(self, store: Store) -> Page | list[Tally]:
        return await (store.find(self.query) if self.by is None else store.tally(self.query, self.by, self.sums))


NEWEST = "newest threads"
WITH_WORDS = "messages with words"
MONTH = Range(ge=since(30), lt=since(0))
THREADS = Query(kind="thread", order=("-updated_at",))
CALLS = Query(kind="tool_call", order=("-planned_at",))
LOOKS = Query(kind="look", order=("-at",))

CASES = {
    NEWEST: Case(THREADS),
    "threads of one person": Case(replace(THREADS, where={"owner": "e7@example.com"})),
    "the list of one person": Case(replace(THREADS, where={"owner": "e7@example.com", "shelf": None}, limit=3)),
    "pinned threads of one person": Case(replace(THREADS, where={"owner": "e7@example.com", "shelf": "pinned"})),
    "titles of one person's threads": Case(replace(THREADS, where={"owner": "e7@example.com"}, words="relocation abr")),
    "what one person has": Case(
        Query(kind="thread", where={"owner": "e7@example.com"}),
        (),
        ("turns", "totals.tool_calls", "rating_counts.down"),
    ),
    "the first message of one person": Case(
        Query(kind="message", where={"owner": "e7@example.com"}, order=("at",), limit=1)
    ),
    "threads of seven days": Case(replace(THREADS, where={"updated_at": Range(ge=since(7))})),
    "threads with a failure in a month": Case(
        replace(THREADS, where={"outcomes": "failed", "updated_at": Range(ge=since(30))})
    ),
    "threads with a failed tool, rated down": Case(
        replace(THREADS, where={"tools": All(("book:failed", "book")), "ratings": "down"})
    ),
    "threads that cite a handbook": Case(replace(THREADS, where={"handbooks": "relocation"})),
    "threads of an older fold": Case(OUTDATED["thread"], ()),
    WITH_WORDS: Case(Query(kind="message", words="relocation abr", order=("-at",))),
    "calls that failed in a week": Case(
        replace(CALLS, where={"status": In(("failed", "timed_out")), "planned_at": Range(ge=since(7))})
    ),
    "calls of one tool": Case(replace(CALLS, where={"tool": "travel"})),
    "calls of one tool in a week": Case(
        replace(CALLS, where={"tool": "travel", "planned_at": Range(ge=since(7), lt=since(0))})
    ),
    "open turns": Case(Query(kind="turn", where={"status": In(("running", "awaiting_approval"))})),
    "messages of turns": Case(Query(kind="message", where={"turn": In(("u1", "u22", "u333"))})),
    "calls about another person": Case(replace(CALLS, where={"about_other": True})),
    "calls that wait for an approver": Case(
        Query(kind="deferred_call", where={"status": "waiting"}, order=("asked_at",))
    ),
    "calls that waited in vain": Case(
        Query(kind="deferred_call", where={"status": "waiting", "expires": Range(lt=since(-1))})
    ),
    "decisions without their report": Case(Query(kind="deferred_call", where={"status": "decided"})),
    "deferred calls of turns": Case(Query(kind="deferred_call", where={"turn": In(("u7", "u22", "u333"))})),
    "deferred calls of a thread": Case(Query(kind="deferred_call", where={"thread": "t7"})),
    "answers by day and outcome": Case(Query(kind="turn", where={"opened_at": MONTH}), ("day", "outcome")),
    "costs by day and model": Case(
        Query(kind="model_call", where={"asked_at": MONTH}), ("day", "model"), ("cost", "usage.input", "usage.output")
    ),
    "what each person used by entity": Case(
        Query(kind="model_call", where={"asked_at": MONTH}), ("entity", "owner", "status"), ("cost", "usage.input")
    ),
    "what one person used in a month": Case(
        Query(kind="turn", where={"owner": "e7@example.com", "opened_at": Range(ge=since(30)), "imported": None}),
        ("day",),
        ("totals.cost", "totals.input_tokens"),
    ),
    "calls by tool and status": Case(Query(kind="tool_call", where={"planned_at": MONTH}), ("tool", "status")),
    "calls by tool and duration": Case(
        Query(kind="tool_call", where={"planned_at": MONTH}), ("tool", "duration_bucket")
    ),
    "what one viewer looked at": Case(replace(LOOKS, where={"by": "auditor@example.com"})),
    "who looked at what is theirs": Case(replace(LOOKS, where={"owners": "e7@example.com"})),
}

WALKED = {
    NEWEST: ["SCAN r USING INDEX thread_by_updated_at"],
    WITH_WORDS: ["SCAN r USING INDEX message_by_at"],  # to the last of the newest, which are looked through first
}
"""The cases in which SQLite walks an order, to the end of a page or a little further."""

RECENT = papers(0, 600, (0, 60))
OLDER = papers(OLD, 1200, (61, 180))
"""Outside of every filter by time, without what the other filters ask for: more of it must not cost more."""


async def put(store: Store, records: Sequence[Record]) -> None:
    for number in range(0, len(records), 2000):
        stream = f"thread:{records[number].id}"
        await store.commit(stream, 0, first(stream, {}), records[number : number + 2000], id="c1")


@pytest.fixture(scope="module")
def answers() -> dict[str, Page | list[Tally]]:
    """The memory store's answer to each case."""

    async def answer() -> dict[str, Page | list[Tally]]:
        memory = MemoryStore()
        for records in (RECENT, OLDER):
            await put(memory, records)
        return {name: await case.answer(memory) for name, case in CASES.items()}

    return anyio.run(answer)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A file with the recent records, and one with the older ones, too."""
    folder = tmp_path_factory.mktemp("plans")

    async def write(name: str, *parts: Sequence[Record]) -> Path:
        async with open_store(f"sqlite:///{folder}/{name}") as store:
            for records in parts:
                await put(store, records)
        return folder / name

    return anyio.run(write, "recent.db", RECENT), anyio.run(write, "all.db", RECENT, OLDER)


class Traced:
    """A connection to a file that notes the statements of a case, and counts the steps of SQLite's machine, in tens."""

    def __init__(self, file: Path, case: Case) -> None:
        self.statements: list[tuple[str, Any]] = []
        self.steps = 0
        with closing(apsw.Connection(str(file))) as connection:
            connection.set_progress_handler(self._count, 10)
            connection.exec_trace = self._note
            if case.by is None:
                self.answer: Page | list[Tally] = sqlite_query.find(connection, case.query)
            else:
                self.answer = sqlite_query.tally(connection, case.query, case.by, case.sums)
            connection.exec_trace = None
            self.plan = [
                str(row[3])
                for sql, values in self.statements
                for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)
            ]

    def _note(self, cursor: apsw.Cursor, sql: str, values: Any) -> bool:
        self.statements.append((sql, values))
        return True

    def _count(self) -> bool:
        self.steps += 1
        return False


@pytest.mark.parametrize("name", CASES)
def test_sqlite_searches_an_index_and_older_records_cost_nothing(
    name: str, files: tuple[Path, Path], answers: dict[str, Page | list[Tally]]
) -> None:
    recent, everything = (Traced(file, CASES[name]) for file in files)
    assert everything.answer == answers[name]
    # `r` are the records. `l` is what leads, which is listed beside the search that finds it.
    walked = [step for step in everything.plan if step.startswith(("SCAN r", "SCAN field"))]
    assert walked == WALKED.get(name, []), everything.plan
    # The index of words has more pages to read. A walk of the older records takes a thousand steps at the least.
    assert everything.steps <= recent.steps + 50 * bool(CASES[name].query.words), everything.plan


@pytest.fixture(scope="module")
def filled(mongodb_uri: str) -> Iterator[str]:
    """The name of a database with all records."""
    name = f"rolltop_test_{uuid4().hex}"
    with pymongo.MongoClient(mongodb_uri) as client:
        for kind in {one.kind for one in RECENT}:
            records = [one for one in (*RECENT, *OLDER) if one.kind == kind]
            client[name][f"record.{kind}"].insert_many([{"_id": one.id, **record_fields(one)} for one in records])
        yield name
        client.drop_database(name)


@pytest.fixture
def commands() -> Commands:
    return Commands()


@pytest.fixture
async def watched(mongodb_uri: str, filled: str, commands: Commands) -> AsyncIterator[MongoStore]:
    """A store whose commands and documents can be counted."""
    client: AsyncMongoClient[Any] = AsyncMongoClient(mongodb_uri, event_listeners=[commands])
    store = await MongoStore.over(client, filled)
    commands.forget()
    yield store
    await store.close()
    await client.close()


@pytest.mark.parametrize("name", CASES)
async def test_mongodb_returns_what_is_shown_by_one_command_that_an_index_serves(
    name: str, watched: MongoStore, commands: Commands, answers: dict[str, Page | list[Tally]]
) -> None:
    case = CASES[name]
    answer = await case.answer(watched)
    assert answer == answers[name]
    shown = len(answer) if isinstance(answer, list) else len(answer.records) + (answer.cursor is not None)
    assert commands.returned == shown
    ((command, sent),) = commands.sent
    assert command == ("find" if case.by is None else "aggregate")
    condition, sort = asked(command, sent)
    indexes = RECORD_INDEXES[case.query.kind].values()
    assert any(served(index, condition, sort) for index in indexes), (condition, sort)
