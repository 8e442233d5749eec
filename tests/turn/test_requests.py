"""Putting questions: one request is one turn, one thread has one open turn, and what is not accepted is said."""

import anyio
import pytest

from backends.models.scripted.model import Say, ScriptedModel, Wait
from core import Desk, DeskClosed, InvalidInput, NotFound, RequestMismatch, TurnInProgress, tool
from core.desk.checks import MAX_QUESTION
from tests.support.desks import ASKER, OTHER, check, ended, logged


async def thread_of(desk):
    return (await desk.create_thread(ASKER)).id


@pytest.mark.parametrize("desks", [1, 2])
async def test_the_same_request_many_times_at_once_is_one_turn(store, desks):
    one, two = ScriptedModel([[Say("Twelve.")]]), ScriptedModel([[Say("Twelve.")]])
    turns = []
    async with Desk(store, one) as desk, Desk(store, two) as other:
        thread = await thread_of(desk)

        async def submit(by):
            turns.append(await by.submit(ASKER, thread, "How many?", "click-1"))

        async with anyio.create_task_group() as tasks:
            for n in range(10):
                tasks.start_soon(submit, other if desks == 2 and n % 2 else desk)
        assert len({turn.id for turn in turns}) == 1
        turn = await ended(desk, turns[0])
        assert (turn.status, turn.text, turn.request_id) == ("completed", "Twelve.", "click-1")
        assert len(await logged(store, thread, "turn.opened")) == 1
        assert len(one.requests) + len(two.requests) == 1
        assert (await desk.submit(ASKER, thread, "How many?", "click-1")).status == "completed"
        await check(store, thread)


async def test_the_same_request_after_other_turns_is_still_that_turn(store):
    async with Desk(store, ScriptedModel([[Say("One.")], [Say("Two.")]])) as desk:
        thread = await thread_of(desk)
        first = await ended(desk, await desk.submit(ASKER, thread, "1?", "a"))
        await ended(desk, await desk.submit(ASKER, thread, "2?", "b"))
        assert (await desk.submit(ASKER, thread, "1?", "a")).id == first.id
        assert len(await logged(store, thread, "turn.opened")) == 2


async def test_a_request_id_with_another_text_is_refused(store):
    async with Desk(store, ScriptedModel([[Say("One.")]])) as desk:
        thread = await thread_of(desk)
        await ended(desk, await desk.submit(ASKER, thread, "1?", "a"))
        with pytest.raises(RequestMismatch, match="send a new request id") as caught:
            await desk.submit(ASKER, thread, "2?", "a")
    assert "2?" not in str(caught.value)


async def test_a_request_id_means_nothing_on_another_thread(store):
    async with Desk(store, ScriptedModel([[Say("One.")], [Say("Two.")]])) as desk:
        turns = [await desk.submit(ASKER, await thread_of(desk), f"{n}?", "a") for n in (1, 2)]
        assert turns[0].id != turns[1].id
        for turn in turns:
            await ended(desk, turn)


@pytest.mark.parametrize("desks", [1, 2])
async def test_of_two_questions_at_once_one_is_accepted_and_the_other_told_which(store, desks):
    gate = anyio.Event()
    outcomes = []
    async with (
        Desk(store, ScriptedModel([[Wait(gate), Say("Yes.")]])) as desk,
        Desk(store, ScriptedModel([[Wait(gate), Say("Yes.")]])) as other,
    ):
        thread = await thread_of(desk)

        async def submit(by, text):
            try:
                outcomes.append(await by.submit(ASKER, thread, text))
            except TurnInProgress as error:
                outcomes.append(error)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(submit, desk, "1?")
            tasks.start_soon(submit, other if desks == 2 else desk, "2?")
        (turn,) = [outcome for outcome in outcomes if not isinstance(outcome, TurnInProgress)]
        (refused,) = [outcome for outcome in outcomes if isinstance(outcome, TurnInProgress)]
        assert (refused.turn_id, refused.status) == (turn.id, "running")
        gate.set()
        assert (await ended(desk, turn)).status == "completed"
        assert len(await logged(store, thread, "turn.opened")) == 1


