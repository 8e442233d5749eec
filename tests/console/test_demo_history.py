"""The past of a filled demo: what a desk could have written, of everything that can happen, and dated back."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

import anyio
import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from backends import open_store
from backends.models.offline.model import OfflineModel
from backends.stores.memory import MemoryStore
from console.app import app, close
from console.cli.main import main
from console.demo.past.past import fill
from console.demo.past.plan import Asker, PlannedThread, PlannedTurn, Rating, plan
from console.demo.past.samples import Stage, days_ahead
from console.demo.past.table import COUNTRIES, SCENES, Kind
from console.demo.past.writing import write_thread
from console.demo.records import working_days
from console.people import PEOPLE
from core.canonical import digest
from core.clock import SystemClock, iso, moment
from core.desk.desk import Desk
from core.gate import Viewer
from core.log.branches import is_shown
from core.log.facts import draft
from core.log.fold import State, fold_all
from core.log.records import (
    DeferredCall,
    HandoverRecord,
    ModelCall,
    Retrieval,
    Review,
    Thread,
    ToolCall,
    Turn,
    item_of,
    record_kind,
)
from core.store import Query, Range, Store, every
from core.turn.branches import fork, shown
from core.turn.commands import Show
from core.turn.deferred import report_turn
from core.values import Entry, Outcome
from tests.console.test_command_line import Ran, failed, rolltop
from tests.console.test_pages import AUDITOR, MAIN
from tests.support.desks import PATIENCE
from tests.support.signing_in import sign_in

T = TypeVar("T", Thread, Turn, ToolCall, DeferredCall, ModelCall, Retrieval, HandoverRecord, Review)

THREADS, DAYS, SEED = 200, 30, 4  # with this seed each scene is played
STAFF = {"desk", "e-2001", "e-2002", "e-3001", "e-3002"}
OUTCOMES: dict[Kind, Outcome] = {
    "sourced": "sourced",
    "care": "sourced",
    "records": "unsourced",
    "letter": "unsourced",
    "trouble": "unsourced",
    "small_talk": "unsourced",
    "not_found": "not_found",
    "failed": "failed",
    "stopped": "stopped",
}
"""What a question of each kind comes to; leave that is requested may be booked, or stopped."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a demo that the command has filled."""
    url = f"sqlite:///{tmp_path_factory.mktemp('filled')}/desk.db"
    arguments = ["--people", "40", "--threads", str(THREADS), "--days", str(DAYS), "--seed", str(SEED)]
    assert main(["demo", "--store", url, *arguments]) == 0
    return url


@pytest.fixture
async def past(filled: str):
    """The filled demo's store."""
    async with open_store(filled) as store:
        yield store


async def items(store: Store, kind: type[T]) -> list[T]:
    return [item_of(kind, record) async for record in every(store, Query(kind=record_kind(kind)))]


async def logs(store: Store, kind: str) -> dict[str, list]:
    """The entries of every stream of this kind."""
    streams = Query(kind="stream", where={"id": Range(ge=f"{kind}:", lt=f"{kind};")})
    return {stream.id: await store.read(stream.id, 0, stream.n) async for stream in every(store, streams)}


def troubles(ran: Ran) -> list[str]:
    # The handbooks are imported when the console starts; until then cards name handbooks that are missing.
    return [line for line in ran.out.splitlines() if line.startswith("!") and not line.startswith("! care")]


# What is on record


async def test_all_that_can_happen_to_a_question_or_a_call_has_happened(past):
    turns, calls = await items(past, Turn), await items(past, ToolCall)
    assert {turn.outcome for turn in turns} == {*OUTCOMES.values(), "waiting"}
    assert {turn.status for turn in turns} == {
        *("awaiting_approval", "completed", "cancelled", "interrupted", "failed", "refused", "truncated"),
    }
    assert {call.status for call in calls} == {
        *("awaiting_approval", "succeeded", "failed", "timed_out", "denied", "invalid_arguments", "unknown_tool"),
        *("cancelled", "unknown", "deferred"),
    }
    assert {"approval_expired", "stopped"} <= {turn.code for turn in turns}
    assert any(call.resolution for call in calls)
    assert {call.decision.by for call in calls if call.decision and call.approval == "approver"} >= {"e-3001"}
    assert {handover.status for handover in await items(past, HandoverRecord)} == {"sent"}
    assert any(call.usage.input and call.cost for call in await items(past, ModelCall))


