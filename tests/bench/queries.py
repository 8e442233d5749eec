"""What a store is asked most, and what auditors ask most, beside bare SQL that gets the same rows."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from pathlib import Path

import apsw

from backends import open_store
from core import Archive, CallFilter, Figures, Oversight, ThreadFilter, Viewer
from core.clock import SystemClock, iso
from core.store import Filter, Query, Range, Store
from tests.bench import stored
from tests.bench.measuring import Goal, Row, Sizes, Skipped, Way, interleaved
from tests.bench.stored import LONG, PERSON, START

LAST = Goal(most=5)
NEWEST = Goal(most=8)
TEN = Goal(most=10)
TALLIED = Goal(most=3)
NO_WALK = Goal(most=2)

AUDITOR = Viewer("e-2001", roles={"auditor"}, purpose="benchmark")
ROWS = 50

Rows = Sequence[tuple[str | int, ...]]


@dataclass(frozen=True, slots=True)
class Question:
    """A list that is asked for, and how bare SQL asks: its statement gives id, n and JSON.

    `ids` names the rows of Rolltop's answer; both must give the same.
    """

    name: str
    ours: Callable[[], Awaitable[object]]
    ids: Callable[[object], list[str]]
    sql: str
    values: tuple[str | int, ...]
    goal: Goal | None


async def rows(sizes: Sizes, folder: Path) -> AsyncIterator[Row | Skipped]:
    """Lists of a large store, and an auditor's lists and figures of stores of several sizes."""
    async for row in _large(sizes, folder):
        yield row
    for threads in sizes.oversight:
        async with open_store(f"sqlite:///{folder}/oversight-{threads}.db") as store:
            plain = await stored.fill(store, folder / f"oversight-{threads}-bare.db", stored.conversations(threads))
            async for row in _answers(_oversight(store, threads), plain, sizes):
                yield row
            async for row in _tallies(store, plain, threads, sizes):
                yield row
            plain.close()


async def _large(sizes: Sizes, folder: Path) -> AsyncIterator[Row]:
    long = sizes.messages[-1]
    everything = chain(
        stored.heads(sizes.threads, sizes.person_threads),
        stored.calls(0, sizes.calls),
        stored.messages(sizes.searched, long),
        [stored.long_head(long)],
    )
    apart: dict[int, float] = {}
    async with open_store(f"sqlite:///{folder}/large.db") as store:
        plain = await stored.fill(store, folder / "large-bare.db", everything)
        async for row in _answers(_lists(store, sizes), plain, sizes):
            yield row
        apart[sizes.calls] = await _apart(store, sizes)
        plain.close()
    few = sizes.calls // 10
    async with open_store(f"sqlite:///{folder}/few.db") as store:
        (await stored.fill(store, folder / "few-bare.db", stored.calls(0, few))).close()
        apart[few] = await _apart(store, sizes)
    name = f"two filters that exclude each other, {sizes.calls:,} calls over {few:,}"
    yield Row(name=name, unit="ms", ours=apart[sizes.calls], bare=apart[few], goal=NO_WALK)


async def _answers(questions: Sequence[Question], plain: apsw.Connection, sizes: Sizes) -> AsyncIterator[Row]:
    for question in questions:
        expected = [str(row[0]) for row in plain.execute(question.sql, question.values)]
        if (found := question.ids(await question.ours())) != expected:
            raise AssertionError(f"{question.name}: {found[:3]}... is not what bare SQL finds: {expected[:3]}...")

        async def bare(question: Question = question) -> None:
            plain.execute(question.sql, question.values).fetchall()

        cpu = await interleaved({"ours": Way(question.ours), "bare": Way(bare)}, sizes)
        yield Row(name=question.name, unit="ms", ours=cpu["ours"], bare=cpu["bare"], goal=question.goal)


