"""Requests to approvers as reviewers find them: which of them wait, why one was closed, what came after its turn."""

import pytest

from backends.models.scripted.model import Call, Say, ScriptedModel
from core import Archive, Desk, NotFound, Viewer, tool
from core.desk.filters import CallFilter
from core.desk.kept_totals import KEPT_SECONDS
from core.desk.oversight import WAITING_SECONDS
from core.turn.deferred import report_turn
from tests.support.desks import APPROVER, ASKER, AUDITOR, QUICK, HandClock, ended, log_of
from tests.support.wrapped import CountingStore, LaterStore


@tool(effect="unsafe", approval="approver")
def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


@tool(effect="unsafe")
def book() -> str:
    """Book."""
    return "booked"


def script(request):
    match request.messages[-1].text.split() if request.messages[-1].role == "user" else []:
        case ["pay", amount]:
            return [Call("pay", {"amount": int(amount)})]
        case ["book"]:
            return [Call("book", {})]
    return [Say("Noted.")]


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
async def desk(store, clock):
    async with Desk(store, ScriptedModel(script), tools=[pay, book], options=QUICK, clock=clock) as desk:
        yield desk


async def requested(desk, thread, amount=5):
    """The call of a new turn that was passed to an approver."""
    turn = await ended(desk, await desk.submit(ASKER, thread, f"pay {amount}"))
    return (await desk.archive.turn_view(ASKER, turn.id)).calls[0]


async def decide(desk, call, outcome, **more):
    """Decide, and wait until the turn that reports it has ended; its id."""
    await desk.decide(APPROVER, call.id, outcome, call.digest, **more)
    turn, _ = report_turn(call.thread, call.id)
    await ended(desk, turn)
    return turn


async def waiting(desk):
    """The calls that wait, as the list has them; the figures of the overview and of the tools say as many."""
    desk._clock.advance(KEPT_SECONDS + 1)
    listed = (await desk.oversight.search_calls(AUDITOR, CallFilter(waiting=True))).items
    counted = (await desk.oversight.count_calls(AUDITOR, CallFilter(waiting=True), {})).value.total
    figure = (await desk.figures.overview(AUDITOR, None, None)).value.waiting_calls
    of_tools = sum(one.waiting for one in (await desk.oversight.tool_report(AUDITOR)).value)
    assert counted == figure == of_tools == len(listed)
    return {call.id for call in listed}


async def test_calls_that_wait_for_either_person_are_listed_and_counted_until_they_are_decided(desk):
    thread = (await desk.create_thread(ASKER)).id
    first, second = [await requested(desk, thread, amount) for amount in (1, 2)]
    parked = (
        await desk.archive.turn_view(ASKER, (await ended(desk, await desk.submit(ASKER, thread, "book"))).id)
    ).calls
    assert await waiting(desk) == {first.id, second.id, parked[0].id}
    await desk.decide(ASKER, parked[0].id, "deny", parked[0].digest)
    await ended(desk, parked[0].turn)
    await decide(desk, first, "approve")
    await decide(desk, second, "deny")
    assert await waiting(desk) == set()
    for status in ("deferred", "awaiting_approval"):
        found = (await desk.oversight.search_calls(AUDITOR, CallFilter(waiting=True, statuses=(status,)))).items
        assert found == []


async def test_an_approver_is_told_how_many_requests_of_others_wait_and_nothing_of_it_is_a_look(store, clock):
    counting = CountingStore(store)
    async with Desk(counting, ScriptedModel(script), tools=[pay, book], options=QUICK, clock=clock) as desk:
        count, both = desk.oversight.count_waiting, Viewer(ASKER.id, roles={"employee", "approver"})
        assert await count(APPROVER) == 0
        thread = (await desk.create_thread(ASKER)).id
        first, second = [await requested(desk, thread, amount) for amount in (1, 2)]
        await ended(desk, await desk.submit(ASKER, thread, "book"))  # it waits for its asker
        assert await count(APPROVER) == 0  # as it was counted a moment ago
        clock.advance(WAITING_SECONDS + 1)
        assert await count(APPROVER) == 2 == len((await desk.oversight.waiting_calls(APPROVER)).items)
        assert await count(both) == 0
        counting.reset()
        assert [await count(APPROVER) for _ in range(5)] == [2] * 5
        assert "tally" not in counting.calls
        await desk.decide(APPROVER, first.id, "deny", first.digest)
        assert await count(APPROVER) == 1
        await desk.withdraw(ASKER, second.id)
        clock.advance(WAITING_SECONDS + 1)
        assert await count(APPROVER) == 0
        looks = [entry.kind for entry in await store.read(f"audit:{both.id}")]
    assert looks == []


