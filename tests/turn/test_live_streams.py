"""Live streams of ended turns: recovery removes them after a while, all together."""

import anyio
import pytest

from backends.models.scripted.model import Say, ScriptedModel, Wait
from core import Desk
from core.errors import Unavailable
from core.store import Query, Range
from core.worker.recovery import LIVE_KEPT
from tests.support.desks import ASKER, PATIENCE, QUICK, ended, logged, until
from tests.support.wrapped import LaterStore


class Together(LaterStore):
    """Counts queries and single records read, and holds each erasure until as many as are `expected` have come."""

    expected = 1

    def __init__(self, store):
        super().__init__(store)
        self.queries, self.gets, self._came, self._all = [], [], 0, anyio.Event()

    async def find(self, query):
        self.queries.append(query.kind)
        return await super().find(query)

    async def get(self, kind, id):
        self.gets.append(kind)
        return await super().get(kind, id)

    async def erase(self, stream, after=0, upto=None, kinds=None, whole=False):
        if whole:
            self._came += 1
            if self._came == self.expected:
                self._all.set()
            with anyio.fail_after(PATIENCE):
                await self._all.wait()
        return await super().erase(stream, after, upto, kinds, whole)


async def live_streams(store):
    page = await store.find(Query(kind="stream", where={"id": Range(ge="live:", lt="live;")}))
    return {record.id for record in page.records}


def answers(gates):
    return ScriptedModel([[Say("Twelve"), Wait(gate)] for gate in gates])


async def answered_turn(desk, store, gate):
    """A turn whose text was shown before its answer was whole: only then it has a live stream."""
    turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "How many?")
    await until(lambda: store.read(f"live:{turn.id}:1"))
    gate.set()
    await ended(desk, turn)
    return turn


async def test_old_live_streams_are_looked_up_in_one_query_and_erased_at_once(store):
    later = Together(store)
    gates = [anyio.Event() for _ in range(3)]
    async with Desk(later, answers(gates)) as desk:
        turns = [await answered_turn(desk, store, gate) for gate in gates]
    assert await live_streams(store) == {f"live:{turn.id}:1" for turn in turns}
    later.ahead, later.expected = LIVE_KEPT.total_seconds() + 1, 3
    later.queries.clear()
    later.gets.clear()
    await Desk(later, ScriptedModel([])).recover()  # not started: it sweeps only now
    assert await live_streams(store) == set()
    assert later.queries.count("turn") == 2  # the open turns, and those of the live streams
    assert "turn" not in later.gets


async def test_live_streams_of_open_and_of_young_turns_stay(store):
    later, gates = LaterStore(store), [anyio.Event() for _ in range(2)]
    async with Desk(later, answers(gates)) as desk:
        young = await answered_turn(desk, store, gates[0])
        going = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "And now?")
        await until(lambda: store.read(f"live:{going.id}:1"))
        await desk.recover()
        assert await live_streams(store) == {f"live:{young.id}:1", f"live:{going.id}:1"}
        later.ahead = LIVE_KEPT.total_seconds() + 1
        await desk.recover()
        assert await live_streams(store) == {f"live:{going.id}:1"}
        gates[1].set()
        await ended(desk, going)


async def test_a_turn_that_cannot_forget_yet_keeps_its_live_stream_and_the_others_lose_theirs(store):
    class Stubborn(LaterStore):
        thread = None

        async def erase(self, stream, after=0, upto=None, kinds=None, whole=False):
            if stream == f"thread:{self.thread}":
                raise Unavailable("the store is away")
            return await super().erase(stream, after, upto, kinds, whole)

    later = Stubborn(store)
    gates = [anyio.Event() for _ in range(2)]
    async with Desk(later, answers(gates)) as desk:
        turns = [await answered_turn(desk, store, gate) for gate in gates]
    options = QUICK.model_copy(update={"forget": ("model.failed",)})
    later.thread, later.ahead = turns[0].thread, LIVE_KEPT.total_seconds() + 1
    sweeper = Desk(later, ScriptedModel([]), options=options)
    await sweeper.recover()
    assert await live_streams(store) == {f"live:{turns[0].id}:1"}
    assert await logged(store, turns[1].thread, "erased")
    later.thread = None
    await sweeper.recover()
    assert await live_streams(store) == set()
    assert await logged(store, turns[0].thread, "erased")


async def test_an_erasure_that_fails_is_raised_after_the_others_were_made(store):
    class Faulty(LaterStore):
        stream = None

        async def erase(self, stream, after=0, upto=None, kinds=None, whole=False):
            if stream == self.stream:
                raise Unavailable("the store is away")
            return await super().erase(stream, after, upto, kinds, whole)

    later = Faulty(store)
    gates = [anyio.Event() for _ in range(3)]
    async with Desk(later, answers(gates)) as desk:
        turns = [await answered_turn(desk, store, gate) for gate in gates]
    later.stream, later.ahead = f"live:{turns[1].id}:1", LIVE_KEPT.total_seconds() + 1
    with pytest.raises(Unavailable):
        await Desk(later, ScriptedModel([])).recover()
    assert await live_streams(store) == {later.stream}
