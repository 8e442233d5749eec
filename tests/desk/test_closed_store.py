"""A store that is closed too early: whatever uses it says so at once, and does not wait for it to come back."""

from collections import Counter
from contextlib import aclosing

import anyio
import pytest
from mongomock_motor import AsyncMongoMockClient

from backends.models.scripted.model import Say, ScriptedModel, Wait
from backends.stores.memory import MemoryStore
from backends.stores.mongodb.errors import InvalidOperation, translated
from backends.stores.mongodb.store import MongoStore
from core import Desk, StoreClosed, Unavailable, Viewer, load_chat
from tests.support.desks import ASKER, AUDITOR, PATIENCE, QUICK, until
from tests.support.wrapped import WrappedStore

ADMIN = Viewer("e-7001", {"administrator"})


class Counted(WrappedStore):
    """Counts the commits to each stream that the closed store has refused."""

    def __init__(self, store):
        super().__init__(store)
        self.refused = Counter()

    async def _call(self, operation, *given, **named):
        try:
            return await super()._call(operation, *given, **named)
        except StoreClosed:
            if operation == "commit":
                self.refused[given[0].partition(":")[0]] += 1
            raise


async def test_a_desk_on_a_closed_store_answers_every_call_at_once(store):
    counted = Counted(store)
    async with Desk(counted, ScriptedModel([[Say("Twelve.")]]), options=QUICK) as desk:
        async with await desk.create_chat(ASKER) as chat:
            reply = await chat.ask("How many?")
        await store.close()
        for call in (
            lambda: desk.create_thread(ASKER),
            lambda: desk.create_chat(ASKER),
            lambda: desk.load_chat(ASKER, chat.id),
            lambda: desk.submit(ASKER, chat.id, "And now?"),
            lambda: desk.stop(ASKER, reply.turn_id),
            lambda: desk.rename(ASKER, chat.id, "Leave"),
            lambda: desk.acknowledge(ASKER, "v1"),
            lambda: desk.archive.thread(ASKER, chat.id),
            lambda: desk.oversight.search_threads(AUDITOR),
            lambda: desk.own_data.totals(ASKER),
            lambda: desk.administration.people(ADMIN),
            lambda: desk.administration.install([ASKER.id]),
            lambda: desk.recover(),
            lambda: load_chat(counted, ScriptedModel([]), chat.id, viewer=ASKER),
            lambda: chat.ask("And now?"),
            lambda: chat.messages(),
        ):
            counted.refused.clear()
            with pytest.raises(StoreClosed, match="is closed: open the store again"):
                await call()
            assert max(counted.refused.values(), default=0) <= 1, "a commit was repeated"
        async with aclosing(desk.follow(ASKER, reply.turn_id)) as events:
            with pytest.raises(StoreClosed):
                await anext(events)


async def test_a_follower_hears_that_the_store_was_closed_and_the_worker_stops(store):
    go_on, counted = anyio.Event(), Counted(store)
    model = ScriptedModel([[Say("Twelve."), Wait(go_on.wait), Say("Or more."), Wait(anyio.Event().wait)]])
    async with Desk(counted, model, options=QUICK) as desk:
        turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "How many?")
        async with aclosing(desk.follow(ASKER, turn.id)) as events:
            assert (await anext(events)).text == "Twelve."
            await store.close()
            go_on.set()
            with anyio.fail_after(PATIENCE), pytest.raises(StoreClosed):
                async for _ in events:
                    pass

        async def stopped():
            return desk._workers.idle

        await until(stopped)
    assert counted.refused["live"] == 1, "the text was offered to the closed store again and again"
    assert counted.refused["thread"] <= 1


async def test_recovery_ends_with_its_store(store, caplog):
    await store.close()
    desk = Desk(store, ScriptedModel([]), options=QUICK)
    await desk.start()

    async def ended():
        return "recovery ends: " in caplog.text

    await until(ended)
    assert caplog.text.count("is closed: ") == 1
    await desk.close()


async def test_all_stores_raise_the_same_error_also_over_a_client_that_was_closed():
    memory, mongo = MemoryStore(), await MongoStore.over(AsyncMongoMockClient(), "desk")
    for closed in (memory, mongo):
        await closed.close()
        with pytest.raises(StoreClosed):
            await closed.now()
    assert isinstance(translated(InvalidOperation("Cannot use AsyncMongoClient after close"), "desk"), StoreClosed)
    assert type(translated(InvalidOperation("another"), "desk")) is Unavailable
