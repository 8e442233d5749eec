"""A store that fails once, at each operation of a turn: the turn ends, nothing is done twice, all is on record."""

from collections import Counter
from contextlib import aclosing, asynccontextmanager

import anyio
import pytest

import core.live.follow
import core.log.commit
from backends import open_store
from backends.models.scripted.model import Call, Cut, Fail, Say, ScriptedModel
from core import Desk, Full, Options, StoreRefused, ToolContext, Unavailable, tool
from core.canonical import canonical
from tests.support.desks import ASKER, PATIENCE, check, live_text, log_of, text_of
from tests.support.wrapped import FaultyStore

ENDS = {"completed", "interrupted"}
SPOKEN = ("model.answered", "model.failed", "turn.ended")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """Whoever waits for a store asks again at once."""
    monkeypatch.setattr(core.log.commit, "_FIRST_DELAY", 0.001)
    monkeypatch.setattr(core.live.follow, "BEAT", 0.02)
    monkeypatch.setattr(core.live.follow, "POLL", 0.01)


def acting(effects):
    def make(effect):
        @tool(effect=effect, name=effect)
        async def act(context: ToolContext) -> str:
            """Act."""
            effects.append((effect, context.key))
            return "done"

        return act

    return [make(effect) for effect in ("read", "idempotent", "unsafe")]


def script(request):
    """A call of each tool, and then the answer; what was lost is asked again and answered the same."""
    if request.messages[-1].role == "user":
        if request.messages[-1].text == "And?":
            return [Say("Yes.")]
        return [Say("Let me see.", pieces=2), Call("read", {}), Call("idempotent", {}), Call("unsafe", {})]
    return [Say("It is done.", pieces=3)]


@asynccontextmanager
async def faulty_desk(store, fault, at, effects, options, script=script):
    faulty = FaultyStore(store, fault, at)
    async with (
        anyio.create_task_group() as tasks,
        Desk(faulty, ScriptedModel(script), tools=acting(effects), options=options) as desk,
    ):
        tasks.start_soon(release_when_it_hangs, faulty)
        yield desk, faulty
        faulty.release()
        tasks.cancel_scope.cancel()


async def release_when_it_hangs(faulty):
    """Whatever can go on without the store goes on first."""
    await faulty.hanging.wait()
    for _ in range(50):
        await anyio.lowlevel.checkpoint()
    faulty.release()


async def insist(act, *given):
    """What a caller does who was told that nobody knows, or that there was no room: the same again."""
    while True:
        try:
            return await act(*given)
        except (Unavailable, Full, StoreRefused):
            continue


async def carried_through(store, desk, thread, text):
    """The turn, asked for, followed and approved as often as it takes; nothing is shown that is not stored."""
    turn = await insist(desk.submit, ASKER, thread, text, "r1")
    while True:
        seen = []
        try:
            async with aclosing(desk.follow(ASKER, turn.id)) as events:
                async for event in events:
                    seen.append(event)
                    match event.kind:
                        case "text":
                            await shown_is_stored(store, turn.id, text_of(seen))
                        case "beat":
                            await insist(desk.recover)
                        case "approval.asked":
                            for call in event.calls:
                                await insist(desk.decide, ASKER, call.id, "approve", call.digest)
                        case "ended":
                            return event.turn, text_of(seen)
        except (Unavailable, StoreRefused):
            continue


async def shown_is_stored(store, turn, shown):
    thread = (await store.get("turn", turn)).fields["thread"]
    # What earlier model calls said is on the thread's log, what the newest one says perhaps on a live stream only.
    said = [entry.payload["text"] for entry in await log_of(store, thread) if entry.kind in SPOKEN]
    stored = "\n\n".join([*said, await live_text(store, turn)])
    assert all(part in stored for part in shown.split("\n\n")), shown


async def invariants(store, thread, turn, shown, effects):
    await check(store, thread)
    entries = await log_of(store, thread)
    count = Counter(entry.kind for entry in entries)
    assert (count["thread.created"], count["turn.opened"], count["turn.ended"]) == (1, 1, 1)
    said = Counter(canonical([entry.kind, entry.shell]) for entry in entries)
    assert [entry for entry, times in said.items() if times > 1] == []
    assert turn.text == shown
    assert turn.status in ENDS
    started = Counter(entry.shell["call"] for entry in entries if entry.kind == "tool.started")
    assert Counter(effects) <= Counter(
        {(call.fields["tool"], call.id): started[call.id] for call in await calls_of(store, started)}
    )
    assert all(times == 1 for (effect, _), times in Counter(effects).items() if effect == "unsafe")
    for call in await calls_of(store, started):
        if call.fields["status"] == "succeeded":
            assert (call.fields["tool"], call.id) in effects
        if call.fields["tool"] == "unsafe" and call.fields["status"] != "unknown":
            assert effects.count(("unsafe", call.id)) == (call.fields["status"] == "succeeded")


async def calls_of(store, ids):
    return [await store.get("tool_call", id) for id in ids]


@pytest.mark.parametrize("medium", ["memory", "sqlite"])
@pytest.mark.parametrize("fault", ["before", "after", "hang", "full", "refused"])
async def test_a_turn_ends_whichever_operation_of_its_store_fails(tmp_path, medium, fault):
    options = Options(retry_delay=0.001, on_interruption="retry" if medium == "memory" else "keep_partial")
    struck, at = True, 0
    while struck:
        at += 1
        effects = []
        url = "memory:" if medium == "memory" else f"sqlite:///{tmp_path}/{at}.db"
        with anyio.fail_after(PATIENCE):
            async with open_store(url) as store:
                before = Desk(store, ScriptedModel([]))
                thread, another = [(await before.create_thread(ASKER)).id for _ in range(2)]
                async with faulty_desk(store, fault, at, effects, options) as (desk, faulty):
                    turn, shown = await carried_through(store, desk, thread, "Do it")
                    struck = faulty.struck
                    # A desk that met the fault is no worse for it.
                    assert (await carried_through(store, desk, another, "And?"))[1] == "Yes."
                await invariants(store, thread, turn, shown, effects)
    assert at > 40


@pytest.mark.parametrize("fault", ["before", "after", "full", "refused"])
async def test_what_a_cut_attempt_showed_is_kept_whichever_operation_fails(fault):
    def cut_once(request):
        cut_once.times += 1
        match cut_once.times:
            case 1:
                return [Fail("overloaded", retryable=True)]
            case 2:
                return [Say("Let me s", pieces=2), Cut()]
            case _:
                return [Say("Let me see.", pieces=2)]

    struck, at = True, 0
    while struck:
        at += 1
        cut_once.times = 0
        options = Options(retry_delay=0.001, on_interruption="retry")
        with anyio.fail_after(PATIENCE):
            async with open_store("memory:") as store:
                thread = (await Desk(store, ScriptedModel([])).create_thread(ASKER)).id
                async with faulty_desk(store, fault, at, [], options, cut_once) as (desk, faulty):
                    turn, shown = await carried_through(store, desk, thread, "Do it")
                    struck = faulty.struck
                await invariants(store, thread, turn, shown, [])
    assert at > 20
