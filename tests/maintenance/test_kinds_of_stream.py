"""Each kind of stream, as the closed list has it: what a copy, a rebuild, an upgrade and an erasure do with it."""

import pickle
import re
from dataclasses import replace
from datetime import timedelta

import anyio
import pytest

from backends.models.scripted.model import ScriptedModel
from backends.stores.memory import MemoryStore
from core import Desk
from core.clock import SystemClock
from core.ids import KINDS_OF_STREAM
from core.log.records import OUTDATED
from core.log.refold import FOLDINGS
from core.maintenance.copy import copy
from core.maintenance.rebuild import Rebuild
from core.maintenance.upgrade import upgrade
from core.store import Query, every, streams_of
from tests.support.desks import ASKER, QUICK
from tests.support.papers import logs, papers, records
from tests.support.paths import ROOT

each_kind = pytest.mark.parametrize("kind", KINDS_OF_STREAM)


@pytest.fixture(scope="module")
def filled():
    """A store with something of everything in it, pickled."""

    async def fill():
        store = MemoryStore()
        async with papers(store):
            return pickle.dumps(store)

    return anyio.run(fill)


@pytest.fixture
def store(filled):
    return pickle.loads(filled)


async def of_kind(store, kind):
    """The streams of this kind, whole; there is one."""
    found = {name: log for name, log in (await logs(store)).items() if name.startswith(f"{kind}:")}
    assert found.keys() == {head.id async for head in every(store, streams_of(kind))}
    return found


def stored(entry):
    """What a store keeps of the entry, as its bytes."""
    return entry.shell_json, entry.payload_json, entry.salt, entry.hash


async def faults(store, *, mend=False):
    rebuild = Rebuild(store, SystemClock(), lambda done, total: None, mend=mend, patience=0)
    return {(one.fault, one.kind) async for one in rebuild.findings()}


async def copied(store):
    target = MemoryStore()
    await copy(store, target, SystemClock(), lambda phase, done, total: None, patience=0)
    return target


def test_the_list_names_a_fold_for_each_kind_that_is_read_again_and_for_no_other():
    assert {*FOLDINGS, "thread"} == {kind for kind, of in KINDS_OF_STREAM.items() if of.rebuild != "left"}
    recorded = {kind for kind, folding in FOLDINGS.items() if kind in folding.records}
    assert {*recorded, "thread"} == {kind for kind, of in KINDS_OF_STREAM.items() if of.rebuild == "records"}


def test_the_documentation_says_what_becomes_of_each_kind():
    said = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    rows = [row.split("|")[1:-1] for row in said.splitlines() if re.match(r"\| `[a-z]+:` \|", row)]
    told = {kind.strip(" `:"): (rebuild.split()[0], erase.split()[0]) for kind, _, rebuild, erase in rows}
    of_rebuild = {"records": "compares", "read": "reads", "left": "leaves"}
    of_erase = {"whole": "takes", "content": "takes", "kept": "keeps"}
    assert told == {kind: (of_rebuild[of.rebuild], of_erase[of.erase]) for kind, of in KINDS_OF_STREAM.items()}


@each_kind
async def test_a_copy_takes_every_stream_byte_for_byte(store, kind):
    source = await of_kind(store, kind)
    target = await of_kind(await copied(store), kind)
    assert source
    assert source.keys() == target.keys()
    for name, log in source.items():
        assert [stored(entry) for entry in log] == [stored(entry) for entry in target[name]]


@each_kind
async def test_a_rebuild_does_with_the_records_what_the_list_says(store, kind):
    held, target = await records(store), await copied(store)
    names = [name.partition(":")[2] for name in await of_kind(store, kind)]
    for name in names:
        target._records.pop((kind, name), None)
    match KINDS_OF_STREAM[kind].rebuild:
        case "records":
            assert await faults(target) == {("missing", kind)}
            assert await faults(target, mend=True) == {("missing", kind)}
        case _:
            assert not held.keys() & {(kind, name) for name in names}
            assert await faults(target) == set()
    assert await records(target) == held


@each_kind
async def test_a_rebuild_finds_a_broken_entry_of_each_kind_that_it_reads(store, kind):
    for name in await of_kind(store, kind):
        entries = store._streams[name].entries
        entries[0] = replace(entries[0], hash="0" * 64)
    found = ("broken", "stream") in await faults(store)
    assert found == (KINDS_OF_STREAM[kind].rebuild != "left")


@each_kind
async def test_an_erasure_takes_of_each_kind_what_the_list_says(store, kind):
    before = await of_kind(store, kind)
    async with Desk(store, ScriptedModel([]), options=QUICK, erase_after=timedelta(0)) as desk:
        for thread in (await desk.archive.threads(ASKER)).items:
            if not thread.open and not thread.deferred:
                await desk.ask_erasure(ASKER, thread.id)
        await desk._erasures.carry_out()
    after = await of_kind(store, kind)
    emptied = [
        name
        for name, log in after.items()
        if any(new.erased and not old.erased for old, new in zip(before.get(name, []), log, strict=False))
    ]
    seen = "whole" if before.keys() - after.keys() else "content" if emptied else "kept"
    assert seen == KINDS_OF_STREAM[kind].erase


@each_kind
async def test_an_upgrade_folds_the_kinds_again_whose_heads_are_numbered(store, kind):
    held = await records(store)
    for (of, name), head in list(store._records.items()):
        if of == kind and "fold" in head.fields:
            store._records[of, name] = replace(head, fields={**head.fields, "fold": 1})
    outdated = [one.id async for one in every(store, Query(kind=kind)) if one.fields.get("fold") == 1]
    assert bool(outdated) == KINDS_OF_STREAM[kind].numbered == (kind in OUTDATED)
    assert await upgrade(store, SystemClock(), lambda done, total: None) == len(outdated)
    assert await records(store) == held
