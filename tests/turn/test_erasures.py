"""What an owner wants erased is gone from every entry and record; that it was there, when, and at what cost, stays."""

from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from io import BytesIO
from itertools import count
from json import loads
from pathlib import Path
from random import Random
from typing import get_args
from zipfile import ZipFile

import anyio
import pytest
from anyio import to_thread

from backends import open_store
from backends.models.scripted.model import Say, ScriptedModel, Wait
from backends.stores.memory import MemoryStore
from console.cli.show import thread_list, transcript_text
from core import Concern, Desk, InvalidInput, NewestTurns, NotFound, Viewer
from core.canonical import canonical
from core.clock import SystemClock
from core.desk.exports.contents import ExportFormat
from core.desk.filters import ThreadFilter
from core.log.entry import verify
from core.log.facts import Late, ResultContent, ThreadFact
from core.log.records import ToolCall
from core.maintenance.copy import copy
from core.maintenance.rebuild import Rebuild
from core.turn.commands import Note
from core.turn.decide import decide
from core.worker.history import as_json
from tests.support.desks import (
    APPROVER,
    ASKER,
    AUDITOR,
    PATIENCE,
    QUICK,
    ended,
    events,
    folded,
    kinds,
    live_text,
    log_of,
    until,
)
from tests.support.erasable import CANARY, HOUR, desk_over, held, main, sweep, written
from tests.support.forked import Told
from tests.support.papers import HANDLER, Inbox, records
from tests.support.wrapped import HeldStore, LaterStore, WrappedStore


class Sealing:
    """A care that seals every thread."""

    async def recognise(self, text, viewer):
        return Concern(topic=CANARY)


SECOND = Viewer("e-2002", roles={"auditor"}, purpose="second opinion")

NEVER_WRITTEN = {"late", "hook.failed", "seal.lifted"}
"""Kinds with content that the thread of `written` lacks: a hook's failure names a type, the others need a mishap."""


async def wrong_records(store):
    rebuild = Rebuild(store, SystemClock(), lambda done, total: None, mend=False)
    return [found async for found in rebuild.findings()]


async def erased_thread(store):
    """A thread with everything in it, erased; and its records before."""
    async with desk_over(store) as desk:
        thread = await written(desk, store)
        before = await records(store)
        await desk.ask_erasure(ASKER, thread)
        await desk.recover()
    return thread, before


async def test_what_was_written_is_in_no_entry_and_no_record_after_an_erasure(store):
    async with desk_over(store) as desk:
        thread = await written(desk, store)
        contents = {
            fact.model_fields["kind"].default for fact in get_args(ThreadFact) if "content" in fact.model_fields
        }
        found = await held(store)
        assert {name.split()[-1] for name in found if name.startswith("thread:")} >= contents - NEVER_WRITTEN
        assert {name.split()[1] for name in found if name.startswith("record")} == {
            *("thread", "turn", "message", "tool_call", "model_call", "retrieval", "summary", "handover"),
            *("deferred_call", "review"),
        }
        await desk.recover()
        assert await held(store) == found  # nobody has asked for it
        await desk.ask_erasure(ASKER, thread)
        await desk.recover()
        assert await held(store) == []
        assert (await kinds(store, thread))[-3:] == ["erasure.asked", "erasure.begun", "thread.erased"]
        head = await desk.archive.thread(ASKER, thread)
        assert (head.erase_due, head.erasing, head.erased_upto) == (None, False, head.n - 1)
        listed = (await desk.archive.threads(ASKER)).items
        assert [(one.id, one.title) for one in listed] == [(thread, None)]
        assert (await desk.archive.search_threads(ASKER, CANARY)).items == []


async def test_the_chain_holds_and_records_are_what_the_erased_log_says(store):
    thread, _ = await erased_thread(store)
    entries = await log_of(store, thread)
    assert verify(entries)[0] == entries[-1].n
    assert [entry.n for entry in entries if not entry.erased] == [entries[-1].n]
    assert await wrong_records(store) == []


