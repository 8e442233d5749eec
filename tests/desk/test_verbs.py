"""What a chat application does with a chat besides asking; and what two chats on one thread do to each other."""

import anyio
import pytest
from pydantic import BaseModel

from backends.models.scripted.model import Call, Fail, Say, ScriptedModel, Wait
from backends.stores.memory import MemoryStore
from core import Desk, InvalidInput, MetadataConflict, NotFound, Viewer, create_chat, load_chat, tool
from tests.support.desks import APPROVER, ASKER, OTHER, QUICK, chatting, ended, log_of, logged, until
from tests.support.wrapped import WrappedStore


class Case(BaseModel):
    number: int
    team: str = "people"


@tool(effect="unsafe")
def book(days: int) -> str:
    """Book."""
    return f"{days} booked"


@tool(effect="unsafe", approval="approver")
def pay(to: str) -> str:
    """Pay."""
    return f"paid {to}"


OPEN = []
"""The chats that a test has opened without a block; they are closed after it."""


@pytest.fixture(autouse=True)
async def closed():
    yield
    while OPEN:
        await OPEN.pop().close()


async def opened(store, **given):
    """A chat without turns."""
    OPEN.append(await create_chat(store, ScriptedModel([]), viewer=ASKER, options=QUICK, **given))
    return OPEN[-1]


async def again(store, chat, **given):
    OPEN.append(await load_chat(store, ScriptedModel([]), chat.id, viewer=ASKER, options=QUICK, **given))
    return OPEN[-1]


@pytest.fixture
def memory():
    return MemoryStore()


async def test_a_chat_lists_renames_and_finds_the_threads_of_its_viewer(memory):
    async with chatting(memory, [[Say("Twelve days.")]], title="One") as chat, chatting(memory, [], user=OTHER):
        second = await chat.desk.create_chat(ASKER, title="Two")
        await chat.ask("How many?")
        assert (await second.rename("Sick leave")).title == "Sick leave"
        assert {thread.title for thread in (await chat.threads()).items} == {"One", "Sick leave"}
        assert [found.thread.id for found in (await chat.search_threads("sick")).items] == [second.id]
        (first,) = (await chat.threads(limit=1)).items
        assert len((await chat.threads(cursor=(await chat.threads(limit=1)).cursor)).items) == 1
        assert (await chat.reload()).title == "One"
        assert first.owner == ASKER.id


async def test_a_chat_rates_its_answers(memory):
    async with chatting(memory, [[Say("Twelve.")]]) as chat:
        reply = await chat.ask("How many?")
        await chat.give_feedback(reply.turn_id, "down", "too short", dislike="unclear")
        turn = await chat.desk.archive.turn(ASKER, reply.turn_id)
        assert (turn.rating, turn.comment, turn.dislike) == ("down", "too short", "unclear")


async def test_a_chat_asks_for_its_erasure_and_takes_that_back(memory):
    async with chatting(memory, []) as chat:
        assert (await chat.ask_erasure()).erase_due is not None
        assert (await chat.withdraw_erasure()).erase_due is None


async def test_calls_that_were_shown_are_approved_and_denied(store):
    script = [[Call("book", {"days": 2}), Call("book", {"days": 3})], [Say("Done.")]]
    async with chatting(store, script, tools=[book]) as chat:
        assert await chat.pending() == []
        parked = await chat.ask("Book")
        two, three = await chat.pending()
        assert [two, three] == parked.waiting
        assert (await chat.deny(three, reason="Not these")).status == "awaiting_approval"
        assert await chat.pending() == [two]
        reply = await chat.approve(two, arguments={"days": 1}, reason="One will do")
        assert await chat.pending() == []
    assert [(call.status, call.result, call.decision.reason) for call in reply.tool_calls] == [
        ("succeeded", "1 booked", "One will do"),
        ("denied", None, "Not these"),
    ]


async def test_a_call_that_differs_from_the_one_that_was_shown_is_not_approved(memory):
    async with chatting(memory, [[Call("book", {"days": 2})], [Say("Done.")]], tools=[book]) as chat:
        (call,) = (await chat.ask("Book")).waiting
        with pytest.raises(InvalidInput, match="not those that were shown"):
            await chat.approve(call.model_copy(update={"digest": "0" * 64}))
        assert (await chat.deny(call)).status == "completed"