async def test_each_question_comes_to_what_it_is_in_the_table_for(past):
    turns = {turn.id: turn for turn in await items(past, Turn)}
    planned = [turn for thread in plan(40, THREADS, SEED) for turn in thread.turns]
    assert turns.keys() >= {turn.id for turn in planned}
    # In a scene a question may be asked again, or another one below it, and a decision is reported.
    further = sum("ask" in turn.scene.then for turn in planned)
    assert len([turn for turn in turns.values() if not turn.report and not turn.replaces]) == len(planned) + further
    other = [
        (turn.scene.text, turns[turn.id].outcome)
        for turn in planned
        if turn.scene.kind in OUTCOMES and turns[turn.id].outcome != OUTCOMES[turn.scene.kind]
    ]
    assert other == []


async def test_what_waits_for_an_approver_was_approved_denied_withdrawn_expired_and_still_waits(past):
    calls = await items(past, DeferredCall)
    turns = {turn.id: turn for turn in await items(past, Turn)}
    decided = [call for call in calls if call.status == "reported"]
    assert {call.decision.outcome for call in decided} == {"given", "denied"}
    assert {(call.status, call.closed) for call in calls} == {
        *(("waiting", None), ("reported", None), ("closed", "expired"), ("closed", "withdrawn")),
    }
    run = {call.carries_out: call for call in await items(past, ToolCall) if call.carries_out}
    assert run.keys() == {call.call for call in decided if call.decision.outcome == "given"}
    for call in calls:
        assert abs(moment(call.expires) - moment(call.asked_at) - timedelta(days=7)) < timedelta(minutes=1)
    for call in decided:
        report = turns[call.report]
        assert (report.status, report.report, report.thread) == ("completed", call.call, call.thread)
        assert report.opened_at >= call.decision.at
        assert (call.decision.reason or "") in report.text
        assert ("denied" in report.text) == (call.decision.outcome == "denied")
    assert any("genehmigt" in turns[call.report].text for call in decided)
    open_calls = [one for thread in await items(past, Thread) for one in thread.deferred]
    assert {one.call for one in open_calls} == {call.call for call in calls if call.status == "waiting"}
    # In one thread a question was asked between the request and the decision.
    assert any(
        call.asked_at < turn.opened_at < call.decision.at
        for call in decided
        for turn in turns.values()
        if turn.thread == call.thread
    )


async def test_answers_were_given_again_questions_edited_and_a_version_gone_back_to(past):
    turns = {turn.id: turn for turn in await items(past, Turn)}
    heads = {thread.id: thread for thread in await items(past, Thread)}
    again = [turn for turn in turns.values() if turn.replaces]
    edited = {turns[turn.replaces].question != turn.question for turn in again}
    assert edited == {True, False}
    for turn in again:
        assert turn.replaces == turn.original
        original = turns[turn.original]
        assert [version.turn for version in original.versions] == [original.id, turn.id]
        (seen,) = (one for one in original.versions if is_shown(heads[turn.thread].hidden, one.n))
        assert seen.seen[-1].until is None
    went_back = [turn for turn in turns.values() if turn.versions and len(turn.versions[0].seen) == 2]
    assert went_back


def test_a_rebuild_and_a_doctor_find_nothing(filled):
    ran = rolltop("rebuild", "--check", "--store", filled)
    assert ran.status == 0, ran.out
    assert "0 left unchanged" in ran.out
    assert troubles(rolltop("doctor", "--store", filled)) == []


