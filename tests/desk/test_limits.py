"""Limits of questions, tokens and costs: each of them, what is on record, and what people and administrators see."""

import pickle
from contextlib import suppress
from datetime import datetime, timedelta

import anyio
import pytest

import core.desk.administration_log
from backends.models.scripted.model import Bill, Call, Cut, Fail, Say, ScriptedModel, Think, Wait
from backends.stores.memory import MemoryStore
from core import Desk, InvalidInput, LimitReached, Limits, RequestMismatch, TurnInProgress, Viewer, tool
from core.canonical import digest
from core.clock import iso
from core.log.spending import spending_stream
from core.spending.spender import open_turns
from core.store import Query, Record, every
from core.values import Usage
from tests.support.desks import ASKER, OTHER, QUICK, ended, logged, until
from tests.support.papers import ADMINISTRATOR
from tests.support.wrapped import RefusingStore, WrappedStore
from tests.turn.test_flat_cost import Counted

COST = 2_000_000
USED = Bill(Usage(input=600, output=400), cost=COST)


class NoonStore(WrappedStore):
    """A store whose clock stands at noon until it is set."""

    time = datetime.fromisoformat("2026-11-30T12:00:10.000Z")

    async def now(self):
        return self.time


@pytest.fixture(autouse=True)
def always_read(monkeypatch):
    """The store's clock is read for each question: a test sets it, and must not wait a second for that."""
    monkeypatch.setattr(core.desk.administration_log, "FRESH_SECONDS", 0.0)


@pytest.fixture
def noon(store):
    return NoonStore(store)


def model(*answers, price=lambda usage: COST):
    return ScriptedModel(list(answers) or [[Say("Twelve."), USED]], loop=True, price=price)


def desk_with(store, answering=None, **limits):
    return Desk(store, answering or model(), options=QUICK, limits=Limits(**limits))


async def ask(desk, viewer=ASKER, text="How many?", **given):
    thread = await desk.create_thread(viewer)
    return await ended(desk, await desk.submit(viewer, thread.id, text, **given), viewer)


async def spent(store, person=ASKER.id, day="2026-11-30"):
    """The entries of a day's spending of a person, or of all people."""
    entries = await store.read(spending_stream(person, day))
    return [(entry.kind, {name: value for name, value in entry.shell.items() if name != "turn"}) for entry in entries]


async def threads_with_turns(store):
    return sum([1 async for head in every(store, Query(kind="thread")) if head.fields["turns"]])


ONE_LIMIT = {
    "person_turns_a_day": (1, "You have asked 1 question today, the most allowed. Ask again at 00:00 UTC."),
    "person_turns_a_minute": (1, "You have asked 1 question in this minute, the most allowed. Ask again at 12:01 UTC."),
    "desk_turns_a_day": (1, "This desk was asked 1 question today, the most allowed. Ask again at 00:00 UTC."),
    "desk_turns_a_minute": (
        1,
        "This desk was asked 1 question in this minute, the most allowed. Ask again at 12:01 UTC.",
    ),
    "person_tokens_a_day": (
        5_900,
        "What your questions may use today is used up: 5,900 tokens, or too few are left. Ask again at 00:00 UTC.",
    ),
    "desk_tokens_a_day": (
        5_900,
        "What this desk may use today is used up: 5,900 tokens, or too few are left. Ask again at 00:00 UTC.",
    ),
    "person_usd_a_day": (
        0.003,
        "What your questions may cost today is used up: 0.003 USD, or too little is left. Ask again at 00:00 UTC.",
    ),
    "desk_usd_a_day": (
        0.003,
        "What this desk may spend today is used up: 0.003 USD, or too little is left. Ask again at 00:00 UTC.",
    ),
}
"""By the limit a value that allows one question, and the words for the second."""


@pytest.mark.parametrize("limit", ONE_LIMIT)
async def test_a_question_beyond_a_limit_is_refused_until_then_and_only_its_count_is_on_record(noon, limit):
    most, said = ONE_LIMIT[limit]
    async with desk_with(noon, **{limit: most}) as desk:
        assert (await ask(desk)).status == "completed"
        with pytest.raises(LimitReached) as refused:
            await ask(desk)
        other = await _outcome(ask(desk, OTHER))
    error = refused.value
    assert (error.limit, str(error), error.until) == (limit, said, error.until)
    assert iso(error.until) == ("2026-11-30T12:01:00.000Z" if limit.endswith("minute") else "2026-12-01T00:00:00.000Z")
    assert other == ("completed" if limit.startswith("person") else limit)
    whose = None if limit.startswith("desk") else ASKER.id
    assert ("spending.refused", {"limit": limit, "count": 1}) in await spent(noon, whose)
    assert await threads_with_turns(noon) == (2 if limit.startswith("person") else 1)
    noon.time = error.until
    async with desk_with(noon, **{limit: most}) as desk:
        assert (await ask(desk)).status == "completed"


