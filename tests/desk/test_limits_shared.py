"""Limits that several desks and processes share, that a killed process leaves behind, and that a crowd meets."""

import json
import subprocess
import sys
from collections import Counter

import anyio
import pytest
from anyio import to_thread

from backends import open_store
from backends.models.scripted.model import ScriptedModel
from core import Desk, LimitReached, Limits, Options
from core.clock import SystemClock
from core.maintenance.rebuild import Rebuild
from core.store import Query, every
from tests.support.desks import ASKER, PATIENCE, until
from tests.support.paths import ROOT
from tests.support.spending_program import COST, asked, billing, price


def started(url, people, ending="end", **limits):
    command = [sys.executable, "-m", "tests.support.spending_program", url, json.dumps(limits), str(people), ending]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def outcomes(*programs):
    """What became of the questions of all these processes."""
    total = Counter()
    for program in programs:
        printed, _ = await to_thread.run_sync(lambda one=program: one.communicate(timeout=PATIENCE))
        total.update(json.loads(printed))
        assert program.returncode == 0
    return total


async def billed(store):
    """What the model calls on record cost together."""
    return sum([record.fields["cost"] or 0 async for record in every(store, Query(kind="model_call"))])


async def all_have_ended(store):
    return not (await store.find(Query(kind="turn", where={"ended_at": None}))).records


async def check_records(store):
    rebuild = Rebuild(store, SystemClock(), lambda done, total: None, mend=False, patience=0)
    assert [one async for one in rebuild.findings()] == []


def desk_on(store, **limits):
    model = ScriptedModel(billing, price=price)
    return Desk(store, model, options=Options(turns_at_once=64), limits=Limits(**limits))


async def test_two_processes_on_one_store_share_everybodys_limits(url):
    async with open_store(url) as store:
        total = await outcomes(*(started(url, 12, desk_turns_a_day=15, desk_usd_a_day=1) for _ in range(2)))
        assert total["completed"] <= 15
        assert total["completed"] + total["desk_turns_a_day"] == 24
        # What a process has taken and not spent is back: so all of the limit can be used.
        async with desk_on(store, desk_turns_a_day=15) as desk:
            more = await asked(desk, 24)
        assert total["completed"] + more["completed"] == 15
        await check_records(store)


async def test_two_desks_share_the_limits_of_one_person(url):
    async with open_store(url) as store, desk_on(store, person_turns_a_day=7) as one, open_store(url) as again:
        async with desk_on(again, person_turns_a_day=7) as other:
            counts = Counter()

            async def ask(desk):
                counts.update(await asked_by_one(desk))

            async with anyio.create_task_group() as tasks:
                for number in range(12):
                    tasks.start_soon(ask, (one, other)[number % 2])
        assert counts == {"completed": 7, "person_turns_a_day": 5}
        await check_records(store)


async def asked_by_one(desk):
    async with await desk.create_chat(ASKER) as chat:
        try:
            return [(await chat.ask("How many days are left?")).status]
        except LimitReached as error:
            return [error.limit]


async def test_what_a_killed_process_has_reserved_stays_spent_and_nothing_else_is_lost(url):
    async with open_store(url) as store:
        limits = {"person_usd_a_day": 0.5, "desk_usd_a_day": 0.1}
        program = started(url, 1, "die", **limits)
        await to_thread.run_sync(lambda: program.communicate(timeout=PATIENCE))
        assert program.returncode < 0
        kinds = []
        async for head in every(store, Query(kind="stream")):
            if head.id.startswith("spending:"):
                kinds += [entry.kind for entry in await store.read(head.id)]
        assert sorted(kinds) == ["slice.taken", "spending.reserved"]
        async with desk_on(store, **limits) as desk:
            await asked(desk, 12)
            await until(lambda: all_have_ended(store))
        # Its slice is lost for the day. The other nine parts are spent, one of them perhaps by the turn of the killed
        # process, which is asked again.
        assert await billed(store) == 9 * COST
        await check_records(store)


@pytest.mark.parametrize("people", [100, pytest.param(1_000, marks=pytest.mark.torture)])
async def test_a_crowd_spends_at_most_the_limit(tmp_path, people):
    cap = people * COST // 4
    async with open_store(f"sqlite:///{tmp_path}/desk.db") as store:
        async with desk_on(store, desk_usd_a_day=cap / 1e9, person_turns_a_day=5) as desk:
            counts = await asked(desk, people)
        assert await billed(store) <= cap + COST
        assert counts["completed"] == people // 4
        assert counts.total() == people
        slices = [head async for head in every(store, Query(kind="stream")) if head.id.startswith("spending:desk-")]
        # A thousand askers do not meet on one stream.
        assert sum(head.n for head in slices) < 60
        await check_records(store)


@pytest.mark.torture
async def test_a_crowd_in_several_processes_spends_at_most_the_limit(tmp_path):
    url, cap = f"sqlite:///{tmp_path}/desk.db", 250 * COST
    total = await outcomes(*(started(url, 250, desk_usd_a_day=cap / 1e9) for _ in range(4)))
    async with open_store(url) as store:
        assert await billed(store) <= cap + COST
        assert total.total() == 1_000
        await check_records(store)