def _lists(store: Store, sizes: Sizes) -> list[Question]:
    archive, person, long = Archive(store), Viewer(PERSON), sizes.messages[-1]
    since, until = stored.at(sizes.calls // 3), stored.at(2 * sizes.calls // 3)

    def find(kind: str, words: str = "", order: str = "-at", **where: Filter) -> Callable[[], Awaitable[object]]:
        return lambda: store.find(Query(kind=kind, where=where, words=words, order=(order,), limit=ROWS))

    message = "SELECT m.id, m.n, m.fields FROM message m"
    return [
        Question(
            f"last 20 of {long:,} messages",
            lambda: archive.messages(person, LONG),
            lambda found: [message.id for message in reversed(found)],
            f"{message} WHERE thread = ? ORDER BY at_n DESC LIMIT 20",
            (LONG,),
            LAST,
        ),
        Question(
            f"newest {ROWS} of a person's {sizes.person_threads:,} threads, of {sizes.threads:,}",
            lambda: archive.threads(person, limit=ROWS),
            lambda found: [thread.id for thread in found.items],
            f"SELECT id, n, fields FROM thread WHERE owner = ? ORDER BY updated_at DESC LIMIT {ROWS}",
            (PERSON,),
            NEWEST,
        ),
        Question(
            f"calls by tool and time in {sizes.calls:,}",
            find("tool_call", order="-planned_at", tool="expenses", planned_at=Range(ge=since, lt=until)),
            _found,
            "SELECT id, n, fields FROM tool_call WHERE tool = ? AND planned_at >= ? AND planned_at < ?"
            f" ORDER BY planned_at DESC LIMIT {ROWS}",
            ("expenses", since, until),
            TEN,
        ),
        Question(
            f"two filters that exclude each other in {sizes.calls:,} calls",
            find("tool_call", order="-planned_at", tool="expenses", status="denied"),
            _found,
            f"SELECT id, n, fields FROM tool_call WHERE tool = ? AND status = ? ORDER BY planned_at DESC LIMIT {ROWS}",
            ("expenses", "denied"),
            None,
        ),
        Question(
            f"a word of every message, of {sizes.searched:,}",
            find("message", words="vacation"),
            _found,
            f"{message} WHERE instr(lower(text), ?) ORDER BY at DESC LIMIT {ROWS}",
            ("vacation",),
            TEN,
        ),
        Question(
            f"the beginning of a word of every message, of {sizes.searched:,}",
            find("message", words="expire vaca"),
            _found,
            f"{message} WHERE instr(lower(text), ?) AND instr(lower(text), ?) ORDER BY at DESC LIMIT {ROWS}",
            ("expire", "vaca"),
            TEN,
        ),
        Question(
            f"a rare word, of {sizes.searched:,} messages",
            find("message", words="jubilee"),
            _found,
            f"{message} JOIN word ON word.rowid = m.rowid WHERE word MATCH ? ORDER BY at DESC LIMIT {ROWS}",
            ("jubilee*",),
            TEN,
        ),
    ]


def _found(page) -> list[str]:
    return [record.id for record in page.records]


async def _apart(store: Store, sizes: Sizes) -> float:
    """CPU time of a query whose filters leave many calls each, and exclude each other."""
    where: Mapping[str, Filter] = {"tool": "expenses", "status": "denied"}
    query = Query(kind="tool_call", where=where, order=("-planned_at",), limit=ROWS)
    return (await interleaved({"apart": Way(lambda: store.find(query))}, sizes))["apart"]


def _oversight(store: Store, count: int) -> list[Question]:
    """The lists that auditors open most. Each look is on record; a repeated one is not written again."""
    oversight = Oversight(store)
    since, until = START + timedelta(minutes=count // 3), START + timedelta(minutes=2 * count // 3)
    of_list = (
        "SELECT t.id, t.n, t.fields FROM list l JOIN thread t ON t.id = l.thread"
        f" WHERE path = ? AND value = ? AND l.sealed IS NULL ORDER BY l.updated_at DESC LIMIT {ROWS}"
    )
    call = "SELECT c.id, c.n, c.fields FROM tool_call c JOIN thread t ON t.id = c.thread WHERE t.sealed IS NULL AND"
    newest = f"ORDER BY c.planned_at DESC LIMIT {ROWS}"

    def threads(name: str, sql: str, *values: str, **wanted) -> Question:
        return Question(
            f"threads {name}, of {count:,}",
            lambda: oversight.search_threads(AUDITOR, ThreadFilter(**wanted), limit=ROWS),
            lambda found: [row.thread.id if hasattr(row, "thread") else row.id for row in found.items],
            sql,
            values,
            TEN,
        )

    def calls(name: str, sql: str, *values: str, **wanted) -> Question:
        return Question(
            f"calls {name}, of {count:,}",
            lambda: oversight.search_calls(AUDITOR, CallFilter(**wanted), limit=ROWS),
            lambda found: [call.id for call in found.items],
            f"{call} {sql} {newest}",
            values,
            TEN,
        )

    times = (iso(since), iso(until))
    return [
        threads(
            "of a time",
            "SELECT id, n, fields FROM thread WHERE updated_at >= ? AND updated_at < ?"
            f" ORDER BY updated_at DESC LIMIT {ROWS}",
            *times,
            since=since,
            until=until,
        ),
        threads("by outcome", of_list, "outcomes", "failed", outcomes=("failed",)),
        threads("by tool", of_list, "tools", "expenses", tools=("expenses",)),
        threads(
            "by tool and status",
            of_list,
            "tools",
            "request_leave:denied",
            tools=("request_leave",),
            call_statuses=("denied",),
        ),
        threads("by handbook", of_list, "handbooks", "handbook-7", handbooks=("handbook-7",)),
        threads("rated down", of_list, "ratings", "down", ratings=("down",)),
        threads("that are not sealed, by model", of_list, "models", stored.MODEL, models=(stored.MODEL,)),
        threads(
            "with words",
            "SELECT t.id, t.n, t.fields FROM message m JOIN thread t ON t.id = m.thread"
            " WHERE t.sealed IS NULL AND instr(lower(m.text), 'travel') AND instr(lower(m.text), 'costs')"
            f" ORDER BY m.at DESC LIMIT {ROWS}",
            words="travel costs",
        ),
        calls(
            "by tool and time",
            "c.tool = ? AND c.planned_at >= ? AND c.planned_at < ?",
            "expenses",
            *times,
            tools=("expenses",),
            since=since,
            until=until,
        ),
        calls("of a person", "c.owner = ?", "e-7", owner="e-7"),
        calls("denied", "c.status = ?", "denied", statuses=("denied",)),
        calls("too slow", "c.status = ?", "timed_out", statuses=("timed_out",)),
    ]


class LaterClock(SystemClock):
    """The machine's clocks; by `monotonic` an hour passes at each look, so that each total is counted anew."""

    hours = 0

    def monotonic(self) -> float:
        LaterClock.hours += 1
        return super().monotonic() + 3600 * LaterClock.hours


async def _tallies(store: Store, plain: apsw.Connection, threads: int, sizes: Sizes) -> AsyncIterator[Row]:
    """Tallies of the newest 30 days, and the overview that is made of such, beside bare GROUP BYs."""
    since = max(START, START + timedelta(minutes=threads) - timedelta(days=30))
    start = iso(since)
    of_turns = "SELECT day, outcome, rating, count(*) FROM turn WHERE opened_at >= ? GROUP BY day, outcome, rating"
    of_calls = "SELECT day, status, count(*) FROM tool_call WHERE planned_at >= ? GROUP BY day, status"
    of_bills = (
        "SELECT day, model, status, count(*), sum(cost) FROM model_call WHERE asked_at >= ? GROUP BY day, model, status"
    )
    of_waits = "SELECT first_text_bucket, day, count(*) FROM turn WHERE opened_at >= ? GROUP BY first_text_bucket, day"
    for name, kind, time, by, sums, sql in (
        ("turns by day, outcome and rating", "turn", "opened_at", ("day", "outcome", "rating"), (), of_turns),
        ("calls by day and status", "tool_call", "planned_at", ("day", "status"), (), of_calls),
        ("costs by day and model", "model_call", "asked_at", ("day", "model", "status"), ("cost",), of_bills),
    ):
        query = Query(kind=kind, where={time: Range(ge=start)})

        async def ours(query: Query = query, by=by, sums=sums) -> object:
            return await store.tally(query, by, sums)

        async def bare(sql: str = sql) -> list:
            return plain.execute(sql, (start,)).fetchall()

        groups = [(*group.key, group.count, *group.sums.values()) for group in await ours()]
        if set(groups) != set(await bare()):
            raise AssertionError(f"{name}: a tally is not what bare SQL counts")
        cpu = await interleaved({"ours": Way(ours), "bare": Way(bare)}, sizes)
        yield Row(name=f"tally of {name}, of {threads:,}", unit="ms", ours=cpu["ours"], bare=cpu["bare"], goal=TALLIED)

    figures = Figures(store, clock=LaterClock())

    async def overview() -> object:
        return await figures.overview(AUDITOR, since, None)

    async def bare_overview() -> None:
        for sql in (of_turns, of_waits, of_calls, of_bills):
            plain.execute(sql, (start,)).fetchall()

    cpu = await interleaved({"ours": Way(overview), "bare": Way(bare_overview)}, sizes)
    name = f"overview of 30 days over four GROUP BYs, of {threads:,} threads"
    yield Row(name=name, unit="ms", ours=cpu["ours"], bare=cpu["bare"])
