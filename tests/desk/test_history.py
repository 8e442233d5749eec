"""Histories: messages of another program become turns on record, or the message that cannot is named."""

from time import process_time

import pytest
from openai.types.chat import ChatCompletionMessage

from backends.models.scripted.model import Say, ScriptedModel
from backends.stores.memory import MemoryStore
from console.cli.show import transcript_text
from core import Concern, Desk, InvalidInput, NotReplaceable, create_chat
from core.clock import SystemClock, iso
from core.desk.checks import MAX_QUESTION
from core.desk.exports.exports import Exports
from core.desk.history import MAX_TURNS, read_history
from core.errors import StoreRefused
from core.log.repair_commits import MOST_BYTES
from core.maintenance.rebuild import Rebuild
from core.model import AssistantMessage, SentCall, ToolMessage, UserMessage
from core.store import MAX_COMMIT, Query
from core.worker.model_request import MAX_ANSWER
from tests.support.desks import ASKER, AUDITOR, events, kinds, logged
from tests.support.wrapped import WrappedStore

SYSTEM = {"role": "system", "content": "Be brief."}
ASKED = {"role": "user", "content": "How many days?"}
TOLD = {"role": "assistant", "content": "Thirty."}
CALL = {"id": "call_1", "type": "function", "function": {"name": "days", "arguments": '{"of": "e-1042"}'}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "30"}


def chat_on(store, history, *answers, **given):
    return create_chat(store, ScriptedModel([[Say(text)] for text in answers]), viewer=ASKER, history=history, **given)


def part(text):
    return {"type": "text", "text": text}


async def wrong_records(store):
    return [found async for found in Rebuild(store, SystemClock(), lambda done, total: None, mend=False).findings()]


async def test_a_history_is_on_record_as_imported_and_sent_to_the_model(store):
    model = ScriptedModel([[Say("Since 2024.")]])
    history = [SYSTEM, ASKED, CALLED, RESULT, TOLD]
    async with await create_chat(store, model, viewer=ASKER, history=history) as chat:
        assert await kinds(store, chat.id) == ["thread.created", "turn.imported"]
        (view,) = (await chat.desk.archive.transcript(ASKER, chat.id)).turns
        turn = view.turn
        assert (turn.question, turn.text, turn.status) == ("How many days?", "Thirty.", "completed")
        assert (turn.outcome, turn.imported.origin) == ("imported", None)
        (entry,) = await logged(store, chat.id, "turn.imported")
        assert turn.opened_at == turn.ended_at == iso(entry.at)
        assert (turn.snapshot, turn.totals.model_calls, turn.day) == (None, 0, "")
        assert view.steps == []
        said = [(one.role, one.text) for one in await chat.messages()]
        assert said == [("user", "How many days?"), ("assistant", "Thirty.")]
        assert (await chat.usage()).cost_unknown == 0
        head = await chat.desk.archive.thread(ASKER, chat.id)
        assert (head.title, head.turns, head.instructions, head.open) == ("How many days?", 1, "Be brief.", None)
        await chat.ask("Since when?")
        assert await wrong_records(store) == []
    (request,) = model.requests
    assert request.instructions == "Be brief."
    assert request.messages == (
        UserMessage(text="How many days?"),
        AssistantMessage(text="", calls=(SentCall(id="call_1", tool="days", arguments={"of": "e-1042"}),)),
        ToolMessage(id="call_1", tool="days", content="30"),
        AssistantMessage(text="Thirty."),
        UserMessage(text="Since when?"),
    )


async def test_messages_may_be_objects_of_the_sdk():
    told = ChatCompletionMessage.model_validate({"role": "assistant", "content": "Thirty.", "annotations": []})
    called = ChatCompletionMessage.model_validate(CALLED)
    assert read_history([ASKED, called, RESULT, told]) == read_history([ASKED, CALLED, RESULT, TOLD])


async def test_an_imported_turn_is_followed_like_an_ended_one():
    async with await chat_on(MemoryStore(), [ASKED, TOLD]) as chat:
        turn = (await chat.desk.archive.thread(ASKER, chat.id)).last
        seen = await events(chat.desk, turn)
    assert [event.kind for event in seen] == ["text", "ended"]
    assert seen[0].text == "Thirty."


async def test_an_import_counts_in_no_figure():
    async with await chat_on(MemoryStore(), [ASKED, TOLD], "Yes.") as chat:
        await chat.ask("Really?")
        span = (await chat.desk.figures.overview(AUDITOR, None, None)).value.span
    assert span.outcomes == {"unsourced": 1}
    assert len(span.days) == 1


