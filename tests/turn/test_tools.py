"""Tools: what a model is told of one, what can go wrong when it runs, and what is on record of it."""

import asyncio
import hashlib
from datetime import date
from typing import Annotated

import anyio
import anyio.to_thread
import pytest
from pydantic import Field

from backends.models.scripted.model import Call, Say, ScriptedModel
from core import Desk, Hooks, InvalidInput, NotFound, Options, OutcomeUnknown, ToolContext, Viewer, tool
from core.canonical import canonical
from tests.support.desks import ASKER, PATIENCE, QUICK, chatting, check, events, kinds, logged, until, waiting

DONE = [Say("Done.")]


async def called(store, it, arguments=None, *, calls=1, **given):
    """The reply to a question for which a model calls `it`, and the request that told the model what came of it."""
    model = ScriptedModel([[Call(it.name, arguments or {})] * calls, DONE])
    async with chatting(store, model, tools=[it], **given) as chat:
        reply = await chat.ask("?")
        while reply.waiting:
            reply = await chat.decide(reply.waiting[0].id, "approve", reply.waiting[0].digest)
        await check(store, chat.id)
    return reply, model.requests[-1]


def told(request):
    return [message for message in request.messages if message.role == "tool"]


@pytest.mark.parametrize("effect", ["read", "idempotent", "unsafe"])
async def test_a_tool_may_be_sync_or_async(store, effect):
    @tool(effect=effect, name="plus")
    def in_a_thread(a: int, b: int = 2) -> int:
        """Add."""
        return a + b

    @tool(effect=effect, name="plus")
    async def in_the_loop(a: int, b: int = 2) -> int:
        """Add."""
        await anyio.lowlevel.checkpoint()
        return a + b

    for it in (in_a_thread, in_the_loop):
        reply, request = await called(store, it, {"a": 40})
        assert [(c.status, c.result, c.arguments) for c in reply.tool_calls] == [("succeeded", 42, {"a": 40, "b": 2})]
        assert [(m.content, m.failed) for m in told(request)] == [("42", False)]
        assert reply.status == "completed"


def test_a_tool_is_described_by_its_annotations_and_its_context_is_not():
    @tool(effect="read")
    def balance(
        context: ToolContext, day: date, hours: Annotated[int, Field(ge=0, description="a day's hours")] = 8
    ) -> int:
        """Vacation that is left."""
        return 0

    assert (balance.schema.name, balance.schema.description) == ("balance", "Vacation that is left.")
    assert balance.schema.parameters["required"] == ["day"]
    assert balance.schema.parameters["properties"] == {
        "day": {"format": "date", "title": "Day", "type": "string"},
        "hours": {"default": 8, "description": "a day's hours", "minimum": 0, "title": "Hours", "type": "integer"},
    }
    assert balance.schema.parameters["additionalProperties"] is False


async def test_a_tool_knows_its_caller_from_the_session_and_not_from_the_model(store):
    seen = []

    @tool(effect="read")
    def balance(context: ToolContext, of: str) -> None:
        """Vacation that is left."""
        seen.append((context.viewer.id, context.thread_id, context.turn_id, context.call_id, context.key))

    await called(store, balance, {"of": "e-1077"})
    forged, _ = await called(store, balance, {"of": "e-1077", "context": {"viewer": "e-1077"}})
    assert [call.status for call in forged.tool_calls] == ["invalid_arguments"]
    ((viewer, thread, turn, call, key),) = seen
    assert (viewer, key) == ("e-1042", call)
    assert call.startswith(turn)
    assert thread not in (turn, call)


@pytest.mark.parametrize("bad", [{}, {"days": "many"}, {"days": 1, "more": 2}, "[1]", "{", '"days"', "{\ud800", "NaN"])
async def test_bad_arguments_never_run_and_the_model_is_told_what_is_wrong(store, bad):
    ran = []

    @tool(effect="unsafe")
    def book(days: int) -> None:
        """Book days."""
        ran.append(days)

    reply, request = await called(store, book, bad)
    (call,) = reply.tool_calls
    assert (call.status, call.code, reply.status, ran) == ("invalid_arguments", "invalid_arguments", "completed", [])
    assert told(request)[0].failed
    assert "do not fit" in told(request)[0].content


