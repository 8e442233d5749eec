"""Hooks see and change what they may, several at once, and never stand between an outcome and its record."""

from dataclasses import replace

import anyio
import pytest

from backends.models.scripted.model import Call, Fail, Say, ScriptedModel
from core import Hooks, InvalidInput, Options, Refusal, tool
from core.model import AssistantMessage, ToolMessage, UserMessage
from tests.support.desks import QUICK, chatting, kinds, logged, until


@tool(effect="read")
def look() -> dict:
    """Look."""
    return {"salary": 4711}


TWO_STEPS = [[Call("look", {})], [Say("Done.")]]


def told(model, request=1):
    return [m.content for m in model.requests[request].messages if isinstance(m, ToolMessage)]


async def test_every_request_of_a_turn_passes_the_hooks_in_order_and_what_they_changed_is_on_record(store):
    seen = []

    async def first(view, request):
        seen.append((view.step, view.purpose, view.viewer.id))
        return replace(request, instructions=request.instructions + " One.")

    async def second(view, request):
        return replace(request, instructions=request.instructions + " Two.")

    model = ScriptedModel(TWO_STEPS)
    hooks = [Hooks(before_model_call=first), Hooks(before_model_call=second)]
    async with chatting(store, model, tools=[look], hooks=hooks) as chat:
        assert (await chat.ask("?")).status == "completed"
        assert seen == [(1, "answer", "e-1042"), (2, "answer", "e-1042")]
        assert [request.instructions for request in model.requests] == [" One. Two."] * 2
        assert [call.changed for call in await chat.model_calls()] == [["instructions"]] * 2


@pytest.mark.parametrize("fault", ["raises", "hangs", "returns nonsense", "breaks the request"])
async def test_a_request_whose_hook_fails_is_not_sent(store, fault):
    async def broken(view, request):
        match fault:
            case "raises":
                raise KeyError("secret")
            case "hangs":
                await anyio.sleep_forever()
            case "returns nonsense":
                return "request"
        return replace(request, messages=(UserMessage(text="?"), AssistantMessage(text=" ")))

    model = ScriptedModel([[Say("Never.")]])
    options = Options(retry_delay=0.001, hook_deadline=0.05)
    async with chatting(store, model, hooks=[Hooks(before_model_call=broken)], options=options) as chat:
        reply = await chat.ask("?")
        assert (reply.status, reply.error.code, model.requests) == ("failed", "hook_failed", [])
        assert "secret" not in reply.error.message


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        (lambda view, request: None, "before_model_call is not an async function: write `async def`"),
        (lambda view: None, "TypeError"),
    ],
)
async def test_a_function_that_is_not_async_or_takes_other_arguments_is_a_hook_that_fails(store, hook, message):
    async with chatting(store, [[Say("Never.")]], hooks=[Hooks(before_model_call=hook)]) as chat:
        reply = await chat.ask("?")
        assert (reply.status, reply.error.code, reply.error.message) == ("failed", "hook_failed", message)


async def test_the_outcome_is_on_record_before_the_hook_sees_it_and_a_failing_one_changes_nothing(store):
    seen = []

    async def look_at(view, outcome):
        entries = await store.read(f"thread:{view.thread_id}")
        seen.append((outcome.status, outcome.code, outcome.text, entries[-1].kind))
        raise ValueError("secret")

    script = [[Fail("overloaded", retryable=True)], [Say("Done.")]]
    async with chatting(store, ScriptedModel(script), hooks=[Hooks(after_model_call=look_at)]) as chat:
        assert (await chat.ask("?")).status == "completed"
        failures = await until(lambda: both_failures(chat))
        assert len(failures) == 2
        assert seen == [("failed", "overloaded", "", "model.failed"), ("answered", None, "Done.", "turn.ended")]
        calls = await chat.model_calls()
        assert [call.hook_failures for call in calls] == [["after_model_call: ValueError"]] * 2


async def both_failures(chat):
    """The last answer ends its turn, whose follower is told before the hook is."""
    failures = await logged(chat.desk._store, chat.id, "hook.failed")
    return failures if len(failures) == 2 else None