async def test_everything_is_dated_within_the_days_and_in_order(past):
    now = datetime.now(UTC)
    first, last = now - timedelta(days=DAYS, hours=1), now
    for kind in ("thread", "review", "audit"):
        for entries in (await logs(past, kind)).values():
            times = [entry.at for entry in entries]
            assert times == sorted(times)
            assert first < times[0]
            assert times[-1] < last
    days = Counter(turn.day for turn in await items(past, Turn))
    assert len(days) > DAYS / 2
    for_askers = [thread.open.expires for thread in await items(past, Thread) if thread.open]
    for_approvers = [call.expires for call in await items(past, DeferredCall) if call.status == "waiting"]
    assert for_askers
    assert for_approvers
    assert min(*for_askers, *for_approvers) > iso(now)


def as_a_desk_decides(entries: list[Entry]) -> int:
    """Check each fork and each return to a version against the desk's own rules; returns how many there are."""
    checked = 0
    for n, entry in enumerate(entries):
        before, shell = fold_all(State(), entries[:n]), entry.shell
        if entry.kind == "turn.opened" and shell["fork"]:
            assert json.loads(fork(before, shell["fork"]["replaces"]).model_dump_json()) == shell["fork"]
        elif entry.kind == "branch.shown":
            (fact,) = shown(before, Show(version=shell["version"], last=shell["last"]))
            assert json.loads(json.dumps(draft(fact).shell)) == shell
        elif entry.kind == "turn.opened" and shell["report"]:
            assert (shell["turn"], shell["request_id"]) == report_turn(before.thread.id, shell["report"]["deferred"])
        else:
            continue
        checked += 1
    return checked


async def test_branches_and_reports_are_what_a_desk_would_write_in_their_place(past):
    checked = [as_a_desk_decides(entries) for entries in (await logs(past, "thread")).values()]
    assert sum(checked) > 8


class NoRetriever:
    """A retriever without a handbook."""

    async def search(self, query, viewer, limit, filters=None, as_of=None):
        return []

    async def judge(self, query, passages):
        return None

    async def versions(self):
        return {}


class NoCare:
    """A care that finds nobody in need."""

    async def recognise(self, text, viewer):
        return None


async def test_a_thread_may_have_several_scenes_with_branches_and_acts():
    steps = [("approve",), ("edit", "back"), ("regenerate",), ("ask", "approve"), ("edit", "back"), ("edit",)]
    scenes = [next(s for s in SCENES if s.then == then and s.kind in ("leave", "again", "letter")) for then in steps]
    stage = Stage(NoRetriever(), NoCare(), "-")
    turns = [
        PlannedTurn(
            scene=scene,
            country="austria",
            id=digest(["t1", str(number)])[:24],
            request=str(number),
            pause=60,
            rating=Rating(luck=0, comment=1) if number == 1 else None,
        )
        for number, scene in enumerate(scenes)
    ]
    owner = Asker(id="e-10007", country="austria", department="sales", weight=1)
    planned = PlannedThread(id="t1", owner=owner, metadata={}, title=None, turns=tuple(turns))
    samples = {(scene, "austria"): await stage.play(scene, "austria") for scene in scenes}
    store = MemoryStore()
    written = await write_thread(store, SystemClock(), planned, samples, datetime.now(UTC), 30, Random(1))
    entries = await store.read("thread:t1")
    assert as_a_desk_decides(entries) == 7
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
    # The last scene's first turn follows what the scene before it leaves out, so that both are one range.
    assert (written.head.rejected, len(written.head.hidden)) == (0, 3)
    view = await Desk(store, OfflineModel()).archive.transcript(Viewer("e-10007"), "t1", last=100)
    assert [turn.turn.question for turn in view.turns[1:]] == [
        *(scenes[1].text, scenes[2].text, scenes[3].text, scenes[3].next),
        *("The request salary_letter was approved.", scenes[4].text, scenes[5].next),
    ]
    assert [turn.turn.rating for turn in view.turns].index("up") == 1


