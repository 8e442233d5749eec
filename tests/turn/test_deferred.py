"""Deferred calls: a request waits for an approver while its thread goes on, and the decision is reported in it once."""

from contextlib import aclosing
from datetime import timedelta

import anyio
import pytest

import core.turn.deferred
from backends.models.scripted.model import Call, Say, ScriptedModel, Wait
from core import Archive, Desk, Hooks, InvalidInput, NotFound, OutcomeUnknown, ToolContext, TurnInProgress, Viewer, tool
from core.clock import SystemClock
from core.log.facts import Erased
from core.maintenance.rebuild import Rebuild
from core.model import ToolMessage, UserMessage
from core.turn.commands import Note
from tests.support.desks import (
    APPROVER,
    ASKER,
    AUDITOR,
    OTHER,
    QUICK,
    check,
    ended,
    events,
    kinds,
    logged,
    until,
    waiting,
)
from tests.support.wrapped import LaterStore, WrappedStore

SECOND = Viewer("e-3002", roles={"approver"})
NOT_YET = "has not been done yet"


@pytest.fixture
def ran():
    return []


def paying(ran, **given):
    @tool(**{"effect": "unsafe", "approval": "approver", "name": "pay", **given})
    async def pay(amount: int) -> str:
        """Pay."""
        ran.append(amount)
        return f"{amount} paid"

    return pay


@pytest.fixture
def pay(ran):
    return paying(ran)


def script(request):
    """Pays what it is asked to pay: "pay 1 2" is two calls. Says "Done." of all else."""
    last = request.messages[-1]
    if last.role == "user" and last.report is None and last.text.startswith("pay"):
        return [Say("I ask."), *(Call("pay", {"amount": int(n)}) for n in last.text.split()[1:])]
    return [Say("Reported.")] if last.role == "user" and last.report else [Say("Done.")]


def desk_of(store, *tools, model=None, **given):
    return Desk(store, model or ScriptedModel(script), tools=tools, **{"options": QUICK, **given})


async def asked(desk, text="pay 1", thread=None, viewer=ASKER):
    """The calls of a turn that asks for approvals, once it has ended."""
    thread = thread or (await desk.create_thread(viewer)).id
    turn = await ended(desk, await desk.submit(viewer, thread, text), viewer)
    assert turn.status == "completed"
    return (await desk.archive.turn_view(viewer, turn.id)).calls


async def record(desk, call, viewer=ASKER):
    return await desk.archive.deferred_call(viewer, call.id)


async def reported(desk, call):
    """The turn that reports the decision, once it has ended, with its calls."""
    turn = await until(lambda: report_of(desk, call))
    await ended(desk, turn)
    return await desk.archive.turn_view(ASKER, turn)


async def report_of(desk, call):
    return (await record(desk, call)).report


async def consistent(desk, thread):
    """No turn is worked on, the log is unbroken, and its records are those that it makes."""
    await until(lambda: idle(desk))
    await check(desk._store, thread)
    rebuild = Rebuild(desk._store, SystemClock(), lambda done, total: None, mend=False)
    assert [found async for found in rebuild.findings()] == []


async def idle(desk):
    return desk._workers.idle


async def test_a_call_that_needs_an_approver_does_not_stop_its_turn_and_the_next_question_is_taken(store, pay, ran):
    async with desk_of(store, pay, model=(model := ScriptedModel(script))) as desk:
        thread = (await desk.create_thread(ASKER)).id
        turn = await desk.submit(ASKER, thread, "pay 1")
        seen = await events(desk, turn)
        assert [event.kind for event in seen if event.kind != "text"] == ["tool.finished", "ended"]
        call = next(event.call for event in seen if event.kind == "tool.finished")
        assert (call.status, call.started_at, call.attempts) == ("deferred", None, 0)
        told = model.requests[-1].messages[-1]
        assert NOT_YET in told.content
        assert not told.failed
        assert (await ended(desk, await desk.submit(ASKER, thread, "And?"))).text == "Done."
        waits = await record(desk, call)
        assert (waits.status, waits.arguments, waits.digest, waits.report) == (
            "waiting",
            {"amount": 1},
            call.digest,
            None,
        )
        assert [one.call for one in (await desk.oversight.waiting_calls(APPROVER)).items] == [call.id]
        await consistent(desk, thread)
    assert ran == []


