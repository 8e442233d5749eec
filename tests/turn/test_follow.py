"""Following: a follower is fed what its process commits, reads the rest in the store, and sees the same either way."""

from contextlib import aclosing, asynccontextmanager

import anyio
import pytest

import core.live.follow
from backends.models.scripted.model import Call, Say, ScriptedModel, Think, Wait
from core import Desk, Options, tool
from core.clock import SystemClock
from core.live.follow import follow
from core.live.stream import LiveWriter, seal
from core.live.wakeups import KEPT, Wakeups
from core.log.entry import chain
from core.log.facts import LiveText, LiveTextContent, Snapshot, ThreadContent, ThreadCreated, draft, fact
from core.log.records import Turn
from core.turn.commands import Claim, Close, Note
from core.turn.journal import Journal
from core.values import Worker
from core.worker.worker import TurnWorker
from tests.support.commands import answered, failed, requested, submitted
from tests.support.desks import ASKER, PATIENCE, chatting, events, live_text, text_of, until
from tests.support.wrapped import CountingStore, HeldStore, WrappedStore


class SlowLiveReads(WrappedStore):
    """A live stream is read only once it has entries, and the model is not asked before somebody wants to read it."""

    def __init__(self, store):
        super().__init__(store)
        self._wanted = anyio.Event()

    async def read(self, stream, after=0, limit=500):
        if stream.startswith("live:"):
            self._wanted.set()
            await until(lambda: self._store.read(stream))
        return await super().read(stream, after, limit)

    async def commit(self, stream, after, entries, records=(), *, id):
        if any(entry.kind == "model.asked" for entry in entries):
            await self._wanted.wait()
        await super().commit(stream, after, entries, records, id=id)


async def test_a_text_that_is_read_before_the_asking_of_its_call_is_shown_once_that_is_seen(store):
    go_on = anyio.Event()
    model = ScriptedModel([[Say("Half"), Wait(go_on), Say(" and whole.")]])
    async with Desk(SlowLiveReads(store), model) as desk:
        turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "Hello?")
        seen = []
        with anyio.fail_after(PATIENCE):
            async with aclosing(desk.follow(ASKER, turn.id)) as events:
                async for event in events:
                    seen.append(event)
                    if event.kind == "text":
                        go_on.set()
        assert text_of(seen) == "Half and whole."
        assert [event.kind for event in seen if event.kind not in ("beat", "text")] == ["ended"]


D = "0" * 64
SNAPSHOT = Snapshot(models=("scripted:",), instructions=D, tools=D, options=D, handbooks=D)
WORKER = Worker(nonce="0" * 32, host="here", pid=1, start="s")
OTHER_WORKER = Worker(nonce="1" * 32, host="there", pid=1, start="s")


class Process:
    """What a process holds to work on turns, and to follow them."""

    def __init__(self, store):
        self.store, self.clock, self.wakeups = store, SystemClock(), Wakeups()
        self.writer = LiveWriter(store, self.clock, self.wakeups, 0)

    def journal(self, thread):
        return Journal(self.store, self.clock, self.wakeups, thread, Options(), patience=PATIENCE)

    async def answering(self, thread="thread"):
        """A turn whose model has been asked, and whose text is about to come."""
        journal, turn = self.journal(thread), f"turn-{thread}"
        content = ThreadContent(title=None, metadata={}, instructions="")
        await journal.append(Note(fact=ThreadCreated(thread=thread, owner=ASKER.id, content=content)), by=ASKER.id)
        await journal.append(submitted(WORKER, turn, "r", "How many?", SNAPSHOT), by=ASKER.id)
        await journal.append(requested(WORKER), by="desk")
        return Answering(self, journal, turn)

    def follow(self, answering, store=None):
        return aclosing(follow(store or self.store, self.wakeups, answering.turn, lambda turn: None))


class Answering:
    def __init__(self, process, journal, turn):
        self.process, self.journal, self.turn = process, journal, journal.state.item(Turn, turn)
        self.call = journal.state.open_turn.model_call.call
        self.live = process.writer.open(turn, 1)
        self.said = 0

    async def say(self, text):
        """Show a text; returns once it was committed and fed."""
        self.said += 1
        self.live.text(self.call, text)
        await until(lambda: self._committed(self.said))

    async def _committed(self, n):
        return len(await self.process.store.read(self.live.name, n - 1)) > 0

    async def answer(self, text):
        await self.journal.append(answered(WORKER, self.call, text), by="desk")


