"""Verdicts on answers: who may give them, what stays of them, and who sees them."""

from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pymongo
import pytest

from backends import open_store
from backends.models.scripted.model import Call, Say, ScriptedModel, Wait
from backends.stores.memory import MemoryStore
from core import Archive, Concern, Desk, InvalidInput, NotFound, Viewer, tool
from core.clock import SystemClock
from core.desk.checked_records import CheckedRecords
from core.desk.reviews import Reviews
from core.errors import Corrupt, Unavailable
from core.log.audit import AuditLog
from core.log.pseudonyms import Pseudonyms
from core.log.records import Review, item_of
from core.log.review import fold_review
from tests.support.desks import ASKER, AUDITOR, OTHER, QUICK, ended, waiting
from tests.support.papers import HANDLER
from tests.support.wrapped import WrappedStore

SECOND = Viewer("e-2002", roles={"auditor"}, purpose="second opinion")
BOTH = Viewer("e-2003", roles={"employee", "auditor", "handler"}, purpose="on duty")


class Caring:
    """A care that seals the threads with one word."""

    async def recognise(self, text, viewer):
        return Concern(topic="self_harm") if "desperate" in text else None


@tool(effect="unsafe")
def book() -> None:
    """Book."""


def script(request):
    text = request.messages[-1].text if request.messages[-1].role == "user" else ""
    if "book" in text:
        return [Say("May I?"), Call("book", {})]
    return [Wait(anyio.Event())] if "wait" in text else [Say("25 days.")]


@asynccontextmanager
async def desk_of(store):
    async with Desk(store, ScriptedModel(script), tools=[book], options=QUICK, care=Caring()) as desk:
        yield desk


async def asked(desk, text="How much leave?", viewer=ASKER):
    """A turn that has ended, in a thread of its own."""
    thread = (await desk.create_thread(viewer)).id
    return await ended(desk, await desk.submit(viewer, thread, text), viewer)


async def log_of_review(store, turn):
    return await store.read(f"review:{turn.id}")


async def test_a_verdict_is_on_record_with_all_that_was_said(store):
    async with desk_of(store) as desk:
        turn = await asked(desk)
        review = await desk.judge(AUDITOR, turn.id, "wrong", cause="misread", note=" It is 30. ", corrected="30 days.")
    (entry,) = await log_of_review(store, turn)
    (given,) = review.given
    assert (given.by, given.verdict, given.cause, given.note, given.corrected) == (
        "e-2001",
        "wrong",
        "misread",
        "It is 30.",
        "30 days.",
    )
    assert (review.id, review.n, review.hash, review.verdicts) == (turn.id, 1, entry.hash, ["wrong"])
    stored = item_of(Review, await store.get("review", turn.id))
    assert (stored.thread, stored.owner, stored.opened_at) == (turn.thread, turn.owner, turn.opened_at)
    # What a look returns names the owner by a pseudonym.
    assert review == await Pseudonyms(store, SystemClock()).hide(stored) != stored
    assert "It is 30" not in str(entry.shell)  # an erasure takes what was written


async def test_the_newest_verdict_of_each_person_counts_in_the_order_of_their_first(store):
    async with desk_of(store) as desk:
        turn = await asked(desk)
        await desk.judge(AUDITOR, turn.id, "wrong", cause="tone")
        await desk.judge(SECOND, turn.id, "cannot_tell")
        review = await desk.judge(AUDITOR, turn.id, "right")
    assert [(given.by, given.verdict, given.cause) for given in review.given] == [
        ("e-2001", "right", None),
        ("e-2002", "cannot_tell", None),
    ]
    assert review.verdicts == ["cannot_tell", "right"]
    kept = [(entry.by, entry.shell["verdict"]) for entry in await log_of_review(store, turn)]
    assert kept == [("e-2001", "wrong"), ("e-2002", "cannot_tell"), ("e-2001", "right")]


async def test_the_same_verdict_again_adds_nothing_and_another_note_does(store):
    async with desk_of(store) as desk:
        turn = await asked(desk)
        first = await desk.judge(AUDITOR, turn.id, "right", note="Checked.")
        assert await desk.judge(AUDITOR, turn.id, "right", note="Checked. ") == first
        assert (await desk.judge(SECOND, turn.id, "right", note="Checked.")).n == 2
        assert (await desk.judge(AUDITOR, turn.id, "right", note="Checked twice.")).n == 3
        assert (await desk.judge(AUDITOR, turn.id, "right", note="Checked.")).n == 4  # an earlier one, not their newest


