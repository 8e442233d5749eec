"""Branches: an answer given again keeps the earlier one, and the thread, its models and readers follow one branch."""

from itertools import count

import anyio
import pytest

import core.log.projection
import core.turn.branches
from backends.models.scripted.model import Call, Say, ScriptedModel, Wait
from core import (
    Archive,
    Concern,
    Desk,
    InvalidInput,
    NotFound,
    NotReplaceable,
    Options,
    OutcomeUnknown,
    RequestMismatch,
    SummarizingWindow,
    TurnInProgress,
    tool,
)
from core.clock import SystemClock
from core.log.branches import shown_ranges, without
from core.log.facts import Erased
from core.log.fold import State, fold_all
from core.maintenance.rebuild import Rebuild
from core.turn.commands import Note
from tests.support.desks import (
    APPROVER,
    ASKER,
    AUDITOR,
    OTHER,
    QUICK,
    chatting,
    check,
    ended,
    kinds,
    log_of,
    logged,
    waiting,
)
from tests.support.papers import Inbox
from tests.support.wrapped import WrappedStore


def numbered():
    """Answers "1", "2", ..., so that a version is known by its answer."""
    numbers = count(1)
    return ScriptedModel(lambda request: [Say(str(next(numbers)))])


def sent(model, request=-1):
    """What the model was sent of a conversation, without its last question."""
    return [message.text for message in model.requests[request].messages][:-1]


async def shown(chat):
    """Question and answer of each turn that the owner sees."""
    transcript = await chat.desk.archive.transcript(chat.viewer, chat.id)
    return [(view.turn.question, view.turn.text) for view in transcript.turns]


async def consistent(store, thread):
    """The log is unbroken, and its records are those that it makes."""
    await check(store, thread)
    rebuild = Rebuild(store, SystemClock(), lambda done, total: None, mend=False)
    assert [found async for found in rebuild.findings()] == []


class Meanwhile(WrappedStore):
    """A store in which something happens just before the next commit to a thread."""

    happens = None

    async def commit(self, stream, after, entries, records=(), *, id):
        if self.happens and stream.startswith("thread:"):
            happens, self.happens = self.happens, None
            await happens()
        await super().commit(stream, after, entries, records, id=id)


async def test_an_answer_given_again_takes_the_place_of_the_first_and_both_stay_on_record(store):
    async with chatting(store, model := numbered()) as chat:
        first = await chat.ask("Days?")
        second = await chat.regenerate()
        assert sent(model) == []
        assert await shown(chat) == [("Days?", "2")]
        turn = await chat.desk.archive.turn(ASKER, second.turn_id)
        assert (turn.replaces, turn.original) == (first.turn_id, first.turn_id)
        assert (await chat.desk.archive.turn(ASKER, first.turn_id)).text == "1"
        for id in (first.turn_id, second.turn_id):
            versions = (await chat.desk.archive.turn_view(ASKER, id)).versions
            assert [version.turn for version in versions] == [first.turn_id, second.turn_id]
        await chat.ask("And?")
        assert sent(model) == ["Days?", "2"]
    await consistent(store, chat.id)


async def test_a_version_may_be_asked_again_by_the_id_of_any_version_in_its_place(store):
    async with chatting(store, numbered()) as chat:
        first = await chat.ask("Days?")
        await chat.regenerate(first.turn_id)
        third = await chat.regenerate(first.turn_id)
        assert await shown(chat) == [("Days?", "3")]
        view = await chat.desk.archive.turn_view(ASKER, third.turn_id)
        assert (view.turn.replaces, view.turn.original) == (first.turn_id, first.turn_id)
        assert [version.turn for version in view.versions][2:] == [third.turn_id]
        assert [len(version.seen) for version in view.versions] == [1, 1, 1]
        assert [version.seen[0].until is None for version in view.versions] == [False, False, True]
    await consistent(store, chat.id)


async def test_an_earlier_question_that_is_edited_hides_what_followed_it(store):
    async with chatting(store, model := numbered()) as chat:
        await chat.ask("A")
        middle = await chat.ask("B")
        await chat.ask("C")
        await chat.edit(middle.turn_id, "B again")
        assert sent(model) == ["A", "1"]
        assert await shown(chat) == [("A", "1"), ("B again", "4")]
        await chat.ask("D")
        assert sent(model) == ["A", "1", "B again", "4"]
        assert await shown(chat) == [("A", "1"), ("B again", "4"), ("D", "5")]
    await consistent(store, chat.id)


