"""Ending a turn before its time: by a stop, by closing its desk, or because nobody is left to go on with it."""

from contextlib import aclosing
from functools import partial

import anyio
import pytest

import core.desk.workers
from backends.models.scripted.model import Call, Say, ScriptedModel, Wait
from core import Desk, Options, tool
from core.live.stream import live_stream
from core.worker.history import as_json
from tests.support.desks import (
    ASKER,
    PATIENCE,
    QUICK,
    HandClock,
    check,
    ended,
    events,
    kinds,
    live_text,
    logged,
    text_of,
    until,
    waiting,
)
from tests.support.wrapped import HeldStore

NEVER = anyio.Event


async def asked(desk, text="How many days?", thread=None):
    thread = thread or (await desk.create_thread(ASKER)).id
    return await desk.submit(ASKER, thread, text)


async def shown(desk, turn, text):
    """Follow until this text was seen."""
    seen = []
    async with aclosing(desk.follow(ASKER, turn.id)) as following:
        async for event in following:
            seen.append(event)
            if text in text_of(seen):
                return


@pytest.fixture
def acting():
    """Tools of each effect that say that they have begun, and go on when told to."""
    begun, go_on = anyio.Event(), anyio.Event()

    def make(effect):
        @tool(effect=effect, name=f"act_{effect}")
        async def act(days: int) -> str:
            """Act."""
            begun.set()
            await go_on.wait()
            return f"{days} booked"

        return act

    tools = {effect: make(effect) for effect in ("read", "idempotent", "unsafe")}
    return tools, begun, go_on


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_stop_keeps_the_text_so_far(store, elsewhere):
    script = [[Say("You have "), Wait(NEVER())], [Say("Next.")]]
    quick_beat = Options(beat=0.05)
    async with Desk(store, ScriptedModel(script), options=quick_beat) as desk, Desk(store, ScriptedModel([])) as other:
        turn = await asked(desk)
        await shown(desk, turn, "You have ")
        stopped = await (other if elsewhere else desk).stop(ASKER, turn.id)
        assert (stopped.status, stopped.code, stopped.text) == ("cancelled", "stopped", "You have ")
        assert text_of(await events(desk, turn)) == "You have "
        assert (await ended(desk, await asked(desk, "Next?", turn.thread))).text == "Next."
        await check(store, turn.thread)


async def test_everything_a_follower_saw_before_a_stop_is_kept(store):
    words = "".join(f"word{n} " for n in range(2000))
    for stop_after in ("word0 ", "word3 ", "word40 "):
        async with Desk(store, ScriptedModel([[Say(words)]]), flush_seconds=0) as desk:
            turn = await asked(desk)
            seen = []
            async with aclosing(desk.follow(ASKER, turn.id)) as following:
                async for event in following:
                    seen.append(event)
                    if stop_after in text_of(seen):
                        break
            stopped = await desk.stop(ASKER, turn.id)
            assert stopped.text.startswith(text_of(seen))
            assert stopped.text in (words, await live_text(store, turn.id))


@pytest.mark.parametrize(
    ("effect", "status"), [("read", "cancelled"), ("idempotent", "unknown"), ("unsafe", "unknown")]
)
@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_stop_says_of_a_running_tool_what_can_be_known_and_its_late_result_is_evidence(
    store, acting, effect, status, elsewhere
):
    tools, begun, go_on = acting
    model = ScriptedModel([[Call(f"act_{effect}", {"days": 3})]])
    async with (
        Desk(store, model, tools=list(tools.values())) as desk,
        Desk(store, ScriptedModel([])) as other,
    ):
        turn = await asked(desk)
        if effect == "unsafe":
            (call,) = await waiting(desk, turn)
            await desk.decide(ASKER, call.id, "approve", call.digest)
        await begun.wait()
        stopped = await (other if elsewhere else desk).stop(ASKER, turn.id)
        assert stopped.status == "cancelled"
        call = (await desk.archive.turn_view(ASKER, turn.id)).calls[0]
        assert (call.status, call.code, call.late) == (status, "stop", [])
        go_on.set()
        await until(lambda: logged(store, turn.thread, "late"))
        call = await desk.archive.call(ASKER, call.id)
        assert call.status == status
        assert [(late["status"], late["result"], late["fence"] < stopped.fence) for late in call.late] == [
            ("succeeded", "3 booked", True)
        ]
        await check(store, turn.thread)