KEPT = {
    "thread": (
        "owner",
        "created_at",
        "status",
        "turns",
        "totals",
        "outcome_counts",
        "rating_counts",
        "tools",
        "models",
    ),
    "turn": (
        "status",
        "outcome",
        "opened_at",
        "ended_at",
        "totals",
        "rating",
        "code",
        "snapshot",
        "versions",
        "models",
    ),
    "message": ("role", "status", "at", "at_n"),
    "tool_call": ("tool", "effect", "status", "digest", "result_digest", "size", "planned_at", "finished_at", "code"),
    "model_call": ("model", "status", "usage", "cost", "request", "asked_at", "ended_at", "purpose"),
    "retrieval": ("count", "judgement", "duration_ms", "at"),
    "summary": ("first_n", "last_n", "at"),
    "handover": ("status", "attached", "asked_at", "ended_at"),
    "deferred_call": ("tool", "status", "digest", "asked_at", "report", "standing"),
    "review": ("verdicts", "opened_at", "owner"),
}
"""What an erasure leaves as it was."""


async def test_statuses_times_costs_tools_digests_and_looks_stay(store):
    _, before = await erased_thread(store)
    after = await records(store)
    assert after.keys() == before.keys()
    for (kind, of), (_, fields) in before.items():
        if kind in KEPT:
            was, now = (loads(one) for one in (fields, after[kind, of][1]))
            assert {name: now[name] for name in KEPT[kind]} == {name: was[name] for name in KEPT[kind]}
    looks = {key: one for key, one in before.items() if key[0] == "look"}
    assert looks
    assert looks.items() <= after.items()
    decided = [loads(one)["decision"] for (kind, _), (_, one) in after.items() if kind == "tool_call"]
    assert {one["outcome"] for one in decided if one} == {"given", "denied"}
    assert {one["reason"] for one in decided if one} == {None}


async def test_sqlite_keeps_nothing_of_it_in_its_files(tmp_path):
    path = tmp_path / "desk.db"

    def files():
        return b"".join(file.read_bytes() for file in Path(tmp_path).iterdir())

    async with open_store(f"sqlite:///{path}") as store, desk_over(store) as desk:
        thread = await written(desk, store)
        assert CANARY.encode() in files()
        await desk.ask_erasure(ASKER, thread)
        await desk.recover()
        # The newest commits are in the log beside the file: they must not hold it either.
        assert CANARY.encode() not in files()


async def test_it_is_erased_when_it_is_due_and_not_before(store):
    later = LaterStore(store)
    async with desk_over(later, erase_after=timedelta(days=30)) as desk:
        thread = await short(desk)
        asked = await desk.ask_erasure(ASKER, thread)
        assert await desk.ask_erasure(ASKER, thread) == asked  # the first request counts
        later.ahead = timedelta(days=29, hours=23).total_seconds()
        await desk.recover()
        assert "erasure.begun" not in await kinds(store, thread)
        later.ahead = timedelta(days=30, minutes=1).total_seconds()
        await desk.recover()
        assert (await kinds(store, thread))[-1] == "thread.erased"


async def short(desk, text=CANARY):
    """A thread with one answer."""
    thread = (await desk.create_thread(ASKER)).id
    await ended(desk, await desk.submit(ASKER, thread, text))
    return thread


async def test_a_thread_with_an_open_turn_waits_for_its_end(store):
    gate = anyio.Event()
    model = ScriptedModel([[Say(CANARY), Wait(gate)]])
    async with desk_over(store, model=model) as desk:
        thread = (await desk.create_thread(ASKER)).id
        turn = await desk.submit(ASKER, thread, CANARY)
        await until(lambda: live_text(store, turn.id))
        await desk.ask_erasure(ASKER, thread)
        await desk.recover()
        assert "erasure.begun" not in await kinds(store, thread)
        gate.set()
        await ended(desk, turn)
        await desk.recover()
        assert await held(store) == []


async def test_a_thread_with_a_call_that_waits_for_an_approver_waits_for_the_decision(store):
    async with desk_over(store) as desk:
        thread = await short(desk, f"book {CANARY}")
        (call,) = (await desk.oversight.waiting_calls(APPROVER)).items
        await desk.ask_erasure(ASKER, thread)
        await desk.recover()
        assert (await desk.archive.call(ASKER, call.call)).arguments == {"days": CANARY}
        await desk.withdraw(ASKER, call.call)
        await desk.recover()
        assert await held(store) == []
        assert (await desk.archive.deferred_call(ASKER, call.call)).closed == "withdrawn"


