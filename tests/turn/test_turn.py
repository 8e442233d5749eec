"""A turn, from its question to its end: what is shown, how it ends, and what an attempt that failed leaves behind."""

from contextlib import aclosing

import anyio
import pytest

from backends.models.scripted.model import Bill, Call, Cut, Fail, Pause, Say, ScriptedModel, Stop, Wait
from core import Desk, Options, Usage, tool
from core.errors import Full, Unavailable
from core.model import Ping
from core.worker.history import NUDGE
from tests.support.desks import ASKER, QUICK, check, ended, events, kinds, live_text, logged, merged, text_of, until
from tests.support.wrapped import HeldStore, WrappedStore

RETRY = Options(retry_delay=0.001, on_interruption="retry")


async def asked(desk, text="How many days?", thread=None):
    thread = thread or (await desk.create_thread(ASKER)).id
    return await desk.submit(ASKER, thread, text)


async def answer(store, script, options=QUICK, **given):
    """The turn that a script makes of one question, once it has ended, and its calls."""
    async with Desk(store, ScriptedModel(script), options=options, **given) as desk:
        turn = await ended(desk, await asked(desk))
        await check(store, turn.thread)
        return await desk.archive.turn_view(ASKER, turn.id)


async def test_while_the_store_holds_a_text_a_follower_sees_none(store):
    held, gate = HeldStore(store, "live:"), anyio.Event()
    async with Desk(held, ScriptedModel([[Say("Twelve"), Wait(gate)]])) as desk:
        turn = await asked(desk)
        await held.arrived()
        async with aclosing(desk.follow(ASKER, turn.id)) as following:
            assert (await anext(following)).kind == "beat"
            held.let()
            assert (await until_text(following)) == "Twelve"
            assert await live_text(store, turn.id) == "Twelve"
            gate.set()


async def until_text(following):
    async for event in following:
        if event.kind == "text":
            return event.text
    raise AssertionError("no text came")


async def test_each_text_a_follower_sees_is_on_record_at_that_moment(store):
    said = "Ten days are left, and three of them are carried over from last year."
    async with Desk(store, ScriptedModel([[Say(said)]]), flush_seconds=0) as desk:
        turn = await asked(desk)
        shown = ""
        async with aclosing(desk.follow(ASKER, turn.id)) as following:
            async for event in following:
                if event.kind == "text":
                    shown += event.text
                    stored = await live_text(store, turn.id), (await desk.archive.turn(ASKER, turn.id)).text
                    assert any(text.startswith(shown) for text in stored)
        assert shown == said


async def test_ended_is_shown_only_after_the_end_is_on_record(store):
    gate = anyio.Event()
    held = HeldStore(store, "thread:")
    held.let(2)  # the thread, and the question
    async with Desk(held, ScriptedModel([[Wait(gate), Say("Twelve.")]])) as desk:
        turn = await asked(desk)
        held.let(1)  # the model is asked
        gate.set()
        async with aclosing(desk.follow(ASKER, turn.id)) as following:
            assert await until_text(following) == "Twelve."
            assert (await anext(following)).kind == "beat"
            held.let()
            rest = [event async for event in following if event.kind != "beat"]
        assert [event.kind for event in rest] == ["ended"]


async def test_a_turn_outlives_its_follower(store):
    gate = anyio.Event()
    async with Desk(store, ScriptedModel([[Say("You have "), Wait(gate), Say("twelve days.")]])) as desk:
        turn = await asked(desk)
        async with aclosing(desk.follow(ASKER, turn.id)) as following:
            assert await until_text(following) == "You have "
        gate.set()
        turn = await until_ended(desk, turn)
        assert (turn.status, turn.text) == ("completed", "You have twelve days.")


async def until_ended(desk, turn):
    async def over():
        found = await desk.archive.turn(ASKER, turn.id)
        return found if found.ended_at else None

    return await until(over)