class Worried:
    """A care that seals the threads of people who are ill."""

    async def recognise(self, text, viewer):
        return Concern(topic="illness") if "ill" in text else None


async def test_an_imported_question_of_a_person_in_need_seals_the_thread_and_its_forks():
    async with Desk(MemoryStore(), ScriptedModel([]), care=Worried()) as desk:
        thread = await desk.create_thread(ASKER, history=[{"role": "user", "content": "I am ill"}, TOLD])
        assert (thread.sealed, thread.topic) == (True, "illness")
        fork = await desk.fork(ASKER, thread.id)
        assert (fork.sealed, fork.topic) == (True, "illness")
        assert (await desk.figures.overview(AUDITOR, None, None)).value.span.care == {}


async def test_exports_and_the_command_line_tell_of_imported_turns():
    store = MemoryStore()
    async with await chat_on(store, [ASKED, CALLED, RESULT, TOLD]) as chat:
        page = await chat.desk.archive.transcript(AUDITOR, chat.id)
        assert page.unreadable == []
        shown = transcript_text(page, text=True)
        assert ", imported" in shown
        assert "answer: Thirty." in shown
        for form in ("csv", "jsonl", "html"):
            content = (await Exports(store).export_own(ASKER, [chat.id], form)).content
            for word in (b"imported", b"Thirty.", b"call_1" if form == "jsonl" else b"days"):
                assert word in content, (form, word)


async def test_what_came_before_an_imported_tool_call_keeps_its_place_and_what_followed_does_not():
    async with await chat_on(MemoryStore(), [ASKED, CALLED, RESULT, TOLD, ASKED, TOLD], "Forty.") as chat:
        first, second = (await chat.desk.archive.transcript(ASKER, chat.id)).turns
        with pytest.raises(NotReplaceable, match="done twice"):
            await chat.regenerate(first.turn.id)
        assert (await chat.regenerate(second.turn.id)).text == "Forty."


