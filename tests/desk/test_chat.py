"""A chat: one thread for one viewer, in the few verbs that an application needs."""

import asyncio
from contextlib import aclosing

import anyio
import pytest
from pydantic import BaseModel, model_validator

from backends import MemoryStore
from backends.models.scripted.model import Bill, Call, Cut, Fail, Say, ScriptedModel, Wait
from core import (
    Desk,
    InvalidInput,
    NotFound,
    Options,
    RequestMismatch,
    TurnInProgress,
    TurnNotCompleted,
    Usage,
    Viewer,
    create_chat,
    load_chat,
    tool,
)
from core.log.fold import State, fold_all
from core.log.records import record
from core.store import Query
from tests.support.desks import ASKER, QUICK, chatting, ended, events, log_of, logged, until
from tests.support.shelf import Shelf

NEVER = anyio.Event


class Case(BaseModel):
    number: int
    team: str = "people"


async def test_a_question_is_answered(store):
    bill = Bill(Usage(input=90, cached=10, output=7), cost=1_200)
    async with chatting(store, [[Say("You have twelve days."), bill]]) as chat:
        reply = await chat.ask("How many?")
        assert reply.raise_for_status() is reply
        assert (reply.status, reply.text, reply.cost, reply.error) == (
            "completed",
            "You have twelve days.",
            1_200,
            None,
        )
        assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.model_calls) == (90, 7, 1)
        assert await chat.usage() == reply.usage


async def test_an_answer_is_given_again_and_streamed_in_the_place_of_the_newest_or_of_any(store):
    async with chatting(store, [[Say("One.")], [Say("Two.")], [Say("Three.")], [Say("Four.")]]) as chat:
        first = await chat.ask("How many?")
        again = await chat.regenerate(request_id="r")
        assert (await chat.regenerate(request_id="r")).turn_id == again.turn_id
        assert (again.text, (await chat.regenerate()).text) == ("Two.", "Three.")
        text = ""
        async with aclosing(chat.ask_stream("How much?", replaces=first.turn_id)) as events:
            async for event in events:
                text += event.text if event.kind == "text" else ""
        assert text == "Four."
        assert [message.text for message in await chat.messages()] == ["How much?", "Four."]
        await chat.show(again.turn_id)
        assert [message.text for message in await chat.messages()] == ["How many?", "Two."]


async def test_a_turn_that_did_not_complete_is_a_status_and_raises_only_when_asked_to(store):
    async with chatting(store, [[Fail("auth", "no key")]]) as chat:
        reply = await chat.ask("How many?")
        assert (reply.status, reply.error.code, reply.error.message) == ("failed", "auth", "no key")
        with pytest.raises(TurnNotCompleted, match=rf"turn {reply.turn_id} is failed \(auth\)"):
            reply.raise_for_status()


async def test_a_cost_that_is_not_known_is_none_and_makes_the_sum_none(store):
    script = [[Say("One."), Bill(Usage(input=1, output=1), cost=5)], [Say("Two.")]]
    async with chatting(store, script) as chat:
        assert (await chat.ask("1?")).cost == 5
        assert (await chat.ask("2?")).cost is None
        totals = await chat.usage()
        assert (totals.cost, totals.cost_unknown, totals.tokens_unknown) == (5, 1, 1)
        assert [call.cost for call in await chat.model_calls()] == [5, None]


async def test_a_stream_gives_the_text_as_it_comes_and_the_end_last(store):
    gate = anyio.Event()
    async with chatting(store, [[Say("You have "), Wait(gate), Say("twelve.")]]) as chat:
        texts = []
        async for event in chat.ask_stream("How many?"):
            if event.kind == "text":
                texts.append(event.text)
                gate.set()
        assert (texts, event.kind, event.turn.text) == (["You have ", "twelve."], "ended", "You have twelve.")


@pytest.mark.parametrize("way", ["closed", "cancelled"])
@pytest.mark.parametrize("on_disconnect", ["finish", "stop"])
async def test_what_a_stream_that_is_left_early_does_to_its_turn_is_an_option(store, on_disconnect, way):
    gate = anyio.Event()
    model = ScriptedModel([[Say("You have "), Wait(gate), Say("twelve.")]])
    async with chatting(store, model, options=Options(on_disconnect=on_disconnect)) as chat:
        first = anyio.Event()

        async def read():
            async with aclosing(chat.ask_stream("How many?", request_id="r1")) as events:
                async for event in events:
                    if event.kind == "text":
                        first.set()
                        if way == "closed":
                            return

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await first.wait()
            if way == "cancelled":
                tasks.cancel_scope.cancel()
        gate.set()
        reply = await chat.ask("How many?", request_id="r1")
    expected = ("completed", "You have twelve.") if on_disconnect == "finish" else ("cancelled", "You have ")
    assert (reply.status, reply.text) == expected