@asynccontextmanager
async def process_of(store):
    process = Process(store)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(process.writer.run)
        yield process
        tasks.cancel_scope.cancel()


@pytest.fixture
def never_looks(monkeypatch):
    """Followers look at the store at their start and after a gap, and never because time has passed."""
    monkeypatch.setattr(core.live.follow, "POLL", PATIENCE)
    monkeypatch.setattr(core.live.follow, "LOOK", PATIENCE)


async def next_of(following, kind="text"):
    """The next event of the kind; others before it are dropped."""
    with anyio.fail_after(PATIENCE):
        async for event in following:
            if event.kind == kind:
                return event
    raise AssertionError(f"it ended without {kind}")


async def rest_of(following):
    with anyio.fail_after(PATIENCE):
        return [event async for event in following if event.kind != "beat"]


async def test_a_follower_that_is_fed_makes_no_store_call(store, never_looks):
    counting = CountingStore(store)
    async with process_of(store) as process:
        answering = await process.answering()
        async with process.follow(answering, counting) as following:
            await answering.say("One")
            assert (await next_of(following)).text == "One"
            counting.reset()
            for text in (" two", " three"):
                await answering.say(text)
                assert (await next_of(following)).text == text
            await answering.answer("One two three")
            assert [event.kind for event in await rest_of(following)] == ["ended"]
            assert counting.calls == {}


async def test_a_follower_that_falls_behind_reads_the_store_and_sees_every_text_once_and_in_order(store, never_looks):
    counting = CountingStore(store)
    async with process_of(store) as process:
        answering = await process.answering()
        async with process.follow(answering, counting) as following:
            await answering.say("0")
            assert (await next_of(following)).text == "0"
            counting.reset()
            for n in range(1, KEPT + 2):
                await answering.say(f" {n}")
            await answering.say(" last")
            assert (await next_of(following)).text == "".join(f" {n}" for n in range(1, KEPT + 2)) + " last"
            assert counting.calls == {"read": 1}
            await answering.say(" of all")
            assert (await next_of(following)).text == " of all"
            assert counting.calls == {"read": 1}


async def test_an_end_by_another_process_is_seen_while_text_of_this_one_goes_on(store, never_looks, monkeypatch):
    monkeypatch.setattr(core.live.follow, "LOOK", 0.01)
    async with process_of(store) as process:
        answering = await process.answering()
        seen = []

        async def watch():
            async with process.follow(answering) as following:
                seen.extend(await rest_of(following))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            await answering.say("Text")
            elsewhere = Process(store).journal("thread")
            await elsewhere.load(answering.turn.id)
            stop = Close(
                turn=answering.turn.id,
                worker=OTHER_WORKER,
                reason="stop",
                status="cancelled",
                code="stopped",
                message=None,
                partial="Text",
                n=None,
            )
            await elsewhere.append(stop, by=ASKER.id)
            with anyio.fail_after(PATIENCE):
                while not seen:
                    await answering.say(" and more")
        assert (seen[-1].kind, seen[-1].turn.status) == ("ended", "cancelled")


async def test_what_the_feed_left_out_is_read_in_the_store(store, never_looks):
    async with process_of(store) as process:
        answering = await process.answering()
        async with process.follow(answering) as following:
            await answering.say("One")
            assert (await next_of(following)).text == "One"
            (first,) = await store.read(answering.live.name)
            second, third = chain(
                answering.live.name,
                1,
                first.hash,
                [
                    draft(LiveText(call=answering.call, content=LiveTextContent(text=text)))
                    for text in (" two", " three")
                ],
                by="desk",
                at=process.clock.now(),
                salts=["0" * 32] * 2,
            )
            await store.commit(answering.live.name, 1, [second], id="c-2")
            await store.commit(answering.live.name, 2, [third], id="c-3")
            process.wakeups.wake(answering.live.name, [third])
            assert (await next_of(following)).text == " two three"


