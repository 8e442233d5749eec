"""Approvals: which calls wait for a person, whose word counts, and what a word can still change."""

from datetime import timedelta

import anyio
import pytest

from backends.models.scripted.model import Call, Say, ScriptedModel
from core import Desk, InvalidInput, NotFound, Options, TurnInProgress, tool
from tests.support.desks import (
    APPROVER,
    ASKER,
    OTHER,
    QUICK,
    chatting,
    check,
    ended,
    events,
    kinds,
    logged,
    until,
    waiting,
)
from tests.support.shelf import Shelf
from tests.support.wrapped import LaterStore, WrappedStore

DONE = [Say("Done.")]


@pytest.fixture
def ran():
    return []


@pytest.fixture
def book(ran):
    @tool(effect="unsafe")
    def book(days: int, note: str = "") -> str:
        """Book days."""
        ran.append(days)
        return f"{days} booked"

    return book


def booking(*days):
    return ScriptedModel([[Say("May I?"), *(Call("book", {"days": n}) for n in days)], DONE])


async def parked(desk, text="Book it"):
    turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, text)
    return turn, await waiting(desk, turn)


@pytest.mark.parametrize(
    ("effect", "given", "retriever", "asks"),
    [
        ("unsafe", {}, None, True),
        ("idempotent", {}, None, False),
        ("idempotent", {"needs_approval": True}, None, True),
        ("read", {"needs_approval": True}, None, True),
        ("read", {}, Shelf(), False),
        ("idempotent", {}, Shelf(), True),
    ],
)
async def test_which_calls_wait_for_a_person(store, ran, effect, given, retriever, asks):
    @tool(effect=effect, name="book", **given)
    def book(days: int) -> str:
        """Book days."""
        ran.append(days)
        return "booked"

    async with chatting(store, booking(3), tools=[book], retriever=retriever) as chat:
        reply = await chat.ask("Book it")
        assert (reply.status, len(reply.waiting), ran) == (
            ("awaiting_approval", 1, []) if asks else ("completed", 0, [3])
        )
        if asks:
            assert reply.waiting[0].approval == "asker"
            reply = await chat.decide(reply.waiting[0].id, "approve", reply.waiting[0].digest)
        assert (reply.status, reply.tool_calls[0].status, ran) == ("completed", "succeeded", [3])


async def test_a_denied_call_never_runs_and_the_model_is_told(store, book, ran):
    model = booking(3)
    async with chatting(store, model, tools=[book]) as chat:
        reply = await chat.ask("Book it")
        reply = await chat.decide(reply.waiting[0].id, "deny", reply.waiting[0].digest, reason="Next week, please.")
    (call,) = reply.tool_calls
    assert (reply.status, call.status, call.decision.outcome, call.decision.by, ran) == (
        "completed",
        "denied",
        "denied",
        "e-1042",
        [],
    )
    assert model.requests[1].messages[-1].content == "A person did not allow this. Next week, please."


async def test_changed_arguments_run_under_a_new_digest_and_both_stay_on_record(store, book, ran):
    async with chatting(store, booking(3), tools=[book]) as chat:
        reply = await chat.ask("Book it")
        shown = reply.waiting[0].digest
        reply = await chat.decide(reply.waiting[0].id, "approve", shown, arguments={"days": 2}, reason="two will do")
    (call,) = reply.tool_calls
    assert ran == [2]
    assert (call.planned, call.arguments) == ({"days": 3, "note": ""}, {"days": 2, "note": ""})
    assert (call.decision.asked, call.decision.digest) == (shown, call.digest)
    assert call.digest != shown
    (given,) = await logged(store, call.thread, "approval.given")
    assert (given.shell["asked"], given.shell["digest"], given.by) == (shown, call.digest, "e-1042")


async def test_arguments_that_do_not_fit_are_refused_and_the_call_still_waits(store, book, ran):
    async with chatting(store, booking(3), tools=[book]) as chat:
        reply = await chat.ask("Book it")
        call = reply.waiting[0]
        with pytest.raises(InvalidInput, match="days"):
            await chat.decide(call.id, "approve", call.digest, arguments={"days": "all"})
        with pytest.raises(InvalidInput, match="'approve' or 'deny'"):
            await chat.decide(call.id, "maybe", call.digest)
        assert (await chat.decide(call.id, "approve", call.digest)).status == "completed"
    assert ran == [3]


