"""Records rebuilt from logs: what differs is found and mended, and what no repair can put right is said."""

from dataclasses import replace
from typing import get_args

import pytest

from backends.models.scripted.model import Say
from backends.stores.memory import MemoryStore
from core.canonical import canonical, digest
from core.clock import SystemClock
from core.errors import Unavailable
from core.gate import Viewer
from core.log.audit import AuditLog
from core.log.commit import begin_stream
from core.log.entry import Draft, chain
from core.log.facts import DemoMarked, InstallationContent, InstallationMade
from core.log.fold import fold
from core.log.records import record
from core.log.refold import outline, refold
from core.maintenance.rebuild import Finding, Rebuild
from core.store import Query, Record, Store, every
from core.values import GENESIS
from tests.support.deferred_life import Order
from tests.support.desks import ASKER, chatting, folded, log_of
from tests.support.papers import RECORDED, SECRET, deferrals, logs, papers, records
from tests.support.seeding import seed
from tests.support.wrapped import FaultyStore, WrappedStore

FIRST_LOOK = digest(["e-2001", 1])
AUDITOR = Viewer("e-2001", roles={"auditor"}, purpose="complaint 7")


async def rebuilt(store: Store, *, mend: bool = True) -> list[Finding]:
    rebuild = Rebuild(store, SystemClock(), lambda done, total: None, mend=mend, patience=0)
    return [found async for found in rebuild.findings()]


def told(findings: list[Finding]) -> set[tuple[str, str, str]]:
    return {(found.fault, found.kind, found.id) for found in findings}


async def put(store: Store, kind: str, id: str, *, n: int = 0, **fields) -> None:
    """Change a record as no log would, its n by `n`."""
    record = await store.get(kind, id)
    changed = replace(record, n=record.n + n, fields={**record.fields, **fields})
    await store.commit("thread:t-0", 0, (), [changed], id=SystemClock().token())


async def without(store: Store, *lost: tuple[str, str], lagging: str | None = None, upto: int = 0) -> Store:
    """A copy of the store in memory that lacks records; and the head of thread `lagging` as of its entry `upto`."""
    copy = MemoryStore()
    for stream, log in (await logs(store)).items():
        await copy.commit(stream, 0, log, id="c-copied")
    for kind in RECORDED:
        async for held in every(store, Query(kind=kind)):
            if (kind, held.id) not in lost and not (lagging and lagging in (held.id, held.fields.get("thread"))):
                await copy.commit("thread:t-0", 0, (), [held], id="c-repair")
    if lagging:
        log = await outline(store, lagging, upto)
        async for batch in refold(
            store, replace(log, n=upto, last={turn: min(n, upto) for turn, n in log.last.items()})
        ):
            await copy.commit("thread:t-0", 0, (), batch, id="c-repair")
    return copy


async def test_what_a_desk_wrote_is_what_its_logs_say(store):
    async with papers(store):
        held = await records(store)
        assert await rebuilt(store) == []
        assert await records(store) == held
        assert {kind for kind, _ in held} == set(RECORDED) - {"summary"}


async def test_a_changed_record_is_found_and_mended(store):
    await seed(store, 2)
    right = await records(store)
    await put(store, "tool_call", "q-1-t1", result="7 000 days", status="succeeded")
    await put(store, "thread", "t-0", rejected=3)
    wrong = await records(store)
    found = await rebuilt(store, mend=False)
    assert told(found) == {("changed", "tool_call", "q-1-t1"), ("changed", "thread", "t-0")}
    assert {one.said for one in found} == {"result, status", "rejected"}
    assert await records(store) == wrong != right
    assert all(one.mended for one in await rebuilt(store))
    assert await records(store) == right
    assert await rebuilt(store) == []


async def test_a_missing_record_is_found_and_mended():
    store = MemoryStore()
    await seed(store, 2)
    await AuditLog(store, SystemClock()).record(AUDITOR, "audit.search")
    lost = {("turn", "q-1"), ("thread", "t-0"), ("message", "q-0-a"), ("audit", "e-2001"), ("look", FIRST_LOOK)}
    copy = await without(store, *lost)
    assert told(await rebuilt(copy, mend=False)) == {("missing", *one) for one in lost}
    assert not lost & set(await records(copy))
    await rebuilt(copy)
    assert await records(copy) == await records(store)


@pytest.mark.parametrize("upto", [3, 6, 9])
async def test_records_that_lag_are_found_and_mended(upto):
    store = MemoryStore()
    await seed(store, 2)
    copy = await without(store, lagging="t-1", upto=upto)
    found = await rebuilt(copy, mend=False)
    assert ("behind", "thread", "t-1") in told(found)
    assert {one.fault for one in found} <= {"behind", "missing"}
    await rebuilt(copy)
    assert await records(copy) == await records(store)


