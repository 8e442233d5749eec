"""A killed process: what it showed is kept, what it began is ended, and nothing is done twice."""

import random
import signal
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import pytest

from backends import open_store
from backends.models.scripted.model import ScriptedModel
from core import Desk, Options
from core.log.projection import joined
from core.log.records import ToolCall
from core.store import In, Query
from tests.support.desks import ASKER, check, events, folded, kinds, log_of, logged, until
from tests.support.killed_program import script, tools
from tests.support.programs import QUICK, effects, running


@asynccontextmanager
async def restarted(url: str, ledger: Path, options: Options = QUICK):
    """A desk with the same tools, on the store that the killed one left."""
    async with (
        open_store(url) as store,
        Desk(store, ScriptedModel(script(0)), tools=tools(ledger), options=options) as desk,
    ):
        yield store, desk


async def seen_to_its_end(store, desk, turn):
    """Follow a turn, and approve what it asks."""
    while (last := (await events(desk, turn))[-1]).kind == "approval.asked":
        for call in last.calls:
            await desk.decide(ASKER, call.id, "approve", call.digest)
    assert last.kind == "ended"
    return last.turn


def texts_kept(view):
    """The text of the turn as it was with each of its model calls as the newest."""
    answered = ""
    for call in view.model_calls:
        yield joined(answered, call.answer or "")
        if call.status == "answered":
            answered = joined(answered, call.answer or "")


async def what_was_shown_is_kept(store, desk, program, *, keep_partial):
    for turn in program.threads():
        ended = await desk.archive.turn(ASKER, turn)
        if ended.ended_at is None:
            ended = await seen_to_its_end(store, desk, turn)
        shown = program.shown().get(turn, "")
        view = await desk.archive.turn_view(ASKER, turn)
        assert any(text.startswith(shown) for text in [ended.text, *texts_kept(view)]), (shown, ended.text)
        assert ended.text.startswith(shown) or not keep_partial
        for call in view.model_calls:
            assert call.reasoning_text.startswith(program.thought().get(call.id, ""))


async def every_turn_is_ended(store, desk):
    """Those too, of which the killed process had no time to speak; a killed process's tools are on record."""
    for record in (await store.find(Query(kind="turn", limit=500))).records:
        if record.fields["ended_at"] is None:
            await seen_to_its_end(store, desk, record.id)
    for kind, open in (
        ("turn", ("running", "awaiting_approval")),
        ("tool_call", ("planned", "awaiting_approval", "running")),
        ("model_call", ("asked",)),
    ):
        # A killed process may leave records that lag behind their log: recovery writes them, in its own time.
        await until(partial(nothing_is, store, kind, open))


async def nothing_is(store, kind, statuses):
    return not (await store.find(Query(kind=kind, where={"status": In(statuses)}))).records


async def effects_are_on_record(store, ledger):
    """What is on record of each thread is unbroken, and the ledger has nothing of which it does not know."""
    met, rows, calls = set(), [row["key"] for row in effects(ledger)], {}
    for record in (await store.find(Query(kind="thread", limit=500))).records:
        await check(store, record.id)
        entries = await log_of(store, record.id)
        met |= {entry.shell.get("reason", entry.kind) for entry in entries}
        for entry in entries:
            if entry.kind == "tool.started":
                calls[entry.shell["call"]] = await store.get("tool_call", entry.shell["call"])
    assert set(rows) <= set(calls)
    for id, call in calls.items():
        most = 1 if call.fields["effect"] == "unsafe" else call.fields["attempts"]
        least = call.fields["status"] == "succeeded"
        assert least <= rows.count(id) <= most
    return met | {call.fields["status"] for call in calls.values()}


SOME = {"lost", "resumed", "model.failed"}
"""What the kills of a few rounds meet, whatever their moments."""


