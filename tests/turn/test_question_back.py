"""A model asks its asker back: the answer comes by an approval, and only a person can give it."""

import json

import anyio
import pytest

from backends.models.scripted.model import Call, Say, ScriptedModel
from core import Desk, InvalidInput, NotFound, ask_back
from core.model import AssistantMessage
from core.question_back import ASK_BACK, SKIPPED
from tests.support.desks import APPROVER, ASKER, PATIENCE, QUICK, check, ended, events, logged, waiting
from tests.support.wrapped import LaterStore

DATES = {
    "question": "When?",
    "fields": [
        {"name": "start", "label": "First day", "type": "date"},
        {"name": "hours", "label": "Hours", "type": "number", "required": False},
        {"name": "kind", "label": "Kind", "type": "choice", "options": ["annual", "unpaid"]},
        {"name": "note", "label": "Note", "type": "text", "required": False},
    ],
}
ANSWER = {"start": "2026-12-21", "kind": "annual"}
CHOICE = {"question": "Which?", "options": ["annual", "unpaid"]}


class Asks:
    """A script that asks back at once; it keeps its requests."""

    def __init__(self, arguments):
        self.arguments, self.requests = arguments, []

    def __call__(self, request):
        self.requests.append(request)
        last = request.messages[-1]
        return [Say(f"Told: {last.content}")] if last.role == "tool" else [Call(ASK_BACK, self.arguments)]


async def asked(desk):
    """The call of a new turn that waits for its answer."""
    thread = (await desk.create_thread(ASKER)).id
    (call,) = await waiting(desk, await desk.submit(ASKER, thread, "Book it"))
    return call


def desk_of(store, script, tools=(ask_back,)):
    return Desk(store, ScriptedModel(script), tools=tools, options=QUICK)


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (DATES, ANSWER),
        (DATES, ANSWER | {"hours": 4.5, "note": "Wien"}),
        (DATES, ANSWER | {"hours": None}),
        (CHOICE, "unpaid"),
    ],
)
async def test_the_askers_answer_is_the_result_and_both_are_on_record(store, arguments, answer):
    script = Asks(arguments)
    async with desk_of(store, script) as desk:
        call = await asked(desk)
        assert (call.effect, call.approval, call.planned["question"]) == ("read", "asker", arguments["question"])
        await desk.decide(ASKER, call.id, "approve", call.digest, arguments={**call.planned, "answer": answer})
        turn = await ended(desk, call.turn)
        told = turn.text.removeprefix("Told: ")
        assert (told if isinstance(answer, str) else json.loads(told)) == answer
        done = await desk.archive.call(ASKER, call.id)
    assert (done.status, done.result, done.arguments["answer"]) == ("succeeded", answer, answer)
    assert "answer" not in done.planned
    await check(store, call.thread)
    # What is sent again fits the schema that the model was given: an answer there would teach it to write its own.
    [sent] = [m.calls[0] for m in script.requests[-1].messages if isinstance(m, AssistantMessage)]
    assert sent.arguments == call.planned
    assert "answer" not in script.requests[0].tools[0].parameters["properties"]


async def test_an_answer_that_the_model_makes_up_is_refused_before_anybody_is_asked(store):
    script = Asks({**CHOICE, "answer": "unpaid"})
    async with desk_of(store, script) as desk:
        turn = await ended(desk, await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "Book it"))
        (call,) = (await desk.archive.turn_view(ASKER, turn.id)).calls
    assert (call.status, call.result) == ("invalid_arguments", None)
    assert "answer: Extra inputs are not permitted" in turn.text
    assert not await logged(store, turn.thread, "approval.asked")


@pytest.mark.parametrize(
    "arguments",
    [
        {"question": "Which?"},
        {"question": "Which?", "options": ["a"], "fields": DATES["fields"]},
        {"question": "", "options": ["a"]},
        {"question": "Which?", "options": [""]},
        {"question": "Which?", "fields": [{"name": "a", "label": "A", "type": "choice"}]},
        {"question": "Which?", "fields": [{"name": "a", "label": "A", "type": "date", "options": ["a"]}]},
        {"question": "Which?", "fields": [{"name": "a b", "label": "A", "type": "text"}]},
        {"question": "Which?", "fields": [{"name": "a", "label": "A", "type": "text"}] * 2},
        {"question": "Which?", "fields": [{"name": "a", "label": "A", "type": "file"}]},
    ],
)
async def test_a_question_that_makes_no_form_is_refused_and_the_model_is_told(store, arguments):
    async with desk_of(store, Asks(arguments)) as desk:
        turn = await ended(desk, await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "Book it"))
    assert "The arguments do not fit" in turn.text