async def test_a_stale_digest_is_refused(store, book, ran):
    async with Desk(store, booking(3), tools=[book]) as desk:
        turn, (call,) = await parked(desk)
        with pytest.raises(InvalidInput, match="not those that were shown"):
            await desk.decide(ASKER, call.id, "approve", "0" * 64)
        assert (await desk.archive.turn(ASKER, turn.id)).waiting == [call.id]
    assert ran == []


async def test_a_call_that_waits_for_its_asker_is_decided_by_no_one_else(store, book, ran):
    async with Desk(store, booking(1), tools=[book]) as desk:
        _, (call,) = await parked(desk)
        assert (await desk.oversight.waiting_calls(APPROVER)).items == []
        for viewer in (OTHER, APPROVER):
            with pytest.raises(NotFound, match=f"^call {call.id} was not found$"):
                await desk.decide(viewer, call.id, "approve", call.digest)
        await desk.decide(ASKER, call.id, "approve", call.digest)
        assert (await ended(desk, call.turn)).status == "completed"
    assert ran == [1]


async def test_calls_that_wait_together_are_asked_in_one_entry_and_decided_one_by_one(store, book, ran):
    async with Desk(store, booking(1, 2), tools=[book]) as desk:
        turn, (first, second) = await parked(desk)
        assert len(await logged(store, turn.thread, "approval.asked")) == 1
        await desk.decide(ASKER, second.id, "approve", second.digest)
        assert (await desk.archive.turn(ASKER, turn.id)).waiting == [first.id]
        assert ran == []
        await desk.decide(ASKER, first.id, "deny", first.digest)
        assert (await ended(desk, turn)).status == "completed"
        calls = (await desk.archive.turn_view(ASKER, turn.id)).calls
        await check(store, turn.thread)
    assert ([call.status for call in calls], ran) == (["denied", "succeeded"], [2])


async def test_of_many_words_at_once_the_first_counts_and_the_call_runs_once(store, book, ran):
    async with Desk(store, booking(1, 2), tools=[book]) as desk, Desk(store, booking(), tools=[book]) as other:
        turn, calls = await parked(desk)
        async with anyio.create_task_group() as tasks:
            for call in calls:
                for by in (desk, other, desk, other):
                    tasks.start_soon(by.decide, ASKER, call.id, "approve", call.digest)
        assert (await ended(desk, turn)).status == "completed"
        assert sorted(ran) == [1, 2]
        assert len(await logged(store, turn.thread, "approval.given")) == 2
        assert [e.shell["reason"] for e in await logged(store, turn.thread, "turn.claimed")] == ["opened", "resumed"]
        await check(store, turn.thread)


async def test_a_word_after_the_first_changes_nothing(store, book, ran):
    async with Desk(store, booking(1), tools=[book]) as desk:
        turn, (call,) = await parked(desk)
        await desk.decide(ASKER, call.id, "deny", call.digest)
        await ended(desk, turn)
        before = await kinds(store, turn.thread)
        assert (await desk.decide(ASKER, call.id, "approve", call.digest)).status == "denied"
        assert await kinds(store, turn.thread) == before
    assert ran == []


async def test_a_parked_turn_is_open_and_says_so_to_the_next_question(store, book):
    async with Desk(store, booking(1), tools=[book]) as desk:
        turn, _ = await parked(desk)
        with pytest.raises(TurnInProgress, match="waits for an approval") as caught:
            await desk.submit(ASKER, turn.thread, "And?")
    assert (caught.value.turn_id, caught.value.status) == (turn.id, "awaiting_approval")


async def test_a_decision_works_after_the_desk_was_started_anew(store, book, ran):
    async with Desk(store, booking(3), tools=[book]) as desk:
        turn, (call,) = await parked(desk)
    assert (await kinds(store, turn.thread))[-1] == "approval.asked"
    async with Desk(store, ScriptedModel([DONE]), tools=[book]) as desk:
        await desk.recover()
        assert (await desk.archive.turn(ASKER, turn.id)).status == "awaiting_approval"
        await desk.decide(ASKER, call.id, "approve", call.digest)
        assert (await ended(desk, turn)).status == "completed"
    assert ran == [3]