async def test_followers_of_any_desk_see_the_same_from_the_start(store):
    gate = anyio.Event()

    @tool(effect="read")
    def balance(year: int) -> int:
        """Days left."""
        return 12

    script = [[Say("Let me look. "), Call("balance", {"year": 2026})], [Say("Twelve"), Wait(gate), Say(" days.")]]
    seen = {}
    async with (
        Desk(store, ScriptedModel(script), tools=[balance]) as desk,
        Desk(store, ScriptedModel([]), tools=[balance]) as other,
    ):
        turn = await asked(desk)

        async def watch(name, by):
            seen[name] = merged(await events(by, turn))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch, "early", desk)
            tasks.start_soon(watch, "elsewhere", other)
            async with aclosing(desk.follow(ASKER, turn.id)) as following:
                async for event in following:
                    if event.kind == "text" and "Twelve" in event.text:
                        break
            tasks.start_soon(watch, "late", desk)
            gate.set()
        seen["replay"] = merged(await events(desk, turn))
    assert seen["early"] == [
        ("text", "Let me look. "),
        ("tool.started", f"{turn.id}-t1", "running"),
        ("tool.finished", f"{turn.id}-t1", "succeeded"),
        ("text", "\n\nTwelve days."),
        ("ended", "completed", "Let me look. \n\nTwelve days."),
    ]
    assert seen["elsewhere"] == seen["late"] == seen["replay"] == seen["early"]


async def test_a_turn_whose_live_stream_is_gone_is_replayed_from_the_thread(store):
    async with Desk(store, ScriptedModel([[Say("You have twelve days.")]])) as desk:
        turn = await asked(desk)
        before = merged(await events(desk, turn))
        await store.erase(f"live:{turn.id}:1", whole=True)
        after = await events(desk, turn)
    assert merged(after) == before
    assert [event.kind for event in after] == ["text", "ended"]


async def test_a_live_stream_that_is_removed_under_a_worker_costs_its_desk_nothing(store):
    held, gate = HeldStore(store, "live:"), anyio.Event()
    script = [[Say("One "), Wait(gate), Say("two"), Wait(anyio.Event())], [Say("Three")]]
    async with Desk(held, ScriptedModel(script)) as desk:
        turn = await asked(desk)
        held.let(1)
        async with aclosing(desk.follow(ASKER, turn.id)) as following:
            await until_text(following)
        await held.arrived()
        gate.set()
        await held.arrived()
        assert (await Desk(store, ScriptedModel([])).stop(ASKER, turn.id)).text == "One "
        await store.erase(f"live:{turn.id}:1", whole=True)
        held.let()
        assert (await ended(desk, await asked(desk))).text == "Three"
        assert (await desk.archive.turn(ASKER, turn.id)).text == "One "


@pytest.mark.parametrize("fault", [Unavailable("the disk is away"), Full("no room")])
async def test_a_text_that_cannot_be_stored_is_not_shown_and_the_turn_ends(store, fault):
    class Short(WrappedStore):
        struck = 0

        async def commit(self, stream, after, entries, records=(), *, id):
            if stream.startswith("live:") and self.struck < 2:
                self.struck += 1
                raise fault
            await super().commit(stream, after, entries, records, id=id)

    gate = anyio.Event()
    async with Desk(Short(store), ScriptedModel([[Say("Twelve"), Wait(gate)]] * 3)) as desk:
        turn = await asked(desk)
        async with aclosing(desk.follow(ASKER, turn.id)) as following:
            async for event in following:
                if event.kind == "beat":
                    await desk.recover()
                if event.kind == "text":
                    assert "Twelve" in (await live_text(store, turn.id), (await desk.archive.turn(ASKER, turn.id)).text)
                    gate.set()
        assert event.turn.ended_at
        assert (await ended(desk, await asked(desk))).status == "completed"


async def test_retry_starts_the_text_anew_and_never_splices_two_attempts(store):
    gate = anyio.Event()
    script = [[Say("You have thir"), Wait(gate), Cut()], [Say("You have twelve days.")]]
    async with Desk(store, ScriptedModel(script), options=RETRY) as desk:
        turn = await asked(desk)
        seen = []
        async with aclosing(desk.follow(ASKER, turn.id)) as following:
            async for event in following:
                if event.kind != "beat":
                    seen.append(event)
                if event.kind == "text":
                    gate.set()
        view = await desk.archive.turn_view(ASKER, turn.id)
    assert [event[0] for event in merged(seen)] == ["text", "attempt", "text", "ended"]
    assert text_of(seen) == view.turn.text == "You have twelve days."
    assert [(c.status, c.answer, c.fence) for c in view.model_calls] == [
        ("failed", "You have thir", 1),
        ("answered", "You have twelve days.", 2),
    ]
    assert [entry.shell["reason"] for entry in await logged(store, turn.thread, "turn.claimed")] == [
        "opened",
        "retried",
    ]


