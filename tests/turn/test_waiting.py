"""Turns that wait: a desk works on a bounded number of turns, and begins the others in their order."""

from contextlib import aclosing, asynccontextmanager
from functools import partial

import anyio
import pytest

from backends.models.scripted.model import Call, Say, ScriptedModel, Wait
from core import Desk, Options, TurnInProgress, tool
from core.clock import iso
from core.errors import Superseded, Unavailable
from core.turn.commands import Release
from core.worker.places import Places
from tests.checker.logs import created, submit
from tests.support.commands import requested
from tests.support.desks import (
    ASKER,
    PATIENCE,
    HandClock,
    check,
    ended,
    events,
    kinds,
    logged,
    merged,
    text_of,
    until,
    waiting,
)
from tests.support.second_process import act
from tests.support.wrapped import WrappedStore
from tests.turn.test_two_processes import two

ONE = Options(turns_at_once=1, retry_delay=0.001)


class Counter:
    """A model that answers each question once its gate is open. `begun` are the questions in the order of requests."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.gates: dict[str, anyio.Event] = {}
        self.at_once = self.most = 0
        self.model = ScriptedModel(self._answer)

    def _answer(self, request):
        question = [message.text for message in request.messages if message.role == "user"][-1]
        self.begun.append(question)
        return [Wait(partial(self._pass, question)), Say(f"About {question}")]

    async def _pass(self, question):
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await self.gate(question).wait()
        self.at_once -= 1

    def gate(self, question):
        return self.gates.setdefault(question, anyio.Event())

    def open(self, *questions):
        for question in questions:
            self.gate(question).set()

    async def has_begun(self, count):
        async def enough():
            return len(self.begun) >= count

        await until(enough)


async def asked(desk, *questions):
    """A turn for each question, in threads of their own."""
    return [await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, question) for question in questions]


async def reasons(store, turn):
    return [entry.shell["reason"] for entry in await logged(store, turn.thread, "turn.claimed")]


async def first_wait(desk, turn):
    """The first `waiting` event of a turn."""
    async with aclosing(desk.follow(ASKER, turn.id)) as following:
        async for event in following:
            if event.kind == "waiting":
                return event
    raise AssertionError("the turn does not wait")


async def test_turns_are_begun_in_the_order_in_which_they_came(store):
    counter = Counter()
    questions = [f"q{number}" for number in range(6)]
    async with Desk(store, counter.model, options=ONE) as desk:
        turns = await asked(desk, *questions)
        counter.open(*questions)
        assert [(await ended(desk, turn)).text for turn in turns] == [f"About {question}" for question in questions]
        for turn in turns:
            await check(store, turn.thread)
    assert counter.begun == questions


async def test_a_desk_works_on_as_many_turns_as_it_may_and_on_no_more(store):
    counter = Counter()
    questions = [f"q{number}" for number in range(10)]
    async with Desk(store, counter.model, options=ONE.model_copy(update={"turns_at_once": 3})) as desk:
        turns = await asked(desk, *questions)
        await counter.has_begun(3)
        assert await kinds(store, turns[2].thread) == ["thread.created", "turn.opened", "turn.claimed", "model.asked"]
        assert await kinds(store, turns[3].thread) == ["thread.created", "turn.opened", "turn.claimed", "turn.released"]
        for number, (turn, question) in enumerate(zip(turns, questions, strict=True), 4):
            counter.open(question)
            await ended(desk, turn)
            # Each place is taken in turn, but of two that are free at once either may be begun first.
            await counter.has_begun(min(number, len(questions)))
        assert [await reasons(store, turn) for turn in turns] == [["opened"]] * 3 + [["opened", "resumed"]] * 7
        for turn in turns:
            (released, claims) = [await logged(store, turn.thread, kind) for kind in ("turn.released", "turn.claimed")]
            waits = [(wait.n, wait.since, wait.until) for wait in (await desk.archive.turn(ASKER, turn.id)).waits]
            assert waits == [(one.n, iso(one.at), iso(claims[1].at)) for one in released]
    assert (counter.begun, counter.most) == (questions, 3)


async def test_a_follower_sees_how_many_turns_go_first_until_its_turn_is_begun(store):
    counter = Counter()
    async with Desk(store, counter.model, options=ONE) as desk:
        first, second, third = await asked(desk, "a", "b", "c")
        seen = []
        async with aclosing(desk.follow(ASKER, third.id)) as following, anyio.create_task_group() as tasks:
            with anyio.fail_after(PATIENCE):
                async for event in following:
                    seen.append(event)
                    if event.kind == "waiting":
                        # The next turn ends only after its wait was seen: a place that is skipped would fail here.
                        counter.open({1: "a", 0: "b"}[event.ahead])
                    if event.kind == "begun":
                        counter.open("c")
            tasks.cancel_scope.cancel()
        told = [(event.kind, getattr(event, "ahead", None)) for event in seen if event.kind in ("waiting", "begun")]
        assert told == [("waiting", 1), ("waiting", 0), ("begun", None)]
        assert [event.kind for event in seen].index("begun") < [event.kind for event in seen].index("text")
        assert (text_of(seen), seen[-1].kind) == ("About c", "ended")
        for turn in (first, second):
            assert [kind for kind, *_ in merged(await events(desk, turn))] == ["text", "ended"]


async def test_a_place_that_is_known_is_shown_until_the_turn_is_begun(store):
    counter, claiming, go_on = Counter(), anyio.Event(), anyio.Event()

    class Held(WrappedStore):
        """Holds the claim of a turn that waited."""

        async def commit(self, stream, after, entries, records=(), *, id):
            if [entry.shell.get("reason") for entry in entries] == ["resumed"]:
                claiming.set()
                await go_on.wait()
            await super().commit(stream, after, entries, records, id=id)

    async with Desk(Held(store), counter.model, options=ONE) as desk:
        _, second = await asked(desk, "a", "b")
        told, beats = [], 0
        with anyio.fail_after(PATIENCE):
            async with aclosing(desk.follow(ASKER, second.id)) as following:
                async for event in following:
                    if event.kind in ("waiting", "begun"):
                        told.append((event.kind, getattr(event, "ahead", None)))
                        counter.open("a", "b")
                    # The turn has left the queue, and followers have looked at it since.
                    beats += event.kind == "beat" and claiming.is_set()
                    if beats == 2:
                        go_on.set()
        assert told == [("waiting", 0), ("begun", None)]


async def test_a_desk_that_does_not_hold_a_waiting_turn_shows_the_wait_without_a_place(store):
    counter = Counter()
    async with Desk(store, counter.model, options=ONE) as desk, Desk(store, ScriptedModel([]), options=ONE) as other:
        _, second = await asked(desk, "a", "b")
        assert (await first_wait(other, second)).ahead is None
        assert await reasons(store, second) == ["opened"]
        counter.open("a", "b")
        assert text_of(await events(other, second)) == "About b"


async def test_the_same_request_again_returns_the_waiting_turn(store):
    counter = Counter()
    async with Desk(store, counter.model, options=ONE) as desk:
        await asked(desk, "a")
        thread = (await desk.create_thread(ASKER)).id
        turn = await desk.submit(ASKER, thread, "b", "r1")
        again = await desk.submit(ASKER, thread, "b", "r1")
        assert (again.id, again.status) == (turn.id, "running")
        with pytest.raises(TurnInProgress):
            await desk.submit(ASKER, thread, "c")
        (third,) = await asked(desk, "d")
        assert (await first_wait(desk, third)).ahead == 1  # what was not accepted takes no place in the queue
        counter.open("a", "b", "d")
        assert (await ended(desk, turn)).text == "About b"
        await ended(desk, third)
        assert len(await logged(store, thread, "turn.opened")) == 1
    assert counter.begun == ["a", "b", "d"]


async def test_a_waiting_turn_that_is_stopped_ends_and_leaves_the_queue(store):
    counter = Counter()
    async with Desk(store, counter.model, options=ONE) as desk:
        first, second, third = await asked(desk, "a", "b", "c")
        assert (await first_wait(desk, third)).ahead == 1
        stopped = await desk.stop(ASKER, second.id)
        assert (stopped.status, stopped.text) == ("cancelled", "")
        assert (await first_wait(desk, third)).ahead == 0
        assert (await events(desk, second))[-1].turn.status == "cancelled"
        counter.open("a", "b", "c")
        assert [(await ended(desk, turn)).status for turn in (first, third)] == ["completed", "completed"]
        await check(store, second.thread)
    assert counter.begun == ["a", "c"]


async def test_a_waiting_turn_that_another_desk_stops_is_passed_over(store):
    counter = Counter()
    async with Desk(store, counter.model, options=ONE) as desk, Desk(store, ScriptedModel([]), options=ONE) as other:
        _, second, third = await asked(desk, "a", "b", "c")
        await other.stop(ASKER, second.id)
        counter.open("a", "b", "c")
        assert (await ended(desk, third)).text == "About c"
        assert await reasons(store, second) == ["opened", "stop"]
    assert counter.begun == ["a", "c"]


async def test_no_wait_is_too_long_for_a_living_process(store):
    counter, clock = Counter(), HandClock()
    async with Desk(store, counter.model, options=ONE, clock=clock) as desk:
        first, second = await asked(desk, "a", "b")
        # Other desks of the process have places, and see the turn for longer than any lease and deadline.
        for model in (counter.model, ScriptedModel([], name="another")):
            async with Desk(store, model, options=Options(), clock=clock) as other:
                await other._workers.recovery.look_after(second.thread)
                clock.advance(100_000)
                await other._workers.recovery.look_after(second.thread)
        assert await kinds(store, second.thread) == ["thread.created", "turn.opened", "turn.claimed", "turn.released"]
        counter.open("b")
        await desk.stop(ASKER, first.id)
        turn = await ended(desk, second)
        assert (turn.status, turn.text) == ("completed", "About b")  # its deadline began with its work
        assert await reasons(store, second) == ["opened", "resumed"]


async def test_a_closed_desk_leaves_its_waiting_turns_to_the_next_one_in_their_order(store):
    before, after = Counter(), Counter()
    async with Desk(store, before.model, options=ONE) as desk:
        turns = await asked(desk, "a", "b", "c", "d")
        await before.has_begun(1)
    assert before.begun == ["a"]
    async with Desk(store, after.model, options=ONE) as desk:
        after.open("a", "b", "c", "d")
        for turn, question in zip(turns, "abcd", strict=True):
            assert (await ended(desk, turn)).text == f"About {question}"
            assert await reasons(store, turn) == ["opened", "resumed"]
            await check(store, turn.thread)
    assert after.begun == ["a", "b", "c", "d"]


async def test_a_desk_that_is_started_again_begins_its_waiting_turns(store):
    counter = Counter()
    desk = Desk(store, counter.model, options=ONE)
    await desk.start()
    turns = await asked(desk, "a", "b")
    await counter.has_begun(1)
    await desk.close()
    await desk.start()
    await counter.has_begun(2)
    turns += await asked(desk, "c", "d")
    assert (await first_wait(desk, turns[-1])).ahead is not None
    counter.open("a", "b", "c", "d")
    assert [(await ended(desk, turn)).status for turn in turns] == ["completed"] * 4
    assert counter.begun == ["a", "a", "b", "c", "d"]
    await desk.close()


async def test_an_approved_turn_waits_too_and_goes_before_new_ones(store):
    counter, booked = Counter(), []

    @tool(effect="unsafe")
    def book() -> str:
        """Book a day."""
        booked.append(list(counter.begun))
        return "booked"

    def answer(request):
        if request.messages[-1].role == "tool":
            return [Say("Booked.")]
        if request.messages[-1].text == "book":
            return [Call("book", {})]
        return counter._answer(request)

    async with Desk(store, ScriptedModel(answer), tools=[book], options=ONE) as desk:
        (turn,) = await asked(desk, "book")
        (call,) = await waiting(desk, turn)
        _, _, last = await asked(desk, "a", "b", "c")
        await counter.has_begun(1)
        await desk.decide(ASKER, call.id, "approve", call.digest)
        assert (await kinds(store, turn.thread))[-3:] == ["approval.given", "turn.claimed", "turn.released"]
        assert (await first_wait(desk, turn)).ahead == 0
        assert (await first_wait(desk, last)).ahead == 2
        counter.open("a", "b", "c")
        assert (await ended(desk, turn)).text == "Booked."
        await ended(desk, last)
        await check(store, turn.thread)
    assert booked == [["a"]]
    assert counter.begun == ["a", "b", "c"]


async def test_a_turn_that_lost_its_worker_goes_before_new_ones_once_there_is_a_place(store):
    counter, left = Counter(), Counter()
    async with Desk(store, counter.model, options=ONE) as desk:
        async with Desk(store, left.model, options=ONE) as other:
            (lost,) = await asked(other, "lost")
            await left.has_begun(1)
            _, last = await asked(desk, "a", "b")
            await counter.has_begun(1)
        await desk.recover()
        await desk.recover()
        assert await reasons(store, lost) == ["opened"]  # there is no place for it yet
        assert (await first_wait(desk, last)).ahead == 1
        counter.open("a", "b", "lost")
        assert (await ended(desk, last)).status == "completed"
        assert (await ended(desk, lost)).status == "completed"
    assert counter.begun == ["a", "lost", "b"]


async def test_a_turn_that_cannot_be_read_when_there_is_a_place_leaves_the_place_to_the_next(store):
    counter, left = Counter(), Counter()

    class Unreadable(WrappedStore):
        """Cannot read one thread."""

        thread = ""

        async def get(self, kind, id):
            if id == self.thread:
                raise Unavailable("away")
            return await super().get(kind, id)

    unreadable = Unreadable(store)
    async with Desk(unreadable, counter.model, options=ONE) as desk:
        async with Desk(store, left.model, options=ONE) as other:
            (lost,) = await asked(other, "lost")
            await left.has_begun(1)
            _, last = await asked(desk, "a", "b")
            await counter.has_begun(1)
        await desk.recover()
        unreadable.thread = lost.thread
        counter.open("a", "b", "lost")
        assert (await ended(desk, last)).status == "completed"
        unreadable.thread = ""
        await desk.recover()
        assert (await ended(desk, lost)).status == "completed"
    assert counter.begun == ["a", "b", "lost"]


async def test_a_turn_whose_claim_the_store_does_not_take_is_answered_by_recovery(store):
    counter = Counter()

    class Away(WrappedStore):
        """Takes no claim of a turn that waited."""

        away = True

        async def commit(self, stream, after, entries, records=(), *, id):
            if self.away and [entry.shell.get("reason") for entry in entries] == ["resumed"]:
                raise Unavailable("away")
            await super().commit(stream, after, entries, records, id=id)

    away = Away(store)
    async with Desk(away, counter.model, options=ONE) as desk:
        _, second, third = await asked(desk, "a", "b", "c")
        counter.open("a", "b", "c")
        await until(lambda: unheld(desk))
        away.away = False
        await desk.recover()
        assert [(await ended(desk, turn)).status for turn in (second, third)] == ["completed", "completed"]


async def unheld(desk):
    """Whether the desk has begun, or has given up, every turn that it held."""
    return desk._workers.idle


async def test_a_killed_process_leaves_its_waiting_turns_to_another_in_their_order(url):
    counter = Counter()
    async with two(url, ONE) as (store, desk, second):
        threads = [(await desk.create_thread(ASKER)).id for _ in range(4)]
        turns = []
        for number, thread in enumerate(threads):
            second.tell("submit", thread=thread, text=f"q{number}?")
            turns.append((await second.says("submit"))["turn"])
        await desk.recover()
        released = [(await kinds(store, thread))[3:] for thread in threads[1:]]
        assert released == [["turn.released"]] * 3  # its process lives, and there is a place here
        await desk.close()
        second.process.kill()
        second.process.wait(PATIENCE)
        async with Desk(store, counter.model, tools=[act(anyio.Event(), [])], options=ONE) as other:
            counter.open(*(f"q{number}?" for number in range(4)))
            for turn, thread in zip(turns, threads, strict=True):
                await ended(other, turn)
                await check(store, thread)
            claims = [[e.shell["reason"] for e in await logged(store, t, "turn.claimed")] for t in threads]
        assert claims == [["opened", "lost"]] + [["opened", "resumed"]] * 3
    assert counter.begun[-3:] == ["q1?", "q2?", "q3?"]


@asynccontextmanager
async def a_full_process(url):
    """Another process, whose second turn waits; a store, and that turn's thread and id."""
    async with two(url, ONE.model_copy(update={"beat": 0.05})) as (store, desk, second):
        for _ in range(2):
            thread = (await desk.create_thread(ASKER)).id
            second.tell("submit", thread=thread, text="Hello?")
            turn = (await second.says("submit"))["turn"]
        await desk.close()
        yield store, thread, turn