async def test_what_was_approved_runs_once_in_a_turn_of_its_own_that_tells_the_model(store, pay, ran):
    async with desk_of(store, pay, model=(model := ScriptedModel(script))) as desk:
        (call,) = await asked(desk)
        decided = await desk.decide(APPROVER, call.id, "approve", call.digest, reason="fine")
        assert (decided.status, decided.decision.outcome, decided.decision.by) == ("deferred", "given", "e-3001")
        view = await reported(desk, call)
        (run,) = view.calls
        assert (run.id, run.carries_out, run.status, run.result) == (
            f"{view.turn.id}-t1",
            call.id,
            "succeeded",
            "1 paid",
        )
        assert (run.planned, run.digest, run.decision) == ({"amount": 1}, call.digest, decided.decision)
        assert (view.turn.report, view.turn.status, view.turn.text) == (call.id, "completed", "Reported.")
        assert view.turn.question == "The request pay was approved. Reason: fine"
        last = model.requests[-1].messages[-1]
        assert isinstance(last, UserMessage)
        assert last.text.endswith('was approved. Reason: fine Its arguments: {"amount": 1}\nIt was carried out: 1 paid')
        assert last.text.startswith("[This message is the desk's, not the employee's.")
        assert last.report == ToolMessage(id=run.id, tool="pay", content="1 paid", status="succeeded")
        assert (await record(desk, call)).status == "reported"
        assert (await desk.archive.thread(ASKER, call.thread)).deferred == []
        assert (await desk.oversight.waiting_calls(APPROVER)).items == []
        await ended(desk, await desk.submit(ASKER, call.thread, "And?"))
        assert any(message.role == "user" and message.report for message in model.requests[-1].messages)
        await consistent(desk, call.thread)
    assert ran == [1]


async def test_what_was_denied_never_runs_and_the_model_is_told(store, pay, ran):
    async with desk_of(store, pay, model=(model := ScriptedModel(script))) as desk:
        (call,) = await asked(desk)
        await desk.decide(APPROVER, call.id, "deny", call.digest, reason="too much")
        view = await reported(desk, call)
        assert (view.calls, view.turn.status) == ([], "completed")
        last = model.requests[-1].messages[-1]
        assert "The request pay was denied. Reason: too much" in last.text
        assert last.report.failed
        assert "It was not carried out." in last.report.content
        await consistent(desk, call.thread)
    assert ran == []


async def test_an_approver_may_change_the_arguments_and_both_stay_on_record(store, pay, ran):
    async with desk_of(store, pay) as desk:
        (call,) = await asked(desk)
        await desk.decide(APPROVER, call.id, "approve", call.digest, arguments={"amount": 2})
        (run,) = (await reported(desk, call)).calls
        first, waits = await desk.archive.call(ASKER, call.id), await record(desk, call)
        assert (first.planned, first.arguments) == ({"amount": 1}, {"amount": 1})
        assert (run.arguments, waits.arguments) == ({"amount": 2}, {"amount": 2})
        assert run.digest == waits.digest == first.decision.digest != first.decision.asked == call.digest
        await consistent(desk, call.thread)
    assert ran == [2]


async def test_several_wait_and_each_decision_is_reported_in_its_own_turn(store, pay, ran):
    async with desk_of(store, pay) as desk:
        one, two = await asked(desk, "pay 1 2")
        (three,) = await asked(desk, "pay 3", one.thread)
        assert [c.call for c in (await desk.oversight.waiting_calls(APPROVER)).items] == [one.id, two.id, three.id]
        for call, decision in ((three, "approve"), (one, "deny"), (two, "approve")):
            await desk.decide(APPROVER, call.id, decision, call.digest)
        views = [await reported(desk, call) for call in (three, one, two)]
        assert len({view.turn.id for view in views}) == 3
        assert [len(view.calls) for view in views] == [1, 0, 1]
        await consistent(desk, one.thread)
    assert sorted(ran) == [2, 3]


async def test_a_call_for_the_asker_and_one_for_an_approver_in_one_answer_each_wait_for_their_own(store, pay, ran):
    @tool(effect="unsafe")
    def book(days: int) -> str:
        """Book."""
        ran.append(f"{days} days")
        return "booked"

    def both(request):
        last = request.messages[-1]
        asks = last.role == "user" and last.report is None
        return [Call("book", {"days": 3}), Call("pay", {"amount": 1})] if asks else [Say("Done.")]

    async with desk_of(store, pay, book, model=(model := ScriptedModel(both))) as desk:
        turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "Both")
        (parked,) = await waiting(desk, turn)
        assert parked.tool == "book"
        deferred = (await desk.archive.turn_view(ASKER, turn.id)).calls[1]
        assert deferred.status == "deferred"
        await desk.decide(APPROVER, deferred.id, "approve", deferred.digest)
        assert ran == []  # the turn that asked is open
        await desk.decide(ASKER, parked.id, "approve", parked.digest)
        assert (await ended(desk, turn)).status == "completed"
        assert model.requests[1].messages[-2].content == "booked"
        assert NOT_YET in model.requests[1].messages[-1].content
        await reported(desk, deferred)
        await consistent(desk, turn.thread)
    assert ran == ["3 days", 1]