async def test_two_auditors_at_once_both_stay(tmp_path):
    class Together(WrappedStore):
        """The first commits to a review wait for each other: both have read the same end."""

        def __init__(self, store):
            super().__init__(store)
            self.waiting, self.both = 0, anyio.Event()

        async def commit(self, stream, after, entries, records=(), *, id):
            if stream.startswith("review:") and not self.both.is_set():
                self.waiting += 1
                if self.waiting == 2:
                    self.both.set()
                await self.both.wait()
            await super().commit(stream, after, entries, records, id=id)

    async with open_store(f"sqlite:///{tmp_path}/desk.db") as store, desk_of(Together(store)) as desk:
        turn = await asked(desk)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(desk.judge, AUDITOR, turn.id, "right")
            tasks.start_soon(desk.judge, SECOND, turn.id, "cannot_tell")
        review = (await desk.archive.turn_view(AUDITOR, turn.id)).review
        assert {(given.by, given.verdict) for given in review.given} == {("e-2001", "right"), ("e-2002", "cannot_tell")}
        assert review.n == 2


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"verdict": "fine"}, "`verdict` must be 'right' or 'wrong' or 'cannot_tell'"),
        ({"verdict": "wrong"}, "a wrong answer needs a cause"),
        ({"verdict": "right", "cause": "tone"}, "any other verdict has none"),
        ({"verdict": "wrong", "cause": "stupid"}, "`cause` must be 'wrong_source' or"),
        ({"verdict": "right", "note": "x" * 4001}, "4000 characters"),
        ({"verdict": "right", "corrected": "x" * 4001}, "4000 characters"),
    ],
)
async def test_an_invalid_verdict_is_refused(given, why):
    async with desk_of(store := MemoryStore()) as desk:
        turn = await asked(desk)
        with pytest.raises(InvalidInput, match=why):
            await desk.judge(AUDITOR, turn.id, **given)
        assert await log_of_review(store, turn) == []
        await desk.judge(AUDITOR, turn.id, "right", note="x" * 4000, corrected="x" * 4000)


async def test_what_has_no_answer_yet_or_never_got_one_is_not_judged():
    async with desk_of(MemoryStore()) as desk:
        thread = (await desk.create_thread(ASKER)).id
        running = await desk.submit(ASKER, thread, "wait")
        with pytest.raises(InvalidInput, match="has not ended"):
            await desk.judge(AUDITOR, running.id, "right")
        await desk.stop(ASKER, running.id)
        with pytest.raises(InvalidInput, match="has no answer"):
            await desk.judge(AUDITOR, running.id, "right")
        parked = await desk.submit(ASKER, thread, "book")
        await waiting(desk, parked)
        with pytest.raises(InvalidInput, match="has not ended"):
            await desk.judge(AUDITOR, parked.id, "right")


async def test_people_do_not_judge_the_answers_to_their_own_questions_nor_see_the_verdicts_on_them(store):
    async with desk_of(store) as desk:
        turn = await asked(desk, viewer=BOTH)
        with pytest.raises(NotFound):
            await desk.judge(BOTH, turn.id, "right")
        await desk.judge(AUDITOR, turn.id, "right")
        assert (await desk.archive.turn_view(BOTH, turn.id)).review is None
        assert (await desk.archive.turn_view(AUDITOR, turn.id)).review
        mine = Viewer(BOTH.id, roles={"auditor"}, purpose="not an employee any more")
        assert (await desk.archive.turn_view(mine, turn.id)).review is None


async def test_an_employee_does_not_see_the_verdicts_on_their_answers(store):
    async with desk_of(store) as desk:
        turn = await asked(desk)
        await desk.judge(AUDITOR, turn.id, "right")
        assert (await desk.archive.transcript(ASKER, turn.thread)).turns[0].review is None
        assert (await desk.archive.transcript(SECOND, turn.thread)).turns[0].review.verdicts == ["right"]