@pytest.mark.parametrize(
    ("history", "questions", "answers"),
    [
        ([], [], []),
        ([SYSTEM], [], []),
        ([ASKED, {**ASKED, "content": "Please."}, TOLD], ["How many days?\n\nPlease."], [["Thirty."]]),
        ([ASKED, TOLD, TOLD], ["How many days?"], [["Thirty.", "Thirty."]]),
        (
            [{**ASKED, "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, TOLD],
            ["a\n\nb"],
            [["Thirty."]],
        ),
        ([ASKED, {"role": "assistant", "content": None, "refusal": "No."}], ["How many days?"], [["No."]]),
        ([ASKED, CALLED, RESULT, ASKED, TOLD], ["How many days?"] * 2, [[""], ["Thirty."]]),
    ],
)
def test_each_shape_of_a_history_has_a_rule(history, questions, answers):
    _, turns = read_history(iter(history))
    assert [turn.question for turn in turns] == questions
    assert [[answer.text for answer in turn.answers] for turn in turns] == answers


def test_ids_that_a_provider_would_refuse_are_replaced_and_others_stay():
    ids = ["call_1", "call_1", "functions.days:0", "x" * 41]
    history = []
    for known_as in ids:
        history += [ASKED, {**CALLED, "tool_calls": [{**CALL, "id": known_as}]}, {**RESULT, "tool_call_id": known_as}]
    made = [answer.calls[0].id for turn in read_history(history)[1] for answer in turn.answers]
    assert made == ["call_1", "imported-2", "imported-3", "imported-4"]


def test_ids_that_look_replaced_already_do_not_make_a_history_slow():
    ids = [f"imported-{n}" for n in range(2000, 4000)] + [f"!{n}" for n in range(2000)]
    history = [ASKED]
    for known_as in ids:
        history += [{**CALLED, "tool_calls": [{**CALL, "id": known_as}]}, {**RESULT, "tool_call_id": known_as}]
    began = process_time()
    _, (turn,) = read_history(history)
    assert process_time() - began < 2  # with a count that begins anew for each call it takes many times as long
    assert len({answer.calls[0].id for answer in turn.answers}) == 4000


def test_the_words_about_a_message_do_not_repeat_all_of_it():
    for message in ({"role": "x" * 10**6}, {**RESULT, "tool_call_id": "x" * 10**6}, {**ASKED, "x" * 10**6: 1}):
        with pytest.raises(InvalidInput) as refused:
            read_history([message])
        assert len(str(refused.value)) < 300


def called(**changes):
    return {**CALLED, "tool_calls": [{**CALL, **changes}]}


@pytest.mark.parametrize(
    ("history", "words"),
    [
        (None, "list of messages"),
        ("How many?", "list of messages"),
        (ASKED, "list of messages"),
        (["How many?"], r"^history\[0\]: a message is a dict or an object of the SDK, not a str: write"),
        ([{"content": "x"}], r"^history\[0\]: the role is None: it is one of system, developer, user"),
        ([{"role": "function", "content": "x"}], r"^history\[0\]: the role is 'function'"),
        ([TOLD], r"^history\[0\]: an answer comes before the first question: leave it out"),
        ([ASKED], r"^history\[0\]: the last question has no answer: leave it out here, and ask it with `chat.ask`"),
        ([ASKED, TOLD, ASKED], r"^history\[2\]: the last question has no answer"),
        ([{**ASKED, "content": " "}, TOLD], r"^history\[0\]: the message is empty: leave it out"),
        ([ASKED, {**TOLD, "content": ""}], r"^history\[1\]: the answer is empty"),
        ([ASKED, TOLD, SYSTEM], r"^history\[2\]: a system message .* before the first question"),
        ([{**ASKED, "content": 7}], r"^history\[0\]: the content is neither"),
        ([{**ASKED, "content": [{"type": "image_url"}]}], r"content\[0\]: a part of the type 'image_url'"),
        ([{**ASKED, "content": ["x"]}], r"content\[0\]: write \{'type': 'text'"),
        ([ASKED, {**TOLD, "audio": {"id": "a"}}], r"^history\[1\]: the field 'audio'"),
        ([ASKED, {**TOLD, "function_call": {}}], r"^history\[1\]: the field 'function_call'"),
        ([{**ASKED, "createdAt": 7}], r"^history\[0\]: the field 'createdAt'"),
        ([ASKED, CALLED, TOLD], r"^history\[2\]: the call 'call_1' has no result before it"),
        ([ASKED, CALLED], "^the end of the history: the call 'call_1' has no result before it"),
        ([ASKED, TOLD, RESULT], r"^history\[2\]: the answer before it has no call 'call_1'"),
        ([ASKED, CALLED, RESULT, RESULT], r"^history\[3\]: the answer before it has no call 'call_1'"),
        ([RESULT], r"^history\[0\]: the answer before it has no call 'call_1'"),
        ([ASKED, called(type="custom", function=None)], r"tool_calls\[0\]: a call of the type 'custom'"),
        ([ASKED, called(function={"name": "days", "arguments": {}})], r"tool_calls\[0\]: write \{'id'"),
        ([ASKED, called(function={"name": "a b", "arguments": "{}"})], "the name of a tool has"),
        ([ASKED, {**CALLED, "tool_calls": [CALL, CALL]}], r"tool_calls\[1\]: two calls of this answer"),
        ([ASKED, {**CALLED, "tool_calls": "x"}], "`tool_calls` is not a list"),
        ([ASKED, {**CALLED, "tool_calls": [CALL] * 65}], "64 tool calls"),
        ([{**ASKED, "content": "x" * (MAX_QUESTION + 1)}, TOLD], rf"^history\[0\]: a question may have {MAX_QUESTION}"),
        ([ASKED, {**TOLD, "content": "x" * MAX_ANSWER}], r"^history\[1\]: a text may have 524,288 bytes"),
        ([ASKED, {**TOLD, "content": "\ud800"}], r"^history\[1\]: the text holds a lone surrogate"),
        ([{**ASKED, "content": "\ud800"}, TOLD], r"^history\[0\]: the text holds a lone surrogate"),
    ],
)  # fmt: skip
def test_a_message_that_cannot_be_kept_is_named_and_so_is_what_to_do(history, words):
    with pytest.raises(InvalidInput, match=words):
        read_history(history)


async def test_system_messages_are_the_instructions_unless_both_are_given():
    async with await chat_on(MemoryStore(), [SYSTEM, {**SYSTEM, "role": "developer", "content": "Be kind."}]) as chat:
        assert (await chat.desk.archive.thread(ASKER, chat.id)).instructions == "Be brief.\n\nBe kind."
    store = MemoryStore()
    with pytest.raises(InvalidInput, match="`instructions` are given too"):
        await chat_on(store, [SYSTEM], instructions="Be kind.")
    assert (await store.find(Query(kind="stream"))).records == []


async def test_a_history_of_two_thousand_messages_is_one_commit():
    store = MemoryStore()
    history = [message for n in range(1000) for message in ({**ASKED, "content": f"{n}?"}, TOLD)]
    commits = await commits_of(store, history)
    assert commits == [1001]
    assert (await store.find(Query(kind="thread"))).records[0].fields["turns"] == 1000


async def test_a_thread_does_not_begin_with_more_turns_than_the_event_loop_has_time_for():
    history = [message for n in range(MAX_TURNS) for message in (ASKED, TOLD)]
    async with await chat_on(MemoryStore(), history, "Yes.") as chat:
        await chat.ask("Still?")
        with pytest.raises(InvalidInput, match="begins with 1,000 turns at most: fork this one at an earlier turn"):
            await chat.fork()
    store = MemoryStore()
    with pytest.raises(InvalidInput, match=r"^history\[2000\]: a thread begins with 1,000 turns at most"):
        await chat_on(store, [*history, ASKED, TOLD])
    assert (await store.find(Query(kind="stream"))).records == []


LARGE = [message for n in range(24) for message in ({**ASKED, "content": f"{n}?"}, {**TOLD, "content": "x" * 20_000})]
"""A history that fits in a small commit, but not together with its records."""


@pytest.fixture
def small_commits(monkeypatch):
    """A commit holds a tenth of what it may: megabytes would take seconds, and prove no more."""
    monkeypatch.setattr("core.store.MAX_COMMIT", MAX_COMMIT // 10)
    monkeypatch.setattr("core.log.repair_commits.MOST_BYTES", MOST_BYTES // 10)


async def commits_of(store, history):
    """How many entries each of the thread's commits has."""
    commits = []

    class Counting(WrappedStore):
        async def commit(self, stream, after, entries, records=(), *, id):
            await super().commit(stream, after, entries, records, id=id)
            if stream.startswith("thread:") and entries:
                commits.append(len(entries))

    async with Desk(Counting(store), ScriptedModel([])) as desk:
        await desk.create_thread(ASKER, history=history)
    return commits


@pytest.mark.usefixtures("small_commits")
async def test_a_large_history_is_whole_as_soon_as_it_is_there():
    store = MemoryStore()
    assert await commits_of(store, LARGE) == [1, 24]
    assert await wrong_records(store) == []


@pytest.mark.parametrize("until", [2, 3])
@pytest.mark.usefixtures("small_commits")
async def test_a_writer_that_dies_leaves_a_thread_with_the_whole_history_or_an_empty_one(store, until):
    class Dying(WrappedStore):
        count = 0

        async def commit(self, stream, after, entries, records=(), *, id):
            self.count += stream.startswith("thread:")
            if self.count >= until:
                raise StoreRefused("dead")
            await super().commit(stream, after, entries, records, id=id)

    async with Desk(Dying(store), ScriptedModel([])) as desk:
        if until == 2:
            with pytest.raises(StoreRefused):
                await desk.create_thread(ASKER, history=LARGE)
        else:
            await desk.create_thread(ASKER, history=LARGE)  # its entries are there, and its records lag
    async with Desk(store, ScriptedModel([])) as desk:
        (listed,) = (await desk.archive.threads(ASKER)).items
        head = await desk.archive.thread(ASKER, listed.id)
        assert head.turns == (0 if until == 2 else 24)
        assert len((await desk.archive.transcript(ASKER, listed.id, last=100)).turns) == head.turns
    assert await wrong_records(store) == []


@pytest.mark.usefixtures("small_commits")
async def test_a_history_that_no_commit_holds_is_refused_and_leaves_nothing():
    store = MemoryStore()
    with pytest.raises(InvalidInput, match="leave out its oldest messages"):
        await chat_on(store, LARGE * 2)
    assert (await store.find(Query(kind="stream"))).records == []


async def test_an_imported_turn_can_be_rated_and_erased():
    store = MemoryStore()
    async with await chat_on(store, [ASKED, TOLD]) as chat:
        turn = (await chat.desk.archive.thread(ASKER, chat.id)).last
        await chat.desk.give_feedback(ASKER, turn, "up")
        assert (await chat.desk.archive.turn(ASKER, turn)).outcome == "imported"
        assert [one.text for one in await chat.messages()] == ["How many days?", "Thirty."]
    assert await wrong_records(store) == []