@pytest.mark.parametrize(
    ("new_url", "rounds", "meets"),
    [
        ("sqlite", 24, SOME),
        ("mongodb", 12, SOME),
        pytest.param("sqlite", 300, {*SOME, "retried", "unknown"}, marks=pytest.mark.torture),
        pytest.param("mongodb", 150, {*SOME, "retried", "unknown"}, marks=pytest.mark.torture),
    ],
    indirect=["new_url"],
)
async def test_a_process_killed_at_any_moment_loses_nothing_it_has_shown_and_every_turn_ends(
    tmp_path, new_url, rounds, meets
):
    chance = random.Random(20261124)
    met = set()
    with ExitStack() as stack:

        def begin(n):
            url, ledger = new_url(), tmp_path / f"ledger{n}"
            options = Options(retry_delay=0.001, on_interruption=chance.choice(["keep_partial", "retry"]))
            delay = chance.choice([0, 0.0005, 0.002])
            program = stack.enter_context(running(url, ledger, f"r{n}", delay=delay, options=options))
            return url, ledger, options, program

        following = begin(0)
        for n in range(1, rounds + 1):
            url, ledger, options, program = following
            program.go()
            following = begin(n) if n < rounds else None  # it imports while this one is killed
            for _ in range(chance.choice([1, 3, 10, 30, 60, 90])):
                await program.line()
            await anyio.sleep(chance.random() * 0.01)  # a moment between two lines, too, is any moment
            program.process.send_signal(signal.SIGKILL)
            await program.rest()
            async with restarted(url, ledger, options) as (store, desk):
                keep_partial = options.on_interruption == "keep_partial"
                await what_was_shown_is_kept(store, desk, program, keep_partial=keep_partial)
                await every_turn_is_ended(store, desk)
                met |= await effects_are_on_record(store, ledger)
    assert meets <= met  # the kills met what they are to meet


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
async def test_a_process_killed_around_an_effect(tmp_path, url, kill_at, rows, status, attempts):
    tool, ledger = kill_at.partition(":")[2], tmp_path / "ledger"

    def keys():
        return [row["key"] for row in effects(ledger) if row["tool"] == tool]

    with running(url, ledger, "r", kill_at=kill_at) as program:
        program.go()
        await program.rest()
        assert program.process.poll() == -signal.SIGKILL
    before = keys()
    # Two conversations run, and a thread of the other one may have acted too before the kill: once, each under its key.
    assert (len(before) >= 1) == (rows == 1)
    assert len(set(before)) == len(before)
    async with open_store(url) as store:
        killed = [
            item.id
            for record in (await store.find(Query(kind="thread", limit=500))).records
            for item in (await folded(store, record.id)).items.values()
            if isinstance(item, ToolCall) and (item.tool, item.status) == (tool, "running")
        ]
        assert killed
    async with restarted(url, ledger) as (store, desk):
        for turn in program.threads():
            await seen_to_its_end(store, desk, turn)
        for id in killed:
            call = await desk.archive.call(ASKER, id)
            assert (call.status, call.attempts) == (status, attempts)
            assert call.code == ("worker_lost" if status == "unknown" else None)
            assert keys().count(id) == before.count(id) + attempts - 1
        await what_was_shown_is_kept(store, desk, program, keep_partial=True)
        await every_turn_is_ended(store, desk)


async def test_a_process_that_is_asked_to_end_lets_its_turns_go_and_the_next_desk_goes_on(tmp_path, url):
    with running(url, tmp_path / "ledger", "r", delay=30) as program:  # nothing is shown for as long as the test lasts
        program.go()
        while len(program.threads()) < 2:
            await program.line()
        program.process.send_signal(signal.SIGTERM)
        await program.rest()
        assert program.lines[-1]["kind"] == "closed"
        assert program.process.poll() == 0
    async with restarted(url, tmp_path / "ledger") as (store, desk):
        for turn, thread in program.threads().items():
            assert (await seen_to_its_end(store, desk, turn)).status == "completed"
            reasons = [entry.shell["reason"] for entry in await logged(store, thread, "turn.claimed")]
            assert "turn.released" in await kinds(store, thread)
            assert reasons[:2] == ["opened", "resumed"]
            assert "lost" not in reasons
            await check(store, thread)


async def test_what_was_shown_before_a_process_was_asked_to_end_is_kept(tmp_path, url):
    with running(url, tmp_path / "ledger", "r", delay=0.02) as program:
        program.go()
        while len(program.shown()) < 2:
            await program.line()
        program.process.send_signal(signal.SIGTERM)
        await program.rest()
        assert program.process.poll() == 0
    async with restarted(url, tmp_path / "ledger") as (store, desk):
        await what_was_shown_is_kept(store, desk, program, keep_partial=True)
        await every_turn_is_ended(store, desk)
