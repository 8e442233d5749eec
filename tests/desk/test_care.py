"""People in need: the concern is on record with the question, the seal holds at once, and a person is a call away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import anyio
import pytest

import core.care
import core.desk.handovers
from backends import MemoryStore
from backends.models.scripted.model import Call, Say, ScriptedModel
from core import (
    Archive,
    CareCard,
    CareLine,
    Concern,
    Desk,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    SealedThread,
    Viewer,
    tool,
)
from core.desk.filters import ThreadFilter
from core.store import Query
from tests.support.desks import APPROVER, ASKER, AUDITOR, OTHER, QUICK, HandClock, ended, kinds, log_of, until
from tests.support.papers import HANDLER, Inbox

CARD = CareCard(title="You are not alone", text="Help is here.", lines=(CareLine(name="Crisis line", number="142"),))
KEEPER = Viewer("e-4001", roles={"knowledge_owner"})


class Listening:
    """A care that hears one word, and counts what it was asked."""

    def __init__(self, *, seals: bool = True) -> None:
        self.asked: list[str] = []
        self._concern = Concern(topic="self_harm", seals=seals, card=CARD)

    async def recognise(self, text: str, viewer: Viewer) -> Concern | None:
        self.asked.append(text)
        return self._concern if "desperate" in text else None


class Broken:
    """A care that raises."""

    async def recognise(self, text: str, viewer: Viewer) -> Concern | None:
        raise RuntimeError("out of order")


class Late:
    """A care that never answers."""

    async def recognise(self, text: str, viewer: Viewer) -> Concern | None:
        await anyio.sleep_forever()
        return None


@tool(effect="unsafe", approval="approver")
def letter() -> None:
    """Write a letter."""


def script(request):
    last = request.messages[-1]
    text = last.text if last.role == "user" and last.report is None else ""
    return [Call("letter", {})] if "letter" in text else [Say("Thank you for telling me about unicorns.")]


@asynccontextmanager
async def desk_of(store, care=None, **given) -> AsyncIterator[Desk]:
    async with Desk(store, ScriptedModel(script), tools=[letter], options=QUICK, care=care, **given) as desk:
        yield desk


async def ask(desk, thread, text):
    return await ended(desk, await desk.submit(ASKER, thread, text))


async def test_the_concern_its_card_and_the_seal_are_in_the_entry_that_opens_the_turn(store):
    async with desk_of(store, Listening()) as desk:
        thread = (await desk.create_thread(ASKER)).id
        turn = await desk.submit(ASKER, thread, "I am desperate")
        assert turn.concern == Concern(topic="self_harm", card=CARD)
        await ended(desk, turn)
        opened = (await log_of(store, thread))[1]
        head = await desk.archive.thread(ASKER, thread)
    assert (opened.kind, opened.shell["sealed"]) == ("turn.opened", True)
    assert "self_harm" not in str(opened.shell)  # the topic goes with an erasure
    assert (head.sealed, head.topic) == (True, "self_harm")


async def test_a_reply_brings_the_concern_and_its_card(store):
    async with desk_of(store, Listening()) as desk, await desk.create_chat(ASKER) as chat:
        assert (await chat.ask("I am desperate")).concern == Concern(topic="self_harm", card=CARD)
        assert (await chat.ask("How much leave?")).concern is None


async def test_a_repeated_request_keeps_its_first_concern(store):
    async with desk_of(store, Listening()) as desk:
        thread = (await desk.create_thread(ASKER)).id
        first = await desk.submit(ASKER, thread, "I am desperate", request_id="one")
        again = await desk.submit(ASKER, thread, "I am desperate", request_id="one")
        assert (again.id, again.concern) == (first.id, first.concern)
    assert (await kinds(store, thread)).count("turn.opened") == 1


@pytest.mark.parametrize("care", [Broken(), Late()], ids=["broken", "late"])
async def test_a_care_that_does_not_answer_seals_the_thread_and_the_question_is_answered(store, monkeypatch, care):
    monkeypatch.setattr(core.care, "CARE_SECONDS", 0.02)
    async with desk_of(store, care) as desk:
        thread = (await desk.create_thread(ASKER)).id
        turn = await ask(desk, thread, "How much leave?")
        assert (turn.status, turn.concern) == ("completed", None)
        assert (await desk.archive.thread(ASKER, thread)).sealed
        with pytest.raises(NotFound):
            await desk.archive.thread(AUDITOR, thread)


async def test_a_concern_that_does_not_seal_leaves_the_thread_open(store):
    async with desk_of(store, Listening(seals=False)) as desk:
        thread = (await desk.create_thread(ASKER)).id
        await ask(desk, thread, "I am desperate")
        assert (await desk.archive.turn_view(AUDITOR, (await ask(desk, thread, "Thanks")).id)).turn.text
        assert (await desk.archive.transcript(AUDITOR, thread)).turns[0].turn.concern


async def test_an_auditor_sees_of_a_sealed_thread_its_id_and_time_and_nothing_by_any_filter(store):
    async with desk_of(store, Listening()) as desk:
        thread = (await desk.create_thread(ASKER, metadata={"site": "Graz"})).id
        await ask(desk, thread, "My dragon question")  # before the seal
        await ask(desk, thread, "I am desperate")
        archive = desk.oversight
        plain = (await archive.search_threads(AUDITOR)).items
        head = await desk.archive.thread(ASKER, thread)
        assert plain == [SealedThread(id=thread, updated_at=head.updated_at)]
        early = desk._clock.now() - timedelta(days=1)
        assert (await archive.search_threads(AUDITOR, ThreadFilter(since=early))).items == plain
        for narrowed in (
            {"words": "dragon"},
            {"words": "unicorns"},
            {"owner": ASKER.id},
            {"outcomes": ("unsourced",)},
            {"metadata": {"site": "Graz"}},
            {"owner": ASKER.id, "since": early},
        ):
            listing = await archive.search_threads(AUDITOR, ThreadFilter(**narrowed))
            assert (listing.items, listing.cursor) == ([], None), narrowed
        assert (await desk.archive.search_threads(ASKER, "dragon")).items  # its owner finds it


async def test_words_in_sealed_threads_leave_neither_a_short_page_nor_a_cursor(store):
    async with desk_of(store, Listening()) as desk:
        open_threads = []
        for n in range(6):
            thread = (await desk.create_thread(ASKER)).id
            await ask(desk, thread, f"I am desperate, said the dragon {n}" if n % 2 else f"The dragon {n}")
            open_threads += [thread] if n % 2 == 0 else []
        found, cursor = [], None
        while True:
            page = await desk.oversight.search_threads(AUDITOR, ThreadFilter(words="dragon"), limit=1, cursor=cursor)
            found += [one.thread.id for one in page.items]
            assert len(page.items) == 1
            cursor = page.cursor
            if cursor is None:
                break
    assert found == open_threads[::-1]


async def test_calls_of_sealed_threads_are_in_no_search_and_an_approver_still_decides_on_them(store):
    async with desk_of(store, Listening()) as desk:
        thread = (await desk.create_thread(ASKER)).id
        turn = await ask(desk, thread, "I am desperate, I need a letter")
        (call,) = (await desk.archive.turn_view(ASKER, turn.id)).calls
        assert call.status == "deferred"
        assert (await desk.oversight.search_calls(AUDITOR)).items == []
        assert [one.call for one in (await desk.oversight.waiting_calls(APPROVER)).items] == [call.id]
        assert (await desk.archive.call(APPROVER, call.id)).tool == "letter"
        assert (await desk.archive.deferred_call(APPROVER, call.id)).arguments == {}
        for read in (desk.archive.call, desk.archive.deferred_call):
            with pytest.raises(NotFound):
                await read(AUDITOR, call.id)
        for what in (desk.archive.transcript(APPROVER, thread), desk.archive.turn(APPROVER, turn.id)):
            with pytest.raises(NotFound):
                await what
        await desk.decide(APPROVER, call.id, "deny", call.digest)
        assert (await ended(desk, (await desk.archive.deferred_call(ASKER, call.id)).report)).status == "completed"
        with pytest.raises(NotFound):
            await desk.archive.deferred_call(AUDITOR, call.id)


async def test_a_handler_finds_and_reads_sealed_threads_and_no_other(store):
    async with desk_of(store, Listening()) as desk:
        sealed = (await desk.create_thread(ASKER)).id
        await ask(desk, sealed, "I am desperate")
        plain = (await desk.create_thread(ASKER)).id
        await ask(desk, plain, "How much leave?")
        listing = await desk.oversight.sealed_threads(HANDLER)
        assert [(one.id, one.topic) for one in listing.items] == [(sealed, "self_harm")]
        assert (await desk.archive.transcript(HANDLER, sealed)).turns
        with pytest.raises(NotFound):
            await desk.archive.transcript(HANDLER, plain)
    kinds = [entry.kind for entry in await store.read(f"audit:{HANDLER.id}")]
    assert kinds == ["audit.looked", "audit.looked", "audit.denied"]


async def test_a_lifted_seal_opens_the_thread_with_the_reason_on_record_and_a_new_concern_seals_it_again(store):
    async with desk_of(store, Listening()) as desk:
        thread = (await desk.create_thread(ASKER)).id
        await ask(desk, thread, "I am desperate for coffee")
        with pytest.raises(InvalidInput, match="why the seal is lifted"):
            await desk.lift_seal(HANDLER, thread, "  ")
        assert (await desk.lift_seal(HANDLER, thread, "coffee")).sealed is None
        assert (await desk.archive.transcript(AUDITOR, thread)).turns
        with pytest.raises(NotFound):
            await desk.lift_seal(HANDLER, thread, "again")
        await ask(desk, thread, "Now I am desperate")
        with pytest.raises(NotFound):
            await desk.archive.transcript(AUDITOR, thread)
    lifted = next(entry for entry in await log_of(store, thread) if entry.kind == "seal.lifted")
    assert (lifted.by, lifted.payload) == (HANDLER.id, {"reason": "coffee"})


async def test_a_reader_that_was_let_in_before_the_seal_does_not_see_the_turn_that_seals(store, monkeypatch):
    async with desk_of(store, Listening()) as desk:
        thread = (await desk.create_thread(ASKER)).id
        await ask(desk, thread, "How much leave?")
        checked = desk.archive._checked.thread

        async def then_sealed(*asked):
            head = await checked(*asked)
            await ask(desk, thread, "I am desperate")
            return head

        monkeypatch.setattr(desk.archive._checked, "thread", then_sealed)
        seen = await desk.archive.transcript(AUDITOR, thread)
        assert [view.turn.question for view in seen.turns] == ["How much leave?"]


async def test_a_thread_that_is_sealed_while_it_is_searched_for_is_not_found(store, monkeypatch):
    async with desk_of(store, Listening()) as desk:
        thread = (await desk.create_thread(ASKER)).id
        await ask(desk, thread, "The dragon")
        page = desk.oversight._lists.page

        async def then_sealed(*asked, **more):
            found = await page(*asked, **more)
            await ask(desk, thread, "I am desperate")
            return found

        monkeypatch.setattr(desk.oversight._lists, "page", then_sealed)
        assert (await desk.oversight.search_threads(AUDITOR, ThreadFilter(words="dragon"))).items == []


async def test_nothing_stands_before_the_first_entry(store):
    async with desk_of(store) as desk:
        thread = (await desk.create_thread(ASKER)).id
        await ask(desk, thread, "How much leave?")
        assert (await desk.archive.transcript(ASKER, thread, before=0)).turns == []
        assert await desk.archive.messages(ASKER, thread, before=0) == []


async def test_questions_of_people_in_need_are_not_among_the_gaps(store):
    for seals in (True, False):
        async with desk_of(store, Listening(seals=seals)) as desk:
            thread = (await desk.create_thread(ASKER)).id
            turn = await ask(desk, thread, "I am desperate")
            await desk.give_feedback(ASKER, turn.id, "down")
    async with desk_of(store) as desk:
        turn = await ask(desk, (await desk.create_thread(ASKER)).id, "How much leave?")
        await desk.give_feedback(ASKER, turn.id, "down")
    assert [gap.question for gap in await Archive(store).gaps(KEEPER)] == ["How much leave?"]


async def test_the_model_is_told_of_the_topic(store):
    told = []

    def remember(request):
        told.extend(getattr(message, "topic", None) for message in request.messages)
        return [Say("I am sorry to hear that.")]

    async with Desk(store, ScriptedModel(remember), options=QUICK, care=Listening()) as desk:
        await ask(desk, (await desk.create_thread(ASKER)).id, "I am desperate")
    assert told == ["self_harm"]


@pytest.mark.parametrize(
    ("attach", "sent"),
    [
        ("nothing", []),
        ("answer", ["two"]),
        ("from_here", ["two", "three"]),
        ("thread", ["one", "two", "three"]),
    ],
)
async def test_a_hand_over_takes_along_what_was_agreed_to(store, attach, sent):
    inbox = Inbox()
    async with desk_of(store, Listening(), handover=inbox) as desk:
        thread = (await desk.create_thread(ASKER)).id
        turns = [await ask(desk, thread, text) for text in ("one", "two", "three")]
        handed = await desk.hand_over(ASKER, turns[1].id, attach=attach, note=" Call me ")
        view = await desk.archive.turn_view(ASKER, turns[1].id)
    (ticket,) = inbox.tickets
    assert [message.text for message in ticket.messages if message.role == "user"] == sent
    assert (ticket.person, ticket.note, ticket.attached, ticket.key) == (ASKER.id, "Call me", attach, handed.id)
    assert (handed.status, handed.reference) == ("sent", "T-1")
    assert view.handovers == [handed]
    assert (await kinds(store, thread))[-2:] == ["handover.asked", "handover.ended"]


async def test_the_request_is_on_record_before_anything_is_sent(store):
    class Watching(Inbox):
        async def send(self, ticket):
            self.seen = (await log_of(store, ticket.thread_id))[-1].kind
            return await super().send(ticket)

    inbox = Watching()
    async with desk_of(store, handover=inbox) as desk:
        turn = await ask(desk, (await desk.create_thread(ASKER)).id, "one")
        await desk.hand_over(ASKER, turn.id)
    assert inbox.seen == "handover.asked"


async def test_a_double_click_sends_one_ticket(store):
    inbox = Inbox()
    async with desk_of(store, handover=inbox) as desk:
        turn = await ask(desk, (await desk.create_thread(ASKER)).id, "one")
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(lambda: desk.hand_over(ASKER, turn.id, request_id="click"))
        await desk.hand_over(ASKER, turn.id, request_id="later")
    assert len(inbox.tickets) == 2


@pytest.mark.parametrize("reference", ["x" * 201, "", None, 7])
async def test_a_reference_that_cannot_be_kept_is_not_cut_and_the_hand_over_is_sent_all_the_same(reference):
    class Talkative:
        async def send(self, ticket):
            return reference

    async with desk_of(MemoryStore(), handover=Talkative()) as desk:
        turn = await ask(desk, (await desk.create_thread(ASKER)).id, "one")
        handed = await desk.hand_over(ASKER, turn.id)
    assert (handed.status, handed.reference) == ("sent", None)
    assert handed.message == "its reference is not kept: it must be a str of 1 to 200 characters"


@pytest.mark.parametrize(
    ("error", "status"),
    [(OutcomeUnknown("the line went dead"), "unknown"), (RuntimeError("no such queue"), "failed")],
)
async def test_what_went_wrong_with_a_hand_over_is_on_record(store, error, status):
    class Failing:
        async def send(self, ticket):
            raise error

    async with desk_of(store, handover=Failing()) as desk:
        turn = await ask(desk, (await desk.create_thread(ASKER)).id, "one")
        handed = await desk.hand_over(ASKER, turn.id)
    assert (handed.status, handed.message, handed.reference) == (status, str(error), None)


async def test_a_hand_over_that_takes_too_long_is_unknown(store, monkeypatch):
    class Slow:
        async def send(self, ticket):
            await anyio.sleep_forever()

    monkeypatch.setattr(core.desk.handovers, "HANDOVER_SECONDS", 0.02)
    async with desk_of(store, handover=Slow()) as desk:
        turn = await ask(desk, (await desk.create_thread(ASKER)).id, "one")
        assert (await desk.hand_over(ASKER, turn.id)).status == "unknown"


async def test_a_hand_over_whose_sender_died_becomes_unknown_and_its_late_answer_still_counts(store):
    clock, go_on = HandClock(), anyio.Event()

    class Stuck:
        async def send(self, ticket):
            await go_on.wait()
            return "T-9"

    async with desk_of(store, handover=Stuck()) as desk, anyio.create_task_group() as tasks:
        turn = await ask(desk, (await desk.create_thread(ASKER)).id, "one")
        tasks.start_soon(lambda: desk.hand_over(ASKER, turn.id))

        async def status():
            found = (await store.find(Query(kind="handover"))).records
            return found and found[0].fields["status"]

        await until(status)
        await desk.recover()
        assert await status() == "asked"  # its sender may still be at it
        clock.advance(3600)

        async def now():
            return clock.now()

        store.now, before = now, store.now
        await desk.recover()
        assert await status() == "unknown"
        store.now = before
        go_on.set()
        await until(lambda: _is(status, "sent"))


async def _is(status, wanted):
    return await status() == wanted


async def test_a_desk_without_a_hand_over_says_so_and_a_stranger_cannot_hand_over(store):
    async with desk_of(store, handover=Inbox()) as desk:
        turn = await ask(desk, (await desk.create_thread(ASKER)).id, "one")
        with pytest.raises(NotFound):
            await desk.hand_over(OTHER, turn.id)
        with pytest.raises(InvalidInput, match="4000 characters"):
            await desk.hand_over(ASKER, turn.id, note="x" * 4001)
        with pytest.raises(InvalidInput, match="`attach` must be 'nothing' or"):
            await desk.hand_over(ASKER, turn.id, attach="everything")
    async with desk_of(store) as desk:
        with pytest.raises(InvalidInput, match="nobody to hand over to"):
            await desk.hand_over(ASKER, turn.id)
    assert (await store.find(Query(kind="handover"))).records == []
