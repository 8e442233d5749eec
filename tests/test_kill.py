"""A killed process: what it showed is kept, what it began is ended, and nothing is done twice."""

import random
import signal
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import anyio
import pytest
from desks import ANNA, check, events, kinds, log_of, logged
from killed_program import script, tools
from programs import QUICK, ledger, running

from backends import open_store
from backends.scripted import ScriptedModel
from core import Desk, Options
from core.projection import joined
from core.store import In, Query


@asynccontextmanager
async def restarted(folder: Path, options: Options = QUICK):
    """A desk with the same tools, on the file that the killed one left."""
    async with (
        open_store(f"sqlite:///{folder}/desk.db") as store,
        Desk(store, ScriptedModel(script(0)), tools=tools(folder / "ledger"), options=options) as desk,
    ):
        yield store, desk


async def seen_to_its_end(store, desk, turn):
    """Follow a turn, and approve what it asks."""
    while (last := (await events(desk, turn))[-1]).kind == "approval.asked":
        for call in last.calls:
            await desk.decide(ANNA, call.id, "approve", call.digest)
    assert last.kind == "ended"
    return last.turn


def texts_kept(view):
    """The text of the turn as it was with each of its model calls as the newest."""
    answered = ""
    for call in view.model_calls:
        yield joined(answered, call.answer or "")
        if call.status == "answered":
            answered = joined(answered, call.answer or "")


async def nothing_is_open(store):
    for kind, open in (
        ("turn", ("running", "awaiting_approval")),
        ("tool_call", ("planned", "awaiting_approval", "running")),
        ("model_call", ("asked",)),
    ):
        assert (await store.find(Query(kind=kind, where={"status": In(open)}))).records == []


async def what_was_shown_is_kept(store, desk, program, *, keep_partial):
    for turn, thread in program.threads().items():
        ended = await seen_to_its_end(store, desk, turn)
        shown = program.shown().get(turn, "")
        view = await desk.turn_view(ANNA, turn)
        assert any(text.startswith(shown) for text in [ended.text, *texts_kept(view)]), (shown, ended.text)
        assert ended.text.startswith(shown) or not keep_partial
        await check(store, thread)


@pytest.mark.parametrize("rounds", [60, pytest.param(300, marks=pytest.mark.torture)])
async def test_a_process_killed_at_any_moment_loses_nothing_it_has_shown_and_every_turn_ends(tmp_path, rounds):
    chance = random.Random(20261124)
    met = set()
    threads = set()
    plans = [
        (Options(retry_delay=0.001, on_interruption=chance.choice(["keep_partial", "retry"])), f"r{n}")
        for n in range(rounds)
    ]
    with ExitStack() as stack:

        def begin(n):
            options, name = plans[n]
            delay = chance.choice([0, 0.0005, 0.002])
            return stack.enter_context(running(tmp_path, name, delay=delay, options=options))

        following = begin(0)
        for n, (options, _) in enumerate(plans):
            program = following
            program.go()
            following = begin(n + 1) if n + 1 < rounds else None  # it imports while this one is killed
            for _ in range(chance.choice([1, 3, 10, 30, 100, 200])):
                await program.line()
            await anyio.sleep(chance.random() * 0.01)  # a moment between two lines, too, is any moment
            program.process.send_signal(signal.SIGKILL)
            await program.rest()
            threads |= set(program.threads().values())
            async with restarted(tmp_path, options) as (store, desk):
                await what_was_shown_is_kept(
                    store, desk, program, keep_partial=options.on_interruption == "keep_partial"
                )
                for thread in program.threads().values():
                    met |= {entry.shell.get("reason", entry.kind) for entry in await log_of(store, thread)}
                    calls = await desk.tool_calls(ANNA, thread)
                    met |= {call.status for call in calls}
                    rows = [row["key"] for row in ledger(tmp_path)]
                    for call in calls:
                        assert rows.count(call.id) <= (1 if call.effect == "unsafe" else call.attempts)
                        if call.status == "succeeded":
                            assert rows.count(call.id) >= 1
    async with restarted(tmp_path) as (store, desk):
        for turn in (await store.find(Query(kind="turn", where={"status": "running"}, limit=500))).records:
            await seen_to_its_end(store, desk, turn.id)
        for turn in (await store.find(Query(kind="turn", where={"status": "awaiting_approval"}, limit=500))).records:
            await desk.stop(ANNA, turn.id)
        await nothing_is_open(store)
        started = {
            entry.shell["call"]
            for record in (await store.find(Query(kind="thread", limit=500))).records
            for entry in await logged(store, record.id, "tool.started")
        }
        assert {row["key"] for row in ledger(tmp_path)} <= started
    assert {"lost", "retried", "resumed", "model.failed"} <= met  # the kills met what they are to meet


