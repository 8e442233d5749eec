"""What is kept about a person, and which looks of others they learn of, without who it was."""

import json
from dataclasses import asdict
from datetime import timedelta

import pytest

from backends.models.scripted.model import Call, Say, ScriptedModel
from backends.stores.memory import MemoryStore
from core import Concern, Denied, Desk, OutcomeUnknown, Viewer, tool
from core.clock import iso
from core.desk.filters import CallFilter, LookFilter, ThreadFilter
from core.desk.own_data import OwnData
from core.log.facts import ThreadErased
from core.log.records import Look, record
from core.store import Query
from tests.support.desks import APPROVER, ASKER, AUDITOR, OFFICER, OTHER, QUICK, HandClock, ended

HANDLER = Viewer("e-5001", roles={"employee", "handler"}, purpose="on duty")
LOOKERS = (AUDITOR, APPROVER, HANDLER, OFFICER)


class Ticking(HandClock):
    """Each moment is another: a list by time has one order."""

    def now(self):
        self.advance(0.001)
        return super().now()


class SealsIllness:
    async def recognise(self, text, viewer):
        return Concern(topic="illness") if "ill" in text else None


class Inbox:
    async def send(self, ticket):
        return "T-1"


@tool(effect="unsafe", approval="approver")
def pay() -> str:
    """Pay."""
    return "paid"


@tool(effect="idempotent")
def send() -> None:
    """Send."""
    raise OutcomeUnknown("the line went dead")


def script(request):
    if request.messages[-1].role == "tool":
        return [Say("Done.")]
    text = request.messages[-1].text
    return [Call("pay", {})] if text == "Pay" else [Call("send", {})] if text == "Send" else [Say(f"You said: {text}")]


def desk_over(store, **given):
    parts = dict(tools=[pay, send], options=QUICK, care=SealsIllness(), handover=Inbox(), **given)
    return Desk(store, ScriptedModel(script), **parts)


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
async def desk(store):
    async with desk_over(store, clock=Ticking()) as desk:
        yield desk


async def asked(desk, viewer, *questions):
    """The viewer's new thread with these questions, and its turns."""
    thread = (await desk.create_thread(viewer)).id
    return thread, [await ended(desk, await desk.submit(viewer, thread, one), viewer) for one in questions]


async def looks(desk, viewer=ASKER, **page):
    return (await desk.own_data.looks_at_own(viewer, **page)).items


async def test_the_totals_count_what_is_the_viewers_and_nothing_of_others(desk):
    assert (await desk.own_data.totals(ASKER)).since is None
    _, (first, second) = await asked(desk, ASKER, "Pay", "Another")
    await asked(desk, ASKER, "I am ill")
    await asked(desk, OTHER, "Pay", "More")
    await desk.give_feedback(ASKER, first.id, "down")
    await desk.give_feedback(ASKER, first.id, "up")
    await desk.give_feedback(ASKER, second.id, "up")
    await desk.give_feedback(ASKER, second.id, None)
    await desk.hand_over(ASKER, first.id)
    kept = await desk.own_data.totals(ASKER)
    counted = (kept.threads, kept.questions, kept.tool_calls, kept.handovers, kept.ratings)
    assert counted == (2, 3, 1, 1, 1)
    assert kept.since == first.opened_at


async def test_requests_for_erasure_are_listed_until_they_are_taken_back_and_after_they_were_carried_out(desk):
    threads = [(await asked(desk, ASKER, f"Question {n}"))[0] for n in range(3)]
    await asked(desk, ASKER, "Stays")
    for thread in threads:
        await desk.ask_erasure(ASKER, thread)
    await desk.withdraw_erasure(ASKER, threads[0])
    await desk._notes._noted(ASKER, threads[1], ThreadErased(upto=3))
    waiting, done = (await desk.own_data.erasures(ASKER)).items
    assert (waiting.id, waiting.erased_at) == (threads[2], None)
    assert waiting.erase_asked < waiting.erase_due
    assert (done.id, done.erase_due) == (threads[1], None)
    assert done.erase_asked <= done.erased_at
    assert (await desk.own_data.erasures(OTHER)).items == []


