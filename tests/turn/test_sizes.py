"""What is too large for the record: an answer that is more than is kept of one, and whatever else outgrows a commit.

Each ends its turn once, with its bill, and leaves a thread on which the next question works.
"""

import pytest

from backends import open_store
from backends.models.opening import open_model
from backends.models.scripted.model import Bill, Call, Say, ScriptedModel, Think
from core import Hooks, Options, create_chat, tool
from core.errors import Full, InvalidInput
from core.retrieval.citations import MAX_CITED
from core.retrieval.search import Found
from core.store import MAX_COMMIT, commit_size
from core.values import Usage
from core.worker.model_request import MAX_ANSWER, MAX_ARGUMENTS, MAX_CALLS, MAX_REASONING
from tests.desk.test_chat import records_are_what_the_log_says
from tests.retrieval.test_searching import Library, passage
from tests.servers.faults.server import FaultServer
from tests.support.desks import ASKER, QUICK, chatting, check, live_text, log_of
from tests.support.wrapped import WrappedStore

BILL = Bill(Usage(input=90, output=7), cost=1_200)
KNOWN = (BILL.usage, BILL.cost)
UNKNOWN = (Usage(), None)
NEXT = [Say("Twelve days."), BILL]


@tool(effect="read")
def look(note: str = "") -> str:
    """Vacation days left."""
    return "12"


async def the_next_question_works(chat):
    reply = await chat.ask("And now?")
    assert (reply.status, reply.text) == ("completed", "Twelve days.")
    await check(chat.desk._store, chat.id)
    await records_are_what_the_log_says(chat.desk._store, chat.id)


async def fails_as_too_large(store, *parts, options=QUICK):
    """The turn that ended so, after one model call; and that call."""
    model = ScriptedModel([parts, NEXT])
    async with chatting(store, model, tools=[look], options=options) as chat:
        reply = await chat.ask("How many days?")
        assert (reply.status, reply.error.code) == ("failed", "answer_too_large")
        assert len(model.requests) == 1
        (call,) = await chat.model_calls()
        assert (call.status, call.code, call.answer) == ("failed", "answer_too_large", reply.text)
        assert reply.text.startswith(await live_text(store, reply.turn_id))
        await the_next_question_works(chat)
    return reply, call


@pytest.mark.parametrize(
    ("parts", "shown", "bill"),
    [
        ([Say("x" * 9_000_000, pieces=600), BILL], 34 * 15_000, UNKNOWN),
        ([Say("Twelve ", pieces=1), Say("x" * 9_000_000, pieces=1), BILL], 7, KNOWN),
        ([Say("\x01" * 1_500_000, pieces=150), BILL], 80_000, UNKNOWN),
        ([Say("é" * 300_000, pieces=1), BILL], 0, KNOWN),
        ([Call("look", {"note": "x" * 9_000_000}), BILL], 0, KNOWN),
        ([Call("look", {"note": "\x01" * 90_000}), BILL], 0, KNOWN),
        ([Call("look", '{"note":[' + "1e15," * 100_000 + "1]}"), BILL], 0, KNOWN),
        ([Say("Twelve ", pieces=1), *[Call("look", {"note": "x" * 100_000})] * 6, Say("days."), BILL], 7, UNKNOWN),
        ([*[Call("look", {})] * (MAX_CALLS + 1), BILL], 0, KNOWN),
        ([Think("x" * 9_000_000), Say("Twelve "), BILL], 0, UNKNOWN),
        ([Say("Twelve ", pieces=1), Think("", blocks=({"data": "x" * 9_000_000},)), BILL], 7, KNOWN),
        ([Say("Twelve ", pieces=1), Think("", blocks=({"data": "\x01" * 180_000},)), BILL], 7, KNOWN),
    ],
    ids=[
        "text",
        "text in one piece",
        "control characters",
        "text in two bytes each",
        "arguments",
        "control characters in arguments",
        "numbers that are longer on record",
        "arguments of several calls",
        "calls",
        "reasoning",
        "reasoning that comes at the end",
        "control characters in reasoning",
    ],
)
async def test_an_answer_that_is_too_large_fails_once_with_what_was_shown_and_its_bill(store, parts, shown, bill):
    reply, call = await fails_as_too_large(store, *parts)
    assert len(reply.text) == shown
    assert (call.usage, call.cost) == bill


async def test_an_answer_that_is_too_large_is_not_asked_for_again_where_one_that_broke_off_is(store):
    retry = QUICK.model_copy(update={"on_interruption": "retry"})
    await fails_as_too_large(store, Say("x" * 9_000_000, pieces=600), options=retry)