WAYS_TO_WAIT = {
    "ask": lambda chat, turn, call: chat.ask("How many?", request_id="r1"),
    "regenerate": lambda chat, turn, call: chat.regenerate(turn.id, request_id="r1"),
    "edit": lambda chat, turn, call: chat.edit(turn.id, "How many?", request_id="r1"),
    "decide": lambda chat, turn, call: chat.decide(call.id, "approve", call.digest),
}


@tool(effect="read", needs_approval=True)
def days() -> int:
    """How many days are left."""
    return 12


@pytest.mark.parametrize("way", WAYS_TO_WAIT)
@pytest.mark.parametrize("on_disconnect", ["finish", "stop"])
async def test_what_a_cancelled_wait_does_to_its_turn_is_the_same_option(on_disconnect, way):
    gate = anyio.Event()
    shown = [Say("You have "), Wait(gate), Say("twelve.")]
    script = [[Call("days", {}) if way == "decide" else Say("Some.")], shown]
    options = Options(on_disconnect=on_disconnect)
    async with chatting(MemoryStore(), script, tools=[days], options=options) as chat:
        first = await chat.ask("Days?")
        turn, call = await chat.desk.archive.turn(ASKER, first.turn_id), next(iter(first.waiting), None)
        caller = asyncio.ensure_future(WAYS_TO_WAIT[way](chat, turn, call))

        async def waiting_for():
            last = (await chat.desk.archive.thread(ASKER, chat.id)).last
            return last if way == "decide" or last != turn.id else None

        newest = await until(waiting_for)
        await until(lambda: shown_text(chat, newest))
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        gate.set()
        (*_, last) = await events(chat.desk, newest)
    expected = ("completed", "You have twelve.") if on_disconnect == "finish" else ("cancelled", "You have ")
    assert (last.turn.status, last.turn.text) == expected


async def shown_text(chat, turn):
    """Whether followers of the turn have seen text."""
    lives = [entry for fence in (1, 2) for entry in await chat.desk._store.read(f"live:{turn}:{fence}")]
    return any(entry.kind == "live.text" for entry in lives)


async def test_a_cancelled_scope_stops_a_turn_as_a_cancelled_task_does():
    async with chatting(MemoryStore(), [[Wait(NEVER())]], options=Options(on_disconnect="stop")) as chat:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(chat.ask, "How many?")
            await until(lambda: logged(chat.desk._store, chat.id, "model.asked"))
            tasks.cancel_scope.cancel()
        assert (await chat.messages())[-1].status == "cancelled"


async def test_a_stream_that_was_read_to_its_end_stops_nothing(store):
    async with chatting(store, [[Say("Twelve.")]], options=Options(on_disconnect="stop")) as chat:
        async with aclosing(chat.ask_stream("How many?")) as events:
            async for event in events:
                if event.kind == "ended":
                    break
        assert event.turn.status == "completed"


async def test_the_same_request_gives_the_same_reply(store):
    async with chatting(store, [[Say("Twelve.")]]) as chat:
        replies = [await chat.ask("How many?", request_id="r1") for _ in range(2)]
        assert replies[0] == replies[1]
        with pytest.raises(RequestMismatch):
            await chat.ask("How much?", request_id="r1")


async def test_one_who_asks_while_a_turn_is_open_may_attach_to_it(store):
    gate = anyio.Event()
    async with chatting(store, [[Wait(gate), Say("Twelve.")]]) as chat:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(chat.ask, "How many?")
            await until(lambda: logged(store, chat.id, "model.asked"))
            with pytest.raises(TurnInProgress) as caught:
                await chat.ask("And?")
            gate.set()
        seen = [event async for event in chat.follow(caught.value.turn_id)]
        assert seen[-1].turn.text == "Twelve."