async def test_each_kind_of_look_is_shown_with_its_role_and_purpose_and_newest_first(desk):
    open_to_auditors, (turn, unknown) = await asked(desk, ASKER, "Pay", "Send")
    sealed, _ = await asked(desk, ASKER, "I am ill")
    (request,) = (await desk.archive.turn_view(ASKER, turn.id)).calls
    (sent,) = (await desk.archive.turn_view(ASKER, unknown.id)).calls
    await desk.archive.transcript(AUDITOR, open_to_auditors)
    await desk.archive.turn_view(AUDITOR, turn.id)
    await desk.resolve(AUDITOR, sent.id, True, "the letter is there")
    await desk.judge(AUDITOR, turn.id, "right")
    await desk.archive.deferred_call(APPROVER, request.id)
    await desk.oversight.waiting_calls(APPROVER)
    await desk.lift_seal(HANDLER, sealed, "a false alarm")
    await desk.oversight.search_threads(AUDITOR, ThreadFilter(owner=ASKER.id, words="secret words"))
    await desk.oversight.search_calls(AUDITOR, CallFilter(owner=ASKER.id))
    await desk.exports.export_threads(AUDITOR, [open_to_auditors], "csv")
    await desk.oversight.looks(OFFICER, LookFilter(owner=ASKER.id))
    seen = [(one.action, one.object, one.calls, one.roles, one.purpose, one.thread) for one in await looks(desk)]
    sample = (["auditor"], "complaint 7")
    assert seen[::-1] == [
        ("thread.read", "thread", False, *sample, open_to_auditors),
        ("thread.read", "turn", False, *sample, open_to_auditors),
        ("call.resolve", "call", False, *sample, open_to_auditors),
        ("answer.judge", "turn", False, *sample, open_to_auditors),
        ("call.read", "call", False, ["approver"], "", open_to_auditors),
        ("call.read", None, False, ["approver"], "", None),
        ("seal.lift", "thread", False, ["handler"], "on duty", sealed),
        ("person.search", "person", False, *sample, None),
        ("person.search", "person", True, *sample, None),
        ("export", None, False, *sample, open_to_auditors),
        ("audit.list", "person", False, ["data_protection_officer"], "yearly check", None),
    ]
    assert {one.title for one in await looks(desk) if one.thread == sealed} == {"I am ill"}
    assert await looks(desk, OTHER) == []


async def test_an_id_that_begins_with_another_is_hidden_whole(desk):
    for person in ("e-1", "e-1/wien", "e-1/wien/ost", "e-1/wien/ost/7"):
        await asked(desk, Viewer(person), "Theirs")
    await asked(desk, ASKER, "Mine")
    looker = Viewer(AUDITOR.id, {"auditor"}, purpose="complaint of e-1/wien/ost/7")
    await desk.exports.export_threads(looker, ThreadFilter(), "jsonl")
    assert [look.purpose for look in await looks(desk)] == ["complaint of (a person)"]


async def test_what_is_shown_of_a_look_names_nobody_and_repeats_no_words(desk, store):
    thread, _ = await asked(desk, ASKER, "Mine")
    await asked(desk, OTHER, "Theirs")
    looker = Viewer(AUDITOR.id, {"auditor"}, purpose=f"{AUDITOR.id} checks {ASKER.id} and {OTHER.id}, see e-20011")
    await desk.oversight.search_threads(looker, ThreadFilter(owner=ASKER.id, words="confidential"))
    await desk.archive.thread(looker, thread)
    await desk.exports.export_threads(looker, ThreadFilter(), "jsonl")
    listing = await desk.own_data.looks_at_own(ASKER, limit=1)
    export, *others = await looks(desk)
    text = json.dumps([listing.cursor, *(asdict(one) for one in (export, *others))])
    assert len(others) == 2
    assert export.purpose == "(a person) checks e-1042 and (a person), see e-20011"
    assert AUDITOR.id not in text.replace("e-20011", "")
    assert OTHER.id not in export.purpose
    assert "confidential" not in text
    # A digest of the looker's id and a small number could be guessed.
    stored = (await store.find(Query(kind="look", where={"owners": ASKER.id}))).records
    assert len(stored) == 3
    assert not any(value in text for one in stored for value in (one.id, one.fields["manifest"]) if value)