async def test_no_other_model_is_asked_for_an_answer_that_is_too_large(store):
    first = ScriptedModel([[Think("x" * 9_000_000), Say("Twelve")]], name="scripted:first")
    second = ScriptedModel([NEXT], name="scripted:second")
    async with await create_chat(store, [first, second], viewer=ASKER, options=QUICK) as chat:
        reply = await chat.ask("How many days?")
    assert (reply.status, reply.error.code, second.requests) == ("failed", "answer_too_large", [])


async def test_what_the_answers_of_a_turn_say_together_has_the_limit_of_one(store):
    steps = [[Say("x" * 200_000, pieces=1), Call("look", {"note": str(n)})] for n in range(3)]
    model = ScriptedModel([*steps, NEXT])
    async with chatting(store, model, tools=[look]) as chat:
        reply = await chat.ask("How many days?")
        assert (reply.status, reply.error.code, len(model.requests)) == ("failed", "answer_too_large", 3)
        assert reply.text == "\n\n".join(["x" * 200_000] * 2)
        await the_next_question_works(chat)


async def test_what_was_shown_of_an_answer_too_large_counts_towards_what_the_window_sends(store):
    model = ScriptedModel([[Say("x" * 9_000_000, pieces=600)], NEXT])
    async with chatting(store, model) as chat:
        await chat.ask("How many days?")
        await chat.ask("And now?")
    assert [message.text for message in model.requests[1].messages] == ["And now?"]


class CountingStore(WrappedStore):
    """Knows the sizes of the commits to threads."""

    def __init__(self, store):
        super().__init__(store)
        self.sizes = []

    async def commit(self, stream, after, entries, records=(), *, id):
        if stream.startswith("thread:"):
            self.sizes.append((commit_size(entries, records), bool(entries)))
        await super().commit(stream, after, entries, records, id=id)