async def test_an_unknown_tool_never_runs_and_the_model_is_told_which_there_are(store):
    @tool(effect="read")
    def balance() -> None:
        """Vacation that is left."""

    model = ScriptedModel([[Call("ballance", {}), Call("../../x y" * 30, {})], DONE])
    async with chatting(store, model, tools=[balance]) as chat:
        reply = await chat.ask("?")
    assert [call.status for call in reply.tool_calls] == ["unknown_tool"] * 2
    assert len(reply.tool_calls[1].tool) <= 64
    assert "balance" in told(model.requests[1])[0].content


class _Stopped(BaseException):
    """What Streamlit raises into a script, for one."""


_ANYWHERE = [KeyError("no such day"), TimeoutError("the other system's"), _Stopped("a rerun"), OSError("\ud800")]
_IN_THE_LOOP = [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()]


@pytest.mark.parametrize(
    ("raised", "sync"),
    [*((e, sync) for e in _ANYWHERE for sync in (False, True)), *((e, False) for e in _IN_THE_LOOP)],
    ids=repr,
)
async def test_a_tool_that_raises_leaves_a_status_and_the_turn_goes_on(store, raised, sync):
    @tool(effect="idempotent", name="book")
    async def in_the_loop() -> None:
        """Book."""
        raise raised

    @tool(effect="idempotent", name="book")
    def in_a_thread() -> None:
        """Book."""
        raise raised

    reply, request = await called(store, in_a_thread if sync else in_the_loop)
    (call,) = reply.tool_calls
    assert (call.status, call.code, call.attempts, reply.status) == ("failed", "raised", 1, "completed")
    assert call.error.startswith(type(raised).__name__)
    assert told(request)[0].content == "It failed unexpectedly. What went wrong is on record."


class _NotEnoughDays(ValueError):
    """A tool's own error."""


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (ValueError("The first day is in the past."), "The first day is in the past."),
        (_NotEnoughDays("Only 3 days are left."), "Only 3 days are left."),
        (ValueError("\ud800"), "?"),
        (ValueError(), "The call is failed: refused."),
    ],
    ids=repr,
)
async def test_a_value_error_is_the_tools_own_words_and_its_type_is_never_told(store, refusal, said, sync):
    @tool(effect="idempotent", name="book")
    async def in_the_loop() -> None:
        """Book."""
        raise refusal

    @tool(effect="idempotent", name="book")
    def in_a_thread() -> None:
        """Book."""
        raise refusal

    reply, request = await called(store, in_a_thread if sync else in_the_loop)
    (call,) = reply.tool_calls
    assert (call.status, call.code, reply.status) == ("failed", "refused", "completed")
    assert told(request)[0].content == said


@pytest.mark.parametrize("error", ["connection lost after sending", "\ud800"])
async def test_a_tool_that_lost_contact_after_sending_is_unknown_and_is_not_repeated(store, error):
    @tool(effect="idempotent")
    async def book() -> None:
        """Book."""
        raise OutcomeUnknown(error)

    reply, request = await called(store, book)
    (call,) = reply.tool_calls
    assert (call.status, call.code, call.attempts) == ("unknown", "outcome_unknown", 1)
    assert told(request)[0].content.startswith("Nobody knows whether this took effect.")
    assert "OutcomeUnknown" not in told(request)[0].content


@pytest.mark.parametrize(
    ("effect", "status", "attempts"), [("read", "timed_out", 1), ("idempotent", "unknown", 3), ("unsafe", "unknown", 1)]
)
async def test_what_a_tool_that_hangs_leaves_behind_depends_on_its_effect(store, effect, status, attempts):
    keys = []

    @tool(effect=effect, timeout=0.05)
    async def book(context: ToolContext) -> None:
        """Book."""
        keys.append(context.key)
        await anyio.sleep_forever()

    reply, _ = await called(store, book)
    (call,) = reply.tool_calls
    assert (call.status, call.code, call.attempts, reply.status) == (status, "timed_out", attempts, "completed")
    assert keys == [call.id] * attempts


async def test_a_thread_that_hangs_does_not_hold_up_its_turn(store):
    import threading

    release = threading.Event()

    @tool(effect="read", timeout=0.05)
    def look() -> None:
        """Look."""
        release.wait(PATIENCE)

    reply, _ = await called(store, look)
    release.set()
    assert (reply.tool_calls[0].status, reply.status) == ("timed_out", "completed")