async def test_what_a_repair_cannot_put_right_is_said_and_left(store):
    await seed(store, 2)
    await put(store, "turn", "q-0", n=1)
    await put(store, "turn", "q-1", n=1000)
    ghost = Record(kind="message", id="boo", n=4, fields={"thread": "t-1", "turn": "q-1"})
    stray = Record(kind="retrieval", id="boo", n=4, fields={"thread": "t-77"})
    odd = Record(kind="summary", id="boo", n=4, fields={"thread": ["$", {}], "text": "x"})
    gone = Record(kind="thread", id="t-99", n=2, fields={})
    looked = Record(kind="audit", id="e-5", n=2, fields={})
    lookless = Record(kind="look", id="boo", n=1, fields={"by": "e-5"})
    await AuditLog(store, SystemClock()).record(AUDITOR, "audit.search")
    unmade = Record(kind="look", id="bah", n=1, fields={"by": "e-2001"})
    await store.commit("thread:t-0", 0, (), [ghost, stray, odd, gone, looked, lookless, unmade], id="c-1")
    before = await records(store)
    for mend in (False, True):
        found = await rebuilt(store, mend=mend)
        assert told(found) == {
            ("ahead", "turn", "q-0"),
            ("ahead", "turn", "q-1"),
            ("ghost", "message", "boo"),
            ("ghost", "retrieval", "boo"),
            ("ghost", "summary", "boo"),
            ("ghost", "thread", "t-99"),
            ("ghost", "audit", "e-5"),
            ("ghost", "look", "boo"),
            ("ghost", "look", "bah"),
        }
        assert not any(one.mended for one in found)
    assert await records(store) == before


@pytest.mark.parametrize("change", [{"kind": "live.beat"}, {"hash": "0" * 64}])
@pytest.mark.parametrize(
    ("stream", "made"),
    [
        ("administration:desk", DemoMarked()),
        ("installation:desk", InstallationMade(content=InstallationContent(key="00ff"))),
    ],
)
async def test_a_mark_that_was_changed_is_named(stream, made, change):
    store = MemoryStore()
    await begin_stream(store, SystemClock(), stream, [made], patience=0)
    assert await rebuilt(store) == []
    (mark,) = store._streams[stream].entries
    store._streams[stream].entries[0] = replace(mark, **change)
    (found,) = await rebuilt(store)
    assert (found.fault, found.kind, found.id, found.mended) == ("broken", "stream", stream, False)


async def test_an_administration_entry_of_an_unknown_kind_is_named():
    store, clock = MemoryStore(), SystemClock()
    newer = Draft(kind="company.marked", v=1, shell={}, payload={})
    entries = chain("administration:desk", 0, GENESIS, [newer], by="desk", at=clock.now(), salts=[clock.token()])
    await store.commit("administration:desk", 0, entries, id="c-1")
    (found,) = await rebuilt(store)
    assert (found.fault, found.id) == ("broken", "administration:desk")


async def test_a_changed_look_and_one_whose_words_were_erased_are_mended():
    store = MemoryStore()
    audit = AuditLog(store, SystemClock())
    await audit.record(AUDITOR, "audit.search", words=SECRET)
    await audit.record(AUDITOR, "audit.search", words="other")
    second = digest(["e-2001", 2])
    await put(store, "look", second, action="thread.read", owners=[])
    await store.erase("audit:e-2001", upto=1)
    found = {one.id: one for one in await rebuilt(store)}
    assert {id: (one.fault, one.said, one.mended) for id, one in found.items()} == {
        FIRST_LOOK: ("changed", "purpose, words", True),
        second: ("changed", "action", True),
    }
    assert SECRET not in repr(await records(store))
    assert await rebuilt(store) == []


async def test_a_stranger_among_the_entries_of_an_audit_log_is_named():
    store = MemoryStore()
    await begin_stream(store, SystemClock(), "audit:e-2001", [DemoMarked()], patience=0)
    (found,) = await rebuilt(store)
    assert (found.fault, found.id) == ("broken", "audit:e-2001")


async def test_a_review_that_lags_or_was_changed_is_found_and_mended(store):
    async with chatting(store, [[Say("25 days.")]]) as chat:
        turn = (await chat.ask("How much leave?")).turn_id
        await chat.desk.judge(AUDITOR, turn, "wrong", cause="misread", note="It is 30.")
        first = await store.get("review", turn)
        await chat.desk.judge(AUDITOR, turn, "right")
    right = await records(store)
    for wrong, fault in [(first, "behind"), (replace(first, n=2), "changed")]:
        copy = await without(store, ("review", turn))
        assert told(await rebuilt(copy, mend=False)) == {("missing", "review", turn)}
        await copy.commit(f"review:{turn}", 0, (), [wrong], id="c-wrong")
        assert told(await rebuilt(copy, mend=False)) == {(fault, "review", turn)}
        assert all(one.mended for one in await rebuilt(copy))
        assert await records(copy) == right


