"""What a follower sees does not depend on how long its reads take."""

from contextlib import aclosing

import anyio

from backends.models.scripted.model import Say, ScriptedModel, Wait
from core import Desk
from tests.support.desks import ASKER, PATIENCE, text_of, until
from tests.support.wrapped import WrappedStore


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
