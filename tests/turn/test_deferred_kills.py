"""A process killed at any moment of a deferred call's life: nothing on record is lost, and nothing is done twice."""

import random
from collections import Counter, defaultdict
from itertools import count

import anyio
import pytest
from anyio import to_thread

from backends import open_store
from backends.stores.memory import MemoryStore
from core import Desk
from core.clock import SystemClock
from core.log.branches import is_shown
from core.log.records import DeferredCall, ToolCall, Turn
from core.maintenance.rebuild import Rebuild
from core.turn.deferred import report_turn
from tests.support.deferred_life import APPROVED, Life, MortalStore, book, main, model
from tests.support.desks import APPROVER, ASKER, PATIENCE, QUICK, check, ended, folded, log_of
from tests.support.forked import Told


async def killed(url, folder, thread, order, kill_at):
    """Play the life in a process; whether it was killed at that moment, and not ended by itself."""
    process = Told(main, url, str(folder), thread, order, kill_at)
    process.stdin.write("go\n")
    process.stdin.flush()
    await to_thread.run_sync(process.wait, PATIENCE)
    process.stdin.close()
    process.stdout.close()
    assert process.poll() in (0, -9)
    return process.poll() == -9


def moments(numbers, numbered):
    yield from ("before the effect", "after the effect")
    for number in numbers:
        yield from (name.format(number) for name in numbered)


async def one_of_each_kind(order, folder):
    """The numbers of commits, one of each kind, other ones in each run. The life is played whole to count them."""
    store = MemoryStore()
    async with Desk(store, model(), options=QUICK) as desk:
        thread = (await desk.create_thread(ASKER)).id
    counting, decided = MortalStore(store, f"thread:{thread}"), anyio.Event()
    async with Desk(counting, model(decided), tools=[book(folder)], options=QUICK) as desk:
        await Life(desk, counting, thread, order, decided).play()
    numbers = defaultdict(list)
    for number, kinds in enumerate(counting.kinds, 1):
        numbers[kinds].append(number)
    return sorted(random.choice(one) for one in numbers.values())


async def killed_lives(store, url, folder, order, kills):
    """The threads of lives that were cut, each at another moment; the last one ended if the moments have no end."""
    for kill_at in kills:
        async with Desk(store, model(), options=QUICK) as desk:
            thread = (await desk.create_thread(ASKER)).id
        struck = await killed(url, folder, thread, order, kill_at)
        yield thread
        # A commit that meets a conflict has a moment before it, and none after.
        if not struck and not kill_at.startswith("after commit"):
            break


async def decisions(store, thread):
    return [entry.hash for entry in await log_of(store, thread) if entry.kind.startswith("approval.")]


async def is_kept(desk, store, thread):
    """Each deferred call on record is found by approvers until it is decided on, once its turn has ended."""
    if open_turn := (await folded(store, thread)).open_turn:
        await ended(desk, open_turn.turn)
    waiting = {call.call for call in (await desk.oversight.waiting_calls(APPROVER, limit=500)).items}
    state = await folded(store, thread)
    for call in state.items.values():
        if isinstance(call, ToolCall) and call.status == "deferred":
            deferred = state.items[f"{call.id}-d"]
            assert (deferred.status == "waiting") == (call.id in waiting)
            assert deferred.status != "closed"


async def is_right(store, thread, ledger):
    """What the whole life leaves behind, wherever it was cut."""
    await check(store, thread)
    state = await folded(store, thread)
    head, effects = state.thread, ledger.read_text().split() if ledger.exists() else []
    assert (head.open, head.deferred) == (None, [])
    turns = [item for item in state.items.values() if isinstance(item, Turn)]
    assert all(turn.ended_at for turn in turns)
    asked = [item for item in state.items.values() if isinstance(item, DeferredCall)]
    assert len(asked) == 2
    for call in asked:
        assert call.status == "reported"
        assert [turn.id for turn in turns if turn.report == call.call] == [report_turn(thread, call.call)[0]]
    (done,) = [item for item in state.items.values() if isinstance(item, ToolCall) and item.carries_out]
    assert done.arguments == {"days": APPROVED}
    assert done.status in ("succeeded", "unknown")
    assert effects.count(done.id) <= 1
    assert effects.count(done.id) == 1 or done.status == "unknown"
    assert not any(call.call in effects for call in asked)
    drafts = [turn for turn in turns if turn.question and turn.question.startswith("Draft")]
    first, again = sorted(drafts, key=lambda turn: turn.first_n)
    assert (again.replaces, again.original) == (first.id, first.id)
    assert [version.turn for version in first.versions] == [first.id, again.id]
    assert [is_shown(head.hidden, turn.first_n) for turn in (first, again)] == [True, False]
    return done.status


async def wrong_records(store):
    rebuild = Rebuild(store, SystemClock(), lambda done, total: None, mend=False)
    return [found async for found in rebuild.findings()]


async def loses_nothing(url, folder, order, kills):
    """Play a life for each of these moments, cut there and played again to its end. Returns how the acts ended."""
    ends = Counter()
    async with open_store(url) as store:
        threads = [thread async for thread in killed_lives(store, url, folder, order, kills)]
        made = {thread: await decisions(store, thread) for thread in threads}
        async with Desk(store, model(), tools=[book(folder)], options=QUICK) as desk:
            await desk.recover()
            for thread in threads:
                await is_kept(desk, store, thread)
                with anyio.fail_after(PATIENCE):
                    await Life(desk, store, thread, order, anyio.Event()).play()
                assert (await decisions(store, thread))[: len(made[thread])] == made[thread]
                ends[await is_right(store, thread, folder / thread)] += 1
        assert await wrong_records(store) == []
    # Between the start of the act and its end on record, it is uncertain whether it happened.
    assert ends["unknown"] >= 2
    return ends


@pytest.mark.parametrize(
    ("new_url", "order", "numbered"),
    [
        ("sqlite", "while a turn runs", "before commit {}"),
        ("sqlite", "between turns", "before commit {}"),
        ("mongodb", "while a turn runs", "inside commit {}"),
    ],
    indirect=["new_url"],
)
async def test_a_process_killed_at_a_commit_of_each_kind_in_a_deferred_calls_life_loses_nothing(
    url, tmp_path, order, numbered
):
    kills = list(moments(await one_of_each_kind(order, tmp_path), [numbered]))
    print("killed", kills)
    ends = await loses_nothing(url, tmp_path, order, kills)
    assert ends["succeeded"] > 6


COMMITS = ("before commit {}", "after commit {}")
"""What a store that writes entries and records at once can be left with."""


@pytest.mark.torture
@pytest.mark.parametrize(
    ("new_url", "order", "numbered"),
    [
        ("sqlite", "while a turn runs", COMMITS),
        ("sqlite", "between turns", COMMITS),
        ("mongodb", "while a turn runs", ["inside commit {}"]),
        ("mongodb", "while a turn runs", ["after write {}"]),
        ("mongodb", "between turns", ["after write {}"]),
    ],
    indirect=["new_url"],
)
async def test_a_process_killed_at_any_commit_of_a_deferred_calls_life_loses_nothing(url, tmp_path, order, numbered):
    ends = await loses_nothing(url, tmp_path, order, moments(count(1), numbered))
    assert ends["succeeded"] > 20