BAD = [
    (DATES, {"answer": {}}),
    (DATES, {"answer": {"start": "2026-12-21"}}),
    (DATES, {"answer": ANSWER | {"start": "21.12.2026"}}),
    (DATES, {"answer": ANSWER | {"start": None}}),
    (DATES, {"answer": ANSWER | {"hours": True}}),
    (DATES, {"answer": ANSWER | {"hours": "4"}}),
    (DATES, {"answer": ANSWER | {"kind": "paid"}}),
    (DATES, {"answer": ANSWER | {"note": "x" * 4001}}),
    (DATES, {"answer": ANSWER | {"note": "  "}}),
    (DATES, {"answer": ANSWER | {"more": 1}}),
    (DATES, {"answer": "2026-12-21"}),
    (DATES, {"answer": ANSWER, "question": "May I resign?"}),
    (DATES, {"answer": ANSWER, "fields": [DATES["fields"][0], DATES["fields"][2]]}),
    (CHOICE, {"answer": "paid"}),
    (CHOICE, {"answer": ["unpaid"]}),
    (CHOICE, {"answer": None}),
    (CHOICE, {}),
    (CHOICE, None),
]


@pytest.mark.parametrize(("arguments", "changes"), BAD)
async def test_an_answer_that_does_not_fit_the_question_is_refused_and_the_question_still_waits(
    store, arguments, changes
):
    async with desk_of(store, Asks(arguments)) as desk:
        call = await asked(desk)
        given = None if changes is None else {**call.planned, **changes}
        with pytest.raises(InvalidInput):
            await desk.decide(ASKER, call.id, "approve", call.digest, arguments=given)
        assert (await desk.archive.call(ASKER, call.id)).status == "awaiting_approval"
        await desk.stop(ASKER, call.turn)


async def test_a_question_is_answered_by_its_asker_alone_and_as_it_was_shown(store):
    async with desk_of(store, Asks(CHOICE)) as desk:
        call = await asked(desk)
        answer = {**call.planned, "answer": "unpaid"}
        with pytest.raises(NotFound):
            await desk.decide(APPROVER, call.id, "approve", call.digest, arguments=answer)
        with pytest.raises(InvalidInput, match="not those that were shown"):
            await desk.decide(ASKER, call.id, "approve", "0" * 64, arguments=answer)
        await desk.stop(ASKER, call.turn)


async def test_a_skipped_question_tells_the_model_so(store):
    async with desk_of(store, Asks(DATES)) as desk:
        call = await asked(desk)
        await desk.decide(ASKER, call.id, "deny", call.digest, reason=SKIPPED)
        turn = await ended(desk, call.turn)
    assert SKIPPED in turn.text
    assert turn.status == "completed"


async def test_a_question_is_answered_after_the_desk_was_started_anew(store):
    async with desk_of(store, Asks(DATES)) as desk:
        call = await asked(desk)
    async with desk_of(store, Asks(DATES)) as desk:
        assert [event.kind for event in await events(desk, call.turn)][-1] == "approval.asked"
        await desk.decide(ASKER, call.id, "approve", call.digest, arguments={**call.planned, "answer": ANSWER})
        assert "2026-12-21" in (await ended(desk, call.turn)).text


async def test_a_question_that_is_not_answered_in_time_closes_its_turn(store):
    later = LaterStore(store)
    async with desk_of(later, Asks(DATES)) as desk:
        call = await asked(desk)
        later.ahead = 8 * 86_400
        with anyio.fail_after(PATIENCE):
            while (turn := await desk.archive.turn(ASKER, call.turn)).status == "awaiting_approval":
                await desk.recover()
    assert (turn.status, turn.code) == ("cancelled", "approval_expired")


async def test_a_desk_that_was_not_given_the_tool_does_not_offer_it(store):
    script = Asks(DATES)
    async with desk_of(store, script, tools=()) as desk:
        turn = await ended(desk, await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "Book it"))
        (call,) = (await desk.archive.turn_view(ASKER, turn.id)).calls
    assert call.status == "unknown_tool"
    assert script.requests[0].tools == ()