async def test_a_sealed_thread_is_erased_as_any_other_and_stays_sealed(store):
    sent = Inbox()
    async with desk_over(store, care=Sealing(), handover=sent) as desk:
        thread = await short(desk, f"first {CANARY}")
        await desk.lift_seal(HANDLER, thread, f"a song, {CANARY}")
        turn = await ended(desk, await desk.submit(ASKER, thread, f"second {CANARY}"))
        await desk.hand_over(ASKER, turn.id, attach="thread", note=CANARY)
        await desk.judge(HANDLER, turn.id, "right", note=CANARY)
        await desk.ask_erasure(ASKER, thread)
        await desk.recover()
        assert await held(store) == []
        with pytest.raises(NotFound):
            await desk.archive.transcript(AUDITOR, thread)
        head = await desk.archive.thread(HANDLER, thread)
        assert (head.sealed, head.topic) == (True, None)
        # What was handed over is with the person who got it.
        assert CANARY in str(sent.tickets)


async def test_the_owner_may_go_on_asking_and_no_model_is_told_what_was_erased(store):
    asked = []

    def answer(request):
        asked.append(canonical(as_json(request)).decode())
        return [Say("Gladly.")]

    async with desk_over(store) as desk:
        thread = await written(desk, store)
        await desk.ask_erasure(ASKER, thread)
        await desk.recover()
    async with desk_over(store, model=ScriptedModel(answer), retriever=None, window=NewestTurns()) as desk:
        turn = await ended(desk, await desk.submit(ASKER, thread, "And now?"))
        assert turn.status == "completed"
        assert '"text":"[erased]"' in asked[-1]
        assert '"arguments":{"erased":true}' in asked[-1]
        assert CANARY not in asked[-1]
        head = await desk.archive.thread(ASKER, thread)
        assert (head.title, head.erased_upto) == ("And now?", head.erased_upto)
        assert await wrong_records(store) == []
        first = head.erased_upto
        await desk.ask_erasure(ASKER, thread)
        await desk.recover()
        head = await desk.archive.thread(ASKER, thread)
        assert (head.title, head.erased_upto > first) == (None, True)
    assert await wrong_records(store) == []


async def test_what_is_noted_on_an_erased_answer_later_stays_and_brings_nothing_back(store):
    thread, _ = await erased_thread(store)
    async with desk_over(store) as desk:
        last = (await desk.archive.transcript(ASKER, thread)).turns[-1].turn
        await desk.give_feedback(ASKER, last.id, "up", "thanks")
        await desk.rename(ASKER, thread, "An old matter")
        with pytest.raises(InvalidInput, match="was erased"):
            await desk.judge(AUDITOR, last.id, "right")
        turn = await desk.archive.turn(ASKER, last.id)
        assert (turn.comment, turn.text, turn.question, turn.outcome) == ("thanks", "", None, last.outcome)
    assert await held(store) == []
    assert await wrong_records(store) == []


async def test_a_result_that_is_reported_after_the_erasure_is_not_written_down(store):
    thread, _ = await erased_thread(store)
    state = await folded(store, thread)
    call = next(item for item in state.items.values() if isinstance(item, ToolCall))
    content = ResultContent(result=CANARY)
    reported = Late(turn=call.turn, fence=1, call=call.id, status="succeeded", content=content)
    (fact,) = decide(state, Note(fact=reported), QUICK)
    assert (fact.kind, fact.status, fact.content) == ("late", "succeeded", None)


async def test_readers_say_that_it_was_erased(store):
    thread, _ = await erased_thread(store)
    async with desk_over(store) as desk:
        for viewer in (ASKER, AUDITOR):
            transcript = await desk.archive.transcript(viewer, thread)
            assert transcript.unreadable == []
            assert all(view.turn.question is None for view in transcript.turns)
            shown = transcript_text(transcript, text=True)
            assert shown.count("question: erased") == shown.count("answer: erased") == len(transcript.turns)
            messages = await desk.archive.messages(viewer, thread)
            assert {message.text for message in messages} == {None}
        for call in await desk.archive.tool_calls(AUDITOR, thread):
            history = await desk.archive.call_history(AUDITOR, call.id)
            assert history.unreadable == []
            assert (history.call.erased, history.call.arguments) == (True, None)
        (row,) = (await desk.oversight.search_threads(AUDITOR, ThreadFilter())).items
        assert "erased" in thread_list([row], text=True)
        for form in get_args(ExportFormat):
            export = await desk.exports.export_threads(AUDITOR, ThreadFilter(), form)
            with ZipFile(BytesIO(export.content)) as files:
                exported = b"".join(files.read(name) for name in files.namelist())
            assert b"erased" in exported
            assert CANARY.encode() not in exported
        (replayed,) = [event for event in await events(desk, transcript.turns[0].turn.id) if event.kind == "ended"]
        assert (replayed.turn.question, replayed.turn.text) == (None, "")
        assert "turn.ended" in replayed.turn.erased