async def test_a_review_without_its_log_and_one_whose_log_is_broken_are_named():
    store = MemoryStore()
    async with chatting(store, [[Say("25 days.")]]) as chat:
        turn = (await chat.ask("How much leave?")).turn_id
        await chat.desk.judge(AUDITOR, turn, "right")
    log = store._streams[f"review:{turn}"].entries
    log[0] = replace(log[0], shell={**log[0].shell, "verdict": "wrong"})
    await store.commit("thread:t-0", 0, (), [Record(kind="review", id="boo", n=1, fields={})], id="c-ghost")
    found = await rebuilt(store)
    assert told(found) == {("broken", "stream", f"review:{turn}"), ("ghost", "review", "boo")}
    assert not any(one.mended for one in found)


async def test_a_broken_log_is_named_and_stops_no_other():
    store = MemoryStore()
    await seed(store, 3)
    log = store._streams["thread:t-1"].entries
    log[4] = replace(log[4], shell={**log[4].shell, "cost": 0})
    await put(store, "turn", "q-2", status="failed")
    found = await rebuilt(store)
    assert told(found) == {("broken", "stream", "thread:t-1"), ("changed", "turn", "q-2")}
    assert next(one for one in found if one.fault == "broken").said == "thread:t-1 entry 5: its shell was changed"
    assert [one.mended for one in found if one.fault == "changed"] == [True]


async def test_of_a_log_that_cannot_be_folded_no_record_is_judged():
    """Its chain is whole: a newer Rolltop wrote an entry of a kind that this one does not know."""
    store = MemoryStore()
    await seed(store, 2)
    last = (await log_of(store, "t-1"))[-1]
    newer = Draft(kind="thread.newer", v=1, shell={}, payload={})
    at, salts = SystemClock().now(), [SystemClock().token()]
    await store.commit(
        last.stream, last.n, chain(last.stream, last.n, last.hash, [newer], by="e-0", at=at, salts=salts), id="c"
    )
    await put(store, "turn", "q-1", text="what the log does not say")
    stray = Record(kind="message", id="boo", n=4, fields={"thread": "t-1", "turn": "q-1"})
    await store.commit("thread:t-1", 0, (), [stray], id="c")
    before = await records(store)
    (found,) = await rebuilt(store)
    assert (found.fault, found.id) == ("broken", "thread:t-1")
    assert "thread.newer" in found.said
    assert await records(store) == before


async def test_nothing_that_was_erased_is_revived():
    store = MemoryStore()
    async with papers(store):
        pass
    assert SECRET not in repr(await logs(store))
    found = (await store.find(Query(kind="tool_call", where={"tool": "secret"}))).records[0]
    copy = await without(store, ("tool_call", found.id), ("turn", found.fields["turn"]))
    assert {one.fault for one in await rebuilt(copy)} == {"missing"}
    assert await records(copy) == await records(store)
    assert SECRET not in repr(await records(copy))


async def test_a_record_that_outlived_the_erasure_of_its_entries_is_mended(store):
    await seed(store, 1)
    await store.erase("thread:t-0", kinds=["turn.opened", "thread.created"])
    assert "number0" in repr(await records(store))
    assert ("changed", "message", "q-0-q") in told(await rebuilt(store))
    assert "number0" not in repr(await records(store))


async def test_a_rebuild_cut_off_at_any_operation_is_finished_by_the_next(monkeypatch):
    monkeypatch.setattr("core.maintenance.rebuild.RECORDS_AT_ONCE", 2)
    monkeypatch.setattr("core.log.repair_commits.MOST", 2)
    whole = MemoryStore()
    await seed(whole, 2)
    for at in range(1, 1000):
        store = await without(whole, lagging="t-1", upto=3)
        faulty = FaultyStore(store, "after", at)
        try:
            await rebuilt(faulty)
        except Unavailable:
            await rebuilt(store)
        assert await records(store) == await records(whole)
        if not faulty.struck:
            break
    assert at > 20