async def test_going_back_shows_a_version_with_what_followed_it_both_ways_and_again(store):
    async with chatting(store, model := numbered()) as chat:
        first = await chat.ask("A")
        await chat.ask("B")
        second = await chat.edit(first.turn_id, "A'")
        await chat.ask("C")
        old, new = [("A", "1"), ("B", "2")], [("A'", "3"), ("C", "4")]
        assert await shown(chat) == new
        for _ in range(3):
            await chat.show(first.turn_id)
            assert await shown(chat) == old
            await chat.show(second.turn_id)
            assert await shown(chat) == new
        await chat.show(first.turn_id)
        await chat.ask("D")
        assert sent(model) == ["A", "1", "B", "2"]
        await chat.show(second.turn_id)
        await chat.show(first.turn_id)
        assert await shown(chat) == [*old, ("D", "5")]
        await chat.show(second.turn_id)
        await chat.ask("E")
        assert sent(model) == ["A'", "3", "C", "4"]
        view = await chat.desk.archive.turn_view(ASKER, first.turn_id)
        assert [len(version.seen) for version in view.versions] == [6, 6]
    await consistent(store, chat.id)


async def test_versions_within_versions_are_left_and_found_again_as_they_were(store):
    async with chatting(store, model := numbered()) as chat:
        a = await chat.ask("A")
        b = await chat.ask("B")
        await chat.edit(b.turn_id, "B'")
        await chat.ask("C")
        within = [("A", "1"), ("B'", "3"), ("C", "4")]
        other = await chat.edit(a.turn_id, "A'")
        await chat.ask("X")
        with pytest.raises(NotReplaceable, match="reload the thread"):
            await chat.show(b.turn_id)
        await chat.show(a.turn_id)
        assert await shown(chat) == within
        await chat.show(b.turn_id)
        assert await shown(chat) == [("A", "1"), ("B", "2")]
        await chat.show(other.turn_id)
        await chat.show(a.turn_id)
        assert await shown(chat) == [("A", "1"), ("B", "2")]
        await chat.regenerate()
        assert sent(model) == ["A", "1"]
        assert await shown(chat) == [("A", "1"), ("B", "7")]
        view = await chat.desk.archive.turn_view(ASKER, b.turn_id)
        assert len(view.versions) == 3
    await consistent(store, chat.id)


async def test_of_the_times_in_which_a_version_was_shown_the_newest_are_kept(store, monkeypatch):
    monkeypatch.setattr(core.log.projection, "MAX_SEEN", 2)
    async with chatting(store, numbered()) as chat:
        first = await chat.ask("A")
        second = await chat.regenerate()
        for _ in range(3):
            await chat.show(first.turn_id)
            await chat.show(second.turn_id)
        versions = (await chat.desk.archive.turn_view(ASKER, first.turn_id)).versions
        shown_at = [entry.n for entry in await logged(store, chat.id, "branch.shown")]
        assert [[one.n for one in version.seen] for version in versions] == [shown_at[-4::2], shown_at[-3::2]]


async def test_showing_what_is_shown_writes_nothing(store):
    async with chatting(store, numbered()) as chat:
        first = await chat.ask("A")
        await chat.show(first.turn_id)
        second = await chat.regenerate()
        await chat.show(second.turn_id)
        assert "branch.shown" not in await kinds(store, chat.id)


@pytest.fixture
def ran():
    return []


def acting(ran, effect, outcome=None, **given):
    @tool(effect=effect, name="act", **given)
    def act() -> str:
        """Act."""
        ran.append(effect)
        if outcome:
            raise outcome
        return "done"

    return act


def script(request):
    last = request.messages[-1]
    asked = last.role == "user" and last.report is None and "act" in last.text
    return [Call("act", {})] if asked else [Say("Hello.")]


async def acted(chat, decision="approve"):
    reply = await chat.ask("act")
    for call in reply.waiting:
        reply = await chat.decide(call.id, decision, call.digest)
    return reply