async def test_an_idempotent_call_that_hangs_once_is_repeated_under_its_key(store):
    keys = []

    @tool(effect="idempotent", timeout=1)
    async def book(context: ToolContext) -> str:
        """Book."""
        keys.append(context.key)
        if len(keys) == 1:
            await anyio.sleep_forever()
        return "booked"

    reply, _ = await called(store, book)
    (call,) = reply.tool_calls
    assert (call.status, call.result, call.attempts, keys) == ("succeeded", "booked", 2, [call.id] * 2)
    assert [e.shell["attempt"] for e in await logged(store, call.thread, "tool.started")] == [1, 2]


def _circle():
    circle = []
    circle.append(circle)
    return circle


@pytest.mark.parametrize(
    "result", [object(), float("nan"), b"\xff", _circle(), "\ud800", 2**70], ids=lambda r: type(r).__name__
)
async def test_a_result_that_is_no_json_is_a_success_without_a_result(store, result):
    @tool(effect="idempotent")
    def book() -> object:
        """Book."""
        return result

    reply, request = await called(store, book)
    (call,) = reply.tool_calls
    assert (call.status, call.code, call.result, reply.status) == ("succeeded", "no_json", None, "completed")
    assert "could not be recorded" in told(request)[0].content


async def test_a_long_result_is_cut_for_the_model_and_whole_on_record(store):
    @tool(effect="read")
    def look() -> str:
        """Look."""
        return "x" * 1_000

    reply, request = await called(store, look, options=Options(tool_result_tokens=100))
    (call,) = reply.tool_calls
    assert (call.status, call.result, call.cut) == ("succeeded", "x" * 1_000, False)
    assert told(request)[0].content == "x" * 400 + "\n[cut: 600 more characters are kept in the record]"


async def test_a_result_above_4_mb_keeps_its_beginning_its_size_and_its_digest(store):
    whole = "é" * (2 * 1024 * 1024)

    @tool(effect="read")
    def look() -> str:
        """Look."""
        return whole

    reply, _ = await called(store, look)
    (call,) = reply.tool_calls
    encoded = canonical(whole)
    assert (call.status, call.cut, call.size) == ("succeeded", True, len(encoded))
    assert call.result_digest == hashlib.sha256(encoded).hexdigest()
    assert encoded.decode().startswith(call.result)
    assert 64 * 1024 - 4 < len(call.result.encode()) <= 64 * 1024


async def test_a_result_just_below_4_mb_is_whole_on_record(store):
    @tool(effect="read")
    def look() -> str:
        """Look."""
        return "x" * (4 * 1024 * 1024 - 2)

    reply, _ = await called(store, look)
    assert (reply.tool_calls[0].cut, len(reply.tool_calls[0].result)) == (False, 4 * 1024 * 1024 - 2)


@pytest.mark.parametrize("sync", [False, True])
async def test_followers_see_how_far_a_tool_is(store, sync):
    gate = anyio.Event()

    @tool(effect="read", name="walk")
    async def in_the_loop(context: ToolContext) -> None:
        """Walk."""
        context.progress("half way", 1, 2)
        await gate.wait()

    @tool(effect="read", name="walk")
    def in_a_thread(context: ToolContext) -> None:
        """Walk."""
        context.progress("half way", 1, 2)
        anyio.from_thread.run(gate.wait)

    it = in_a_thread if sync else in_the_loop
    async with Desk(store, ScriptedModel([[Call("walk", {})], DONE]), tools=[it]) as desk:
        turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "?")
        seen = []
        async for event in desk.follow(ASKER, turn.id):
            seen.append(event)
            if event.kind == "tool.progress":
                gate.set()
    (progress,) = [event for event in seen if event.kind == "tool.progress"]
    assert (progress.message, progress.done, progress.total) == ("half way", 1, 2)
    assert [event.kind for event in seen if event.kind != "beat"][:3] == [
        "tool.started",
        "tool.progress",
        "tool.finished",
    ]


async def test_calls_of_one_answer_run_one_by_one_in_its_order_and_each_has_an_id_of_its_own(store):
    ran = []

    @tool(effect="read")
    def look(at: int) -> int:
        """Look."""
        ran.append(at)
        return at

    model = ScriptedModel([[Call("look", {"at": n}) for n in range(4)], DONE])
    async with chatting(store, model, tools=[look]) as chat:
        reply = await chat.ask("?")
    assert sorted(ran) == [0, 1, 2, 3]
    assert [(call.number, call.result) for call in reply.tool_calls] == [(1, 0), (2, 1), (3, 2), (4, 3)]
    assert [message.id for message in told(model.requests[1])] == [call.id for call in reply.tool_calls]