class Held:
    """A model whose answer to "wait" is held until `go_on`."""

    def __init__(self):
        self.go_on = anyio.Event()
        self.model = ScriptedModel(self.answer)

    def answer(self, request):
        last = request.messages[-1]
        waits = last.role == "user" and last.text == "wait"
        return [Wait(self.go_on), Say("Now.")] if waits else script(request)


@pytest.mark.parametrize("end", ["itself", "a stop"])
async def test_a_decision_while_another_turn_runs_is_reported_once_that_has_ended(store, pay, ran, end):
    held = Held()
    async with desk_of(store, pay, model=held.model) as desk:
        (call,) = await asked(desk)
        turn = await desk.submit(ASKER, call.thread, "wait")
        await desk.decide(APPROVER, call.id, "approve", call.digest)
        assert (await record(desk, call)).status == "decided"
        assert ran == []
        if end == "a stop":
            await desk.stop(ASKER, turn.id)
        else:
            held.go_on.set()
        view = await reported(desk, call)
        assert view.turn.first_n > (await desk.archive.turn(ASKER, turn.id)).last_n
        await consistent(desk, call.thread)
    assert ran == [1]


async def test_a_decision_made_while_the_turn_that_asks_still_runs_is_reported_after_it(store, pay, ran):
    go_on = anyio.Event()

    def slow(request):
        return [Wait(go_on), Say("Done.")] if request.messages[-1].role == "tool" else script(request)

    async with desk_of(store, pay, model=ScriptedModel(slow)) as desk:
        turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "pay 1")
        async with aclosing(desk.follow(ASKER, turn.id)) as following:
            async for event in following:
                if event.kind == "tool.finished":
                    call = event.call
                    break
        await desk.decide(APPROVER, call.id, "approve", call.digest)
        assert ran == []
        go_on.set()
        assert (await ended(desk, turn)).status == "completed"
        await reported(desk, call)
        await consistent(desk, turn.thread)
    assert ran == [1]


async def test_a_decision_that_its_desk_did_not_live_to_report_is_reported_by_the_next(store, pay, ran):
    held = Held()
    async with desk_of(store, pay, model=held.model) as desk:
        (call,) = await asked(desk)
        turn = await desk.submit(ASKER, call.thread, "wait")
        await desk.decide(APPROVER, call.id, "approve", call.digest)
    assert ran == []
    held.go_on.set()
    async with desk_of(store, pay, model=held.model) as desk:
        await desk.recover()
        assert (await ended(desk, turn)).ended_at
        await reported(desk, call)
        await consistent(desk, call.thread)
    assert ran == [1]


async def test_a_desk_that_dies_between_the_decision_and_the_report_loses_nothing(store, pay, ran):
    class Dies(WrappedStore):
        """Every commit after the one with the decision fails."""

        dead = False

        async def commit(self, stream, after, entries, records=(), *, id):
            if self.dead:
                await anyio.sleep_forever()
            await super().commit(stream, after, entries, records, id=id)
            self.dead = any(entry.kind == "approval.given" for entry in entries)

    dying = Dies(store)
    desk = desk_of(dying, pay)
    await desk.start()
    (call,) = await asked(desk)
    await desk.decide(APPROVER, call.id, "approve", call.digest)
    assert (await kinds(store, call.thread))[-3:] == ["approval.given", "turn.opened", "turn.claimed"]
    desk._workers._tasks.cancel_scope.cancel()  # as if killed
    async with desk_of(store, pay) as other:
        await other.recover()
        await reported(other, call)
        await consistent(other, call.thread)
    assert ran == [1]


async def test_a_request_is_decided_after_a_restart(store, pay, ran):
    async with desk_of(store, pay) as desk:
        (call,) = await asked(desk)
    async with desk_of(store, pay) as desk:
        await desk.recover()
        assert ran == []
        await desk.decide(APPROVER, call.id, "approve", call.digest)
        await reported(desk, call)
        await consistent(desk, call.thread)
    assert ran == [1]


async def test_of_many_words_at_once_the_first_counts_and_the_request_is_carried_out_once(store, pay, ran):
    async with desk_of(store, pay) as desk, desk_of(store, pay) as other:
        calls = await asked(desk, "pay 1 2")
        async with anyio.create_task_group() as tasks:
            for call in calls:
                for by, viewer in ((desk, APPROVER), (other, SECOND), (desk, SECOND), (other, APPROVER)):
                    tasks.start_soon(by.decide, viewer, call.id, "approve", call.digest)
        for call in calls:
            await reported(desk, call)
        await until(lambda: idle(other))
        assert len(await logged(store, calls[0].thread, "approval.given")) == 2
        assert len(await logged(store, calls[0].thread, "turn.opened")) == 3
        await consistent(desk, calls[0].thread)
    assert sorted(ran) == [1, 2]