async def test_a_cut_answer_is_retried_three_times_and_then_kept(store):
    view = await answer(store, [[Say(f"try {n}"), Cut()] for n in range(1, 6)], RETRY)
    assert (view.turn.status, view.turn.text) == ("interrupted", "try 4")
    assert [call.answer for call in view.model_calls] == ["try 1", "try 2", "try 3", "try 4"]


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (Cut(), "protocol"),
        (Fail("connection", retryable=True), "connection"),
        (Fail("overloaded", retryable=False), "overloaded"),
    ],
)
async def test_an_interrupted_answer_keeps_what_was_shown(store, end, code):
    view = await answer(store, [[Say("You have "), end]])
    assert (view.turn.status, view.turn.code, view.turn.text) == ("interrupted", code, "You have ")
    assert [call.answer for call in view.model_calls] == ["You have "]


async def test_every_attempt_is_a_model_call_with_a_bill_of_its_own(store):
    fails = Fail("overloaded", retryable=True)
    bill = Bill(Usage(input=90, output=7), cost=1_200)
    view = await answer(store, [[fails], [fails], [Say("Twelve."), bill]])
    assert [(c.status, c.attempt, c.step, c.cost, c.usage.input) for c in view.model_calls] == [
        ("failed", 1, 1, None, None),
        ("failed", 2, 1, None, None),
        ("answered", 3, 1, 1_200, 90),
    ]
    totals = view.turn.totals
    assert (totals.model_calls, totals.cost, totals.cost_unknown, totals.tokens_unknown) == (3, 1_200, 2, 2)
    assert view.turn.status == "completed"


async def test_a_model_is_asked_max_attempts_times_at_most(store):
    script = [[Fail("overloaded", retryable=True)]] * 9
    view = await answer(store, script, Options(retry_delay=0.001, max_attempts=3))
    assert (view.turn.status, view.turn.code, len(view.model_calls)) == ("failed", "overloaded", 3)


async def test_what_is_not_worth_a_retry_gets_none(store):
    view = await answer(store, [[Fail("auth")], [Say("never")]])
    assert (view.turn.status, view.turn.code, len(view.model_calls)) == ("failed", "auth", 1)


@pytest.mark.parametrize("script", [[Say("All done."), Cut()], [Call("t", {}), Cut()], [Cut()]])
async def test_an_end_without_its_terminal_marker_is_never_a_completion(store, script):
    view = await answer(store, [script], Options(retry_delay=0.001, max_attempts=1))
    assert view.turn.status in ("interrupted", "failed")
    assert view.turn.code == "protocol"
    assert view.calls == []


@pytest.mark.parametrize(
    ("reason", "status", "code"),
    [
        ("refusal", "refused", "refusal"),
        ("length", "truncated", "length"),
        ("other", "interrupted", "unknown_stop"),
        ("end", "completed", None),
    ],
)
async def test_a_stop_reason_decides_how_a_turn_ends(store, reason, status, code):
    view = await answer(store, [[Say("So much."), Stop(reason)]])
    assert (view.turn.status, view.turn.code, view.turn.text) == (status, code, "So much.")


async def test_the_calls_of_an_answer_that_was_cut_off_by_its_length_never_run(store):
    ran = []

    @tool(effect="idempotent")
    def book(days: int) -> None:
        """Book days."""
        ran.append(days)

    cut = [Call("book", {"days": 1}), Stop("length")]
    view = await answer(store, [cut, cut], tools=[book])
    assert (view.turn.status, view.calls, ran) == ("truncated", [], [])
    assert [call.repair for call in view.model_calls] == ["cut_calls", "cut_calls"]


async def test_an_empty_answer_is_asked_for_again_once_with_a_nudge(store):
    model = ScriptedModel([[], [Say("Twelve.")]])
    async with Desk(store, model, options=QUICK) as desk:
        turn = await ended(desk, await asked(desk))
    assert (turn.status, turn.text) == ("completed", "Twelve.")
    assert [message.text for message in model.requests[1].messages] == ["How many days?", NUDGE]