async def test_own_reads_leave_no_look_and_denials_are_not_looks(desk, store):
    thread, _ = await asked(desk, ASKER, "Mine")
    await desk.archive.transcript(ASKER, thread)
    await desk.exports.export_own(ASKER, None, "html")
    sealed, _ = await asked(desk, ASKER, "I am ill")
    with pytest.raises(LookupError):
        await desk.archive.thread(AUDITOR, sealed)
    with pytest.raises(LookupError):
        await desk.archive.thread(OTHER, thread)
    assert await looks(desk) == []
    assert await store.read(f"audit:{ASKER.id}") == []


async def test_a_look_is_shown_only_after_the_delay(store):
    clock = HandClock()
    async with desk_over(store, clock=clock, looks_shown_after=timedelta(days=30)) as desk:
        thread, _ = await asked(desk, ASKER, "Mine")
        await desk.archive.thread(AUDITOR, thread)
        clock.advance(29 * 86400)
        await desk.archive.turn(AUDITOR, (await desk.archive.thread(ASKER, thread)).last)
        assert await looks(desk) == []
        assert await looks(desk, before=iso(clock.now() + timedelta(days=1))) == []
        clock.advance(2 * 86400)
        assert [one.object for one in await looks(desk)] == ["thread"]
    assert len((await OwnData(store, clock=clock).looks_at_own(ASKER)).items) == 2


async def test_pages_of_looks_leave_none_out_and_keep_those_of_one_moment_together(desk, store):
    now = HandClock().now()
    stored = [
        Look(
            **dict(id=f"l{n}", n=n, by="e-2001", action="thread.read", object=None, owners=[ASKER.id], denied=False),
            **dict(at=iso(now + timedelta(seconds=n // 3)), more=0, filters={}, manifest=None, words=""),
            purpose=f"look {n}",
        )
        for n in range(10)
    ]
    await store.commit("audit:e-2001", 0, [], [record(one) for one in stored], id="x" * 32)
    pages, before = [], None
    while True:
        page = await desk.own_data.looks_at_own(ASKER, limit=2, before=before)
        pages.append([one.purpose for one in page.items])
        if (before := page.cursor) is None:
            break
    assert [len(page) for page in pages] == [4, 3, 3]
    assert sorted(purpose for page in pages for purpose in page) == [f"look {n}" for n in range(10)]
    assert {tuple(one.roles) for one in await looks(desk)} == {()}


async def test_roles_that_did_not_allow_the_look_are_left_out(desk):
    thread, _ = await asked(desk, ASKER, "Mine")
    looker = Viewer("e-9", {"employee", "auditor", "knowledge_owner", "approver"}, purpose="check")
    await desk.archive.thread(looker, thread)
    assert [one.roles for one in await looks(desk)] == [["auditor"]]


async def test_a_purpose_that_was_erased_is_none(desk, store):
    thread, _ = await asked(desk, ASKER, "Mine")
    await desk.archive.thread(AUDITOR, thread)
    (stored,) = (await store.find(Query(kind="look"))).records
    erased = Look.model_validate({**stored.fields, "id": stored.id, "n": stored.n, "purpose": None, "words": None})
    await store.commit("audit:e-2001", 1, [], [record(erased)], id="y" * 32)
    assert [one.purpose for one in await looks(desk)] == [None]


@pytest.mark.parametrize("viewer", [AUDITOR, OFFICER, Viewer("rolf", roles=())])
async def test_without_the_role_of_an_employee_there_is_no_own_data(desk, viewer):
    for method in (desk.own_data.totals, desk.own_data.erasures, desk.own_data.looks_at_own):
        with pytest.raises(Denied):
            await method(viewer)