@pytest.mark.parametrize(
    ("effect", "outcome", "decision", "refused"),
    [
        ("unsafe", None, "approve", True),
        ("idempotent", None, "approve", True),
        ("unsafe", OutcomeUnknown("gone"), "approve", True),
        ("idempotent", OutcomeUnknown("gone"), "approve", True),
        ("unsafe", ValueError("no"), "approve", False),
        ("idempotent", ValueError("no"), "approve", False),
        ("unsafe", None, "deny", False),
        ("read", None, "approve", False),
        ("read", OutcomeUnknown("gone"), "approve", False),
    ],
)
async def test_what_acted_and_what_came_before_it_is_not_asked_again_in_its_place(
    store, ran, effect, outcome, decision, refused
):
    async with chatting(store, script, tools=[acting(ran, effect, outcome)]) as chat:
        before = await chat.ask("before")
        reply = await acted(chat, decision)
        after = await chat.ask("after")
        assert (await chat.regenerate(after.turn_id)).status == "completed"
        written = await kinds(store, chat.id)
        for turn in (reply.turn_id, before.turn_id):
            if refused:
                with pytest.raises(NotReplaceable, match="done twice; ask below instead"):
                    await chat.edit(turn, "again")
            else:
                assert (await chat.edit(turn, "again")).status == "completed"
        assert (await kinds(store, chat.id) == written) == refused
        assert len(ran) == (decision == "approve")
    await consistent(store, chat.id)


async def test_an_act_of_a_version_that_is_not_shown_any_more_still_counts(store, ran):
    async with chatting(store, script, tools=[acting(ran, "idempotent")]) as chat:
        harmless = await chat.ask("before")
        again = await chat.edit(harmless.turn_id, "act")
        assert ran == ["idempotent"]
        await chat.show(harmless.turn_id)
        for turn in (harmless, again):
            with pytest.raises(NotReplaceable, match="done twice"):
                await chat.edit(turn.turn_id, "act")
        below = await chat.ask("below")
        assert (await chat.regenerate(below.turn_id)).status == "completed"
        assert ran == ["idempotent"]


async def deferring(chat, text="act"):
    reply = await chat.ask(text)
    assert reply.tool_calls[0].status == "deferred"
    return reply, reply.tool_calls[0]


async def test_a_turn_with_a_request_that_waits_in_it_or_after_it_is_not_asked_again_until_that_is_over(store, ran):
    async with chatting(store, script, tools=[acting(ran, "unsafe", approval="approver")]) as chat:
        before = await chat.ask("before")
        reply, call = await deferring(chat)
        after = await chat.ask("after")
        await chat.regenerate(after.turn_id)
        for turn in (reply, before):
            with pytest.raises(NotReplaceable, match="waits for an approver: withdraw that first, or ask below"):
                await chat.edit(turn.turn_id, "hello")
        await chat.desk.withdraw(ASKER, call.id)
        assert (await chat.edit(reply.turn_id, "hello")).status == "completed"
        assert (await chat.edit(before.turn_id, "hello")).status == "completed"
    await consistent(store, chat.id)


async def test_a_request_that_waits_in_another_version_counts_as_well(store, ran):
    async with chatting(store, script, tools=[acting(ran, "unsafe", approval="approver")]) as chat:
        harmless = await chat.ask("before")
        again = await chat.edit(harmless.turn_id, "act")
        await chat.show(harmless.turn_id)
        for turn in (harmless, again):
            with pytest.raises(NotReplaceable, match="waits for an approver"):
                await chat.edit(turn.turn_id, "act")


@pytest.mark.parametrize("decision", ["deny", "approve"])
async def test_after_a_decision_a_request_may_be_asked_again_unless_it_was_carried_out(store, ran, decision):
    async with chatting(store, script, tools=[acting(ran, "unsafe", approval="approver")]) as chat:
        reply, call = await deferring(chat)
        await chat.desk.decide(APPROVER, call.id, decision, call.digest)
        report = (await chat.desk.archive.deferred_call(ASKER, call.id)).report
        await ended(chat.desk, report)
        with pytest.raises(NotReplaceable, match="reports a decision, and was not asked"):
            await chat.edit(report, "hello")
        if decision == "approve":
            with pytest.raises(NotReplaceable, match="done twice"):
                await chat.edit(reply.turn_id, "hello")
        else:
            await chat.edit(reply.turn_id, "hello")
            assert [question for question, _ in await shown(chat)] == ["hello"]
    assert len(ran) == (decision == "approve")
    await consistent(store, chat.id)


