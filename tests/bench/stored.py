"""Large stores, made of records alone, and a plain indexed SQLite file that holds the same JSON."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw

from core.canonical import canonical
from core.clock import iso
from core.log.buckets import bucket
from core.log.facts import Snapshot
from core.log.records import FOLD, Message, ModelCall, Review, Thread, ToolCall, Totals, Turn, filter_text, record
from core.store import Record, Store
from core.values import Usage
from tests.bench.measuring import bare

PERSON = "e-1042"
"""The employee with many threads, one of them long."""

LONG = "long"
"""The id of the thread that has many messages."""

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
TOOLS = ("vacation_balance", "request_leave", "salary_letter", "expenses", "team_calendar")
MODEL = "scripted:"

_DIGEST = "0" * 64
_SNAPSHOT = Snapshot(models=(MODEL,), instructions=_DIGEST, tools=_DIGEST, options=_DIGEST, handbooks=_DIGEST)
_SUBJECTS = ("parental leave", "travel costs", "a salary letter", "sick notes", "home office", "training", "overtime",
             "a company car", "pensions", "public holidays")  # fmt: skip
_ANSWER = "You have {} days of vacation left this year, and five of them expire at the end of March. [1]"


def at(minute: int) -> str:
    """The time of the thread of this number: a minute after the one before it."""
    return iso(START + timedelta(minutes=minute))


def conversations(count: int) -> Iterator[Record]:
    """A thread, its turn, the question, a tool call, a model call and now and then a verdict, so many times.

    A hundredth is sealed, a tenth failed, a twentieth rated down, a twentieth judged. Only `request_leave` is denied.
    """
    for i in range(count):
        id, turn, owner, time = f"t-{i}", f"q-{i}", f"e-{i % 1000}", at(i)
        tool = TOOLS[i % 5]
        status = "denied" if tool == "request_leave" and i % 50 == 1 else "timed_out" if i % 40 == 2 else "succeeded"
        outcome = "failed" if i % 10 == 3 else "sourced" if i % 3 else "unsourced"
        rating = "down" if i % 20 == 7 else "up" if i % 20 == 8 else None
        handbooks = [f"handbook-{i % 30}"] if outcome == "sourced" else []
        model_call = f"{turn}-m1"
        common = {"n": 9, "thread": id, "owner": owner}
        totals = Totals(model_calls=2, tool_calls=1, input_tokens=900, output_tokens=70, cost=1_000)
        yield record(
            Thread(
                id=id,
                n=9,
                hash=_DIGEST,
                owner=owner,
                title=_question(i),
                metadata={"department": f"d-{i % 12}"},
                instructions="",
                created_at=time,
                updated_at=time,
                status="completed",
                turns=1,
                totals=totals,
                sealed=True if i % 100 == 99 else None,
                outcomes=[outcome],
                outcome_counts={outcome: 1},
                ratings=[rating] if rating else [],
                rating_counts={rating: 1} if rating else {},
                tools=sorted([f":{status}", tool, f"{tool}:{status}"]),
                handbooks=handbooks,
                models=[MODEL],
                filters=[filter_text("department", f"d-{i % 12}") or ""],
                fold=FOLD,
            )
        )
        yield record(
            Turn(
                id=turn,
                **common,
                request_id=f"r-{i}",
                snapshot=_SNAPSHOT,
                status="completed" if outcome != "failed" else "failed",
                question=_question(i),
                text=_ANSWER.format(i % 30),
                opened_at=time,
                ended_at=time,
                first_n=2,
                last_n=9,
                fence=1,
                totals=totals,
                rating=rating,
                size=200,
                day=time[:10],
                outcome=outcome,
                country=("de", "at", "fr")[i % 3],
                handbooks=handbooks,
                models=[MODEL],
                first_text_ms=400 + i % 900,
                first_text_bucket=bucket(400 + i % 900),
            )
        )
        yield record(
            Message(
                id=f"{turn}-user",
                **common,
                turn=turn,
                role="user",
                text=_question(i),
                status="completed",
                at=time,
                at_n=4,
            )
        )
        yield from calls(i, i + 1, status=status)
        yield record(
            ModelCall(
                id=model_call,
                **common,
                turn=turn,
                model=MODEL,
                step=1,
                attempt=1,
                fence=1,
                status="answered",
                stop_reason="tool_calls",
                answer="Let me look.",
                usage=Usage(input=450, output=35),
                cost=500,
                ttft_ms=400,
                duration_ms=700,
                request=_DIGEST,
                window=2,
                asked_at=time,
                ended_at=time,
                at_n=4,
                day=time[:10],
            )
        )
        if i % 20 == 11:
            yield record(
                Review(
                    id=turn,
                    n=1,
                    hash=_DIGEST,
                    thread=id,
                    owner=owner,
                    opened_at=time,
                    given=[dict(by="e-2002", at=time, verdict="right", cause=None, note=None, corrected=None)],
                    verdicts=["right"],
                )
            )


def calls(first: int, end: int, *, status: str | None = None) -> Iterator[Record]:
    """Tool calls of these numbers, one for each thread. `status` None: half of those of `request_leave` are denied."""
    for i in range(first, end):
        tool, time, turn = TOOLS[i % 5], at(i), f"q-{i}"
        usual = "denied" if tool == "request_leave" and i % 2 else "succeeded"
        year = 2020 + i % 7
        yield record(
            ToolCall(
                id=f"{turn}-t1",
                n=9,
                thread=f"t-{i}",
                turn=turn,
                owner=f"e-{i % 1000}",
                model_call=f"{turn}-m1",
                number=1,
                tool=tool,
                effect="read",
                status=status or usual,
                planned={"year": year},
                arguments={"year": year},
                digest=_DIGEST,
                attempts=1,
                fence=1,
                result={"year": year, "days": i % 30},
                size=23,
                result_digest=_DIGEST,
                planned_at=time,
                started_at=time,
                finished_at=time,
                duration_ms=20 + i % 70,
                at_n=5,
                day=time[:10],
                duration_bucket=bucket(20 + i % 70),
                filters=[filter_text("year", year) or ""],
                filter_names=("year",),
            )
        )


def heads(count: int, of_person: int) -> Iterator[Record]:
    """Threads, so many of them PERSON's, spread evenly."""
    every = max(1, count // of_person)
    for number, head in enumerate(one for one in conversations(count) if one.kind == "thread"):
        mine = number % every == 0 and number // every < of_person
        changed = {"owner": PERSON} if mine else {}
        yield Record(kind="thread", id=head.id, n=head.n, fields={**head.fields, **changed})


def messages(count: int, long: int) -> Iterator[Record]:
    """Messages that all have the word "vacation", so many of them in the thread LONG; every 10,000th has "jubilee"."""
    for i in range(count):
        yield record(
            Message(
                id=f"m-{i}",
                n=3 * i,
                thread=LONG if i < long else f"t-{i}",
                turn=f"q-{i}",
                owner=PERSON if i < long else f"e-{i % 1000}",
                role="assistant" if i % 2 else "user",
                text=_question(i) + (" It is for a jubilee." if i % 10_000 == 17 else ""),
                status="completed",
                at=at(i),
                at_n=3 * i if i < long else 4,
            )
        )


def long_head(count: int) -> Record:
    """The head of LONG, one more of PERSON's threads, once it has so many messages."""
    head = next(heads(1, 1))
    return Record(kind="thread", id=LONG, n=3 * count + 3, fields={**head.fields, "updated_at": at(-1)})


def _question(i: int) -> str:
    return f"Does my vacation of {i % 30} days count for {_SUBJECTS[i % 10]}, and when does it expire?"


@dataclass(frozen=True, slots=True)
class _Table:
    """A plain table: the fields of a kind of record that are columns of their own, and its indexes."""

    columns: tuple[str, ...]
    indexes: tuple[str, ...]


_TABLES = {
    "thread": _Table(
        ("owner", "updated_at", "sealed"), ("updated_at", "owner, updated_at", "sealed, updated_at")
    ),
    "turn": _Table(
        ("opened_at", "day", "outcome", "rating", "first_text_bucket", "country", "owner"),
        ("opened_at, day, outcome, rating", "opened_at, first_text_bucket, day"),
    ),
    "message": _Table(("thread", "owner", "at", "at_n", "text"), ("thread, at_n", "at", "owner, at")),
    "tool_call": _Table(
        ("thread", "tool", "status", "owner", "planned_at", "day"),
        ("tool, planned_at", "status, planned_at", "owner, planned_at", "tool, status, planned_at",
         "planned_at, day, status"),
    ),
    "model_call": _Table(("asked_at", "day", "model", "status", "cost"), ("asked_at, day, model, status, cost",)),
    "review": _Table(("thread",), ("thread",)),
}  # fmt: skip
_LISTS = ("outcomes", "ratings", "tools", "handbooks", "models")


async def fill(store: Store, path: Path, records: Iterable[Record]) -> apsw.Connection:
    """Write the records to the store, and to a plain file at the path."""
    plain = bare(path)
    for kind, table in _TABLES.items():
        plain.execute(f"CREATE TABLE {kind} (id TEXT PRIMARY KEY, n INTEGER, {', '.join(table.columns)}, fields TEXT)")
        for number, columns in enumerate(table.indexes):
            plain.execute(f"CREATE INDEX {kind}_{number} ON {kind} ({columns})")
    plain.execute(
        "CREATE TABLE list (path TEXT, value TEXT, sealed INTEGER, updated_at TEXT, thread TEXT);"
        "CREATE INDEX list_0 ON list (path, value, sealed, updated_at, thread);"
        "CREATE VIRTUAL TABLE word USING fts5(text, content = '', detail = none)"
    )
    for number, some in enumerate(batches(records)):
        await store.commit("thread:bench", 0, [], some, id=f"bench-{number}")
        plain.execute("BEGIN")
        for one in some:
            _insert(plain, one)
        plain.execute("COMMIT")
    plain.execute("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)")
    return plain


def batches(records: Iterable[Record]) -> Iterator[Sequence[Record]]:
    """The records in the portions in which they are committed."""
    some: list[Record] = []
    for one in records:
        some.append(one)
        if len(some) == 500:
            yield some
            some = []
    if some:
        yield some


def _insert(plain: apsw.Connection, one: Record) -> None:
    table = _TABLES[one.kind]
    columns = [one.fields[column] for column in table.columns]
    plain.execute(
        f"INSERT INTO {one.kind} VALUES ({', '.join('?' * (len(columns) + 3))})",
        (one.id, one.n, *columns, canonical(dict(one.fields)).decode()),
    )
    if one.kind == "message":
        plain.execute("INSERT INTO word (rowid, text) VALUES (?, ?)", (plain.last_insert_rowid(), one.fields["text"]))
    if one.kind == "thread":
        plain.executemany(
            "INSERT INTO list VALUES (?, ?, ?, ?, ?)",
            [
                (path, value, one.fields["sealed"], one.fields["updated_at"], one.id)
                for path in _LISTS
                for value in one.fields[path]
            ],
        )