async def test_a_chat_that_is_loaded_again_goes_on_where_it_was(store):
    async with chatting(store, [[Say("Twelve.")]], title="Vacation", instructions="Be brief.") as chat:
        await chat.ask("How many?")
        texts = [(message.role, message.text) for message in await chat.messages()]
    model = ScriptedModel([[Say("None.")]])
    async with await load_chat(store, model, chat.id, user_id="e-1042", options=QUICK) as chat:
        assert [(message.role, message.text) for message in await chat.messages()] == texts
        await chat.ask("And in July?")
    assert model.requests[0].instructions == "Be brief."
    assert [message.text for message in model.requests[0].messages] == ["How many?", "Twelve.", "And in July?"]


async def test_a_loaded_chat_sees_its_open_turn_to_its_end(store):
    async with chatting(store, [[Wait(NEVER())]]) as chat:
        turn = await chat.desk.submit(ASKER, chat.id, "How many?")
    async with await load_chat(store, ScriptedModel([[Say("Twelve.")]]), chat.id, user_id="e-1042") as chat:
        assert (await ended(chat.desk, turn)).text == "Twelve."


async def test_an_approval_on_a_chat_that_lacks_the_tool_says_for_what_the_turn_waits(store, caplog):
    @tool(effect="unsafe")
    def book(room: str) -> str:
        """Book a room."""
        return room

    async def warned():
        return f"turn {call.turn} waits for a desk that has the tool book: pass them to load_chat" in caplog.text

    model = ScriptedModel([[Call("book", {"room": "Linz"})], [Say("Booked.")]])
    async with await create_chat(store, model, user_id="e-1042", tools=[book]) as chat:
        (call,) = (await chat.ask("Book Linz")).waiting
    async with await load_chat(store, model, chat.id, user_id="e-1042") as chat:
        approval = asyncio.create_task(chat.approve(call))
        await until(warned)
        approval.cancel()
    async with await load_chat(store, model, chat.id, user_id="e-1042", tools=[book]) as chat:
        assert [event.turn.text async for event in chat.follow(call.turn) if event.kind == "ended"] == ["Booked."]


async def test_a_chat_of_one_thread_leaves_other_threads_alone(store):
    async with chatting(store, [[Wait(NEVER())]]) as chat:
        turn = await chat.desk.submit(ASKER, chat.id, "How many?")
    async with chatting(store, [[Say("Mine.")]]) as other:
        await other.ask("?")
        assert (await other.desk.archive.turn(ASKER, turn.id)).status == "running"


@pytest.mark.parametrize("given", [{"user_id": "e-1077"}, {"viewer": Viewer("e-1077", roles={"employee", "approver"})}])
async def test_a_foreign_chat_and_none_are_refused_in_the_same_words(store, given):
    async with chatting(store, []) as chat:
        pass
    said = []
    for id in (chat.id, "0" * 32):
        with pytest.raises(NotFound) as caught:
            await load_chat(store, ScriptedModel([]), id, **given)
        said.append(str(caught.value).replace(id, "ID"))
    assert said == ["thread ID was not found"] * 2


async def test_typed_metadata_comes_back_as_what_it_was(store):
    model = ScriptedModel([])
    async with await create_chat(store, model, user_id="e-1042", metadata=Case(number=7)) as chat:
        assert chat.metadata == Case(number=7)
    async with await load_chat(store, model, chat.id, user_id="e-1042", metadata_type=Case) as chat:
        assert chat.metadata == Case(number=7, team="people")
        await chat.update_metadata({"number": 8})
        assert chat.metadata == Case(number=8)
        with pytest.raises(InvalidInput, match="number"):
            await chat.update_metadata({"number": "eight"})
    async with await load_chat(store, model, chat.id, user_id="e-1042") as chat:
        assert chat.metadata == {"number": 8, "team": "people"}
    assert len(await logged(store, chat.id, "thread.metadata")) == 1


async def test_metadata_of_another_type_is_refused(store):
    async with chatting(store, [], metadata={"colour": "red"}) as chat:
        pass
    with pytest.raises(InvalidInput, match="does not fit Case"):
        await load_chat(store, ScriptedModel([]), chat.id, user_id="e-1042", metadata_type=Case)


@pytest.mark.parametrize("metadata", [{"a": float("nan")}, {"a": object()}, {"a": "\ud800"}, {1: 2}])
async def test_metadata_without_json_is_refused(store, metadata):
    with pytest.raises(InvalidInput):
        await create_chat(store, ScriptedModel([]), user_id="e-1042", metadata=metadata)