async def _outcome(asking):
    try:
        return (await asking).status
    except LimitReached as error:
        return error.limit


async def test_open_questions_of_all_threads_count_as_asked_at_once(noon):
    gate = anyio.Event()
    async with desk_with(noon, model([Wait(gate), Say("Twelve.")]), person_turns_at_once=2) as desk:
        first, *_ = [await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "And?") for _ in range(2)]
        third = (await desk.create_thread(ASKER)).id
        with pytest.raises(LimitReached, match="You have 2 open questions, the most allowed") as refused:
            await desk.submit(ASKER, third, "And?")
        assert (refused.value.limit, refused.value.until) == ("person_turns_at_once", None)
        other = await desk.submit(OTHER, (await desk.create_thread(OTHER)).id, "And?")
        await desk.stop(ASKER, first.id)
        again = await desk.submit(ASKER, third, "And?")
        gate.set()
        assert [(await ended(desk, one, who)).status for one, who in ((again, ASKER), (other, OTHER))] == [
            "completed"
        ] * 2


async def test_all_people_together_may_have_so_many_open_questions(noon):
    gate, outcomes = anyio.Event(), []
    async with desk_with(noon, model([Wait(gate), Say("Twelve.")]), desk_turns_at_once=3) as desk:

        async def submit(number):
            viewer = Viewer(f"e-{number}")
            with suppress(LimitReached):
                turn = await desk.submit(viewer, (await desk.create_thread(viewer)).id, "And?")
                outcomes.append((viewer, turn.id))

        async with anyio.create_task_group() as tasks:
            for number in range(12):
                tasks.start_soon(submit, number)
        assert len(outcomes) == 3
        (state,) = await desk.administration.limits_reached(ADMINISTRATOR)
        assert (state.person, state.limit, state.used, state.most) == (None, "desk_turns_at_once", 3, 3)
        with pytest.raises(LimitReached, match="This desk has 3 open questions, the most allowed"):
            await ask(desk)
        viewer, turn = outcomes[0]
        await desk.stop(viewer, turn)
        await submit(12)
        assert len(outcomes) == 4
        gate.set()
    assert ("spending.refused", {"limit": "desk_turns_at_once", "count": 1}) in await spent(noon, None)


async def test_questions_that_are_asked_in_the_same_moment_do_not_pass_a_limit_together(noon):
    async with desk_with(noon, person_turns_at_once=3) as desk, desk_with(noon, person_turns_at_once=3) as other:
        threads = [(await desk.create_thread(ASKER)).id for _ in range(12)]
        gate, outcomes = anyio.Event(), []
        for one in (desk, other):
            one._equipment.chain._models["scripted:"]._answer = lambda request: [Wait(gate), Say("Twelve.")]

        async def submit(number):
            try:
                await (desk, other)[number % 2].submit(ASKER, threads[number], "And?")
                outcomes.append("open")
            except LimitReached as error:
                outcomes.append(error.limit)

        async with anyio.create_task_group() as tasks:
            for number in range(12):
                tasks.start_soon(submit, number)
        gate.set()
        assert sorted(outcomes) == ["open"] * 3 + ["person_turns_at_once"] * 9


async def test_a_question_with_too_many_characters_is_refused_without_its_words(store):
    async with desk_with(store, question_characters=20) as desk:
        with pytest.raises(LimitReached, match="A question may have 20 characters"):
            await ask(desk, text="canary " * 5)
        assert (await ask(desk, text="x" * 20)).status == "completed"
    for stream in [record.id async for record in every(store, Query(kind="stream"))]:
        assert not any(b"canary" in entry.shell_json + entry.payload_json for entry in await store.read(stream))