async def test_a_stop_of_a_parked_turn_cancels_the_calls_that_never_started(store, acting):
    tools, begun, _ = acting
    model = ScriptedModel([[Say("May I?"), Call("act_unsafe", {"days": 3}), Call("act_read", {"days": 1})]])
    _, _, go_on = acting
    go_on.set()
    async with Desk(store, model, tools=list(tools.values())) as desk:
        turn = await asked(desk)
        await waiting(desk, turn)
        stopped = await desk.stop(ASKER, turn.id)
        calls = (await desk.archive.turn_view(ASKER, turn.id)).calls
    assert (stopped.status, stopped.text) == ("cancelled", "May I?")
    assert {call.tool: call.status for call in calls} == {"act_unsafe": "cancelled", "act_read": "succeeded"}
    assert begun.is_set()
    assert "tool.started" in await kinds(store, turn.thread)


async def test_stopping_an_ended_turn_changes_nothing(store):
    async with Desk(store, ScriptedModel([[Say("Twelve.")]])) as desk:
        turn = await ended(desk, await asked(desk))
        before = await kinds(store, turn.thread)
        assert await desk.stop(ASKER, turn.id) == turn
        assert await kinds(store, turn.thread) == before


async def test_a_stop_needs_no_open_desk(store):
    async with Desk(store, ScriptedModel([[Say("You "), Wait(NEVER())]])) as desk:
        turn = await asked(desk)
        await shown(desk, turn, "You ")
        assert (await Desk(store, ScriptedModel([])).stop(ASKER, turn.id)).status == "cancelled"


async def test_two_stops_at_once_end_a_turn_once(store):
    async with Desk(store, ScriptedModel([[Say("You "), Wait(NEVER())]])) as desk, Desk(store, ScriptedModel([])) as b:
        turn = await asked(desk)
        await shown(desk, turn, "You ")
        async with anyio.create_task_group() as tasks:
            for by in (desk, b, desk, b):
                tasks.start_soon(by.stop, ASKER, turn.id)
        assert len(await logged(store, turn.thread, "turn.ended")) == 1


async def test_closing_a_desk_lets_a_turn_go_and_the_next_desk_goes_on_with_it(store):
    reached = anyio.Event()

    async def hold():
        reached.set()
        await anyio.sleep_forever()

    async with Desk(store, ScriptedModel([[Wait(hold)]])) as desk:
        turn = await asked(desk)
        await reached.wait()
    assert (await kinds(store, turn.thread))[-1] == "turn.released"
    async with Desk(store, ScriptedModel([[Say("Twelve.")]])) as desk:
        assert (await ended(desk, turn)).text == "Twelve."
        view = await desk.archive.turn_view(ASKER, turn.id)
        await check(store, turn.thread)
    assert [(call.status, call.code, call.fence) for call in view.model_calls] == [
        ("failed", "worker_left", 1),
        ("answered", None, 2),
    ]
    assert (await logged(store, turn.thread, "turn.claimed"))[-1].shell["reason"] == "resumed"


@pytest.mark.parametrize("commits", [2, 3])
async def test_a_desk_that_closes_while_a_commit_is_under_way_lets_the_turn_go(store, commits, monkeypatch):
    monkeypatch.setattr(core.desk.workers, "CLOSE_GRACE", 2 * PATIENCE)
    held = HeldStore(store, "thread:")
    held.let(commits)  # the thread, the question, and perhaps that the model is asked
    desk = Desk(held, ScriptedModel([[Wait(NEVER())]]))
    await desk.start()
    turn = await asked(desk)
    if commits == 2:
        await until(lambda: noop(held.holds))
    with anyio.fail_after(PATIENCE):  # well before the desk would give up waiting
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(desk.close)
            await until(lambda: noop(not desk._workers.started))
            held.let()
    assert (await kinds(store, turn.thread))[-1] == "turn.released"
    async with Desk(store, ScriptedModel([[Say("Twelve.")]])) as desk:
        assert (await ended(desk, turn)).text == "Twelve."


async def test_closing_a_desk_keeps_what_was_shown(store):
    async with Desk(store, ScriptedModel([[Say("You have "), Wait(NEVER())]])) as desk:
        turn = await asked(desk)
        await shown(desk, turn, "You have ")
    async with Desk(store, ScriptedModel([])) as desk:
        turn = await desk.archive.turn(ASKER, turn.id)
        assert (turn.status, turn.code, turn.text) == ("interrupted", "worker_left", "You have ")


async def test_a_desk_waits_for_a_running_tool_before_it_lets_the_turn_go(store, acting):
    tools, begun, go_on = acting
    model = ScriptedModel([[Call("act_idempotent", {"days": 3})]])
    desk = Desk(store, model, tools=list(tools.values()))
    await desk.start()
    turn = await asked(desk)
    await begun.wait()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(desk.close)
        await until(lambda: noop(not desk._workers.started))
        go_on.set()
    assert (await kinds(store, turn.thread))[-2:] == ["tool.finished", "turn.released"]