async def test_sealed_threads_ratings_verdicts_and_looks_are_on_record(past):
    threads, turns = await items(past, Thread), await items(past, Turn)
    topics = {thread.topic for thread in threads if thread.sealed}
    assert topics <= {"harassment", "illness", "self_harm", "violence", "whistleblowing"}
    assert len(topics) > 2
    ratings = Counter(turn.rating for turn in turns)
    assert ratings["up"] > ratings["down"] > 0
    assert 0.05 < (ratings["up"] + ratings["down"]) / len(turns) < 0.3
    assert any(turn.comment for turn in turns)
    reviews = await items(past, Review)
    assert len(reviews) > 5
    assert {"right", "wrong"} <= {verdict for review in reviews for verdict in review.verdicts}
    looks = await logs(past, "audit")
    assert looks.keys() == {"audit:e-2001", "audit:e-2002", "audit:e-5001", "audit:e-6001"}
    sealed = {f"thread:{thread.id}" for thread in threads if thread.sealed}
    seen = {stream: {entry.shell["object"] for entry in entries} for stream, entries in looks.items()}
    assert seen["audit:e-5001"] & sealed
    assert not seen["audit:e-2001"] & sealed


async def test_a_thread_names_its_own_people_and_ids_only(past):
    owners = {f"thread:{thread.id}": thread.owner for thread in await items(past, Thread)}
    asked = {turn.id: turn.thread for turn in await items(past, Turn)}
    for stream, entries in (await logs(past, "thread")).items():
        text = json.dumps([[entry.shell, entry.payload] for entry in entries])
        assert {entry.by for entry in entries} <= {owners[stream], *STAFF}
        assert owners[stream] == "e-1042" or "e-1042" not in text
        assert {asked[entry.shell["turn"]] for entry in entries if "turn" in entry.shell} <= {stream[7:]}
    for kind in (ToolCall, ModelCall, Retrieval):
        assert all(one.id.startswith(one.turn) for one in await items(past, kind))
    handovers = await items(past, HandoverRecord)
    assert len(handovers) == sum(
        entry.kind == "handover.asked" for log in (await logs(past, "thread")).values() for entry in log
    )
    decided = [call for call in await items(past, DeferredCall) if call.decision]
    assert decided
    assert all(call.decision.by != call.owner for call in decided)


async def test_the_sample_people_have_a_past_in_their_own_countries_and_all_are_employed_by_an_entity_there(past):
    countries = {person.id: person.country for person in PEOPLE}
    asked: dict[str, set[str | None]] = {}
    for turn in await items(past, Turn):
        asked.setdefault(turn.owner, set()).add(turn.country)
        assert turn.entity == f"larkfield {turn.country}"
    assert {owner: asked.get(owner) for owner in countries} == {
        owner: {country} for owner, country in countries.items()
    }
    assert all(len(of_owner) == 1 for of_owner in asked.values())


async def test_live_streams_are_not_left_and_all_that_a_turn_ran_with_is_there(past):
    assert await logs(past, "live") == {}
    blobs = await logs(past, "blob")
    for turn in await items(past, Turn):
        snapshot = turn.snapshot
        named = (snapshot.instructions, snapshot.tools, snapshot.options, snapshot.handbooks)
        assert {f"blob:{digest}" for digest in named} <= blobs.keys()


# The console