async def test_the_same_request_is_counted_once_and_returned_at_a_limit(store):
    async with desk_with(store, person_turns_a_day=1) as desk:
        thread = (await desk.create_thread(ASKER)).id
        first = await ended(desk, await desk.submit(ASKER, thread, "How many?", "r1"))
        assert (await desk.submit(ASKER, thread, "How many?", "r1")).id == first.id
        with pytest.raises(LimitReached):
            await desk.submit(ASKER, thread, "How many?", "r2")


async def test_a_question_that_was_not_accepted_for_another_reason_does_not_count(noon):
    gate = anyio.Event()
    async with desk_with(noon, model([Wait(gate), Say("Twelve.")]), person_turns_a_day=2, desk_turns_a_day=2) as desk:
        thread = (await desk.create_thread(ASKER)).id
        turn = await desk.submit(ASKER, thread, "How many?")
        for _ in range(3):
            with pytest.raises(TurnInProgress):
                await desk.submit(ASKER, thread, "And?")
        gate.set()
        await ended(desk, turn)
        assert (await ask(desk)).status == "completed"
        with pytest.raises(LimitReached):
            await ask(desk)
    assert [kind for kind, _ in await spent(noon)].count("spending.withdrawn") == 3


class GatheringStore(NoonStore):
    """A store in which commits that open a turn wait for each other, until `openings` of them are there."""

    openings = 2

    def __init__(self, store):
        super().__init__(store)
        self._all_are_there = anyio.Event()

    async def commit(self, stream, after, entries, records=(), *, id):
        if any(entry.kind == "turn.opened" for entry in entries) and not self._all_are_there.is_set():
            self.openings -= 1
            if not self.openings:
                self._all_are_there.set()
            await self._all_are_there.wait()
        await super().commit(stream, after, entries, records, id=id)


async def test_a_request_that_comes_twice_at_once_with_two_texts_counts_for_the_one_on_record(store):
    gathering = GatheringStore(store)
    async with desk_with(gathering, person_turns_a_day=2, person_turns_a_minute=2) as desk:
        thread, outcomes = (await desk.create_thread(ASKER)).id, []

        async def submit(text):
            try:
                await ended(desk, await desk.submit(ASKER, thread, text, "r1"))
                outcomes.append("open")
            except RequestMismatch:
                outcomes.append("refused")

        async with anyio.create_task_group() as tasks:
            for text in ("How many?", "And next year?"):
                tasks.start_soon(submit, text)
        assert sorted(outcomes) == ["open", "refused"]
        assert (await ask(desk)).status == "completed"
        with pytest.raises(LimitReached):
            await ask(desk)


@pytest.mark.parametrize("whose", ["person", "desk"])
async def test_who_began_to_ask_in_the_minute_before_does_not_pass_the_limit_of_this_one(noon, whose):
    limit = f"{whose}_turns_a_minute"
    async with desk_with(noon, **{limit: 1}) as desk, desk_with(noon, **{limit: 1}) as other:
        noon.time += timedelta(minutes=1)
        await ask(desk)
        noon.time -= timedelta(minutes=1)
        with pytest.raises(LimitReached):
            await ask(other)


async def test_more_open_questions_than_a_page_of_the_store_has_are_all_counted(store):
    fields = {"owner": ASKER.id, "status": "running"}
    turns = [Record(kind="turn", id=f"t{number}", n=1, fields=fields) for number in range(501)]
    for number in range(0, len(turns), 100):
        await store.commit("thread:many", 0, [], turns[number : number + 100], id=f"c{number}")
    assert len(await open_turns(store, ASKER.id)) == 501


class StoppedStore(NoonStore):
    """A store in which a person's stop comes right before the announcement of a request to a model, or after it."""

    def __init__(self, store, when):
        super().__init__(store)
        self._when = when

    async def commit(self, stream, after, entries, records=(), *, id):
        stops = self.turn if any(entry.kind == "model.asked" for entry in entries) else None
        self.turn = None if stops else self.turn
        if stops and self._when == "before":
            await self.desk.stop(ASKER, stops)
        await super().commit(stream, after, entries, records, id=id)
        if stops and self._when == "after":
            await self.desk.stop(ASKER, stops)

    turn = None


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_request_that_was_never_sent_keeps_nothing_reserved(store, when):
    stopped = StoppedStore(store, when)
    async with desk_with(stopped, person_tokens_a_day=100_000, desk_tokens_a_day=100_000) as desk:
        stopped.desk = desk
        thread = (await desk.create_thread(ASKER)).id
        stopped.turn = digest([thread, "r1"])[:24]
        turn = await ended(desk, await desk.submit(ASKER, thread, "How many?", "r1"))
    assert turn.status == "cancelled"
    assert [kind for kind, _ in await spent(stopped)] == ["spending.reserved", "spending.booked"]
    for name in (f"{ASKER.id}:2026-11-30", "desk-2026-11-30"):
        assert (await stopped.get("spending", name)).fields["tokens"] == 0