@pytest.mark.parametrize("text", ["", "  \n", None, 7, ["?"], "x" * (MAX_QUESTION + 1), "a\ud800"], ids=repr)
async def test_what_is_no_question_is_refused_and_leaves_nothing(store, text):
    async with Desk(store, ScriptedModel([])) as desk:
        thread = await thread_of(desk)
        with pytest.raises(InvalidInput):
            await desk.submit(ASKER, thread, text)
        assert await logged(store, thread, "turn.opened") == []


@pytest.mark.parametrize("text", ["\0", "\u202e evil", "😀" * 1000, "\x1b[31m", "x" * MAX_QUESTION], ids=ascii)
async def test_any_other_text_is_kept_as_it_was(store, text):
    text += "?"
    text = text[-MAX_QUESTION:]
    async with Desk(store, ScriptedModel([[Say("Yes.")]])) as desk:
        turn = await ended(desk, await desk.submit(ASKER, await thread_of(desk), text))
    assert turn.question == text


@pytest.mark.parametrize("id", ["", "a b", "../x", "$gt", "ä", "x" * 129, 1, True, {"$gt": ""}])
async def test_what_is_no_request_id_is_refused(store, id):
    async with Desk(store, ScriptedModel([])) as desk:
        with pytest.raises(InvalidInput, match=r"request.id"):
            await desk.submit(ASKER, await thread_of(desk), "?", id)


@pytest.mark.parametrize("id", ["", "nobody's", "../x", "x" * 10_000, "a.b", "%00"])
async def test_what_is_no_thread_id_is_not_found(store, id):
    async with Desk(store, ScriptedModel([])) as desk:
        with pytest.raises(NotFound):
            await desk.submit(ASKER, id, "?")


async def test_a_foreign_thread_takes_no_question(store):
    async with Desk(store, ScriptedModel([])) as desk:
        thread = await thread_of(desk)
        with pytest.raises(NotFound, match=f"^thread {thread} was not found$"):
            await desk.submit(OTHER, thread, "?")


async def test_a_desk_that_is_not_open_takes_no_question(store):
    desk = Desk(store, ScriptedModel([[Say("Yes.")]]))
    thread = await thread_of(desk)
    with pytest.raises(DeskClosed):
        await desk.submit(ASKER, thread, "?")
    async with desk:
        pass
    with pytest.raises(DeskClosed):
        await desk.submit(ASKER, thread, "?")
    async with desk:
        assert (await ended(desk, await desk.submit(ASKER, thread, "?"))).text == "Yes."


async def test_a_caller_who_leaves_while_the_question_goes_on_record_leaves_no_turn_without_a_worker(store):
    from tests.support.wrapped import HeldStore

    held = HeldStore(store, "thread:")
    held.let(1)
    async with Desk(held, ScriptedModel([[Say("Twelve.")]])) as desk:
        thread = await thread_of(desk)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(desk.submit, ASKER, thread, "How many?", "r1")
            await held.arrived()
            tasks.cancel_scope.cancel()
            held.let()
        turn = await desk.submit(ASKER, thread, "How many?", "r1")
        assert (await ended(desk, turn)).text == "Twelve."
        assert len(await logged(store, thread, "turn.claimed")) == 1


async def test_what_a_turn_runs_with_is_stored_once_and_named_by_every_turn(store):
    @tool(effect="read")
    def look() -> int:
        """Look."""
        return 1

    model = ScriptedModel([[Say("One.")], [Say("Two.")]])
    async with Desk(store, model, tools=[look], instructions="Be brief.") as desk:
        thread = await thread_of(desk)
        one = await ended(desk, await desk.submit(ASKER, thread, "1?"))
        two = await ended(desk, await desk.submit(ASKER, thread, "2?"))
    assert one.snapshot == two.snapshot
    (tools,) = await store.read(f"blob:{one.snapshot.tools}")
    (instructions,) = await store.read(f"blob:{one.snapshot.instructions}")
    assert [schema["name"] for schema in tools.payload["value"]] == ["look"]
    assert instructions.payload["value"] == "Be brief."