async def test_a_stopped_turn_and_a_request_that_was_taken_back_wait_no_more_and_say_why(desk):
    thread = (await desk.create_thread(ASKER)).id
    call = await requested(desk, thread)
    parked = await ended(desk, await desk.submit(ASKER, thread, "book"))
    await desk.stop(ASKER, parked.id)
    await desk.withdraw(ASKER, call.id)
    assert await waiting(desk) == set()
    closed = await desk.archive.call(AUDITOR, call.id)
    assert (closed.status, closed.closed, closed.decision) == ("deferred", "withdrawn", None)
    late = await desk.decide(APPROVER, call.id, "approve", call.digest)
    assert (late.decision, late.closed) == (None, "withdrawn")


async def test_a_request_that_nobody_decided_in_time_waits_no_more(store, clock):
    later = LaterStore(store)
    async with Desk(later, ScriptedModel(script), tools=[pay], options=QUICK, clock=clock) as desk:
        call = await requested(desk, (await desk.create_thread(ASKER)).id)
        later.ahead = 8 * 86_400
        late = await desk.decide(APPROVER, call.id, "approve", call.digest)
        assert (late.waits, late.closed, late.decision) == (False, "expired", None)
        assert await waiting(desk) == set()


async def test_the_history_of_a_request_holds_what_came_after_its_turn_and_reads_no_other_turns(store):
    counting, costs = CountingStore(store), []
    archive = Archive(counting)
    async with Desk(store, ScriptedModel(script), tools=[pay], options=QUICK) as desk:
        await archive.thread(AUDITOR, (await desk.create_thread(ASKER)).id)  # makes the key of the pseudonyms
        for between in (1, 12):
            thread = (await desk.create_thread(ASKER)).id
            call = await requested(desk, thread)
            for number in range(between):
                await ended(desk, await desk.submit(ASKER, thread, f"Question {number}"))
            report = await decide(desk, call, "approve", arguments={"amount": 4}, reason="Less")
            counting.reset()
            history = await archive.call_history(AUDITOR, call.id)
            costs.append((counting.calls, counting.bytes))
    assert [step.kind for step in history.steps] == [
        "model.answered",
        "call.deferred",
        "approval.given",
        "turn.opened",
    ]
    assert history.steps[2].by == APPROVER.id
    log = {entry.n: entry for entry in await log_of(store, thread)}
    assert [step.hash for step in history.steps] == [log[step.n].hash[:12] for step in history.steps]
    assert history.unreadable == []
    (calls, size), (later_calls, later_size) = costs
    assert calls == later_calls
    assert later_size < 1.1 * size
    async with Desk(store, ScriptedModel(script), tools=[pay], options=QUICK) as desk:
        deferred = await desk.archive.deferred_call(AUDITOR, call.id)
        assert deferred.carried_out_by == f"{report}-t1"
        carried = await desk.archive.call_history(AUDITOR, deferred.carried_out_by)
    assert (carried.call.carries_out, carried.call.result) == (call.id, "paid 4")
    assert [step.kind for step in carried.steps] == ["turn.opened", "tool.started", "tool.finished"]


async def test_the_history_of_a_closed_request_ends_with_its_closing(desk):
    thread = (await desk.create_thread(ASKER)).id
    call = await requested(desk, thread)
    await ended(desk, await desk.submit(ASKER, thread, "Question"))
    await desk.withdraw(ASKER, call.id)
    history = await desk.archive.call_history(AUDITOR, call.id)
    assert [step.kind for step in history.steps] == ["model.answered", "call.deferred", "deferred.closed"]
    assert (await desk.archive.deferred_call(AUDITOR, call.id)).carried_out_by is None


async def test_an_approver_opens_a_request_while_it_waits_and_after_they_have_decided_it(desk):
    thread = (await desk.create_thread(ASKER)).id
    mine, closed = [await requested(desk, thread, amount) for amount in (1, 2)]
    for call in (mine, closed):
        history = await desk.archive.call_history(APPROVER, call.id)
        assert history.call.owner == ASKER.id
        assert (await desk.archive.deferred_call(APPROVER, call.id)).status == "waiting"
    await decide(desk, mine, "approve")
    await desk.withdraw(ASKER, closed.id)
    deferred = await desk.archive.deferred_call(APPROVER, mine.id)
    assert (await desk.archive.call_history(APPROVER, deferred.carried_out_by)).call.status == "succeeded"
    for read in (desk.archive.call_history, desk.archive.deferred_call):
        with pytest.raises(NotFound):
            await read(APPROVER, closed.id)


async def test_the_report_of_a_decision_is_not_counted_as_a_question(desk):
    thread = (await desk.create_thread(ASKER)).id
    await decide(desk, await requested(desk, thread), "approve")
    assert (await desk.archive.thread(ASKER, thread)).turns == 2
    assert (await desk.figures.overview(AUDITOR, None, None)).value.span.questions == 1