async def test_while_a_turn_runs_or_is_parked_none_is_replaced_and_no_other_version_shown(store, ran):
    go_on = anyio.Event()

    def held(request):
        return [Wait(go_on), Say("At last.")] if request.messages[-1].text == "wait" else script(request)

    async with chatting(store, held, tools=[acting(ran, "unsafe")]) as chat:
        first = await chat.ask("A")
        await chat.regenerate()
        for question in ("wait", "act"):
            turn = await chat.desk.submit(ASKER, chat.id, question)
            if question == "act":
                await waiting(chat.desk, turn)
            for attempt in (chat.edit(first.turn_id, "A'"), chat.show(first.turn_id)):
                with pytest.raises(TurnInProgress) as caught:
                    await attempt
                assert caught.value.turn_id == turn.id
            go_on.set()
            await chat.stop(turn.id)


async def test_the_same_request_again_is_the_same_turn_and_for_another_place_a_mismatch(store):
    async with chatting(store, numbered()) as chat:
        first = await chat.ask("A")
        other = await chat.ask("B")
        one = await chat.regenerate(first.turn_id, request_id="r")
        again = await chat.regenerate(first.turn_id, request_id="r")
        assert (again.turn_id, again.text) == (one.turn_id, one.text)
        for replaces in (other.turn_id, one.turn_id, None):
            with pytest.raises(RequestMismatch):
                await chat.ask("A", request_id="r", replaces=replaces)
        with pytest.raises(RequestMismatch):
            await chat.edit(first.turn_id, "A'", request_id="r")
        assert len(await logged(store, chat.id, "turn.opened")) == 3


async def test_one_click_sent_by_two_desks_is_one_turn_and_two_clicks_are_two_versions(store):
    async with Desk(store, numbered(), options=QUICK) as desk, Desk(store, numbered(), options=QUICK) as other:
        thread = (await desk.create_thread(ASKER)).id
        first = await ended(desk, await desk.submit(ASKER, thread, "A"))
        turns = []

        async def click(by, request):
            while True:
                try:
                    turns.append(await by.submit(ASKER, thread, "A", request, replaces=first.id))
                except TurnInProgress as busy:
                    await ended(by, busy.turn_id)
                else:
                    return

        async with anyio.create_task_group() as tasks:
            for by in (desk, other):
                tasks.start_soon(click, by, "same")
        assert len({turn.id for turn in turns}) == 1
        await ended(desk, turns[0])
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(click, desk, "mine")
            tasks.start_soon(click, other, "yours")
        for turn in turns:
            await ended(desk, turn)
        versions = (await desk.archive.turn_view(ASKER, first.id)).versions
        assert {version.turn for version in versions} == {first.id, *(turn.id for turn in turns)}
        assert len(versions) == 4
        assert len((await desk.archive.transcript(ASKER, thread)).turns) == 1
        await consistent(store, thread)


async def test_a_tab_that_shows_an_older_state_is_told_to_reload(store):
    async with chatting(store, numbered()) as chat:
        a = await chat.ask("A")
        b = await chat.ask("B")
        await chat.edit(a.turn_id, "A'")
        for attempt in (chat.edit(b.turn_id, "B'"), chat.show(b.turn_id)):
            with pytest.raises(NotReplaceable, match="shown in another version now: reload the thread"):
                await attempt