async def test_a_reservation_is_on_record_before_the_request_and_the_real_cost_after_it(noon):
    seen = []

    def answer(request):
        seen.append([entry.kind for entry in noon._store._streams[spending_stream(ASKER.id, "2026-11-30")].entries])
        return [Say("Twelve."), USED]

    noon = NoonStore(MemoryStore())
    answering = ScriptedModel(answer, price=lambda usage: usage.total_tokens * 1_000)
    async with desk_with(noon, answering, person_usd_a_day=1, person_tokens_a_day=100_000) as desk:
        await ask(desk)
    assert seen == [["spending.reserved"]]
    (_, reserved), (kind, booked) = await spent(noon)
    assert (kind, booked["tokens"], booked["cost"]) == ("spending.booked", 1_000, COST)
    assert reserved["cost"] == reserved["tokens"] * 1_000
    assert reserved["tokens"] > 4_096
    record = await noon.get("spending", f"{ASKER.id}:2026-11-30")
    assert (record.fields["tokens"], record.fields["cost"]) == (1_000, COST)


@pytest.mark.parametrize(
    ("parts", "stays"),
    [
        ([Cut()], True),
        ([Fail("connection")], True),
        ([Fail("auth")], False),
        ([Think("Well."), Fail("overloaded")], True),
        ([Say("Twelve."), Bill(Usage(), None)], True),
        ([Say("Twelve."), Bill(Usage(input=60, output=40))], False),
    ],
)
async def test_without_a_known_usage_the_reservation_stays_spent_unless_the_provider_has_refused(noon, parts, stays):
    async with desk_with(noon, model(parts), person_tokens_a_day=100_000) as desk:
        await ask(desk)
    record = await noon.get("spending", f"{ASKER.id}:2026-11-30")
    reserved = [shell["tokens"] for kind, shell in await spent(noon) if kind == "spending.reserved"]
    assert (record.fields["tokens"] == sum(reserved)) == stays


async def test_a_limit_that_is_met_during_a_turn_ends_it_failed_and_keeps_its_text(noon):
    @tool(effect="read")
    def look() -> str:
        """Look."""
        return "twelve"

    answering = model([Say("Let me look."), Call("look", {}), USED], [Say("Twelve."), USED])
    limits = Limits(person_usd_a_day=0.003)
    async with Desk(noon, answering, tools=[look], options=QUICK, limits=limits) as desk:
        turn = await ask(desk)
    assert (turn.status, turn.code, turn.text) == ("failed", "limit", "Let me look.")
    assert turn.message.startswith("What your questions may cost today is used up")
    assert turn.until == "2026-12-01T00:00:00.000Z"
    assert len(answering.requests) == 1


async def test_a_model_without_a_price_is_refused_by_name_or_counts_as_configured(noon):
    unpriced = ScriptedModel([[Say("Twelve.")]], loop=True)
    for limit in ("person_usd_a_day", "desk_usd_a_day"):
        with pytest.raises(InvalidInput, match="the price of scripted: is unknown"):
            desk_with(noon, unpriced, **{limit: 1})
    desk_with(noon, unpriced, person_tokens_a_day=5)
    async with desk_with(noon, unpriced, person_usd_a_day=1, unpriced_call_usd=0.4) as desk:
        assert [await _outcome(ask(desk)) for _ in range(3)] == ["completed", "completed", "person_usd_a_day"]


async def test_a_day_begins_at_midnight_of_the_stores_clock(noon):
    noon.time = datetime.fromisoformat("2026-11-30T23:59:59.000Z")
    async with desk_with(noon, person_turns_a_day=1, desk_turns_a_day=1) as desk:
        assert (await ask(desk)).status == "completed"
        with pytest.raises(LimitReached):
            await ask(desk)
        noon.time += timedelta(seconds=1)
        assert (await ask(desk)).status == "completed"
        with pytest.raises(LimitReached) as refused:
            await ask(desk)
    assert iso(refused.value.until) == "2026-12-02T00:00:00.000Z"