async def test_no_wait_is_too_long_for_a_desk_that_could_not_go_on_while_the_process_lives(url):
    clock = HandClock()
    async with (
        a_full_process(url) as (store, thread, _),
        Desk(store, ScriptedModel([], name="another"), options=ONE, clock=clock) as desk,
    ):
        await desk._workers.recovery.look_after(thread)
        clock.advance(100_000)
        await desk._workers.recovery.look_after(thread)
        assert (await kinds(store, thread))[-1] == "turn.released"


async def test_a_waiting_turn_of_a_living_process_is_taken_after_a_lease_by_a_desk_that_has_a_place(url):
    counter, clock = Counter(), HandClock()
    async with a_full_process(url) as (store, thread, turn):
        tools = [act(anyio.Event(), [])]
        async with Desk(store, counter.model, tools=tools, options=ONE, clock=clock) as desk:
            (own,) = await asked(desk, "own")
            await desk._workers.recovery.look_after(thread)
            clock.advance(ONE.lease + 1)
            await desk._workers.recovery.look_after(thread)
            assert (await kinds(store, thread))[-1] == "turn.released"  # no place is free here
            await desk.stop(ASKER, own.id)
            await until(lambda: unheld(desk))
            await desk._workers.recovery.look_after(thread)
            counter.open("Hello?")
            assert (await ended(desk, turn)).text == "About Hello?"
            await check(store, thread)


def test_the_holder_of_a_released_turn_needs_a_new_claim():
    log = created(Options())
    submit(log, "How many days?", waits=True)
    with pytest.raises(Superseded):
        log.command(requested(log.open.worker))
    with pytest.raises(Superseded):
        log.command(Release(worker=log.open.worker))


def test_a_turn_that_was_told_to_wait_goes_before_one_that_asks_later():
    begun = []
    places = Places(1, lambda begin, place: begun.append(begin))
    first, early = places.ask(), places.ask()
    first.give_back()
    first.give_back()  # counts once
    late = places.ask()
    assert (first.held, early.held, late.held) == (True, False, False)
    places.wait(early, "early", "early", begun=False)
    places.wait(late, "late", "late", begun=False)
    assert (begun, places.ahead("late")) == (["early"], 0)
    early.give_back()
    assert begun == ["early", "late"]
    assert not places.free
    late.give_back()
    assert places.free
