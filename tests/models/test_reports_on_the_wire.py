"""A turn that reports a decision begins with a message of the desk's: what each provider gets of it."""

import pytest

from backends.models.anthropic.request_body import messages_body
from backends.models.openai.chat_body import chat_body
from backends.models.openai.responses import responses_body
from backends.models.prompt import user_text
from backends.models.scripted.model import Call, Say, ScriptedModel
from backends.stores.memory import MemoryStore
from core import Options, tool
from tests.models.test_wire_history import check_on_the_wire
from tests.support.desks import APPROVER, ASKER, chatting, events


@tool(effect="unsafe", approval="approver")
def book(days: int) -> str:
    """Book days."""
    return f"{days} booked"


@pytest.mark.parametrize(("decision", "told"), [("approve", "3 booked"), ("deny", "Reason: Not in May.")])
async def test_each_provider_takes_a_request_that_begins_with_a_report(decision, told):
    model = ScriptedModel([[Call("book", {"days": 3})], [Say("It waits.")], [Say("Decided.")], [Say("Yes.")]])
    # Of the turns before the newest one the model is sent the report alone.
    async with chatting(MemoryStore(), model, tools=[book], options=Options(window_messages=2)) as chat:
        (call,) = (await chat.ask("Book it")).tool_calls
        await chat.desk.decide(APPROVER, call.id, decision, call.digest, reason="Not in May.")
        await events(chat.desk, (await chat.desk.archive.deferred_call(ASKER, call.id)).report)
        await chat.ask("Is it done?")
    reporting, next_one = model.requests[2:]
    assert reporting.messages[-1].report is not None
    assert [message.role for message in next_one.messages] == ["user", "assistant", "user"]
    assert told in user_text(next_one.messages[0])
    for request in (reporting, next_one):
        check_on_the_wire(request)
        for body in (
            responses_body(request, model="m", name="openai:m"),
            chat_body(request, model="m", own=True),
            messages_body(request, model="m", name="anthropic:m"),
        ):
            assert told in str(body)