async def test_a_version_that_another_tab_shows_at_the_same_moment_is_the_one_replaced(store):
    between = Meanwhile(store)
    async with Desk(store, numbered(), options=QUICK) as other, chatting(between, model := numbered()) as chat:
        first = await chat.ask("A")
        second = await chat.edit(first.turn_id, "A'")
        await chat.ask("B")
        newest = await chat.edit(first.turn_id, "A''")

        async def show_the_second():
            await other.show(ASKER, second.turn_id)

        between.happens = show_the_second
        reply = await chat.edit(newest.turn_id, "A'''")
        assert sent(model) == []
        versions = (await chat.desk.archive.turn_view(ASKER, reply.turn_id)).versions
        assert [len(version.seen) for version in versions] == [1, 2, 1, 1]
        await chat.show(second.turn_id)
        assert await shown(chat) == [("A'", "2"), ("B", "3")]
    await consistent(store, chat.id)


async def test_a_version_is_shown_as_far_as_another_tab_has_brought_it_by_then(store):
    between = Meanwhile(store)
    async with Desk(store, numbered(), options=QUICK) as other, chatting(between, numbered()) as chat:
        first = await chat.ask("A")
        second = await chat.edit(first.turn_id, "A'")

        async def ask_below_the_first():
            await other.show(ASKER, first.turn_id)
            await ended(other, await other.submit(ASKER, chat.id, "B"))
            await other.show(ASKER, second.turn_id)

        between.happens = ask_below_the_first
        await chat.show(first.turn_id)
        assert [question for question, _ in await shown(chat)] == ["A", "B"]
    await consistent(store, chat.id)


async def test_a_turn_of_another_thread_or_person_is_not_found_as_one_that_is_missing(store):
    async with Desk(store, numbered(), options=QUICK) as desk:
        mine, elsewhere = [(await desk.create_thread(ASKER)).id for _ in range(2)]
        theirs = (await desk.create_thread(OTHER)).id
        turn = await ended(desk, await desk.submit(ASKER, mine, "A"))
        foreign = await ended(desk, await desk.submit(OTHER, theirs, "A"), OTHER)
        before = await kinds(store, mine)
        near = await ended(desk, await desk.submit(ASKER, elsewhere, "A"))
        for id in (foreign.id, near.id, "0" * 24, "../..", "", "$where"):
            with pytest.raises(NotFound) as caught:
                await desk.submit(ASKER, mine, "B", replaces=id)
            assert str(caught.value) == f"turn {id} was not found"
        for id in (turn.id, "0" * 24, "../.."):
            with pytest.raises(NotFound) as caught:
                await desk.show(OTHER, id)
            assert str(caught.value) == f"turn {id} was not found"
        for id in (turn.id, "0" * 24):
            with pytest.raises(NotFound) as caught:
                await desk.submit(OTHER, mine, "B", replaces=id)
            assert str(caught.value) == f"thread {mine} was not found"
        assert await kinds(store, mine) == before
        assert (await desk.archive.turn(OTHER, foreign.id)) == foreign


async def test_a_place_has_so_many_versions_at_most(store, monkeypatch):
    monkeypatch.setattr(core.turn.branches, "MAX_VERSIONS", 3)
    async with chatting(store, numbered()) as chat:
        first = await chat.ask("A")
        await chat.regenerate()
        await chat.regenerate()
        with pytest.raises(NotReplaceable, match="was asked 3 times: ask below instead"):
            await chat.regenerate()
        await chat.show(first.turn_id)
        assert await shown(chat) == [("A", "1")]


async def test_the_fifty_first_version_is_refused():
    assert core.turn.branches.MAX_VERSIONS == 50


async def test_a_branch_leaves_out_so_many_ranges_at_most(store, monkeypatch):
    monkeypatch.setattr(core.turn.branches, "MAX_HIDDEN", 2)
    async with chatting(store, numbered()) as chat:
        for question in ("A", "B"):
            await chat.ask(question)
            await chat.regenerate()
        third = await chat.ask("C")
        with pytest.raises(NotReplaceable, match="too much of this thread was asked again: ask below instead, or open"):
            await chat.regenerate()
        assert (await shown(chat))[-1] == ("C", third.text)
        assert len((await chat.desk.archive.thread(ASKER, chat.id)).hidden) == 2