async def test_a_call_that_waits_for_an_approver_is_pending_until_it_is_withdrawn_or_decided(store):
    script = [[Call("pay", {"to": "a"}), Call("pay", {"to": "b"})], [Say("They wait.")], [Say("Denied.")]]
    async with chatting(store, script, tools=[pay]) as chat:
        assert (await chat.ask("Pay")).status == "completed"
        first, second = await chat.pending()
        assert [first.approval, first.arguments, second.arguments] == ["approver", {"to": "a"}, {"to": "b"}]
        assert (await chat.withdraw(first.id)).closed == "withdrawn"
        assert [call.id for call in await chat.pending()] == [second.id]
        await chat.desk.decide(APPROVER, second.id, "deny", second.digest)
        assert await chat.pending() == []


class Decided(WrappedStore):
    """A store in which another chat decides just before tool calls are listed."""

    first = None

    async def find(self, query):
        if self.first and query.kind == "tool_call":
            first, self.first = self.first, None
            await first()
        return await super().find(query)


async def test_a_call_that_is_decided_while_the_pending_ones_are_read_is_not_among_them(memory):
    store = Decided(memory)
    async with chatting(store, [[Call("book", {"days": 2})], [Say("Done.")]], tools=[book]) as chat:
        (call,) = (await chat.ask("Book")).waiting
        store.first = lambda: chat.deny(call)
        assert await chat.pending() == []
        assert store.first is None


async def test_new_instructions_are_for_the_next_turn_and_the_earlier_turns_show_theirs(store):
    model = ScriptedModel([[Say("One.")]])
    async with chatting(store, model, instructions="Be brief.") as chat:
        first = await chat.ask("1?")
    model = ScriptedModel([[Say("Two.")], [Say("Three.")]])
    async with await load_chat(store, model, chat.id, viewer=ASKER, instructions="Be kind.", options=QUICK) as chat:
        second = await chat.ask("2?")
        await chat.change_instructions("")
        third = await chat.ask("3?")
        told = [(await chat.desk.archive.produced(ASKER, one.turn_id)).instructions for one in (first, second, third)]
    assert [request.instructions for request in model.requests] == ["Be kind.", ""]
    assert [one.value for one in told] == ["Be brief.", "Be kind.", ""]


async def test_the_same_instructions_and_none_add_no_entry_and_do_not_move_the_thread(memory):
    chat = await opened(memory, instructions="Be brief.")
    before = await chat.reload()
    for instructions in (None, "Be brief."):
        await again(memory, chat, instructions=instructions)
    assert await logged(memory, chat.id, "thread.instructions") == []
    await again(memory, chat, instructions="Be kind.")
    await again(memory, chat, instructions="Be kind.")
    thread = await chat.reload()
    assert len(await logged(memory, chat.id, "thread.instructions")) == 1
    assert (thread.instructions, thread.updated_at) == ("Be kind.", before.updated_at)
    with pytest.raises(InvalidInput, match="instructions may have"):
        await chat.change_instructions("x" * 65_537)


async def test_a_turn_that_goes_on_later_keeps_the_instructions_it_was_opened_with(memory):
    async with chatting(memory, [[Wait(anyio.Event())]], instructions="Be brief.") as chat:
        turn = await chat.desk.submit(ASKER, chat.id, "1?")
        await until(lambda: logged(memory, chat.id, "model.asked"))
        await chat.change_instructions("Be kind.")
    model = ScriptedModel([[Say("One.")]])
    async with await load_chat(memory, model, chat.id, viewer=ASKER, options=QUICK) as chat:
        assert (await ended(chat.desk, turn)).text == "One."
    assert model.requests[0].instructions == "Be brief."


async def test_only_the_owner_gives_a_thread_other_instructions(memory):
    chat = await opened(memory, instructions="Be brief.")
    reader = Viewer("e-2001", roles={"auditor"}, purpose="complaint 7")
    for viewer in (OTHER, reader):
        with pytest.raises(NotFound):
            await chat.desk.load_chat(viewer, chat.id, instructions="Tell all.")
    assert (await chat.reload()).instructions == "Be brief."


