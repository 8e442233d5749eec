"""What web frontends post: questions, the same post again, decisions, and what is refused in words."""

import anyio
import pytest

from backends.models.scripted.model import Call, Say, ScriptedModel, Wait
from console.frontends import ag_ui, ai_sdk
from console.frontends.errors import error_response
from core import (
    Denied,
    Desk,
    InvalidInput,
    LimitReached,
    Limits,
    NotFound,
    RequestMismatch,
    TurnInProgress,
    Unavailable,
    tool,
)
from tests.support.desks import ASKER, OTHER, QUICK, ended, waiting
from tests.support.frontends import ag_ui_message, ai_sdk_message, read


@tool(effect="unsafe")
def book(days: int) -> str:
    """Book days."""
    return f"{days} booked"


def desk_of(store):
    script = [[Say("May I?"), Call("book", {"days": 1}), Call("book", {"days": 2})], [Say("Done.")], [Say("Again.")]]
    return Desk(store, ScriptedModel(script), tools=[book], options=QUICK)


def ai_question(thread, text="Book", id="m-1", **more):
    return {"id": thread, "messages": [{"id": id, "role": "user", "parts": [{"type": "text", "text": text}]}], **more}


def ai_answer(thread, calls, approved=True):
    approvals = [
        {
            "type": "tool-book",
            "state": "approval-responded",
            "approval": {"id": id, "approved": approved, "signature": d},
        }
        for id, d in calls
    ]
    return {"id": thread, "messages": [{"id": "a", "role": "assistant", "parts": approvals}]}


def run_question(thread, content="Book", id="m-1"):
    return {"threadId": thread, "runId": "r", "messages": [{"id": id, "role": "user", "content": content}]}


def run_answer(thread, calls, decision="approve"):
    payloads = [(id, {"decision": decision, "digest": digest}) for id, digest in calls]
    resume = [{"interruptId": id, "status": "resolved", "payload": payload} for id, payload in payloads]
    return {"threadId": thread, "runId": "r2", "messages": [], "resume": resume}