async def test_the_second_approver_gets_the_first_ones_decision_as_a_look_on_record(store, pay, ran):
    async with desk_of(store, pay) as desk:
        (call,) = await asked(desk)
        await desk.decide(APPROVER, call.id, "deny", call.digest)
        await reported(desk, call)
        before = await kinds(store, call.thread)
        for decision in ("approve", "deny"):
            late = await desk.decide(SECOND, call.id, decision, call.digest)
            assert (late.decision.outcome, late.decision.by) == ("denied", APPROVER.id)
        assert await kinds(store, call.thread) == before
        (look,) = await store.read(f"audit:{SECOND.id}")
        assert (look.kind, look.shell["action"], look.shell["object"]) == (
            "audit.looked",
            "call.read",
            f"call:{call.id}",
        )
        assert await store.read(f"audit:{APPROVER.id}") == []
    assert ran == []


async def test_a_stale_digest_is_refused_and_the_request_still_waits(store, pay, ran):
    async with desk_of(store, pay) as desk:
        (call,) = await asked(desk)
        for decision in ("approve", "deny"):
            with pytest.raises(InvalidInput, match="not those that were shown"):
                await desk.decide(APPROVER, call.id, decision, "0" * 64)
        assert (await record(desk, call)).status == "waiting"
        assert len(await logged(store, call.thread, "turn.opened")) == 1
    assert ran == []


async def test_nobody_decides_on_their_own_request_nor_without_the_role(store, pay, ran):
    both = Viewer(ASKER.id, roles={"employee", "approver"})
    former = Viewer(APPROVER.id, roles={"employee"})
    async with desk_of(store, pay) as desk:
        (call,) = await asked(desk, viewer=both)
        assert (await desk.oversight.waiting_calls(both)).items == []
        said = set()
        for viewer in (ASKER, both, OTHER, former, AUDITOR):
            for id in (call.id, f"{'0' * 24}-t1", "../.."):
                with pytest.raises(NotFound) as caught:
                    await desk.decide(viewer, id, "approve", call.digest)
                said.add(str(caught.value).replace(id, "ID"))
        assert said == {"call ID was not found"}
        for viewer in (OTHER, former):
            for read in (desk.archive.call, desk.archive.deferred_call, desk.archive.call_history):
                with pytest.raises(NotFound, match=f"^call {call.id} was not found$"):
                    await read(viewer, call.id)
    assert ran == []


async def test_an_approver_reads_the_request_they_decided_and_its_report_and_nothing_else_of_the_thread(store, pay):
    async with desk_of(store, pay) as desk:
        (call,) = await asked(desk)
        assert (await record(desk, call, APPROVER)).owner == ASKER.id
        await desk.decide(APPROVER, call.id, "approve", call.digest)
        view = await reported(desk, call)
        assert (await desk.archive.call(APPROVER, view.calls[0].id)).status == "succeeded"
        assert (await record(desk, call, APPROVER)).status == "reported"
        for read, id in (
            (desk.archive.call, call.id),
            (desk.archive.deferred_call, call.id),
            (desk.archive.call, view.calls[0].id),
        ):
            with pytest.raises(NotFound):
                await read(SECOND, id)
        for read, id in (
            (desk.archive.turn_view, call.turn),
            (desk.archive.turn, view.turn.id),
            (desk.archive.thread, call.thread),
            (desk.archive.transcript, call.thread),
        ):
            with pytest.raises(NotFound):
                await read(APPROVER, id)


async def test_a_request_expires_and_is_closed_by_the_sweep(store, pay, ran):
    later = LaterStore(store)
    async with desk_of(later, pay) as desk:
        (call,) = await asked(desk)
        later.ahead = timedelta(days=6, hours=23).total_seconds()
        await desk.recover()
        assert (await record(desk, call)).status == "waiting"
        later.ahead = timedelta(days=7, seconds=1).total_seconds()
        await desk.recover()
        waits = await record(desk, call)
        assert (waits.status, waits.closed, waits.report) == ("closed", "expired", None)
        assert (await desk.decide(APPROVER, call.id, "approve", call.digest)).decision is None
        assert (await desk.archive.thread(ASKER, call.thread)).deferred == []
        await consistent(desk, call.thread)
    assert ran == []


@pytest.mark.parametrize("decision", ["approve", "deny"])
async def test_a_decision_after_the_expiry_closes_the_request(store, pay, ran, decision):
    later = LaterStore(store)
    async with desk_of(later, pay) as desk:
        (call,) = await asked(desk)
        later.ahead = timedelta(days=7, seconds=1).total_seconds()
        late = await desk.decide(APPROVER, call.id, decision, call.digest)
        assert (late.status, late.decision) == ("deferred", None)
        waits = await record(desk, call)
        assert (waits.status, waits.closed, waits.report) == ("closed", "expired", None)
        await consistent(desk, call.thread)
    assert ran == []