async def test_an_update_keeps_the_fields_that_it_does_not_name(store):
    chat = await opened(store, metadata={"a": 1, "b": {"c": 2}})
    await chat.update_metadata({"a": None, "d": 4})
    assert chat.metadata == {"a": None, "b": {"c": 2}, "d": 4}
    await chat.update_metadata({"b": 5}, replace=True)
    assert chat.metadata == (await chat.reload()).metadata == {"b": 5}


async def test_two_desks_that_change_different_fields_both_succeed_and_see_it(store):
    one = await opened(store, metadata={"a": 1, "b": 1})
    two = await again(store, one)
    await one.update_metadata({"a": 2})
    await two.update_metadata({"b": 2})
    assert two.metadata == {"a": 2, "b": 2}
    await one.reload()
    assert one.metadata == two.metadata


@pytest.mark.parametrize("replace", [False, True])
async def test_the_second_to_change_a_field_is_told_and_has_overwritten_nothing(store, replace):
    one = await opened(store, metadata={"a": 1, "b": 1})
    two = await again(store, one)
    await one.update_metadata({"a": 2})
    with pytest.raises(MetadataConflict, match=r"has changed since it was read \(a\)") as caught:
        await two.update_metadata({"a": 3, "b": 1}, replace=replace)
    assert caught.value.fields == ("a",)
    assert (await two.reload()).metadata == {"a": 2, "b": 1}
    await two.update_metadata({"a": 3}, replace=replace)
    assert (await one.reload()).metadata == ({"a": 3} if replace else {"a": 3, "b": 1})


async def test_a_field_that_another_chat_has_added_is_not_lost_by_a_replacement(memory):
    one = await opened(memory, metadata={"a": 1})
    two = await again(memory, one)
    await one.update_metadata({"b": None})
    with pytest.raises(MetadataConflict, match=r"\(b\)"):
        await two.update_metadata({"a": 2}, replace=True)


async def test_two_chats_that_write_the_same_value_do_not_conflict(memory):
    one = await opened(memory, metadata={"a": 1})
    two = await again(memory, one)
    await one.update_metadata({"a": 2})
    await two.update_metadata({"a": 2})
    await one.update_metadata({"a": True})
    with pytest.raises(MetadataConflict):
        await two.update_metadata({"a": 1})


async def test_a_chat_that_changes_its_metadata_in_place_is_told_of_a_lost_update_too(memory):
    one = await opened(memory, metadata={"a": {"b": 1}})
    two = await again(memory, one)
    await one.update_metadata({"a": {"b": 2}})
    two.metadata["a"]["b"] = 3
    with pytest.raises(MetadataConflict):
        await two.update_metadata(two.metadata)


async def test_what_was_changed_in_place_is_written_if_only_this_chat_changes_it(memory):
    one = await again(memory, await opened(memory, metadata={"a": {"b": 1}}))
    one.metadata["a"]["b"] = 3
    await one.update_metadata(one.metadata)
    one.metadata["a"]["b"] = 4
    await one.update_metadata(one.metadata, replace=True)
    assert (await one.reload()).metadata == {"a": {"b": 4}}


class Interrupted(WrappedStore):
    """A store in which another chat writes just before the next change of metadata is committed."""

    first = None

    async def commit(self, stream, after, entries, records=(), *, id):
        if self.first and any(entry.kind == "thread.metadata" for entry in entries):
            first, self.first = self.first, None
            await first()
        await super().commit(stream, after, entries, records, id=id)


@pytest.mark.parametrize(("field", "lost"), [("a", True), ("b", False)])
async def test_a_change_that_comes_between_the_check_and_the_commit_is_not_lost(memory, field, lost):
    store = Interrupted(memory)
    one = await opened(memory, metadata={"a": 1, "b": 1})
    two = await again(store, one)
    store.first = lambda: one.update_metadata({field: 2})
    if lost:
        with pytest.raises(MetadataConflict):
            await two.update_metadata({"a": 3})
    else:
        await two.update_metadata({"a": 3})
    assert (await one.reload()).metadata == ({"a": 2, "b": 1} if lost else {"a": 3, "b": 2})


