"""Conversations in the formats of other programs: whatever happened in a thread, the SDKs' own types accept them."""

import json
from datetime import timedelta
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.models.scripted.model import Call, Say, ScriptedModel, Wait
from backends.stores.memory import MemoryStore
from core import Desk, InvalidInput, NotFound, NotReplaceable, TurnInProgress, Viewer, create_chat, tool
from core.desk.chat import Chat
from core.log.facts import VERSIONS
from core.log.fold import State, fold_all
from core.log.records import record
from tests.checker.logs import Log, erased, logs, stop
from tests.checker.world import STREAM
from tests.servers.faults.checks import check
from tests.support.desks import APPROVER, ASKER, OTHER, ended
from tests.support.shelf import Shelf
from tests.turn.test_history import many

OWNER = Viewer("u")
some = settings(many, max_examples=25)
NEXT = {"role": "user", "content": "And now?"}


@st.composite
def threads(draw: Any, *, forget: bool = False) -> Log:
    log: Log = draw(logs(max_turns=4, imports=True))
    if forget:
        if log.open:
            stop(log, "")
        kinds = draw(st.sets(st.sampled_from(sorted(VERSIONS)), min_size=1))
        log.entries = erased(log.entries, lambda entry: entry.kind in kinds)
        log.state = fold_all(State(), log.entries)
    return log


async def chat_of(log: Log) -> Chat:
    """A chat on the thread of the log."""
    store, head = MemoryStore(), log.state.thread
    assert head
    records = [*(record(item) for item in log.state.items.values()), record(head)]
    await store.commit(STREAM, 0, log.entries, records, id="c1")
    return Chat(Desk(store, ScriptedModel([])), OWNER, head, {})


@some
@given(threads() | threads(forget=True))
def test_an_export_may_be_sent_on_with_the_real_sdks(log: Log) -> None:
    async def exported() -> None:
        chat = await chat_of(log)
        messages = [*(await chat.export("openai")), NEXT]
        check("chat", {"model": "m", "messages": messages, "stream": True})
        whole = await chat.export("anthropic")
        assert [one["role"] for one in whole["messages"]] == (["user", "assistant"] * len(messages))[
            : len(whole["messages"])
        ]
        body = {**whole, "messages": [*whole["messages"], NEXT], "model": "m", "max_tokens": 9, "stream": True}
        tools = {b["name"] for one in whole["messages"] for b in one["content"] if b["type"] == "tool_use"}
        named = [{"name": name, "input_schema": {"type": "object"}} for name in sorted(tools)]
        check("messages", body | ({"tools": named} if named else {}))
        assert (await chat.export("markdown")).startswith("# ")
        json.dumps(await chat.export("json"), allow_nan=False)

    anyio.run(exported)


@some
@given(threads() | threads(forget=True))
def test_an_export_that_is_imported_is_exported_as_it_was(log: Log) -> None:
    async def there_and_back() -> None:
        messages = await (await chat_of(log)).export("openai")
        async with await create_chat(MemoryStore(), ScriptedModel([]), viewer=OWNER, history=messages) as again:
            assert await again.export("openai") == messages

    anyio.run(there_and_back)


@tool(effect="read")
def look(of: str) -> dict[str, str]:
    """Look."""
    return {"left": f"12 for {of}"}


@tool(effect="idempotent")
def pay(days: int) -> str:
    """Pay."""
    return f"{days} paid"


@tool(effect="unsafe", approval="approver")
def book(days: int) -> str:
    """Book."""
    return f"{days} booked"


async def answered_chat(store, *, retriever=None):
    """A chat with an answer that looked something up, and one that was asked again."""
    script = [
        [Call("look", {"of": "e-1042"})],
        [Say("You have 30 days [1].")],
        [Say("Old.")],
        [Say("New.")],
    ]
    desk = Desk(store, ScriptedModel(script), tools=[look], retriever=retriever)
    await desk.start()
    chat = await desk.create_chat(ASKER, metadata={"case": 7}, instructions="Be brief.", title="Leave")
    first = await chat.ask("How many\ndays?")
    await chat.ask("And then?")
    await chat.regenerate()
    return chat, first.turn_id