async def test_one_hook_that_denies_is_enough(store):
    asked = []

    async def allow(view):
        asked.append(view.tool)

    async def deny(view):
        return "Not today."

    model = ScriptedModel(TWO_STEPS)
    hooks = [Hooks(before_tool_call=allow), Hooks(before_tool_call=deny)]
    async with chatting(store, model, tools=[look], hooks=hooks) as chat:
        reply = await chat.ask("?")
        assert (reply.tool_calls[0].status, reply.tool_calls[0].error, asked) == ("denied", "Not today.", ["look"])


async def test_a_hook_that_refuses_a_request_ends_the_turn_with_its_reason_in_the_reply_and_on_record(store):
    async def closed(view, request):
        return Refusal("Payroll is closed until Monday.") if view.step == 2 else None

    model = ScriptedModel([[Say("Let me look."), Call("look", {})], [Say("Done.")]])
    async with chatting(store, model, tools=[look], hooks=[Hooks(before_model_call=closed)]) as chat:
        reply = await chat.ask("?")
        assert (reply.status, reply.error.code) == ("refused", "refused_by_hook")
        assert (reply.error.message, reply.text) == ("Payroll is closed until Monday.", "Let me look.")
        assert len(model.requests) == 1
        (ended,) = await logged(store, chat.id, "turn.ended")
        assert ended.payload["message"] == "Payroll is closed until Monday."
        assert (await chat.ask("And now?")).status == "completed"


async def test_a_hook_that_refuses_a_call_ends_the_turn_and_the_call_is_denied(store):
    async def refuse(view):
        return Refusal("Salaries are not shown here.")

    model = ScriptedModel([[Call("look", {}), Call("look", {})], [Say("Done.")]])
    async with chatting(store, model, tools=[look], hooks=[Hooks(before_tool_call=refuse)]) as chat:
        reply = await chat.ask("?")
        assert (reply.status, reply.error.message) == ("refused", "Salaries are not shown here.")
        assert (reply.tool_calls[0].status, reply.tool_calls[0].error) == ("denied", "Salaries are not shown here.")
        assert reply.tool_calls[1].status == "cancelled"
        assert len(model.requests) == 1
        assert (await chat.ask("And now?")).status == "completed"


def test_a_refusal_without_a_reason_is_a_mistake_of_the_hook():
    with pytest.raises(InvalidInput, match="needs a reason"):
        Refusal(" ")


async def test_the_model_is_told_what_the_hooks_say_and_the_record_keeps_both(store):
    async def mask(view, outcome):
        assert (outcome.status, outcome.result) == ("succeeded", {"salary": 4711})
        return outcome.told.replace("4711", "XXXX")

    async def shout(view, outcome):
        return outcome.told.upper()

    model = ScriptedModel(TWO_STEPS)
    hooks = [Hooks(after_tool_call=mask), Hooks(after_tool_call=shout)]
    async with chatting(store, model, tools=[look], hooks=hooks) as chat:
        (call,) = (await chat.ask("?")).tool_calls
        assert told(model) == ['{"SALARY": XXXX}']
        assert (call.result, call.told) == ({"salary": 4711}, '{"SALARY": XXXX}')
        log = await kinds(store, chat.id)
        assert log.index("tool.finished") + 1 == log.index("tool.told")


async def test_what_a_failing_hook_was_to_see_is_withheld_from_the_model(store):
    async def broken(view, outcome):
        raise ValueError("secret")

    model = ScriptedModel(TWO_STEPS)
    async with chatting(store, model, tools=[look], hooks=[Hooks(after_tool_call=broken)]) as chat:
        (call,) = (await chat.ask("?")).tool_calls
        assert told(model) == ["The result is withheld: a check after the call failed."]
        assert call.result == {"salary": 4711}
        assert call.hook_failures == ["after_tool_call: ValueError"]


async def test_what_the_model_was_told_is_forgotten_with_the_result(store):
    async def leave(view, outcome):
        return f"It is {outcome.result['salary']}."

    options = QUICK.model_copy(update={"forget": ("tool.finished",)})
    hooks = [Hooks(after_tool_call=leave)]
    async with chatting(store, ScriptedModel(TWO_STEPS), tools=[look], hooks=hooks, options=options) as chat:
        await chat.ask("?")
        await until(lambda: logged(store, chat.id, "erased"))
        (call,) = await chat.tool_calls()
        assert (call.result, call.told, call.erased) == (None, None, True)
        assert "4711" not in str([entry.payload for entry in await store.read(f"thread:{chat.id}")])