class Died(Exception):
    """The process of the sweep was killed."""


class Mortal(WrappedStore):
    """A store for a process that is killed at its `at`th write: before it, after it, or between entries and records.

    Live text, which any sweep removes, does not count.
    """

    def __init__(self, store, at, moment):
        super().__init__(store)
        self.left = at
        self.moment = moment

    async def _call(self, operation, *given, **named):
        if self.left == 0:
            raise Died
        if operation not in ("commit", "erase") or given[0].startswith("live:"):
            return await super()._call(operation, *given, **named)
        self.left -= 1
        if self.left == 0:
            if self.moment == "inside" and operation == "commit":
                await super()._call(operation, *given[:3], (), **named)
            elif self.moment == "after":
                await super()._call(operation, *given, **named)
            raise Died
        return await super()._call(operation, *given, **named)


async def is_erased(store, thread):
    """It was begun once and ended once, and nothing is left of it."""
    assert [kind for kind in await kinds(store, thread) if kind in ("erasure.begun", "thread.erased")] == [
        "erasure.begun",
        "thread.erased",
    ]
    assert await held(store) == []
    assert await wrong_records(store) == []


async def noted(desk):
    """A due thread with an answer, a rating and a verdict."""
    thread = await short(desk)
    (view,) = (await desk.archive.transcript(ASKER, thread)).turns
    await desk.give_feedback(ASKER, view.turn.id, "down", CANARY)
    await desk.judge(AUDITOR, view.turn.id, "right", note=CANARY)
    await desk.ask_erasure(ASKER, thread)
    return thread


@pytest.mark.parametrize("moment", ["before", "after", "inside"])
async def test_a_sweep_that_is_killed_at_any_write_is_finished_by_the_next_one(store, moment):
    left = []
    async with desk_over(store, erase_after=HOUR) as desk:
        for at in count(1):
            thread = await noted(desk)
            try:
                await sweep(Mortal(store, at, moment))
                break
            except Died:
                left.append(len(await held(store)))
            await sweep(store)
            await is_erased(store, thread)
    # Records are emptied, then what quotes them, then payloads.
    assert left == sorted(left, reverse=True)
    assert len(set(left)) >= 4


@asynccontextmanager
async def another(store, path):
    """A store of the same kind that holds the same."""
    url = "memory:" if isinstance(store, MemoryStore) else f"sqlite:///{path}"
    async with open_store(url) as other:
        await copy(store, other, SystemClock(), lambda *_: None)
        yield other


def unopened(store):
    """A desk that does only what it is told to."""
    return Desk(store, ScriptedModel([]), options=QUICK)


@pytest.mark.parametrize("new_url", ["mongodb"], indirect=True)
async def test_a_process_that_is_killed_at_any_write_to_mongodb_is_followed_by_one_that_finishes(url):
    async with open_store(url) as store, desk_over(store, erase_after=HOUR) as desk:
        for at in count(1):
            thread = await noted(desk)
            if not await killed(url, f"after write {at}"):
                break
            await sweep(store)
            await is_erased(store, thread)
        assert at > 5


async def killed(url, kill_at):
    """Sweep in a process; whether it was killed at that moment, and not ended by itself."""
    process = Told(main, url, kill_at)
    process.stdin.write("go\n")
    process.stdin.flush()
    await to_thread.run_sync(process.wait, PATIENCE)
    process.stdin.close()
    process.stdout.close()
    assert process.poll() in (0, -9)
    return process.poll() == -9


class Yielding(WrappedStore):
    """A store whose answers take a while, each another one."""

    def __init__(self, store, seed):
        super().__init__(store)
        self.random = Random(seed)

    async def _call(self, operation, *given, **named):
        for _ in range(self.random.randrange(4)):
            await anyio.lowlevel.checkpoint()
        answer = await super()._call(operation, *given, **named)
        for _ in range(self.random.randrange(4)):
            await anyio.lowlevel.checkpoint()
        return answer