async def test_an_approval_that_expired_closes_its_turn(store, book, ran):
    later = LaterStore(store)
    async with Desk(later, booking(3), tools=[book], options=QUICK) as desk:
        turn, (call,) = await parked(desk)
        later.ahead = timedelta(days=6, hours=23).total_seconds()
        await desk.recover()
        assert (await desk.archive.turn(ASKER, turn.id)).status == "awaiting_approval"
        later.ahead = timedelta(days=7, seconds=1).total_seconds()
        await desk.recover()
        turn = await desk.archive.turn(ASKER, turn.id)
        call = await desk.archive.call(ASKER, call.id)
        assert (turn.status, turn.code, call.status, call.code) == (
            "cancelled",
            "approval_expired",
            "denied",
            "approval_expired",
        )
        assert (await desk.decide(ASKER, call.id, "approve", call.digest)).status == "denied"
        assert [event.kind for event in await events(desk, turn)][-1] == "ended"
        await check(store, turn.thread)
    assert ran == []


async def test_how_long_an_approval_waits_is_an_option(store, book):
    later = LaterStore(store)
    async with Desk(later, booking(3), tools=[book], options=Options(approval_days=1)) as desk:
        turn, _ = await parked(desk)
        later.ahead = timedelta(days=1, seconds=1).total_seconds()
        await desk.recover()
        assert (await desk.archive.turn(ASKER, turn.id)).status == "cancelled"


async def test_calls_that_need_nobody_run_before_the_turn_is_parked(store, book, ran):
    @tool(effect="read")
    def look() -> str:
        """Look."""
        ran.append("looked")
        return "12"

    model = ScriptedModel([[Call("book", {"days": 1}), Call("look", {})], DONE])
    async with Desk(store, model, tools=[book, look]) as desk:
        turn, (call,) = await parked(desk)
        assert ran == ["looked"]
        await desk.decide(ASKER, call.id, "approve", call.digest)
        await ended(desk, turn)
    assert ran == ["looked", 1]
    assert [message.content for message in model.requests[1].messages if message.role == "tool"] == ["1 booked", "12"]


async def test_a_recovery_that_judged_an_earlier_moment_leaves_a_parked_turn_alone(store, book, ran):
    looked, go_on, parked_by_now = anyio.Event(), anyio.Event(), anyio.Event()

    class Slow(WrappedStore):
        async def read(self, stream, after=0, limit=500):
            if stream.startswith("live:"):
                looked.set()
                await parked_by_now.wait()
            return await super().read(stream, after, limit)

    @tool(effect="read")
    async def look() -> None:
        """Look."""
        await go_on.wait()

    model = ScriptedModel([[Call("look", {}), Call("book", {"days": 1})], DONE])
    tools = [book, look]
    async with Desk(store, model, tools=tools) as desk:
        turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "Book it")
        await until(lambda: logged(store, turn.thread, "tool.started"))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Desk(Slow(store), ScriptedModel([]), tools=tools).recover)
            await looked.wait()  # it has read that the turn runs
            go_on.set()
            (call,) = await waiting(desk, turn)
            await until(lambda: idle(desk))
            parked_by_now.set()
        assert (await desk.archive.turn(ASKER, turn.id)).status == "awaiting_approval"
        assert len(await logged(store, turn.thread, "turn.claimed")) == 1
        await desk.decide(ASKER, call.id, "approve", call.digest)
        assert (await ended(desk, turn)).status == "completed"
        await check(store, turn.thread)
    assert ran == [1]


async def idle(desk):
    return desk._workers.idle


async def test_a_decision_at_a_desk_without_the_tool_leaves_the_turn_to_one_that_has_it(store):
    @tool(effect="unsafe")
    def book() -> str:
        """Book a day."""
        return "booked"

    script = [[Call("book", {})], [Say("Done.")]]
    async with Desk(store, ScriptedModel(script), tools=[book], options=QUICK) as desk:
        turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "Book it")
        [call] = await waiting(desk, turn)
        async with Desk(store, ScriptedModel([]), options=QUICK) as other:
            await other.decide(ASKER, call.id, "approve", call.digest)
        assert (await kinds(store, turn.thread))[-1] == "turn.released"
        await desk.recover()
        assert (await ended(desk, turn)).text == "Done."