async def test_a_sealed_answer_is_judged_by_a_handler_and_its_verdicts_are_for_handlers(store):
    async with desk_of(store) as desk:
        turn = await asked(desk, "I am desperate")
        with pytest.raises(NotFound):
            await desk.judge(AUDITOR, turn.id, "right")
        assert (await desk.judge(HANDLER, turn.id, "right")).n == 1
        assert (await desk.archive.turn_view(HANDLER, turn.id)).review.verdicts == ["right"]


async def test_a_verdict_on_a_thread_that_was_sealed_since_is_for_handlers_alone(store):
    clock = SystemClock()
    reviews = Reviews(store, clock, CheckedRecords(store, clock, AuditLog(store, clock)), Pseudonyms(store, clock))
    async with desk_of(store) as desk:
        turn, other = await asked(desk), await asked(desk, viewer=OTHER)
        for judged in (turn, other):
            await desk.judge(AUDITOR, judged.id, "right")
        ids = [turn.id, other.id, "0" * 24]
        assert set(await reviews.of(AUDITOR, ids)) == {turn.id, other.id}
        await ended(desk, await desk.submit(ASKER, turn.thread, "I am desperate"))
        assert set(await reviews.of(AUDITOR, ids)) == {other.id}
        assert set(await reviews.of(HANDLER, ids)) == {turn.id}
        assert set(await reviews.of(BOTH, ids)) == {turn.id, other.id}
        assert await reviews.of(ASKER, ids) == await reviews.of(AUDITOR, []) == {}


async def test_an_erased_verdict_keeps_its_shell_alone(store):
    async with desk_of(store) as desk:
        turn = await asked(desk)
        await desk.judge(AUDITOR, turn.id, "wrong", cause="other", note="A name", corrected="Another name")
        await store.erase(f"review:{turn.id}")
        review = await desk.judge(SECOND, turn.id, "right", note="Fine")
    erased, kept = review.given
    assert (erased.verdict, erased.cause, erased.note, erased.corrected) == ("wrong", "other", None, None)
    assert kept.note == "Fine"
    assert "A name" not in str(await store.get("review", turn.id))


async def test_a_review_refuses_an_entry_that_is_no_verdict_on_its_turn_or_does_not_follow(store):
    async with desk_of(store) as desk:
        turn, other = await asked(desk), await asked(desk)
        for _ in range(2):
            await desk.judge(AUDITOR, turn.id, "right")
            await desk.judge(AUDITOR, turn.id, "cannot_tell")
        (first, second, *_), (question, *_) = (
            await log_of_review(store, turn),
            await store.read(f"thread:{turn.thread}"),
        )
    review = fold_review(None, first)
    assert fold_review(review, second).n == 2
    for odd in (question, replace(first, stream=f"review:{other.id}")):
        with pytest.raises(Corrupt, match="not a verdict on this turn"):
            fold_review(None, odd)
    for before, odd in ((None, second), (review, first)):
        with pytest.raises(Corrupt, match="follows entry"):
            fold_review(before, odd)


async def test_a_review_that_lags_behind_its_log_is_written_by_recovery(mongodb_url):
    async with open_store(mongodb_url) as store, desk_of(store) as desk:
        turn = await asked(desk)
        await desk.judge(AUDITOR, turn.id, "right")
        review = await store.get("review", turn.id)
        stream = f"review:{turn.id}"
        with pymongo.MongoClient(mongodb_url) as client:  # as a writer leaves it that dies after the entry
            database = client.get_default_database()
            assert database["record.review"].delete_many({}).deleted_count == 1
            database["commits"].update_one({"stream": stream}, {"$set": {"dirty": 1}})
        assert await store.get("review", turn.id) is None
        await desk.recover()
        assert await store.get("review", turn.id) == review
        assert (await store.get("stream", stream)).fields == {"dirty": False}


async def test_a_verdict_that_was_not_taken_is_told(store, monkeypatch):
    class Away(WrappedStore):
        async def commit(self, stream, after, entries, records=(), *, id):
            if stream.startswith("review:"):
                raise Unavailable("no place for a verdict")
            await super().commit(stream, after, entries, records, id=id)

    monkeypatch.setattr("core.desk.reviews._PATIENCE", 0.01)
    async with desk_of(Away(store)) as desk:
        turn = await asked(desk)
        with pytest.raises(Unavailable, match="no place for a verdict"):
            await desk.judge(AUDITOR, turn.id, "right")
        assert (await Archive(store).turn_view(AUDITOR, turn.id)).review is None