async def test_only_the_asker_takes_a_request_back_and_it_is_not_run_then(store, pay, ran):
    async with desk_of(store, pay) as desk:
        one, two = await asked(desk, "pay 1 2")
        for viewer in (OTHER, APPROVER, AUDITOR):
            with pytest.raises(NotFound, match=f"^call {one.id} was not found$"):
                await desk.withdraw(viewer, one.id)
        waits = await desk.withdraw(ASKER, one.id)
        assert (waits.status, waits.closed) == ("closed", "withdrawn")
        assert (await desk.decide(APPROVER, one.id, "approve", one.digest)).decision is None
        before = await kinds(store, one.thread)
        assert (await desk.withdraw(ASKER, one.id)) == waits
        assert await kinds(store, one.thread) == before
        assert [item.call for item in (await desk.archive.thread(ASKER, one.thread)).deferred] == [two.id]
        await desk.decide(APPROVER, two.id, "approve", two.digest)
        await reported(desk, two)
        assert (await desk.withdraw(ASKER, two.id)).status == "reported"
        await consistent(desk, one.thread)
    assert ran == [2]


async def test_a_request_that_is_decided_and_not_yet_reported_cannot_be_taken_back(store, pay, ran):
    held = Held()
    async with desk_of(store, pay, model=held.model) as desk:
        (call,) = await asked(desk)
        await desk.submit(ASKER, call.thread, "wait")
        await desk.decide(APPROVER, call.id, "approve", call.digest)
        assert (await desk.withdraw(ASKER, call.id)).status == "decided"
        held.go_on.set()
        await reported(desk, call)
        await consistent(desk, call.thread)
    assert ran == [1]


async def test_a_call_that_was_never_deferred_cannot_be_taken_back(store, ran):
    async with desk_of(store, paying(ran, approval="asker")) as desk:
        turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "pay 1")
        (call,) = await waiting(desk, turn)
        before = await kinds(store, turn.thread)
        with pytest.raises(NotFound):
            await desk.withdraw(ASKER, call.id)
        assert await kinds(store, turn.thread) == before


async def test_a_desk_without_the_tool_denies_and_does_not_approve(store, pay, ran):
    async with desk_of(store, pay) as desk:
        one, two = await asked(desk, "pay 1 2")
    async with desk_of(store) as without:
        with pytest.raises(InvalidInput, match="tool pay is missing on this desk: the call can only be denied"):
            await without.decide(APPROVER, one.id, "approve", one.digest)
        await without.decide(APPROVER, two.id, "deny", two.digest)
        await reported(without, two)
    assert ran == []


async def decided_while_open(store, tool):
    """A request that was approved while another turn was open, and whose desk is closed since; and that turn."""
    held = Held()
    async with desk_of(store, tool, model=held.model) as desk:
        (call,) = await asked(desk)
        turn = await desk.submit(ASKER, call.thread, "wait")
        await desk.decide(APPROVER, call.id, "approve", call.digest)
    return call, turn


async def test_what_a_desk_without_the_tool_cannot_carry_out_waits_for_one_that_has_it(store, pay, ran):
    call, turn = await decided_while_open(store, pay)
    async with desk_of(store) as without:
        await without.stop(ASKER, turn.id)
        await without.recover()
        assert (await record(without, call)).status == "decided"
    async with desk_of(store, pay) as desk:
        await desk.recover()
        await reported(desk, call)
        await consistent(desk, call.thread)
    assert ran == [1]


async def test_an_approved_request_that_no_desk_can_carry_out_is_closed_after_its_time(store, pay, ran):
    later = LaterStore(store)
    call, turn = await decided_while_open(later, pay)
    async with desk_of(later) as without:
        await without.stop(ASKER, turn.id)
        later.ahead = timedelta(days=7, seconds=1).total_seconds()
        await without.recover()
        waits = await record(without, call)
        assert (waits.status, waits.closed, waits.decision.outcome) == ("closed", "tool_gone", "given")
        await consistent(without, call.thread)
    async with desk_of(later, pay) as desk:
        await desk.recover()
    assert ran == []


async def test_an_approved_request_is_not_closed_for_want_of_its_tool_while_an_open_turn_holds_it_up(store, pay, ran):
    later = LaterStore(store)
    call, turn = await decided_while_open(later, pay)
    later.ahead = timedelta(days=7, seconds=1).total_seconds()
    async with desk_of(later) as without:
        await without.recover()
        assert (await record(without, call)).status == "decided"
    async with desk_of(later, pay) as desk:
        await desk.recover()
        await desk.stop(ASKER, turn.id)
        await reported(desk, call)
    assert ran == [1]