async def test_an_answer_as_large_as_may_be_is_one_commit_whose_records_all_come_back(store):
    counting = CountingStore(store)
    sentence = "Twelve days of leave are left in grade {} [1][2][3].\n"
    said = "".join(sentence.format(n) for n in range(2_000))
    said += "\x01" * ((MAX_ANSWER - len(said) - 2_000) // 6)
    library = Library()
    pages = [passage(f"p{n}", "".join(f"Days in grade {k}. " for k in range(n, 1_800, 3)) + "\n") for n in range(3)]
    library.search = lambda *given, **named: _found(pages)
    blocks = ({"data": "x" * (MAX_REASONING // 2 - 100)},)
    thought = "x" * (MAX_REASONING // 2)
    model = ScriptedModel([[Think(thought, blocks=blocks), Say(said, pieces=40), BILL], NEXT])
    async with chatting(counting, model, retriever=library) as chat:
        reply = await chat.ask("é" * 32_000)
        assert (reply.status, reply.text) == ("completed", said)
        view = await chat.desk.archive.turn_view(ASKER, reply.turn_id)
        assert view.model_calls[0].reasoning == [*blocks]
        assert {found.number for found in reply.citations} == {1, 2, 3}
        assert view.turn.citations_left_out > 10
        assert sum(len(found.model_dump_json()) for found in reply.citations) <= MAX_CITED
        largest = max(counting.sizes)
        assert (MAX_COMMIT * 3 // 4 < largest[0] <= MAX_COMMIT, largest[1]) == (True, True)
        await the_next_question_works(chat)


async def _found(pages):
    return pages


async def test_arguments_as_large_as_may_be_are_one_commit_and_come_back(store):
    counting, note = CountingStore(store), "x" * (MAX_ARGUMENTS - len('{"note":""}'))
    model = ScriptedModel([[Call("look", {"note": note}), BILL], NEXT, NEXT])
    async with chatting(counting, model, tools=[look]) as chat:
        reply = await chat.ask("How many days?")
        assert (reply.status, reply.tool_calls[0].arguments) == ("completed", {"note": note})
        assert (max(counting.sizes)[0] > 3 * len(note), max(counting.sizes)[1]) == (True, True)
        await the_next_question_works(chat)


async def test_an_answer_that_outgrows_a_commit_in_its_judging_keeps_its_bill(store):
    tools = [tool(effect="read", name=f"t{n:04}{'x' * 58}")(look.function) for n in range(2_200)]
    model = ScriptedModel([[Say("Twelve ", pieces=1), *[Call("no_such_tool", {})] * MAX_CALLS, BILL], NEXT])
    async with chatting(store, model, tools=tools) as chat:
        reply = await chat.ask("How many days?")
        assert (reply.status, reply.error.code, reply.text) == ("failed", "answer_too_large", "Twelve ")
        (call,) = await chat.model_calls()
        assert (call.usage, call.cost, call.answer) == (*KNOWN, "Twelve ")
        await the_next_question_works(chat)


async def test_a_result_that_cannot_be_recorded_leaves_its_call_succeeded_and_the_turn_goes_on(store):
    @tool(effect="unsafe")
    def book() -> Found:
        """Book it."""
        return Found(query="q", passages=(passage("p", "x" * 9_000_000),), judgement=None)

    model = ScriptedModel([[Call("book", {})], NEXT, NEXT])
    async with chatting(store, model, tools=[book]) as chat:
        parked = await chat.ask("Book it.")
        reply = await chat.decide(parked.waiting[0].id, "approve", parked.waiting[0].digest)
        (call,) = reply.tool_calls
        assert (reply.status, call.status, call.code) == ("completed", "succeeded", "unrecordable")
        assert "could not be recorded" in model.requests[1].messages[-1].content
        await the_next_question_works(chat)


@pytest.mark.parametrize("size", [9_000_000, 5_000_000], ids=["in no entry", "in no record beside the result"])
async def test_what_cannot_be_recorded_at_all_ends_the_turn_once(store, size):
    @tool(effect="read")
    def large() -> str:
        """Large."""
        return "x" * 4_000_000

    async def tell(view, outcome):
        return "x" * size

    model = ScriptedModel([[Call("large", {}), BILL], NEXT])
    async with chatting(store, model, tools=[large], hooks=[Hooks(after_tool_call=tell)]) as chat:
        reply = await chat.ask("How many days?")
        assert (reply.status, reply.error.code, len(model.requests)) == ("failed", "unrecordable", 1)
        assert [entry.kind for entry in await log_of(store, chat.id)].count("turn.claimed") == 1
        assert ((await chat.model_calls())[0].usage, reply.cost) == KNOWN
        await the_next_question_works(chat)


async def test_passages_that_are_too_much_for_a_record_are_a_search_that_failed(store):
    library = Library({"How many days?": [passage(f"p{n}", "\x01" * 32_000) for n in range(20)]})
    model = ScriptedModel([NEXT, NEXT])
    async with chatting(store, model, retriever=library, options=Options(passages=20)) as chat:
        reply = await chat.ask("How many days?")
        view = await chat.desk.archive.turn_view(ASKER, reply.turn_id)
        assert (reply.status, view.retrievals[0].error) == ("completed", "InvalidInput")
        await the_next_question_works(chat)


async def test_arguments_that_a_person_changed_have_the_limit_of_a_models(store):
    @tool(effect="unsafe")
    def book(note: str) -> str:
        """Book it."""
        return "ok"

    async with chatting(store, [[Call("book", {"note": "a"})], NEXT], tools=[book]) as chat:
        parked = await chat.ask("Book it.")
        (call,) = parked.waiting
        with pytest.raises(InvalidInput, match="arguments may have"):
            await chat.desk.decide(ASKER, call.id, "approve", call.digest, arguments={"note": "x" * MAX_ARGUMENTS})


async def test_records_that_lag_and_are_too_many_for_one_commit_are_written_in_several(store):
    class NoRepairs(WrappedStore):
        struck = True

        async def commit(self, stream, after, entries, records=(), *, id):
            if self.struck and not entries:
                raise Full("no room")
            await super().commit(stream, after, entries, records, id=id)

    @tool(effect="read")
    def large(note: str) -> str:
        """Large."""
        return note * 4_194_000

    lagging = NoRepairs(store)
    model = ScriptedModel([[Call("large", {"note": note}) for note in "abc"], NEXT, NEXT])
    async with chatting(lagging, model, tools=[large]) as chat:
        reply = await chat.ask("How many days?")
        assert reply.status == "completed"
        lagging.struck = False
        await chat.desk.recover()
        await the_next_question_works(chat)


async def test_what_was_known_of_the_usage_before_an_answer_became_too_large_is_kept():
    parts = [Say("x" * 9_000_000, pieces=600), Bill(Usage(input=90, cached=20, output=7))]
    async with FaultServer([parts]) as server:
        model = open_model(f"anthropic:m?base_url={server.url}")
        async with open_store("memory:") as store, chatting(store, model) as chat:
            await chat.ask("How many days?")
            (call,) = await chat.model_calls()
        await model.close()
    assert (call.usage, call.cost) == (Usage(input=90, cached=20), None)