async def test_500_calls_in_one_answer_are_refused_and_none_runs(store):
    ran = []

    @tool(effect="read")
    def look() -> None:
        """Look."""
        ran.append(1)

    async with chatting(store, [[Call("look", {})] * 500], tools=[look]) as chat:
        reply = await chat.ask("?")
    assert (reply.status, reply.error.code, reply.tool_calls, ran) == ("failed", "answer_too_large", [], [])


async def test_an_application_may_deny_a_call_before_it_starts(store):
    seen, ran = [], []

    async def deny(view):
        seen.append((view.viewer.id, view.tool, view.effect, dict(view.arguments)))
        return "Not during the audit." if view.arguments["days"] > 5 else None

    @tool(effect="idempotent")
    def book(days: int) -> None:
        """Book."""
        ran.append(days)

    model = ScriptedModel([[Call("book", {"days": 9}), Call("book", {"days": 2})], DONE])
    async with chatting(store, model, tools=[book], hooks=[Hooks(before_tool_call=deny)]) as chat:
        reply = await chat.ask("?")
    assert [(call.status, call.code) for call in reply.tool_calls] == [
        ("denied", "denied_by_hook"),
        ("succeeded", None),
    ]
    assert "Not during the audit." in told(model.requests[1])[0].content
    assert (ran, seen[0]) == ([2], ("e-1042", "book", "idempotent", {"days": 9}))
    assert (await kinds(store, reply.tool_calls[0].thread)).count("tool.started") == 1


async def test_a_hook_that_fails_lets_no_call_through(store):
    ran = []

    async def broken(view):
        raise LookupError("no rules today")

    @tool(effect="read")
    def look() -> None:
        """Look."""
        ran.append(1)

    reply, request = await called(store, look, hooks=[Hooks(before_tool_call=broken)])
    assert (reply.tool_calls[0].status, ran, reply.status) == ("denied", [], "completed")
    assert "LookupError" in told(request)[0].content


async def test_no_tool_runs_before_its_start_is_on_record(store):
    on_record = []

    @tool(effect="unsafe")
    async def book(context: ToolContext) -> None:
        """Book."""
        on_record.append((await kinds(store, context.thread_id))[-1])

    await called(store, book)
    assert on_record == ["tool.started"]


async def test_a_start_that_was_acknowledged_too_late_is_not_carried_out(store):
    from tests.support.desks import HandClock
    from tests.support.wrapped import WrappedStore

    clock, ran = HandClock(), []

    class Slow(WrappedStore):
        async def commit(self, stream, after, entries, records=(), *, id):
            await super().commit(stream, after, entries, records, id=id)
            if any(entry.kind == "tool.started" for entry in entries):
                clock.advance(16)

    @tool(effect="unsafe")
    def book() -> None:
        """Book."""
        ran.append(1)

    async with Desk(Slow(store), ScriptedModel([[Call("book", {})], DONE]), tools=[book], clock=clock) as desk:
        turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "?")
        (call,) = await waiting(desk, turn)
        await desk.decide(ASKER, call.id, "approve", call.digest)
        await events(desk, turn)
        call = await desk.archive.call(ASKER, call.id)
    assert (call.status, call.code, ran) == ("failed", "not_attempted", [])


def test_what_cannot_be_a_tool_is_refused_at_registration():
    def undocumented() -> None: ...

    def untyped(a):
        """Look."""

    def starred(*days: int):
        """Look."""

    for function in (undocumented, untyped, starred):
        with pytest.raises(InvalidInput):
            tool(effect="read")(function)
    with pytest.raises(InvalidInput, match="read, idempotent or unsafe"):
        tool(effect="write")
    with pytest.raises(InvalidInput, match="more than 0"):
        tool(effect="read", timeout=0)


def test_the_subject_of_a_tool_cannot_be_a_filter_too():
    def look(employee: str) -> None:
        """Look."""

    with pytest.raises(InvalidInput, match="names a person: leave it out of filters"):
        tool(effect="read", filters=["employee"], subject="employee")(look)