async def test_a_request_that_ends_after_midnight_is_booked_on_the_day_it_was_reserved(noon):
    gate = anyio.Event()
    async with desk_with(noon, model([Wait(gate), Say("Twelve."), USED]), person_tokens_a_day=9_000) as desk:
        turn = await desk.submit(ASKER, (await desk.create_thread(ASKER)).id, "And?")
        await until(lambda: spent(noon))
        noon.time += timedelta(days=1)
        gate.set()
        await ended(desk, turn)
    assert [kind for kind, _ in await spent(noon)] == ["spending.reserved", "spending.booked"]
    assert await spent(noon, day="2026-12-01") == []


async def test_a_closed_desk_returns_what_it_has_not_spent_of_everybodys_limits(noon):
    async with desk_with(noon, desk_turns_a_day=100) as desk:
        await ask(desk)
        assert (await noon.get("spending", "desk-2026-11-30")).fields["turns"] == 10
    assert (await noon.get("spending", "desk-2026-11-30")).fields["turns"] == 1


async def test_a_person_named_desk_does_not_share_the_stream_of_all_people(noon):
    everybody = {spending_stream(None, "2026-11-30")}
    for name in ("desk", "desk-2026-11-30", "desk-", "~desk", "desk:2026-11-30"):
        async with desk_with(noon, person_turns_a_day=9) as desk:
            assert (await ask(desk, Viewer(name))).status == "completed"
    streams = {head.id async for head in every(noon, Query(kind="stream")) if head.id.startswith("spending:")}
    assert len(streams) == 5
    assert streams.isdisjoint(everybody)


async def test_without_limits_a_turn_makes_no_store_call_for_them(store, monkeypatch):
    monkeypatch.setattr(core.desk.administration_log, "FRESH_SECONDS", 3_600.0)
    counting, calls = Counted(store), {}
    cases = {"none": None, "empty": Limits(), "desk": Limits(desk_turns_a_day=10_000, desk_usd_a_day=10_000)}
    cases["person"] = Limits(person_turns_a_day=10_000, person_usd_a_day=10_000)
    for name, limits in cases.items():
        async with Desk(counting, model(), options=QUICK, limits=limits, flush_seconds=0) as desk:
            await ask(desk)
            thread = (await desk.create_thread(ASKER)).id
            counting.reset()
            turn = await desk.submit(ASKER, thread, "How many?")
            await until(lambda id=turn.id: _ended(store, id))
            await until(lambda: _idle(desk))
            calls[name] = sum(counting.calls.values())
    assert calls["empty"] == calls["none"]
    assert calls["desk"] == calls["none"], "what all people may use is spent from memory"
    assert calls["person"] == calls["none"] + 3, "let through, reserved, booked"


async def _ended(store, turn):
    found = await store.get("turn", turn)
    return found and found.fields["ended_at"]


async def _idle(desk):
    return desk._workers.idle


async def test_a_person_sees_their_own_limits_and_an_administrator_who_is_at_one(noon):
    limits = {"person_turns_a_day": 2, "person_turns_at_once": 1, "person_usd_a_day": 1, "desk_turns_a_day": 3}
    async with desk_with(noon, **limits) as desk:
        for viewer in (ASKER, ASKER, OTHER):
            await ask(desk, viewer)
        own = {state.limit: state for state in await desk.own_limits(ASKER)}
        assert {name: (str(one.used), str(one.most), one.reached) for name, one in own.items()} == {
            "person_turns_at_once": ("0", "1", False),
            "person_turns_a_day": ("2", "2", True),
            "person_usd_a_day": ("0.004", "1", False),
        }
        assert iso(own["person_turns_a_day"].until) == "2026-12-01T00:00:00.000Z"
        reached = await desk.administration.limits_reached(ADMINISTRATOR)
        assert [(one.person, one.limit, one.used) for one in reached] == [
            (None, "desk_turns_a_day", 3),
            (ASKER.id, "person_turns_a_day", 2),
        ]
    async with Desk(noon, model()) as free:
        assert await free.own_limits(ASKER) == []
    async with desk_with(noon, question_characters=400, desk_turns_a_day=3) as desk:
        (longest,) = await desk.own_limits(ASKER)
        assert (longest.limit, longest.most, longest.until, longest.reached) == (
            "question_characters",
            400,
            None,
            False,
        )
    (look,) = await noon.read(f"audit:{ADMINISTRATOR.id}")
    assert look.shell["action"] == "limits.list"