async def test_a_second_empty_answer_fails_the_turn(store):
    view = await answer(store, [[], [], [Say("never")]])
    assert (view.turn.status, view.turn.code, len(view.model_calls)) == ("failed", "empty", 2)


@pytest.mark.parametrize(
    ("last", "status", "code"), [([Say("Enough.")], "completed", None), ([Call("look", {})], "failed", "step_limit")]
)
async def test_after_the_last_step_the_model_is_asked_without_tools(store, last, status, code):
    @tool(effect="read")
    def look() -> int:
        """Look."""
        return 1

    model = ScriptedModel([[Call("look", {})], [Call("look", {})], last])
    async with Desk(store, model, tools=[look], options=Options(max_steps=2)) as desk:
        turn = await ended(desk, await asked(desk))
    assert [len(request.tools) for request in model.requests] == [1, 1, 0]
    assert (turn.status, turn.code) == (status, code)
    assert turn.totals.tool_calls == 2


@pytest.mark.parametrize("silence", [[Pause(60)], [Ping()] * 40 + [Pause(60)]])
async def test_a_model_that_says_nothing_in_time_is_given_up(store, silence):
    view = await answer(store, [silence], Options(first_content=0.05, max_attempts=1))
    assert (view.turn.status, view.turn.code) == ("failed", "timeout")


async def test_a_model_that_stalls_within_its_answer_is_interrupted(store):
    view = await answer(store, [[Say("You "), Pause(60)]], Options(between_contents=0.05))
    assert (view.turn.status, view.turn.code, view.turn.text) == ("interrupted", "timeout", "You ")


async def test_whatever_else_an_adapter_raises_is_an_outcome_of_that_attempt(store):
    def script(request):
        raise LookupError("no such header")

    view = await answer(store, script)
    assert (view.turn.status, view.turn.code) == ("failed", "protocol")


async def test_characters_that_no_text_may_hold_are_replaced_and_the_turn_goes_on(store):
    view = await answer(store, [[Say("a\ud800b\0c", pieces=1)]])
    assert (view.turn.status, view.turn.text) == ("completed", "a?b\0c")


async def test_the_next_question_works_whatever_became_of_the_last(store):
    model = ScriptedModel([[Say("Half"), Cut()], [Fail("auth")], [Say("No."), Stop("refusal")], [Say("Yes.")]])
    async with Desk(store, model, options=QUICK) as desk:
        thread = (await desk.create_thread(ASKER)).id
        statuses = [(await ended(desk, await asked(desk, f"question {n}", thread))).status for n in range(1, 5)]
    assert statuses == ["interrupted", "failed", "refused", "completed"]
    sent = model.requests[-1].messages
    assert [message.role for message in sent] == ["user", "assistant"] * 3 + ["user"]
    assert all(message.text for message in sent)
    assert "Half" in sent[1].text


async def test_a_turn_writes_what_it_does_in_order(store):
    @tool(effect="read")
    def look() -> int:
        """Look."""
        return 1

    view = await answer(store, [[Call("look", {})], [Say("One.")]], tools=[look])
    assert await kinds(store, view.turn.thread) == [
        "thread.created",
        "turn.opened",
        "turn.claimed",
        "model.asked",
        "model.answered",
        "tool.started",
        "tool.finished",
        "model.asked",
        "model.answered",
        "turn.ended",
    ]


async def test_an_answer_whose_calls_were_cut_off_is_asked_for_once_more(store):
    @tool(effect="read")
    def look(day: str) -> str:
        """Look."""
        return day

    script = [[Call("look", {"day": "long"}), Stop("length")], [Call("look", {"day": "short"})], [Say("Done.")]]
    view = await answer(store, script, tools=[look])
    assert (view.turn.status, [call.arguments for call in view.calls]) == ("completed", [{"day": "short"}])
    assert [call.repair for call in view.model_calls] == ["cut_calls", None, None]


async def test_calls_that_cannot_be_made_are_told_twice_and_then_there_are_no_tools(store):
    view = await answer(store, [[Call("loook", {})]] * 3 + [[Say("I cannot.")]], tools=[])
    assert (view.turn.status, view.turn.text) == ("completed", "I cannot.")
    assert [call.status for call in view.calls] == ["unknown_tool"] * 3