@pytest.mark.parametrize("given", [{}, {"user_id": "e-1042", "viewer": ASKER}])
async def test_a_chat_needs_to_know_who_asks(store, given):
    with pytest.raises(InvalidInput, match="who asks"):
        await create_chat(store, ScriptedModel([]), **given)


async def test_the_newest_messages_come_by_the_page(store):
    async with chatting(store, lambda request: [Say(f"answer to {request.messages[-1].text}")]) as chat:
        for n in range(6):
            await chat.ask(f"question {n}")
        last = await chat.messages(last=4)
        before = await chat.messages(last=4, before=last[0].at_n)
        with pytest.raises(InvalidInput, match="limit"):
            await chat.messages(last=0)
    assert [message.text for message in [*before, *last]] == [
        text for n in range(2, 6) for text in (f"question {n}", f"answer to question {n}")
    ]


async def test_settings_reach_the_model_and_unknown_ones_are_refused_by_name(store):
    model = ScriptedModel([[Say("Yes.")]], settings={"temperature": float})
    async with chatting(store, model, options=Options(model_settings={"temperature": 0.5})) as chat:
        await chat.ask("?")
    assert model.requests[0].settings == {"temperature": 0.5}
    with pytest.raises(InvalidInput, match="refuses the setting 'seed'; it accepts: temperature"):
        Desk(store, model, options=Options(model_settings={"seed": 1}))
    with pytest.raises(InvalidInput, match="it accepts: none"):
        await create_chat(store, ScriptedModel([]), user_id="e-1042", options=Options(model_settings={"seed": 1}))


async def test_what_is_to_be_forgotten_is_erased_when_the_turn_ends_and_its_record_with_it(store):
    @tool(effect="read")
    def look() -> str:
        """Look."""
        return "canary result"

    script = [[Say("Let me"), Cut()], [Call("look", {})], [Say("Twelve.")]]
    forget = ("passages.retrieved", "model.failed", "tool.finished")
    options = Options(retry_delay=0.001, on_interruption="retry", forget=forget)
    async with chatting(store, script, tools=[look], retriever=Shelf("One.", "Two."), options=options) as chat:
        reply = await chat.ask("How many?")
        assert (reply.status, reply.text) == ("completed", "Twelve.")
        await until(lambda: logged(store, chat.id, "erased"))
        view = await chat.desk.archive.turn_view(ASKER, reply.turn_id)
    entries = await log_of(store, chat.id)
    assert {entry.kind for entry in entries if entry.erased} == set(forget)
    assert {entry.kind for entry in entries if entry.kind in forget and not entry.erased} == set()
    assert [(call.status, call.result, call.size) for call in view.calls] == [("succeeded", None, 15)]
    assert [(found.count, found.passages) for found in view.retrievals] == [(2, [])]
    assert [call.answer for call in view.model_calls] == [None, "", "Twelve."]
    await records_are_what_the_log_says(store, chat.id)


async def records_are_what_the_log_says(store, thread):
    state = fold_all(State(), await log_of(store, thread))
    folded = {(made.kind, made.id): made for item in state.items.values() for made in [record(item)]}
    head = record(state.thread)
    assert await store.get("thread", thread) == head
    stored = {}
    for kind in ("turn", "message", "tool_call", "model_call", "retrieval"):
        page = await store.find(Query(kind=kind, where={"thread": thread}, limit=500))
        stored |= {(kind, found.id): found for found in page.records}
    assert stored == folded


async def test_the_records_of_a_busy_thread_are_what_its_log_says(store):
    @tool(effect="unsafe")
    def book() -> str:
        """Book."""
        return "booked"

    script = [
        [Say("Half"), Cut()],
        [Call("book", {}), Call("nobook", {})],
        [Say("Booked."), Bill(Usage(input=1, output=1), cost=3)],
        [Fail("auth")],
        [Call("book", {})],
    ]
    async with chatting(store, script, tools=[book], retriever=Shelf("One.", "Two.")) as chat:
        await chat.ask("1?")
        reply = await chat.ask("2?")
        reply = await chat.decide(reply.waiting[0].id, "approve", reply.waiting[0].digest)
        await chat.desk.give_feedback(ASKER, reply.turn_id, "down", "too short")
        await chat.ask("3?")
        await chat.stop((await chat.ask("4?")).turn_id)
        await chat.desk.rename(ASKER, chat.id, "Booking")
        await chat.update_metadata({"case": 7})
        assert reply.cost is None or reply.cost == 3
    await records_are_what_the_log_says(store, chat.id)