async def refusals(store, **given):
    return [shell["count"] for kind, shell in await spent(store, **given) if kind == "spending.refused"]


async def test_refusals_are_counted_at_the_first_the_tenth_and_the_hundredth_and_the_rest_when_the_desk_closes(noon):
    async with desk_with(noon, person_turns_a_day=1) as desk:
        for _ in range(13):
            await _outcome(ask(desk))
        assert await refusals(noon) == [1, 9]
    assert await refusals(noon) == [1, 9, 2]
    await desk.close()
    assert (await noon.get("spending", f"{ASKER.id}:2026-11-30")).fields["refused"] == {"person_turns_a_day": 12}


async def test_the_last_refusals_of_a_day_are_counted_for_that_day(noon):
    async with desk_with(noon, person_turns_a_day=1) as desk:
        for _ in range(4):
            await _outcome(ask(desk))
        await desk.recover()
        assert await refusals(noon) == [1]  # the day goes on
        noon.time += timedelta(days=1)
        await desk.recover()
        assert await refusals(noon) == [1, 2]
        for _ in range(3):
            await _outcome(ask(desk))
    assert await refusals(noon) == [1, 2]
    assert await refusals(noon, day="2026-12-01") == [1, 1]


async def test_a_desk_closes_although_its_store_takes_no_more_and_says_what_is_not_on_record(store, caplog):
    refusing = RefusingStore(store)
    async with desk_with(NoonStore(refusing), person_turns_a_day=1) as desk:
        for _ in range(3):
            await _outcome(ask(desk))
        refusing.locked = True
    assert "1 refusals of the limit person_turns_a_day could not be put on record" in caplog.text


class Purse:
    """A budget that allows so many requests."""

    def __init__(self, most, fault=None):
        self.requests, self._most, self._fault = [], most, fault

    async def check(self, request):
        self.requests.append(request)
        if self._fault:
            raise self._fault
        if len(self.requests) > self._most:
            raise LimitReached("Your department's budget is used up.", limit="department")


async def test_a_program_checks_a_budget_of_its_own_before_each_request(store):
    purse = Purse(1)
    answering = model(price=lambda usage: usage.total_tokens)
    async with Desk(store, answering, options=QUICK, budget=purse) as desk:
        first, second = await ask(desk), await ask(desk)
    assert (first.status, second.status, second.code) == ("completed", "failed", "limit")
    assert (second.message, second.until) == ("Your department's budget is used up.", None)
    assert len(answering.requests) == 1
    request = purse.requests[0]
    assert (request.user_id, request.turn, request.thread, request.model) == (
        ASKER.id,
        first.id,
        first.thread,
        "scripted:",
    )
    assert request.cost == request.tokens > 4_096


async def test_a_budget_that_breaks_lets_no_request_out(store):
    answering = model()
    async with Desk(store, answering, options=QUICK, budget=Purse(1, ValueError("broken"))) as desk:
        turn = await ask(desk)
    assert (turn.status, turn.code, turn.message, answering.requests) == ("failed", "hook_failed", "ValueError", [])
    assert await logged(store, turn.thread, "model.asked") == []


def test_mistakes_with_limits_are_named():
    for wrong, said in (
        ({"person_turns_a_dya": 1}, "write `person_turns_a_day`"),
        ({"person_turns_a_day": 0}, "greater than 0"),
        ({"person_turns_a_day": True}, "`person_turns_a_day` must be"),
    ):
        with pytest.raises(InvalidInput, match=said):
            Limits(**wrong)
    with pytest.raises(InvalidInput, match="write `limits=Limits"):
        Desk(MemoryStore(), model(), limits={"person_turns_a_day": 1})
    with pytest.raises(InvalidInput, match="async def check"):
        Desk(MemoryStore(), model(), budget=object())


def test_the_error_can_be_sent_to_another_process():
    until = datetime.fromisoformat("2026-12-01T00:00:00.000Z")
    error = pickle.loads(pickle.dumps(LimitReached("Enough.", limit="person_turns_a_day", until=until)))
    assert (str(error), error.said, error.limit, error.until) == (
        "Enough. Ask again at 00:00 UTC.",
        "Enough.",
        "person_turns_a_day",
        until,
    )