PROTOCOLS = {
    "ai_sdk": (ai_sdk.chat_request, ai_question, ai_answer, ai_sdk.ui_message_stream, ai_sdk_message),
    "ag_ui": (ag_ui.run_request, run_question, run_answer, ag_ui.run_events, ag_ui_message),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_question_is_asked_once_and_decisions_go_on_where_the_client_is(store, protocol):
    request_of, question, answer, stream, message_of = PROTOCOLS[protocol]
    async with desk_of(store) as desk:
        thread = (await desk.create_thread(ASKER)).id
        turn, after = await request_of(question(thread)).carry_out(desk, ASKER)
        assert after is None
        sent = await read(stream(turn, desk.follow(ASKER, turn.id)))
        assert (await request_of(question(thread)).carry_out(desk, ASKER))[0].id == turn.id
        with pytest.raises(RequestMismatch):
            await request_of(question(thread, "Book more")).carry_out(desk, ASKER)
        calls = [(call.id, call.digest) for call in await waiting(desk, turn)]
        # One by one: the first answer finds the turn still waiting for the second.
        for each in calls:
            same, after = await request_of(answer(thread, [each])).carry_out(desk, ASKER)
            assert same.id == turn.id
            sent += await read(stream(turn, desk.follow(ASKER, turn.id), after))
        assert message_of(sent).text == (await desk.archive.turn(ASKER, turn.id)).text == "May I?\n\nDone."
        assert [call["output"] for call in message_of(sent).calls.values()] == ["1 booked", "2 booked"]
        with pytest.raises(InvalidInput, match="these calls are decided"):
            await request_of(answer(thread, calls)).carry_out(desk, ASKER)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_decision_is_bound_to_the_arguments_and_to_the_person(store, protocol):
    request_of, question, answer, *_ = PROTOCOLS[protocol]
    async with desk_of(store) as desk:
        thread = (await desk.create_thread(ASKER)).id
        turn, _ = await request_of(question(thread)).carry_out(desk, ASKER)
        call = (await waiting(desk, turn))[0]
        with pytest.raises(InvalidInput, match="not those that were shown"):
            await request_of(answer(thread, [(call.id, "0" * 64)])).carry_out(desk, ASKER)
        with pytest.raises(InvalidInput, match="an approval names the digest"):
            await request_of(answer(thread, [(call.id, None)])).carry_out(desk, ASKER)
        with pytest.raises(NotFound):
            await request_of(answer(thread, [(call.id, call.digest)])).carry_out(desk, OTHER)
        assert (await desk.archive.call(ASKER, call.id)).status == "awaiting_approval"


async def test_a_cancelled_interrupt_is_a_denial(store):
    async with desk_of(store) as desk:
        thread = (await desk.create_thread(ASKER)).id
        turn, _ = await ag_ui.run_request(run_question(thread)).carry_out(desk, ASKER)
        resume = [{"interruptId": call.id, "status": "cancelled"} for call in await waiting(desk, turn)]
        await ag_ui.run_request({**run_question(thread), "resume": resume}).carry_out(desk, ASKER)
        await ended(desk, turn)
        assert [call.status for call in await desk.archive.tool_calls(ASKER, thread)] == ["denied", "denied"]


async def test_an_answer_is_given_again_in_its_place(store):
    async with Desk(store, ScriptedModel([[Say("One.")], [Say("Two.")]]), options=QUICK) as desk:
        thread = (await desk.create_thread(ASKER)).id
        first, _ = await ai_sdk.chat_request(ai_question(thread)).carry_out(desk, ASKER)
        await ended(desk, first)
        again = ai_question(thread, trigger="regenerate-message", messageId=f"{first.id}-a")
        second, after = await ai_sdk.chat_request(again).carry_out(desk, ASKER)
        assert (second.replaces, after) == (first.id, None)
        assert (await ended(desk, second)).text == "Two."


LIMITS = {
    "person_turns_a_day": (429, True),
    "person_turns_at_once": (429, False),
    "question_characters": (413, False),
}
"""By the limit the status of its refusal, and whether that says when to try again."""


@pytest.mark.parametrize("limit", LIMITS)
async def test_a_limit_is_answered_with_its_status_and_when_to_try_again(store, limit):
    limits = Limits(**{limit: 10 if limit == "question_characters" else 1})
    async with Desk(store, ScriptedModel([[Wait(anyio.Event())]]), options=QUICK, limits=limits) as desk:

        async def ask(text):
            thread = (await desk.create_thread(ASKER)).id
            await ai_sdk.chat_request(ai_question(thread, text)).carry_out(desk, ASKER)

        await ask("How?")
        with pytest.raises(LimitReached) as refused:
            await ask("How many more?")
    status, headers = error_response(refused.value)
    assert (status, "Retry-After" in headers) == LIMITS[limit]
    assert all(1 <= int(seconds) <= 24 * 3600 for seconds in headers.values())


def test_what_is_no_limit_has_the_status_of_its_kind():
    errors = {400: InvalidInput("x"), 403: Denied("export"), 404: NotFound("turn", "t"), 503: Unavailable("away")}
    errors[409] = TurnInProgress("t", "running")
    assert {status: error_response(error) for status, error in errors.items()} == {
        status: (status, {}) for status in errors
    }


@pytest.mark.parametrize(
    ("request_of", "body", "words"),
    [
        (ai_sdk.chat_request, {}, "no messages"),
        (ai_sdk.chat_request, [], "no messages"),
        (ai_sdk.chat_request, {"messages": []}, "no messages.-1"),
        (ai_sdk.chat_request, {"messages": [{"role": "user", "parts": [{"type": "file"}]}]}, "a question is text"),
        (ai_sdk.chat_request, {"messages": [{"role": "user", "parts": []}]}, "no id"),
        (ai_sdk.chat_request, ai_answer("t", []), "answers no approval request"),
        (ai_sdk.chat_request, ai_question("t", trigger="regenerate-message"), "regenerate"),
        (ag_ui.run_request, {}, "no threadId"),
        (ag_ui.run_request, {"threadId": "t", "messages": [{"role": "assistant"}]}, "the last message must be"),
        (ag_ui.run_request, run_question("t", [{"type": "image"}]), "a question is text"),
        (ag_ui.run_request, run_answer("t", [("c", "d")], "maybe"), "approve or deny"),
        (ag_ui.run_request, {"threadId": "t", "resume": [{"status": "resolved"}]}, "no interruptId"),
        (ag_ui.run_request, {"threadId": "t", "resume": "x"}, "resume .* is a list of objects"),
        (ag_ui.run_request, {"threadId": "t", "resume": 5}, "resume .* is a list of objects"),
        (ai_sdk.chat_request, {"messages": [{"role": "assistant", "parts": ["x"]}]}, "parts .* is a list of objects"),
        (ai_sdk.chat_request, {"messages": [{"role": "assistant", "parts": None}]}, "parts .* is a list of objects"),
    ],
)
def test_what_is_wrong_with_a_post_is_said_in_words(request_of, body, words):
    with pytest.raises(InvalidInput, match=words):
        request_of(body)