async def test_the_mark_of_a_lagging_stream_goes_last(monkeypatch):
    """Only the commit that holds the head, or none at all where nothing is wrong, says how far records are written."""
    monkeypatch.setattr("core.log.repair_commits.MOST", 3)
    whole = MemoryStore()
    await seed(whole, 2)
    commits = []

    class Marked(WrappedStore):
        async def find(self, query):
            page = await super().find(query)
            if query.kind == "stream":
                heads = [replace(head, fields={"dirty": True}) for head in page.records]
                return replace(page, records=heads)
            return page

        async def commit(self, stream, after, entries, records=(), *, id):
            commits.append((stream, after, [record.kind for record in records]))
            await super().commit(stream, after, entries, records, id=id)

    end = (await whole.get("thread", "t-0")).n
    await rebuilt(Marked(await without(whole, lagging="t-1", upto=3)))
    assert commits == [
        ("thread:t-1", 0, ["turn", "message", "message"]),
        ("thread:t-1", 0, ["model_call", "tool_call", "model_call"]),
        ("thread:t-0", end, []),
        ("thread:t-1", end, ["thread"]),
    ]
    commits.clear()
    await rebuilt(Marked(whole), mend=False)
    assert commits == []


async def test_a_thread_that_goes_on_meanwhile_is_not_taken_for_wrong(store):
    """As a desk at work makes it: it writes after the log was read and before its records are."""
    async with chatting(store, [[Say("One.")], [Say("Two.")]]) as chat:
        await chat.ask("?")
        asked = []

        class Busy(WrappedStore):
            async def find(self, query):
                if query.kind == "turn" and not asked:
                    asked.append(await chat.ask("And?"))
                return await super().find(query)

        assert await rebuilt(Busy(store)) == []
        assert asked
        assert len((await chat.desk.archive.transcript(ASKER, chat.id)).turns) == 2
        assert await rebuilt(store) == []


@pytest.mark.parametrize("order", get_args(Order))
async def test_deferred_calls_and_versions_that_were_lost_or_changed_are_mended(store, order):
    await deferrals(store, order)
    right = await records(store)
    calls = {call.fields["status"]: call async for call in every(store, Query(kind="deferred_call"))}
    assert set(calls) == {"waiting", "reported", "closed"}
    versions = next(id for kind, id in right if kind == "turn" and b'"versions":[{' in right[kind, id][1])
    lost, reported = calls["waiting"].id, calls["reported"].id
    copy = await without(store, ("deferred_call", lost))
    await put(copy, "deferred_call", reported, status="waiting", report=None)
    await put(copy, "turn", versions, versions=[], hidden=[[1, 2]])
    found = await rebuilt(copy, mend=False)
    assert told(found) == {
        ("missing", "deferred_call", lost),
        ("changed", "deferred_call", reported),
        ("changed", "turn", versions),
    }
    assert {one.said for one in found} == {"", "report, status", "hidden, versions"}
    assert all(one.mended for one in await rebuilt(copy))
    assert await records(copy) == right
    assert await rebuilt(copy) == []


@pytest.mark.parametrize("order", get_args(Order))
async def test_a_thread_whose_entries_concern_several_turns_is_folded_in_pieces_as_at_once(order, monkeypatch):
    """A report changes the turn that asked, another version the first one: long after that turn's own entries."""
    store = MemoryStore()
    thread = await deferrals(store, order)
    monkeypatch.setattr("core.log.refold.PAGE", 3)
    log = await outline(store, thread, len(await log_of(store, thread)))
    pieces = [one async for batch in refold(store, log) for one in batch]
    state = await folded(store, thread)
    at_once = [record(one) for one in (*state.items.values(), state.thread)]
    assert sorted(pieces, key=lambda one: (one.kind, one.id)) == sorted(at_once, key=lambda one: (one.kind, one.id))
    assert {one.fields["status"] for one in pieces if one.kind == "deferred_call"} == {"waiting", "reported", "closed"}
    assert {len(one.fields["versions"]) for one in pieces if one.kind == "turn"} == {0, 2}


async def test_a_long_thread_is_folded_a_turn_at_a_time(monkeypatch):
    """Each turn's records come once, as they are in the end, although feedback is given long after the turn."""
    store = MemoryStore()
    async with chatting(store, [[Say(f"Answer {i}.")] for i in range(8)]) as chat:
        replies = [await chat.ask(f"Question {i}") for i in range(8)]
        await chat.desk.give_feedback(ASKER, replies[0].turn_id, "up")
        thread = chat.id
    monkeypatch.setattr("core.log.refold.PAGE", 3)
    held = []

    def folding(state, entry):
        held.append(len(state.items))
        return fold(state, entry)

    monkeypatch.setattr("core.log.refold.fold", folding)
    log = await outline(store, thread, len(await log_of(store, thread)))
    batches = [batch async for batch in refold(store, log)]
    assert [sorted({r.fields.get("turn", r.id) for r in batch}) for batch in batches] == [
        *([reply.turn_id] for reply in [*replies[1:], replies[0]]),
        [thread],
    ]
    assert {(r.kind, r.id): (r.n, canonical(dict(r.fields))) for batch in batches for r in batch} == await records(
        store
    )
    assert max(held) <= sum(len(batch) for batch in batches[:2])