async def test_a_sweep_that_closes_one_request_and_reports_another_leaves_the_records_right(store, ran):
    held, later = Held(), LaterStore(store)

    @tool(effect="unsafe", approval="approver")
    async def pay(amount: int, context: ToolContext) -> None:
        """Pay."""
        await until(lambda: logged(store, context.thread_id, "deferred.closed"))
        ran.append(amount)

    async with desk_of(store, pay, model=held.model) as desk:
        one, two = await asked(desk, "pay 1 2")
        turn = await desk.submit(ASKER, one.thread, "wait")
        await desk.decide(APPROVER, one.id, "approve", one.digest)
    async with desk_of(store) as without:
        await without.stop(ASKER, turn.id)
    later.ahead = timedelta(days=7, seconds=1).total_seconds()
    async with desk_of(later, pay) as desk:
        await desk.recover()
        await reported(desk, one)
        assert (await record(desk, two)).closed == "expired"
        await consistent(desk, one.thread)
    assert ran == [1]


class Slow(LaterStore):
    """Its searches take turns with other tasks, as those over a network do."""

    async def find(self, query):
        await anyio.sleep(0.002)
        return await super().find(query)


async def test_a_sweep_that_takes_over_a_turn_leaves_the_requests_to_the_next_one(store, pay, ran):
    later, go_on = Slow(store), anyio.Event()

    @tool(effect="read")
    async def look(context: ToolContext) -> str:
        """Look."""
        await until(lambda: logged(store, context.thread_id, "deferred.closed"))
        return "12"

    def looking(request):
        last = request.messages[-1]
        return [Wait(go_on), Call("look", {})] if last.role == "user" and last.text == "look" else script(request)

    async with desk_of(later, pay, look, model=ScriptedModel(looking)) as desk:
        (call,) = await asked(desk)
        turn = await desk.submit(ASKER, call.thread, "look")
    go_on.set()
    later.ahead = timedelta(days=7, seconds=1).total_seconds()
    async with desk_of(later, pay, look, model=ScriptedModel(looking)) as desk:
        for _ in range(2):
            await desk.recover()
        assert (await ended(desk, turn)).status == "completed"
        assert (await record(desk, call)).closed == "expired"
        await consistent(desk, call.thread)
    assert ran == []


async def test_arguments_that_do_not_fit_the_tool_are_refused_and_the_request_still_waits(store, pay, ran):
    @tool(effect="unsafe", approval="approver", name="pay")
    def changed(amount: int, account: str) -> str:
        """Pay."""
        ran.append(account)
        return "paid"

    async with desk_of(store, pay) as desk:
        (call,) = await asked(desk)
        with pytest.raises(InvalidInput, match="amount"):
            await desk.decide(APPROVER, call.id, "approve", call.digest, arguments={"amount": "all"})
    async with desk_of(store, changed) as desk:
        with pytest.raises(InvalidInput, match="account"):
            await desk.decide(APPROVER, call.id, "approve", call.digest)
        assert (await record(desk, call)).status == "waiting"
        await desk.decide(APPROVER, call.id, "approve", call.digest, arguments={"amount": 1, "account": "a"})
        await reported(desk, call)
    assert ran == ["a"]


async def test_arguments_that_do_not_fit_any_more_once_a_decision_is_carried_out_fail_on_record(store, pay, ran):
    @tool(effect="unsafe", approval="approver", name="pay")
    def changed(account: str) -> str:
        """Pay."""
        ran.append(account)
        return "paid"

    call, turn = await decided_while_open(store, pay)
    async with desk_of(store, changed) as desk:
        await desk.stop(ASKER, turn.id)
        view = await reported(desk, call)
        assert (view.turn.status, view.calls[0].status) == ("completed", "failed")
        assert "account" in view.calls[0].error
        await consistent(desk, call.thread)
    assert ran == []


@pytest.mark.parametrize("decided", [False, True])
async def test_a_request_whose_arguments_were_erased_is_closed(store, pay, ran, decided):
    held = Held()
    async with desk_of(store, pay, model=held.model) as desk:
        (call,) = await asked(desk)
        turn = await desk.submit(ASKER, call.thread, "wait")
        if decided:
            await desk.decide(APPROVER, call.id, "approve", call.digest)
        await store.erase(f"thread:{call.thread}", kinds=["model.answered"])
        journal = desk._journal(call.thread)
        await journal.load(call.turn)
        await journal.append(Note(fact=Erased(turn=call.turn, kinds=["model.answered"])), by="desk")
        held.go_on.set()
        await ended(desk, turn)
        await until(lambda: idle(desk))
        await desk.recover()
        waits = await record(desk, call)
        assert (waits.status, waits.closed, waits.arguments, waits.report) == ("closed", "erased", None, None)
        assert (await desk.archive.thread(ASKER, call.thread)).deferred == []
        assert (await desk.oversight.waiting_calls(APPROVER)).items == []
        await check(store, call.thread)
    assert ran == []