async def noop(value):
    return value


async def test_a_desk_without_the_model_leaves_a_turn_and_after_ten_leases_closes_it(store):
    clock = HandClock()
    async with Desk(store, ScriptedModel([[Wait(NEVER())]])) as desk:
        turn = await asked(desk)
    async with Desk(store, ScriptedModel([], name="scripted:other"), clock=clock) as other:
        await other.recover()
        clock.advance(290)
        await other.recover()
        assert (await other.archive.turn(ASKER, turn.id)).status == "running"
        clock.advance(20)
        await other.recover()
        turn = await other.archive.turn(ASKER, turn.id)
    assert (turn.status, turn.code) == ("failed", "no_worker")
    await check(store, turn.thread)


async def test_a_desk_without_a_tool_of_the_turn_leaves_it_to_one_that_has_it(store, acting):
    tools, _, _ = acting
    async with Desk(store, ScriptedModel([[Wait(NEVER())]]), tools=list(tools.values())) as desk:
        turn = await asked(desk)
    async with Desk(store, ScriptedModel([[Say("I know not how.")]])) as other:
        await other.recover()
        assert (await other.archive.turn(ASKER, turn.id)).status == "running"
    async with Desk(store, ScriptedModel([[Say("Twelve.")]]), tools=list(tools.values())) as desk:
        assert (await ended(desk, turn)).text == "Twelve."


async def is_sealed(store, stream):
    return (await store.read(stream))[-1].kind == "sealed"


async def test_a_turn_that_is_silent_for_longer_than_its_lease_is_taken_over_and_the_old_worker_shows_no_more(store):
    gate, clock = anyio.Event(), HandClock()
    script = [[Say("You have thir"), Wait(gate), Say("teen.")]]
    again = [[Say("Twelve.")]]
    options = Options(on_interruption="retry")
    async with (
        Desk(store, ScriptedModel(script), options=options) as desk,
        Desk(store, ScriptedModel(again), options=options, clock=clock) as other,
    ):
        turn = await asked(desk)
        await shown(desk, turn, "thir")
        await other.recover()
        assert (await other.archive.turn(ASKER, turn.id)).fence == 1
        clock.advance(31)
        await other.recover()
        # The seal comes after the claim, and until then the old worker may show more.
        await until(partial(is_sealed, store, live_stream(turn.id, 1)))
        gate.set()
        turn = await ended(other, turn)
        assert (turn.status, turn.text) == ("completed", "Twelve.")
        assert [e.shell["reason"] for e in await logged(store, turn.thread, "turn.claimed")] == [
            "opened",
            "lost",
            "retried",
        ]
        assert "teen" not in await live_text(store, turn.id)
        await check(store, turn.thread)


async def test_a_turn_whose_workers_are_lost_again_and_again_fails_at_the_sixth(store):
    clock = HandClock()
    model = ScriptedModel([[Wait(NEVER())]] * 10)
    async with Desk(store, model, options=Options(beat=1000), clock=clock) as desk:
        turn = await asked(desk)
        for asked_before in range(1, 7):
            await until(lambda n=asked_before: noop(len(model.requests) >= n))
            await desk.recover()
            clock.advance(31)
            await desk.recover()
        turn = await desk.archive.turn(ASKER, turn.id)
        view = await desk.archive.turn_view(ASKER, turn.id)
    reasons = [entry.shell["reason"] for entry in await logged(store, turn.thread, "turn.claimed")]
    assert (turn.status, turn.code, reasons) == ("failed", "worker_lost", ["opened"] + ["lost"] * 6)
    assert {call.status for call in view.model_calls} == {"failed"}
    assert {call.cost for call in view.model_calls} == {None}
    await check(store, turn.thread)


async def test_a_turn_that_goes_on_elsewhere_asks_with_what_it_was_opened_with(store):
    async with Desk(store, ScriptedModel([[Wait(NEVER())]]), instructions="Be brief.") as desk:
        thread = await desk.create_thread(ASKER, instructions="Answer in German.")
        turn = await desk.submit(ASKER, thread.id, "Wie viele Tage?")
    model = ScriptedModel([[Say("Zwölf.")]])
    async with Desk(store, model, options=QUICK) as desk:
        await ended(desk, turn)
    assert as_json(model.requests[0])["instructions"] == "Answer in German."