@pytest.mark.parametrize(
    ("kill_at", "rows", "status", "attempts"),
    [
        ("before:book", 0, "unknown", 1),
        ("after:book", 1, "unknown", 1),
        ("before:note", 0, "succeeded", 2),
        ("after:note", 1, "succeeded", 2),
        ("before:look", 0, "succeeded", 2),
        ("after:look", 1, "succeeded", 2),
    ],
)
async def test_a_process_killed_around_an_effect(tmp_path, kill_at, rows, status, attempts):
    tool = kill_at.partition(":")[2]

    def keys():
        return [row["key"] for row in ledger(tmp_path) if row["tool"] == tool]

    with running(tmp_path, "r", kill_at=kill_at) as program:
        program.go()
        await program.rest()
        assert program.process.returncode == -signal.SIGKILL
    before = keys()
    assert len(before) == rows
    async with open_store(f"sqlite:///{tmp_path}/desk.db") as store:
        query = Query(kind="tool_call", where={"tool": tool, "status": "running"})
        killed = [record.id for record in (await store.find(query)).records]
        assert killed
    async with restarted(tmp_path) as (store, desk):
        for turn in program.threads():
            await seen_to_its_end(store, desk, turn)
        for id in killed:
            call = await desk.call(ANNA, id)
            assert (call.status, call.attempts) == (status, attempts)
            assert call.code == ("worker_lost" if status == "unknown" else None)
            assert keys().count(id) == before.count(id) + attempts - 1
        await what_was_shown_is_kept(store, desk, program, keep_partial=True)
        await nothing_is_open(store)


async def test_a_process_that_is_asked_to_end_lets_its_turns_go_and_the_next_desk_goes_on(tmp_path):
    with running(tmp_path, "r", delay=30) as program:  # nothing is shown for as long as the test lasts
        program.go()
        while len(program.threads()) < 2:
            await program.line()
        program.process.send_signal(signal.SIGTERM)
        await program.rest()
        assert program.lines[-1]["kind"] == "closed"
        assert program.process.returncode == 0
    async with restarted(tmp_path) as (store, desk):
        for turn, thread in program.threads().items():
            assert (await seen_to_its_end(store, desk, turn)).status == "completed"
            reasons = [entry.shell["reason"] for entry in await logged(store, thread, "turn.claimed")]
            assert "turn.released" in await kinds(store, thread)
            assert reasons[:2] == ["opened", "resumed"]
            assert "lost" not in reasons
            await check(store, thread)


async def test_what_was_shown_before_a_process_was_asked_to_end_is_kept(tmp_path):
    with running(tmp_path, "r", delay=0.02) as program:
        program.go()
        while len(program.shown()) < 2:
            await program.line()
        program.process.send_signal(signal.SIGTERM)
        await program.rest()
        assert program.process.returncode == 0
    async with restarted(tmp_path) as (store, desk):
        await what_was_shown_is_kept(store, desk, program, keep_partial=True)
        await nothing_is_open(store)