@pytest.mark.parametrize(("outcome", "status"), [(OutcomeUnknown("gone"), "unknown"), (ValueError("no"), "failed")])
async def test_what_comes_of_the_call_is_told_as_of_any_other(store, ran, outcome, status):
    @tool(effect="unsafe", approval="approver")
    def pay(amount: int) -> str:
        """Pay."""
        ran.append(amount)
        raise outcome

    async with desk_of(store, pay, model=(model := ScriptedModel(script))) as desk:
        (call,) = await asked(desk)
        await desk.decide(APPROVER, call.id, "approve", call.digest)
        view = await reported(desk, call)
        assert (view.calls[0].status, view.turn.status) == (status, "completed")
        last = model.requests[-1].messages[-1]
        assert last.report.failed
        assert f"What came of it: {last.report.content}" in last.text
        assert str(outcome) in last.report.content
    assert ran == [1]


@pytest.mark.parametrize("started", [False, True])
async def test_a_desk_lost_before_the_call_has_started_leaves_it_to_the_next_and_after_it_unknown(store, started):
    ran, release = [], anyio.Event()

    class Dies(WrappedStore):
        """The commit with the start of the call is the last one, or is never made."""

        dead = False

        async def commit(self, stream, after, entries, records=(), *, id):
            starts = any(entry.kind == "tool.started" for entry in entries)
            self.dead = self.dead or (starts and not started)
            if self.dead:
                await anyio.sleep_forever()
            await super().commit(stream, after, entries, records, id=id)
            self.dead = starts

    @tool(effect="unsafe", approval="approver")
    async def pay(amount: int) -> str:
        """Pay."""
        ran.append(amount)
        await release.wait()
        return "paid"

    desk = desk_of(Dies(store), pay)
    await desk.start()
    (call,) = await asked(desk)
    await desk.decide(APPROVER, call.id, "approve", call.digest)
    await until(lambda: begun(desk, ran, started))
    desk._workers._tasks.cancel_scope.cancel()  # as if killed
    await until(lambda: idle(desk))
    release.set()
    async with desk_of(store, pay) as other:
        await other.recover()
        view = await reported(other, call)
        assert view.calls[0].status == ("unknown" if started else "succeeded")
        await consistent(other, call.thread)
    assert ran == [1]


async def begun(desk, ran, started):
    return ran if started else any(work.state.open_turn for work in desk._workers._works.values())


async def test_the_same_request_is_not_made_a_second_time_while_it_waits_or_is_about_to_be_carried_out(store, pay, ran):
    held = Held()
    async with desk_of(store, pay, model=held.model) as desk:
        one, again = await asked(desk, "pay 1 1")
        assert (one.status, again.status, again.code) == ("deferred", "denied", "asked_already")
        told = held.model.requests[-1].messages[-1]
        assert "It was not made a second time" in told.content
        (once_more,) = await asked(desk, "pay 1", one.thread)
        assert (once_more.status, once_more.code) == ("denied", "asked_already")
        assert len((await desk.archive.thread(ASKER, one.thread)).deferred) == 1
        (elsewhere,) = await asked(desk, "pay 1")
        assert elsewhere.status == "deferred"

        await desk.withdraw(ASKER, one.id)
        (anew,) = await asked(desk, "pay 1", one.thread)
        assert anew.status == "deferred"
        await desk.decide(APPROVER, anew.id, "deny", anew.digest)
        await reported(desk, anew)
        (anew,) = await asked(desk, "pay 1", one.thread)
        assert anew.status == "deferred"
    assert ran == []


async def test_a_request_that_was_approved_a_moment_ago_is_not_made_again_by_the_turn_that_holds_it_up(store, pay, ran):
    go_on = anyio.Event()

    def slow(request):
        last = request.messages[-1]
        return (
            [Wait(go_on), Call("pay", {"amount": 1})]
            if last.role == "user" and last.text == "again"
            else script(request)
        )

    async with desk_of(store, pay, model=ScriptedModel(slow)) as desk:
        (call,) = await asked(desk)
        turn = await desk.submit(ASKER, call.thread, "again")
        await desk.decide(APPROVER, call.id, "approve", call.digest)
        go_on.set()
        await ended(desk, turn)
        (again,) = (await desk.archive.turn_view(ASKER, turn.id)).calls
        assert (again.status, again.code) == ("denied", "asked_already")
        await reported(desk, call)
        await consistent(desk, call.thread)
    assert ran == [1]


async def test_a_thread_has_so_many_requests_at_most(store, pay, monkeypatch):
    assert core.turn.deferred.MAX_DEFERRED == 20
    monkeypatch.setattr(core.turn.deferred, "MAX_DEFERRED", 2)
    async with desk_of(store, pay) as desk:
        calls = await asked(desk, "pay 1 2 3")
        assert [(call.status, call.code) for call in calls] == [
            ("deferred", None),
            ("deferred", None),
            ("denied", "too_many"),
        ]
        await desk.withdraw(ASKER, calls[0].id)
        (call,) = await asked(desk, "pay 4", calls[0].thread)
        assert call.status == "deferred"