async def test_a_page_of_entries_is_not_all_there_is(store, never_looks):
    async with process_of(store) as process:
        answering = await process.answering()
        texts = [draft(LiveText(call=answering.call, content=LiveTextContent(text=f"{n} "))) for n in range(1100)]
        entries = chain(
            answering.live.name, 0, D, texts, by="desk", at=process.clock.now(), salts=["0" * 32] * len(texts)
        )
        for after in range(0, len(entries), 100):
            await store.commit(answering.live.name, after, entries[after : after + 100], id=f"c-{after}")
        async with process.follow(answering) as following:
            text = ""
            while not text.endswith("1099 "):
                text += (await next_of(following)).text
        assert text == "".join(f"{n} " for n in range(1100))


async def test_a_stalled_follower_does_not_delay_another(store, never_looks):
    class Hanging(WrappedStore):
        begun = anyio.Event()

        async def read(self, stream, after=0, limit=500):
            self.begun.set()
            await anyio.sleep_forever()

    async with process_of(store) as process:
        answering = await process.answering()
        hanging = Hanging(store)

        async def stalled():
            async with process.follow(answering, hanging) as following:
                await next_of(following)

        async with (
            process.follow(answering) as idle,
            process.follow(answering) as following,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(stalled)
            await hanging.begun.wait()
            await answering.say("0")
            assert (await next_of(idle)).text == (await next_of(following)).text == "0"
            for n in range(1, KEPT + 2):  # `idle` takes none of them
                await answering.say(f"{n}")
                assert (await next_of(following)).text == f"{n}"
            tasks.cancel_scope.cancel()


async def test_a_live_stream_whose_commit_hangs_does_not_delay_another(store):
    held = HeldStore(store, "live:turn-held")
    async with process_of(held) as process:
        stuck, going = await process.answering("held"), await process.answering("going")
        stuck.live.text(stuck.call, "Held")
        await held.arrived()
        async with process.follow(going) as following:
            for text in ("One", " two"):
                await going.say(text)
                assert (await next_of(following)).text == text
        assert await live_text(store, "turn-held") == ""


async def test_a_follower_that_is_fed_sees_a_text_only_once_it_is_acknowledged(store):
    held = HeldStore(store, "live:")
    async with process_of(held) as process:
        answering = await process.answering()
        async with process.follow(answering) as following:
            held.let(1)
            await answering.say("One")
            assert (await next_of(following)).text == "One"
            answering.live.text(answering.call, " two")
            await held.arrived()
            assert (await anext(following)).kind == "beat"
            held.let(1)
            assert (await next_of(following)).text == " two"
            assert await live_text(store, answering.turn.id) == "One two"


async def test_nothing_is_fed_of_a_stream_that_another_process_has_sealed(store):
    async with process_of(store) as process:
        answering = await process.answering()
        async with process.follow(answering) as following:
            await answering.say("One")
            assert (await next_of(following)).text == "One"
            await seal(store, process.clock, answering.live.name, answering.call, patience=PATIENCE)
            lost = anyio.Event()
            answering.live.on_lost = lost.set
            answering.live.text(answering.call, " two")
            with anyio.fail_after(PATIENCE):
                await lost.wait()
            assert answering.live.lost
            await answering.journal.append(answered(WORKER, answering.call, "One"), by="desk")
            assert [event.kind for event in await rest_of(following)] == ["ended"]


async def test_texts_of_a_window_are_one_entry_with_the_bytes_of_its_fact(store):
    held = HeldStore(store, "live:")
    async with process_of(held) as process:
        answering = await process.answering()
        for text in ("W\u00e4re ", '"das"', "\n\U0001f600"):
            answering.live.text(answering.call, text)
        answering.live.progress("call-2", "half", 1, 2)
        answering.live.text(answering.call, "more")
        held.let()
        await until(lambda: store.read(answering.live.name, 2))
        entries = await store.read(answering.live.name)
        assert [entry.kind for entry in entries] == ["live.text", "live.progress", "live.text"]
        assert fact(entries[0]).text == 'W\u00e4re "das"\n\U0001f600'
        again = chain(
            answering.live.name,
            0,
            D,
            [draft(fact(entry)) for entry in entries],
            by="desk",
            at=entries[0].at,
            salts=[entry.salt for entry in entries],
        )
        assert again == entries


# Reasoning


@tool(effect="read")
def look() -> str:
    """Look."""
    return "12"


def reasoning_of(seen):
    """The reasoning of each model call, joined, in the order of their beginnings."""
    thoughts = {}
    for event in seen:
        if event.kind == "reasoning":
            thoughts[event.call_id] = thoughts.get(event.call_id, "") + event.text
    return thoughts


async def test_reasoning_is_an_event_of_its_own_and_never_part_of_the_answer(store):
    script = [
        [Think("I should look."), Say("Let me see."), Call("look", {})],
        [Think("Twelve, then."), Say("Twelve days.")],
    ]
    async with chatting(store, ScriptedModel(script), tools=[look]) as chat:
        turn = await chat.desk.submit(ASKER, chat.id, "How many?")
        seen = await events(chat.desk, turn)
        first, second = await chat.model_calls()
        assert text_of(seen) == "Let me see.\n\nTwelve days." == seen[-1].turn.text
        assert reasoning_of(seen) == {first.id: "I should look.", second.id: "Twelve, then."}
        assert (first.reasoning_text, second.reasoning_text) == ("I should look.", "Twelve, then.")
        # Once more from the log alone: the same, each call's in one event.
        again = await events(chat.desk, turn)
        order = [event.kind for event in again if event.kind in ("reasoning", "text", "tool.started")]
        assert (reasoning_of(again), order) == (
            reasoning_of(seen),
            ["reasoning", "text", "tool.started", "reasoning", "text"],
        )


async def test_reasoning_comes_in_the_order_of_the_text_around_it_and_each_piece_once(store, never_looks):
    async with process_of(store) as process:
        answering = await process.answering()
        live, call = answering.live, answering.call
        async with process.follow(answering) as following:
            live.reasoning(call, "First ")
            live.reasoning(call, "this.")
            live.text(call, "Twelve")
            live.reasoning(call, " Then that.")
            live.text(call, " days.")
            seen = [await next_of(following, kind) for kind in ("reasoning", "text", "reasoning", "text")]
            assert [event.text for event in seen] == ["First this.", "Twelve", " Then that.", " days."]
            assert {seen[0].call_id, seen[2].call_id} == {call}
            done = answered(WORKER, call, "Twelve days.", reasoning="First this. Then that. Done.")
            await answering.journal.append(done, by="desk")
            rest = await rest_of(following)
            assert [event.text for event in rest if event.kind == "reasoning"] == [" Done."]


async def test_a_follower_that_reads_the_end_of_a_call_before_its_live_reasoning_shows_that_once(store):
    async with process_of(store) as process:
        answering = await process.answering()
        answering.live.reasoning(answering.call, "First this.")
        await until(lambda: store.read(answering.live.name))
        await answering.journal.append(failed(WORKER, answering.call, "connection", reasoning="First this."), by="desk")
        async with process.follow(answering) as following:
            assert (await next_of(following, "reasoning")).text == "First this."
            await answering.journal.append(requested(WORKER, attempt=2), by="desk")
            await answering.journal.append(answered(WORKER, f"{answering.turn.id}-m2", "Twelve."), by="desk")
            assert [event.kind for event in await rest_of(following)] == ["text", "ended"]


@pytest.mark.parametrize("ending", ["stopped", "taken over"])
async def test_reasoning_that_was_shown_is_on_record_when_its_worker_did_not_see_the_end(store, ending):
    model = ScriptedModel([[Think("I should look."), Wait(anyio.Event())], [Say("Twelve.")]])
    async with chatting(store, model) as chat:
        turn = await chat.desk.submit(ASKER, chat.id, "How many?")
        async with aclosing(chat.desk.follow(ASKER, turn.id)) as following:
            shown = ""
            while shown != "I should look.":
                shown += (await next_of(following, "reasoning")).text
        if ending == "stopped":
            await chat.stop(turn.id)
        else:
            # As another process would, once it takes this one's worker for dead.
            journal = chat.desk._journal(chat.id)
            await journal.load(turn.id)
            open_turn = journal.state.open_turn
            claim = Claim(turn=turn.id, worker=OTHER_WORKER, reason="lost", fence=1, n=journal.state.n)
            await journal.append(claim, by="desk")
            work = TurnWorker(chat.desk._equipment, journal, OTHER_WORKER, turn.id)
            await work._salvage(open_turn.model_call)
        (call, *_) = await chat.desk.archive.model_calls(ASKER, chat.id)
        assert (call.status, call.reasoning_text, call.answer) == ("failed", "I should look.", "")