@pytest.mark.parametrize("length", range(1, 6))
def test_ranges_that_touch_are_one_and_what_is_shown_is_the_rest(length):
    hidden = []
    for n in range(1, length + 1):
        hidden = without(hidden, 10 * n, 10 * n + 4)
        assert without(hidden, 10 * n + 5, 10 * n + 9) == [*hidden[:-1], (10 * n, 10 * n + 9)]
        assert without(hidden, 10, 10 * n + 9) == [(10, 10 * n + 9)]
    left = [n for begin, end in shown_ranges(hidden, 1, 10 * length + 10) for n in range(begin, end)]
    assert sorted(left) == [n for n in range(1, 10 * length + 10) if n < 10 or n % 10 > 4]


async def test_messages_and_pages_of_a_transcript_follow_the_branch_and_an_auditor_sees_all(store):
    async with chatting(store, numbered()) as chat:
        turns = []
        for question in ("A", "B", "C", "D"):
            turns.append(await chat.ask(question))
            turns.append(await chat.edit(turns[-1].turn_id, f"{question}'"))
        archive = chat.desk.archive
        assert [message.text for message in await chat.messages()] == ["A'", "2", "B'", "4", "C'", "6", "D'", "8"]
        newest = await chat.messages(last=3)
        assert [message.text for message in newest] == ["6", "D'", "8"]
        assert [m.text for m in await chat.messages(last=3, before=newest[0].at_n)] == ["B'", "4", "C'"]

        page, pages = await archive.transcript(ASKER, chat.id, last=2), []
        while True:
            pages.append([view.turn.question for view in page.turns])
            if page.earlier is None:
                break
            page = await archive.transcript(ASKER, chat.id, last=2, before=page.earlier)
        assert pages == [["C'", "D'"], ["A'", "B'"]]
        assert page.later == turns[5].turn_id
        page = await archive.transcript(ASKER, chat.id, last=2, at=page.later)
        assert ([view.turn.question for view in page.turns], page.later) == (["C'", "D'"], None)
        page = await archive.transcript(ASKER, chat.id, last=2, at=turns[3].turn_id)
        assert ([view.turn.question for view in page.turns], page.later) == (["B'", "C'"], turns[7].turn_id)

        seen = (await archive.transcript(AUDITOR, chat.id)).turns
        assert [view.turn.question for view in seen] == ["A", "A'", "B", "B'", "C", "C'", "D", "D'"]
        assert all(
            [version.turn for version in view.versions] == [one.turn_id for one in turns[k // 2 * 2 :][:2]]
            for k, view in enumerate(seen)
        )
        assert all(view.versions[0].seen[0].until == view.versions[1].seen[0].since for view in seen)


async def test_a_hand_over_attaches_the_branch_that_is_shown(store):
    inbox = Inbox()
    async with chatting(store, numbered(), handover=inbox) as chat:
        a = await chat.ask("A")
        b = await chat.ask("B")
        again = await chat.edit(b.turn_id, "B'")
        await chat.ask("C")
        await chat.desk.hand_over(ASKER, again.turn_id, attach="thread")
        await chat.desk.hand_over(ASKER, again.turn_id, attach="from_here")
        await chat.show(b.turn_id)
        await chat.desk.hand_over(ASKER, a.turn_id, attach="thread")
    questions = [[one.text for one in ticket.messages if one.role == "user"] for ticket in inbox.tickets]
    assert questions == [["A", "B'", "C"], ["B'", "C"], ["A", "B"]]


async def test_a_summary_of_another_branch_is_never_sent(store):
    secret = "unicorns"

    def summing(request):
        text = request.messages[-1].text
        if "Write notes" in text:
            return [Say(f"Notes, {'with' if secret in text or 'with them' in text else 'without'} them.")]
        return [Say("You have twelve days of leave left this year.")]

    model = ScriptedModel(summing)
    small = Options(retry_delay=0.001, window_tokens=60)
    async with chatting(store, model, window=SummarizingWindow(), options=small) as chat:
        first = await chat.ask("How many days of leave do I have left this year?")
        second = await chat.ask(f"And how many days of leave do {secret} have?")
        for n in range(5):
            await chat.ask(f"Question {n}: how many days of leave do I have left this year?")
        assert "Notes, with them." in sent(model)[0]
        asked = len(model.requests)
        await chat.edit(second.turn_id, "And how many days of leave does a horse have?")
        for n in range(5):
            await chat.ask(f"Question {n}: how many days of leave do I have left this year?")
        assert all(
            secret not in m.text and "with them" not in m.text for r in model.requests[asked:] for m in r.messages
        )
        assert "Notes, without them." in sent(model)[0]
        await chat.show(second.turn_id)
        await chat.ask("Once more: how many days of leave do I have left this year?")
        assert "Notes, with them." in sent(model)[0]
        await chat.edit(first.turn_id, "From the beginning: how many days of leave do I have?")
        assert sent(model) == []
    await consistent(store, chat.id)


class Listening:
    """A care that hears one word."""

    async def recognise(self, text, viewer):
        return Concern(topic="self_harm") if "desperate" in text else None


async def test_care_hears_a_question_that_is_asked_again_and_the_seal_stays_with_the_thread(store):
    async with chatting(store, numbered(), care=Listening()) as chat:
        plain = await chat.ask("How much leave?")
        reply = await chat.edit(plain.turn_id, "I am desperate")
        assert reply.concern == Concern(topic="self_harm")
        assert (await chat.regenerate()).concern == Concern(topic="self_harm")
        await chat.show(plain.turn_id)
        head = await chat.desk.archive.thread(ASKER, chat.id)
        assert head.sealed
        with pytest.raises(NotFound):
            await chat.desk.archive.transcript(AUDITOR, chat.id)


async def test_a_question_that_was_erased_cannot_be_asked_again(store):
    async with chatting(store, numbered()) as chat:
        reply = await chat.ask("A")
        await store.erase(f"thread:{chat.id}", kinds=["turn.opened"])
        journal = chat.desk._journal(chat.id)
        await journal.load(reply.turn_id)
        await journal.append(Note(fact=Erased(turn=reply.turn_id, kinds=["turn.opened"])), by="desk")
        rebuild = Rebuild(store, SystemClock(), lambda done, total: None, mend=True)
        assert [found.mended async for found in rebuild.findings()]
        with pytest.raises(NotReplaceable, match="has been erased: ask below instead"):
            await chat.regenerate()
        assert (await chat.edit(reply.turn_id, "B")).text == "2"


async def test_an_answer_cannot_be_given_again_before_anything_was_asked(store):
    async with chatting(store, numbered()) as chat:
        with pytest.raises(InvalidInput, match="nothing was asked yet"):
            await chat.regenerate()


async def test_a_turn_that_acts_while_its_thread_is_read_is_known_to_have_acted(store):
    """The head and the turns are two reads, and the head must not say less than the turns beside it."""
    go_on = anyio.Event()

    class EndsBetween(WrappedStore):
        async def find(self, query):
            if query.kind == "turn" and not go_on.is_set():
                go_on.set()
                await ended(desk, turn)
            return await super().find(query)

    @tool(effect="idempotent")
    async def act() -> str:
        """Act."""
        await go_on.wait()
        return "done"

    async with Desk(store, ScriptedModel(script), tools=[act], options=QUICK) as desk:
        thread = await desk.create_thread(ASKER)
        turn = await desk.submit(ASKER, thread.id, "act")
        page = await Archive(EndsBetween(store)).transcript(ASKER, thread.id)
        assert [page.turns[0].turn.status, page.thread.open] == ["completed", None]
        assert page.thread.acted == page.turns[0].turn.first_n


async def test_messages_that_lag_behind_the_record_of_a_replaced_turn_hear_of_its_end(store):
    """A writer may die after it wrote the replaced turn's record and before it wrote that turn's messages."""
    async with chatting(store, numbered()) as chat:
        first = (await chat.ask("a")).turn_id
        await chat.regenerate()
        entries = await log_of(store, chat.id)
    whole = fold_all(State(), entries)
    fork = next(entry.n for entry in entries if entry.kind == "turn.opened" and entry.shell["fork"])
    ahead = fold_all(State(), entries[:fork]).items[first]
    for n in range(2, fork):
        early = fold_all(State(), entries[:n])
        after = fold_all(State(early.thread, {**early.items, first: ahead}), entries[n:])
        assert {id: (one.kind, getattr(one, "status", None)) for id, one in after.items.items()} == {
            id: (one.kind, getattr(one, "status", None)) for id, one in whole.items.items()
        }