async def test_hooks_see_the_call_when_it_is_carried_out(store, pay, ran):
    seen = []

    async def before(view):
        seen.append((view.viewer.id, view.tool, dict(view.arguments)))
        return "The account is closed." if view.arguments["amount"] == 2 else None

    async def after(view, outcome):
        return f"[checked] {outcome.told}"

    hooks = [Hooks(before_tool_call=before, after_tool_call=after)]
    async with desk_of(store, pay, model=(model := ScriptedModel(script)), hooks=hooks) as desk:
        one, two = await asked(desk, "pay 1 2")
        assert seen == []
        await desk.decide(APPROVER, one.id, "approve", one.digest)
        (run,) = (await reported(desk, one)).calls
        assert (run.status, run.told) == ("succeeded", "[checked] 1 paid")
        assert model.requests[-1].messages[-1].report.content == "[checked] 1 paid"
        await desk.decide(APPROVER, two.id, "approve", two.digest)
        (run,) = (await reported(desk, two)).calls
        assert (run.status, run.code) == ("denied", "denied_by_hook")
        assert "The account is closed." in model.requests[-1].messages[-1].report.content
        await consistent(desk, one.thread)
    assert seen == [(ASKER.id, "pay", {"amount": 1}), (ASKER.id, "pay", {"amount": 2})]
    assert ran == [1]


async def test_no_question_can_take_the_request_of_a_report(store, pay, ran):
    async with desk_of(store, pay) as desk:
        (call,) = await asked(desk)
        (_, request) = core.turn.deferred.report_turn(call.thread, call.id)
        with pytest.raises(InvalidInput, match="request id"):
            await desk.submit(ASKER, call.thread, "And?", request)
        await desk.decide(APPROVER, call.id, "approve", call.digest)
        assert len((await reported(desk, call)).calls) == 1
        await consistent(desk, call.thread)
    assert ran == [1]


async def test_the_call_is_carried_out_for_the_asker_with_their_standing_at_the_time(store):
    seen = []

    @tool(effect="unsafe", approval="approver")
    def pay(amount: int, context: ToolContext) -> None:
        """Pay."""
        seen.append(context.viewer)

    asker = Viewer(ASKER.id, country="at", entity="rolltop gmbh")
    async with desk_of(store, pay) as desk:
        (call,) = await asked(desk, viewer=asker)
        await desk.decide(APPROVER, call.id, "approve", call.digest)
        await reported(desk, call)
    assert seen == [asker]


async def test_the_next_question_waits_for_the_report_under_way(store, ran):
    go_on = anyio.Event()

    @tool(effect="unsafe", approval="approver")
    async def pay(amount: int) -> None:
        """Pay."""
        await go_on.wait()
        ran.append(amount)

    async with desk_of(store, pay) as desk:
        (call,) = await asked(desk)
        await desk.decide(APPROVER, call.id, "approve", call.digest)
        with pytest.raises(TurnInProgress) as caught:
            await desk.submit(ASKER, call.thread, "And?")
        assert caught.value.turn_id == await report_of(desk, call)
        go_on.set()
        await reported(desk, call)
    assert ran == [1]


async def test_two_decisions_at_a_desk_with_one_place_are_both_reported(store, pay, ran):
    options = QUICK.model_copy(update={"turns_at_once": 1})
    held = Held()
    async with desk_of(store, pay, model=held.model, options=options) as desk:
        (one,) = await asked(desk)
        (two,) = await asked(desk, "pay 2")
        busy = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "wait")
        for call in (one, two):
            await desk.decide(APPROVER, call.id, "approve", call.digest)
        assert ran == []
        held.go_on.set()
        await ended(desk, busy)
        for call in (one, two):
            await reported(desk, call)
            await consistent(desk, call.thread)
    assert sorted(ran) == [1, 2]


async def test_an_archive_alone_says_what_became_of_a_request_and_not_of_another_call(store, pay):
    async with desk_of(store, pay) as desk:
        (call,) = await asked(desk)
        await desk.decide(APPROVER, call.id, "approve", call.digest)
        run = (await reported(desk, call)).calls[0]
        view = await desk.archive.turn_view(ASKER, call.turn)
        assert [one.call for one in view.deferred] == [call.id]
    archive = Archive(store)
    assert (await archive.deferred_call(ASKER, call.id)).report == run.turn
    with pytest.raises(NotFound, match=f"^call {run.id} was not found$"):
        await archive.deferred_call(ASKER, run.id)
    assert (await archive.deferred_call(AUDITOR, call.id)).owner != ASKER.id