async def test_replaced_versions_are_left_out_and_the_instructions_come_first(store):
    chat, _ = await answered_chat(store)
    async with chat.desk:
        messages = await chat.export("openai")
        assert [(one["role"], one["content"]) for one in messages] == [
            ("system", "Be brief."),
            ("user", "How many\ndays?"),
            ("assistant", None),
            ("tool", '{"left": "12 for e-1042"}'),
            ("assistant", "You have 30 days [1]."),
            ("user", "And then?"),
            ("assistant", "New."),
        ]
        assert (await chat.export("anthropic"))["system"] == "Be brief."
        kinds = [one["kind"] for one in await chat.export("json")]
        assert (kinds[0], kinds.count("turn"), kinds.count("tool_call")) == ("thread", 2, 1)


async def test_markdown_is_a_text_for_people():
    chat, _ = await answered_chat(MemoryStore(), retriever=Shelf("Employees have 30 days of leave."))
    async with chat.desk:
        text = await chat.export("markdown")
    for line in (
        "# Leave",
        "> How many\n> days?",
        "You have 30 days [1].",
        "- [1] Leave > Days (version 1): “Employees have 30 days of leave.”",
        '- look with `{"of":"e-1042"}`: succeeded, `{"left":"12 for e-1042"}`',
    ):
        assert line in text
    assert "Old." not in text


async def test_an_unknown_format_is_refused_and_a_foreign_thread_is_not_found():
    chat, _ = await answered_chat(MemoryStore())
    async with chat.desk:
        with pytest.raises(InvalidInput, match="'openai' or 'anthropic' or 'markdown' or 'json'"):
            await chat.export("xml")
        with pytest.raises(NotFound):
            await Chat(chat.desk, OTHER, await chat.reload(), {}).export("json")


async def test_an_auditor_who_is_no_employee_any_more_neither_exports_nor_forks_the_thread_they_had(store):
    chat, _ = await answered_chat(store)
    left = Viewer(ASKER.id, {"auditor"}, purpose="complaint 7")
    async with chat.desk as desk:
        for thread in (chat.id, "0" * 32):
            for verb in (desk.exports.conversation, desk.fork):
                with pytest.raises(NotFound):
                    await verb(left, thread)
            with pytest.raises(NotFound):
                await desk.exports.export_own(left, [thread], "jsonl")
        assert {entry.kind for entry in await store.read(f"audit:{left.id}")} == {"audit.denied"}


async def test_an_open_turn_is_exported_as_not_ended_and_not_forked():
    gate = anyio.Event()
    async with await create_chat(MemoryStore(), ScriptedModel([[Say("One.")], [Wait(gate)]]), viewer=ASKER) as chat:
        first = await chat.ask("1?")
        turn = await chat.desk.submit(ASKER, chat.id, "2?")
        assert (await chat.export("openai"))[-2:] == [
            {"role": "user", "content": "2?"},
            {"role": "assistant", "content": "[this answer has not ended]"},
        ]
        assert "not ended yet" in await chat.export("markdown")
        with pytest.raises(TurnInProgress):
            await chat.fork()
        fork = await chat.fork(first.turn_id)
        assert [one.text for one in await fork.messages()] == ["1?", "One."]
        gate.set()
        await ended(chat.desk, turn)


