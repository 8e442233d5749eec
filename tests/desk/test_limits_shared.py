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


def started(url, people, ending="", **limits):
    command = [sys.executable, "-m", "tests.support.spending_program", url, json.dumps(limits), str(people), ending]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def outcomes(*programs):
    """What became of the questions of all these processes."""
    total = Counter()
    for program in programs:
        printed, _ = await to_thread.run_sync(lambda one=program: one.communicate(timeout=8 * PATIENCE))
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


KILLED = {
    "model.asked": ["slice.taken", "spending.reserved"],
    "spending.booked": ["slice.taken", "spending.reserved"],
    "model.answered": ["slice.taken", "spending.booked", "spending.reserved"],
}
"""By the entry before whose commit a process is killed what is on record of its spending."""


@pytest.mark.parametrize(
    "kind",
    ["spending.booked", *(pytest.param(kind, marks=pytest.mark.torture) for kind in ("model.asked", "model.answered"))],
)
async def test_what_a_killed_process_has_reserved_stays_spent_and_nothing_else_is_lost(url, kind):
    async with open_store(url) as store:
        limits = {"person_usd_a_day": 0.5, "desk_usd_a_day": 0.1}
        program = started(url, 1, kind, **limits)
        await to_thread.run_sync(lambda: program.communicate(timeout=PATIENCE))
        assert program.returncode < 0
        kinds = []
        async for head in every(store, Query(kind="stream")):
            if head.id.startswith("spending:"):
                kinds += [entry.kind for entry in await store.read(head.id)]
        assert sorted(kinds) == KILLED[kind]
        async with desk_on(store, **limits) as desk:
            await asked(desk, 12)
            await until(lambda: all_have_ended(store))
        # Its slice is lost for the day. The other nine parts are spent, one of them perhaps by the turn of the killed
        # process, which is asked again.
        assert await billed(store) == 9 * COST
        await check_records(store)


@pytest.mark.parametrize(
    ("people", "processes"),
    [(40, 2), *(pytest.param(*crowd, marks=pytest.mark.torture) for crowd in ((200, 4), (1_000, 1), (1_000, 4)))],
)
async def test_a_crowd_spends_at_most_the_limit(url, people, processes):
    if url.startswith("mongodb"):
        url += f"{'&' if '?' in url else '?'}timeoutMS=600000"  # so many at once keep a stand-in busy for long
    cap = people // 4
    limits = {"desk_usd_a_day": cap * COST / 1e9, "person_turns_a_day": 5}
    async with open_store(url) as store:
        total = await outcomes(*(started(url, people // processes, **limits) for _ in range(processes)))
        assert await billed(store) == total["completed"] * COST <= cap * COST
        assert total["completed"] == cap or processes > 1
        assert total["completed"] + total["desk_usd_a_day"] + total["limit"] == people
        slices = [head async for head in every(store, Query(kind="stream")) if head.id.startswith("spending:desk-")]
        # A thousand askers do not meet on one stream.
        assert sum(head.n for head in slices) < 60 * processes
        # What a process had taken and not spent is back: so all of the limit can be used.
        async with desk_on(store, **limits) as desk:
            await asked(desk, cap + 1)
        assert await billed(store) == cap * COST
        await check_records(store)
        print(f"{people} asks, {processes} processes: {dict(total)}, {sum(head.n for head in slices)} entries")