async def test_feedback_is_a_rating_that_can_be_taken_back_and_the_earlier_one_stays_in_the_log(store):
    async with chatting(store, [[Say("Twelve.")]]) as chat:
        turn = (await chat.ask("How many?")).turn_id
        desk = chat.desk
        await desk.give_feedback(ASKER, turn, "up", "thanks")
        assert ((await desk.archive.turn(ASKER, turn)).rating, (await desk.archive.turn(ASKER, turn)).comment) == (
            "up",
            "thanks",
        )
        await desk.give_feedback(ASKER, turn, None)
        assert (await desk.archive.turn(ASKER, turn)).rating is None
        assert [e.shell["rating"] for e in await logged(store, chat.id, "feedback.given")] == ["up", None]
        with pytest.raises(InvalidInput, match="`rating` must be 'up' or 'down' or None"):
            await desk.give_feedback(ASKER, turn, "great")
        with pytest.raises(InvalidInput, match="a comment may have 4000 characters; this one has 4001"):
            await desk.give_feedback(ASKER, turn, "up", "x" * 4001)


async def test_a_thread_is_called_by_its_first_question_until_it_is_renamed(store):
    async with chatting(store, [[Say("Twelve.")]]) as chat:
        await chat.ask("How many  days\nare left? " + "x" * 100)
        desk = chat.desk
        assert (await desk.archive.thread(ASKER, chat.id)).title == ("How many days are left? " + "x" * 100)[:60]
        assert (await desk.rename(ASKER, chat.id, "  My  days ")).title == "My days"
        for title in ("", " ", "x" * 201):
            with pytest.raises(InvalidInput, match="1 to 200"):
                await desk.rename(ASKER, chat.id, title)


async def test_own_threads_are_found_by_a_word_that_was_said_and_nobody_elses(store):
    async with chatting(store, [[Say("Twelve days.")]]) as chat:
        await chat.ask("Vacation?")
    async with chatting(store, [[Say("Twelve days.")]], user=Viewer("e-1077")) as bens:
        await bens.ask("Vacation?")
        assert [t.id for t in (await bens.desk.archive.threads(Viewer("e-1077"))).items] == [bens.id]
        found = (await bens.desk.archive.search_threads(Viewer("e-1077"), "vacat")).items
        assert [one.thread.id for one in found] == [bens.id]
        assert [t.id for t in (await bens.desk.archive.threads(ASKER)).items] == [chat.id]


async def test_a_chat_stops_its_newest_turn_without_being_told_which(store):
    async with chatting(store, [[Say("Half"), Wait(anyio.Event())]]) as chat:
        with pytest.raises(InvalidInput, match="nothing was asked yet"):
            await chat.stop()
        turn = await chat.desk.submit(chat.viewer, chat.id, "And?")
        assert [(reply := await chat.stop()).turn_id, reply.status] == [turn.id, "cancelled"]


async def test_the_metadata_of_a_desks_own_chat_is_typed_and_a_thread_of_another_type_is_refused(store):
    class Case(BaseModel):
        number: int

    async with Desk(store, ScriptedModel([])) as desk:
        chat = await desk.create_chat(ASKER, metadata=Case(number=7))
        assert (await desk.load_chat(ASKER, chat.id, metadata_type=Case)).metadata == Case(number=7)
        other = await desk.create_chat(ASKER, metadata={"number": "seven"})
        assert (await desk.load_chat(ASKER, other.id)).metadata == {"number": "seven"}
        with pytest.raises(InvalidInput, match="the metadata does not fit Case: number"):
            await desk.load_chat(ASKER, other.id, metadata_type=Case)


async def test_a_validator_of_typed_metadata_speaks_for_itself(store):
    class Case(BaseModel):
        opened: int
        closed: int

        @model_validator(mode="after")
        def check_order(self):
            if self.closed < self.opened:
                raise ValueError("a case is closed after it is opened")
            return self

    async with Desk(store, ScriptedModel([])) as desk:
        chat = await desk.create_chat(ASKER, metadata=Case(opened=1, closed=2))
        with pytest.raises(InvalidInput, match=r"Case: a case is closed after it is opened$"):
            await chat.update_metadata({"closed": 0})