@pytest.fixture
def console(filled: str, sample_catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The console's App over the filled demo."""
    monkeypatch.setenv("ROLLTOP_STORE", filled)
    monkeypatch.setenv("ROLLTOP_INDEX", str(sample_catalogue))
    config.set_option("server.address", "127.0.0.1")
    yield
    close()


def test_an_auditor_finds_its_threads_on_the_page(console):
    at = AppTest.from_file(MAIN, default_timeout=PATIENCE)
    sign_in(at, AUDITOR)
    at.run()
    at = at.switch_page("../pages/threads.py").run()
    assert not at.exception
    people = next(iter(at.dataframe)).value["Person"]
    assert sum(str(person).startswith("EMP-") for person in people) > 5


def test_the_consoles_desk_goes_on_with_what_waits(console):
    desk = app().desk

    async def approve() -> ToolCall:
        waiting = next(one for one in await items(desk._store, Thread) if one.open)
        owner = Viewer(waiting.owner, country="austria")
        call = await desk.archive.call(owner, waiting.open.calls[0].call)
        await desk.decide(owner, call.id, "approve", call.digest)
        async for _ in desk.follow(owner, call.turn):
            pass
        assert (await desk.archive.turn(owner, call.turn)).status == "completed"
        return await desk.archive.call(owner, call.id)

    assert app().run(approve()).status in ("succeeded", "failed")  # invented people have no HR record


# The command


@pytest.mark.parametrize(
    "new_url", ["sqlite", pytest.param("mongodb", marks=pytest.mark.torture)], indirect=["new_url"]
)
def test_ten_threads_are_a_demo_on_every_store(url, tmp_path):
    index = str(tmp_path / "index.db")
    ran = rolltop("demo", "--people", "20", "--threads", "10", "--store", url, "--json", ROLLTOP_INDEX=index)
    assert ran.status == 0, ran.err
    (told,) = ran.lines
    assert (told["demo"], told["threads"]) == (True, 10)
    assert "samples" in ran.err
    assert rolltop("rebuild", "--check", "--store", url).status == 0
    assert troubles(rolltop("doctor", "--store", url, ROLLTOP_INDEX=index)) == []
    again = rolltop("demo", "--people", "20", "--store", url, ROLLTOP_INDEX=index)
    failed(again, "the store holds threads already", "interrupted", "name another")


def test_the_command_says_which_numbers_are_too_small(tmp_path):
    url = f"sqlite:///{tmp_path}/desk.db"
    failed(rolltop("demo", "--people", "20", "--days", "13", "--store", url), "14 days")
    failed(rolltop("demo", "--people", "-1", "--threads", "30", "--store", url), "at least 1 person")
    failed(rolltop("demo", "--threads", "30", "--store", url), "give both")


# The plan


def test_the_same_seed_plans_the_same_past():
    assert plan(12, 4, 1) == plan(12, 4, 1)
    assert plan(12, 4, 1) != plan(12, 4, 2)


@pytest.mark.torture
def test_the_same_seed_gives_the_same_past():
    async def past() -> list[tuple]:
        store = MemoryStore()
        await fill(store, people=12, threads=4, days=20, seed=1, instructions="-", tell=lambda *_: None)
        threads, turns = await items(store, Thread), await items(store, Turn)
        judged = [(one.id, one.owner, one.verdicts) for one in await items(store, Review)]
        return [
            sorted((one.id, one.owner, one.title, one.n, one.metadata["department"]) for one in threads),
            sorted((one.id, one.question, one.outcome, one.rating, one.comment) for one in turns),
            sorted(judged),
        ]

    first = anyio.run(past)
    assert first[0]
    assert anyio.run(past) == first


def test_a_country_has_fewer_than_ten_of_two_hundred_people_and_the_others_have_more():
    owners = {thread.owner.id: thread.owner.country for thread in plan(200, 4000, 1)}
    people = Counter(owners.values())
    assert people.keys() == COUNTRIES.keys()
    assert 1 < people["portugal"] < 10
    assert all(people[country] > 10 for country in people.keys() - {"portugal"})


def test_leave_is_requested_for_days_that_can_be_booked_whenever_the_demo_is_made():
    for day in range(400):
        today = datetime(2026, 1, 1, tzinfo=UTC).date() + timedelta(days=day)
        first, last = days_ahead(today)
        assert today + timedelta(days=14) < first < last
        assert first.year == last.year
        assert all(working_days(first, last, country) for country in COUNTRIES)