async def test_the_metadata_of_a_typed_chat_is_checked_as_a_whole_and_merged_by_field(memory):
    one = await opened(memory, metadata=Case(number=7))
    two = await again(memory, one, metadata_type=Case)
    plain = await again(memory, one)
    await plain.update_metadata({"note": "kept"})
    with pytest.raises(InvalidInput, match="does not fit Case: number"):
        await two.update_metadata({"number": "eight"})
    await one.update_metadata(Case(number=8))
    await two.update_metadata(two.metadata.model_copy(update={"team": "sales"}))
    assert two.metadata == Case(number=8, team="sales")
    assert (await plain.reload()).metadata == {"number": 8, "team": "sales", "note": "kept"}
    with pytest.raises(InvalidInput, match="does not fit Case: number"):
        await two.update_metadata({"team": "people"}, replace=True)
    await plain.update_metadata({"number": 9})
    with pytest.raises(MetadataConflict, match=r"\(number\)"):
        await two.update_metadata(Case(number=10, team="people"))


async def test_a_desk_without_a_base_lets_the_last_caller_win(memory):
    async with Desk(memory, ScriptedModel([])) as desk:
        thread = await desk.create_thread(ASKER, metadata={"a": 1})
        await desk.update_metadata(ASKER, thread.id, {"a": 2})
        assert (await desk.update_metadata(ASKER, thread.id, Case(number=1))).metadata == {
            "a": 2,
            "number": 1,
            "team": "people",
        }
    assert [entry.kind for entry in await log_of(memory, thread.id)] == [
        "thread.created",
        "thread.metadata",
        "thread.metadata",
    ]


@tool(effect="read")
def look() -> str:
    """Look."""
    return "seen"


async def test_an_answer_without_text_is_no_message_and_pages_are_full_all_the_same(store):
    def answers(request):
        return [Say("Done.")] if request.messages[-1].text.startswith("say") else [Fail("auth")]

    async with chatting(store, answers) as chat:
        for text in ("say 1", "silent 1", "silent 2", "silent 3", "say 2", "silent 4"):
            await chat.ask(text)
        last = await chat.messages(last=3)
        before = await chat.messages(last=4, before=last[0].at_n)
        first = await chat.messages(before=before[0].at_n)
    assert [message.text for message in last] == ["say 2", "Done.", "silent 4"]
    assert [message.text for message in before] == ["Done.", "silent 1", "silent 2", "silent 3"]
    assert [message.text for message in first] == ["say 1"]


async def test_a_turn_that_was_stopped_before_its_first_word_has_a_question_only(memory):
    async with chatting(memory, [[Wait(anyio.Event())]]) as chat:
        await chat.desk.submit(ASKER, chat.id, "Why?")
        assert [message.text for message in await chat.messages()] == ["Why?"]
        assert (await chat.stop()).status == "cancelled"
        assert [(message.role, message.status) for message in await chat.messages()] == [("user", "cancelled")]


async def test_a_chat_is_shown_as_what_it_is_without_what_was_said(memory):
    long = "Why does " + "it take " * 20 + "so long?"
    async with chatting(memory, [[Call("look", {})], [Say(long)]], tools=[look], title=long) as chat:
        reply = await chat.ask(long)
        turn = await chat.desk.archive.turn(ASKER, reply.turn_id)
        shown = [repr(one) for one in (chat, chat.desk, reply, await chat.reload(), turn)]
    assert shown[:2] == [
        f"Chat('{chat.id}', viewer='e-1042')",
        "Desk(MemoryStore, models=['scripted:'], tools=['look'])",
    ]
    beginning = "Why does it take it take it take it tak…"
    assert [beginning in text for text in shown] == [False, False, True, True, True]
    assert all("take " * 8 not in text and "\n" not in text and len(text) < 250 for text in shown)
    assert repr(Viewer("e-2001", {"employee", "auditor"}, purpose="about Ann")) == (
        "Viewer('e-2001', roles=['auditor', 'employee'])"
    )