async def test_two_tools_of_one_name_are_refused(store):
    @tool(effect="read")
    def look() -> None:
        """Look."""

    with pytest.raises(InvalidInput, match="two tools are called look"):
        Desk(store, ScriptedModel([]), tools=[look, look], options=QUICK)


async def test_a_late_progress_report_of_a_tool_that_was_given_up_is_no_event(store):
    reports = []

    @tool(effect="read", timeout=0.05)
    async def look(context: ToolContext) -> None:
        """Look."""
        reports.append(context.progress)
        await anyio.sleep_forever()

    reply, _ = await called(store, look)
    reports[0]("still here")
    assert await until(lambda: kinds(store, reply.tool_calls[0].thread))


async def test_reads_of_one_answer_run_at_once_and_each_is_recorded_as_it_ends(store):
    second_done = anyio.Event()

    @tool(effect="read")
    async def slow() -> str:
        """Slow."""
        await second_done.wait()
        return "slow"

    @tool(effect="read")
    async def quick() -> str:
        """Quick."""
        second_done.set()
        return "quick"

    script = [[Call("slow", {}), Call("quick", {})], [Say("Done.")]]
    async with chatting(store, script, tools=[slow, quick]) as chat:
        with anyio.fail_after(PATIENCE):
            reply = await chat.ask("?")
        assert [(call.tool, call.result) for call in reply.tool_calls] == [("slow", "slow"), ("quick", "quick")]
        finished = [entry.shell["call"][-2:] for entry in await logged(store, chat.id, "tool.finished")]
        started = [entry.n for entry in await logged(store, chat.id, "tool.started")]
        assert sorted(finished) == ["t1", "t2"]
        assert started[1] == started[0] + 1
        await check(store, chat.id)


async def test_a_call_that_writes_waits_for_the_reads_before_it_and_runs_alone(store):
    going, most = set(), []

    def worker(name, effect):
        async def run() -> str:
            """Run."""
            going.add(name)
            most.append((name, frozenset(going)))
            await anyio.sleep(0.01)
            going.discard(name)
            return name

        return tool(effect=effect, name=name)(run)

    tools = [worker("one", "read"), worker("two", "read"), worker("note", "idempotent"), worker("three", "read")]
    script = [[Call(name, {}) for name in ("one", "two", "note", "three")], [Say("Done.")]]
    async with chatting(store, script, tools=tools) as chat:
        assert (await chat.ask("?")).status == "completed"
    alone = {name: others for name, others in most if name in ("note", "three")}
    assert alone == {"note": frozenset({"note"}), "three": frozenset({"three"})}


async def test_a_turn_past_its_deadline_ends_with_what_was_shown(store):
    @tool(effect="read")
    async def forever() -> None:
        """Forever."""
        await anyio.sleep_forever()

    options = Options(retry_delay=0.001, turn_deadline=3)
    async with chatting(store, [[Say("Let me look."), Call("forever", {})]], tools=[forever], options=options) as chat:
        with anyio.fail_after(PATIENCE):
            reply = await chat.ask("?")
        assert (reply.status, reply.error.code, reply.text) == ("failed", "turn_deadline", "Let me look.")
        assert [call.status for call in reply.tool_calls] == ["timed_out"]
        await check(store, chat.id)


async def test_a_call_that_runs_is_opened_from_the_log_before_its_record_is_written(store):
    going, stranger = anyio.Event(), Viewer("e-9999")

    @tool(effect="read")
    async def wait() -> str:
        """Wait."""
        await going.wait()
        return "done"

    async with chatting(store, [[Call("wait", {})], [Say("Done.")]], tools=[wait]) as chat:
        turn = await chat.desk.submit(chat.viewer, chat.id, "Wait")
        async for event in chat.follow(turn.id):
            if event.kind != "tool.started":
                continue
            id = event.call.id
            assert await store.get("tool_call", id) is None
            with pytest.raises(NotFound):
                await chat.desk.archive.call(stranger, id)
            for unknown in (f"{turn.id}-t2", "-t1", f"{turn.thread}-t1"):
                with pytest.raises(NotFound):
                    await chat.desk.archive.call(chat.viewer, unknown)
            call = await chat.desk.archive.call(chat.viewer, id)
            assert (call.status, call.tool) == ("running", "wait")
            going.set()
        assert (await chat.desk.archive.call(chat.viewer, id)).status == "succeeded"