async def test_a_report_is_the_desks_word_in_exports_and_forks():
    script = [[Call("book", {"days": 3})], [Say("I have asked.")], [Say("It is booked.")]]
    async with Desk(MemoryStore(), ScriptedModel(script), tools=[book]) as desk:
        chat = await desk.create_chat(ASKER)
        reply = await chat.ask("Book three")
        (call,) = reply.tool_calls
        early = await chat.fork()
        assert "the thread that this one is a copy of" in (await early.export("openai"))[2]["content"]
        await desk.decide(APPROVER, call.id, "approve", call.digest)
        deferred = await desk.archive.deferred_call(ASKER, call.id)
        await ended(desk, deferred.report)
        messages = await chat.export("openai")
        assert [one["role"] for one in messages] == ["user", *["assistant", "tool", "assistant"] * 2]
        assert (messages[4]["content"], messages[5]["content"]) == ("The request book was approved.", "3 booked")
        fork = await chat.fork()
        assert await fork.export("openai") == messages
        (turn,) = [view.turn for view in (await desk.archive.transcript(ASKER, fork.id)).turns]
        assert (turn.imported.acted, turn.imported.origin.turn) == (True, reply.turn_id)


async def test_what_waits_for_an_approver_or_was_done_on_another_branch_is_not_asked_again_in_a_fork():
    script = [[Call("book", {"days": 3})], [Say("I have asked.")], [Say("It is booked.")]]
    async with Desk(MemoryStore(), ScriptedModel(script), tools=[book]) as desk:
        chat = await desk.create_chat(ASKER)
        (call,) = (await chat.ask("Book three")).tool_calls
        waits = await chat.fork()
        with pytest.raises(NotReplaceable):
            await waits.regenerate()
        await desk.decide(APPROVER, call.id, "approve", call.digest)
        await ended(desk, (await desk.archive.deferred_call(ASKER, call.id)).report)
        without_report = await chat.fork(call.turn)
        with pytest.raises(NotReplaceable):
            await without_report.regenerate()
    script = [[Say("Why?")], [Call("pay", {"days": 3})], [Say("Paid.")]]
    async with Desk(MemoryStore(), ScriptedModel(script), tools=[pay]) as desk:
        chat = await desk.create_chat(ASKER)
        first = await chat.ask("Pay three days")
        await chat.regenerate()
        await chat.show(first.turn_id)
        assert (await chat.messages())[-1].text == "Why?"
        fork = await chat.fork()
        with pytest.raises(NotReplaceable):
            await fork.regenerate()


async def test_a_fork_begins_as_its_origin_and_names_it(store):
    chat, first = await answered_chat(store, retriever=Shelf("Employees have 30 days of leave."))
    async with chat.desk as desk:
        fork = await chat.fork(first)
        (view,) = (await desk.archive.transcript(ASKER, fork.id)).turns
        assert (view.turn.imported.origin.thread, view.turn.imported.origin.turn) == (chat.id, first)
        assert [citation.number for citation in view.turn.citations] == [1]
        head = await desk.archive.thread(ASKER, fork.id)
        assert (head.title, head.metadata, head.instructions) == ("Leave", {"case": 7}, "Be brief.")
        assert (fork.metadata, head.totals.model_calls, head.acted) == ({"case": 7}, 0, 0)
        whole = await chat.fork()
        assert await whole.export("openai") == await chat.export("openai")
        replaced = next(v.turn for v in (await desk.archive.transcript(ASKER, chat.id)).turns if v.turn.replaces)
        for missing in (replaced.replaces, "0" * 24):
            with pytest.raises(NotFound):
                await chat.fork(missing)
        assert (await desk.own_data.totals(ASKER)).threads == 3


async def test_an_erasure_of_the_original_leaves_the_fork():
    store = MemoryStore()
    chat, _ = await answered_chat(store)
    async with chat.desk as desk:
        fork = await chat.fork()
        before = await fork.export("openai")
    async with Desk(store, ScriptedModel([]), erase_after=timedelta(0)) as desk:
        await desk.ask_erasure(ASKER, chat.id)
        await desk.recover()
        assert (await desk.archive.thread(ASKER, chat.id)).erased_upto > 0
        again = await desk.load_chat(ASKER, fork.id)
        assert await again.export("openai") == before
        erased_fork = await desk.fork(ASKER, chat.id)
        (first, _) = (await desk.archive.transcript(ASKER, erased_fork.id)).turns
        assert (first.turn.question, first.turn.answer_erased) == (None, True)