async def test_desks_that_sweep_at_once_agree():
    async with open_store("memory:") as store, desk_over(store, erase_after=HOUR) as desk:
        for seed in range(10):
            thread = await noted(desk)
            async with anyio.create_task_group() as tasks:
                for number in range(3):
                    tasks.start_soon(sweep, Yielding(store, 10 * seed + number))
            await is_erased(store, thread)


@asynccontextmanager
async def held_sweep(store, commits):
    """A desk and a due thread whose sweep waits to make its next commit to the thread, after so many."""
    async with desk_over(store, erase_after=HOUR) as desk:
        thread = await short(desk)
        await desk.ask_erasure(ASKER, thread)
        holding = HeldStore(store, "thread:")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sweep, holding)
            for _ in range(commits):
                await holding.arrived()
                holding.let(1)
            await holding.arrived()
            yield desk, thread, holding
            holding.let()


async def test_a_request_that_is_withdrawn_before_the_erasure_begins_wins(store):
    async with held_sweep(store, 0) as (desk, thread, _):
        assert (await desk.withdraw_erasure(ASKER, thread)).erase_due is None
    assert (await kinds(store, thread))[-1] == "erasure.withdrawn"
    async with desk_over(store) as desk:
        await sweep(store)
        assert (await desk.archive.thread(ASKER, thread)).title == CANARY
        (view,) = (await desk.archive.transcript(ASKER, thread)).turns
        assert view.turn.question == CANARY


async def test_a_request_that_is_withdrawn_after_the_erasure_has_begun_loses(store):
    async with held_sweep(store, 1) as (desk, thread, _):
        head = await desk.withdraw_erasure(ASKER, thread)
        assert (head.erasing, head.title, bool(head.erase_due)) == (True, None, True)
        assert (await kinds(store, thread))[-1] == "erasure.begun"
    await is_erased(store, thread)


async def test_a_question_waits_until_an_erasure_that_has_begun_is_complete(store):
    async with held_sweep(store, 1) as (desk, thread, holding):
        with pytest.raises(InvalidInput, match="is being erased: ask again"):
            await desk.submit(ASKER, thread, "And now?")
        holding.let()
        await until(lambda: is_complete(store, thread))
        await ended(desk, await desk.submit(ASKER, thread, "And now?"))


async def is_complete(store, thread):
    return "thread.erased" in await kinds(store, thread)


async def test_a_rating_that_comes_during_an_erasure_brings_nothing_back(store):
    for commits in (0, 1, 2):
        async with held_sweep(store, commits) as (desk, thread, _):
            (view,) = (await desk.archive.transcript(ASKER, thread)).turns
            await desk.give_feedback(ASKER, view.turn.id, "up", "thanks")
        await is_erased(store, thread)
        assert (await desk.archive.thread(ASKER, thread)).ratings == ["up"]


async def test_a_verdict_that_comes_during_an_erasure_keeps_its_words_to_itself(store):
    async with desk_over(store, erase_after=HOUR) as desk:
        thread = await short(desk)
        (view,) = (await desk.archive.transcript(ASKER, thread)).turns
        await desk.judge(AUDITOR, view.turn.id, "right", note=CANARY)
        await desk.ask_erasure(ASKER, thread)
        holding = HeldStore(store, "review:")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(unopened(holding).judge, SECOND, view.turn.id, "right", note=f"no {CANARY}"))
            await holding.arrived()
            # It has read the answer, and the first verdict, before the erasure.
            await sweep(store)
            assert await held(store) == []
            holding.let()
        review = (await desk.archive.turn_view(AUDITOR, view.turn.id)).review
        assert [(given.verdict, given.note) for given in review.given] == [("right", None)] * 2
    await is_erased(store, thread)


async def test_a_copy_made_before_the_erasure_is_erased_by_the_next_copy(store, tmp_path):
    async with desk_over(store) as desk, another(store, f"{tmp_path}/copy.db") as target:
        thread = await written(desk, store)
        await copy(store, target, SystemClock(), lambda *_: None)
        assert await held(target)
        await desk.ask_erasure(ASKER, thread)
        await desk.recover()
        await copy(store, target, SystemClock(), lambda *_: None)
        assert await records(target) == await records(store)
        # Live text is removed by the desk that works on the copy, as that of every turn that has ended.
        await sweep(target)
        await is_erased(target, thread)
