"""A tool or a model that an administrator has switched off: nothing of it begins any more, in any process."""

import anyio
import pytest
from mongomock_motor import AsyncMongoMockClient

import core.desk.administration_log
from backends import open_store
from backends.models.scripted.model import Call, Fail, Say, ScriptedModel, Wait
from backends.stores.memory import MemoryStore
from backends.stores.mongodb.store import MongoStore
from core import Administration, Denied, Desk, Hooks, InvalidInput, Options, Unavailable, Viewer, tool
from core.clock import SystemClock
from core.desk.administration_log import FRESH_SECONDS
from core.log.administration import ADMINISTRATION
from core.log.audit import AuditLog
from core.log.entry import verify
from core.maintenance.copy import copy
from core.maintenance.rebuild import Rebuild
from core.values import Account
from tests.support.desks import APPROVER, ASKER, AUDITOR, QUICK, HandClock, check, ended, kinds, until
from tests.support.wrapped import WrappedStore

ADMIN = Viewer("e-7001", roles={"administrator"})
OFF = "An administrator has switched this tool off, so it was not run."


@pytest.fixture
def ran():
    return []


def making(ran, effect="read", **given):
    @tool(effect=effect, name="act", **given)
    async def act(days: int) -> str:
        """Act."""
        ran.append(days)
        return f"{days} done"

    return act


def calls_once(request):
    """Calls the tool in the first answer to a question, and says "Done." of its result."""
    return [Call("act", {"days": 1})] if request.messages[-1].role == "user" else [Say("Done.")]


def desk_of(store, tools, script=calls_once, **given):
    model = script if isinstance(script, list | ScriptedModel) else ScriptedModel(script)
    return Desk(store, model, tools=tools, **{"options": QUICK, **given})


async def off(desk, why="wrong results"):
    return await desk.administration.switch_off_tool(ADMIN, "act", why)


async def asked(desk, thread=None, text="Act."):
    """The turn and its calls, once it has ended or is parked."""
    thread = thread or (await desk.create_thread(ASKER)).id
    turn = await ended(desk, await desk.submit(ASKER, thread, text))
    return await view(desk, turn)


async def view(desk, turn):
    seen = await desk.archive.turn_view(ASKER, turn.id)
    return seen.turn, seen.calls


def outcome(call):
    return call.status, call.code, call.attempts


# A tool


async def test_a_tool_is_not_offered_while_it_is_off(store, ran):
    model = ScriptedModel(lambda request: [Say("Done.")])
    async with desk_of(store, [making(ran)], model) as desk:
        thread = (await desk.create_thread(ASKER)).id
        await asked(desk, thread)
        await off(desk)
        await asked(desk, thread)
        await desk.administration.switch_on_tool(ADMIN, "act", "mended")
        await asked(desk, thread)
    assert [[one.name for one in request.tools] for request in model.requests] == [["act"], [], ["act"]]


@pytest.mark.parametrize("choice", ["act", "required"])
async def test_a_request_does_not_ask_for_a_tool_that_is_off(ran, choice):
    model = ScriptedModel(lambda request: [Say("Done.")])
    async with desk_of(MemoryStore(), [making(ran)], model, options=Options(tool_choice=choice)) as desk:
        await off(desk)
        turn, _ = await asked(desk)
    assert (turn.status, [request.tool_choice for request in model.requests]) == ("completed", ["auto"])


async def test_a_call_is_not_run_if_its_tool_is_switched_off_while_the_answer_is_written(store, ran):
    def script(request):
        last = request.messages[-1]
        return [Wait(lambda: off(desk)), *calls_once(request)] if last.role == "user" else calls_once(request)

    model = ScriptedModel(script)
    async with desk_of(store, [making(ran)], model) as desk:
        turn, (call,) = await asked(desk)
        assert (turn.status, outcome(call), call.error) == ("completed", ("denied", "switched_off", 0), OFF)
        assert "tool.started" not in await kinds(store, turn.thread)
        await check(store, turn.thread)
    told = model.requests[-1].messages[-1]
    assert (told.content, told.failed, ran) == (OFF, True, [])


async def test_on_mongodb_what_is_approved_is_not_run_once_its_tool_is_off_and_runs_once_it_is_on_again(ran):
    store = await MongoStore.over(AsyncMongoMockClient(), "desk")
    async with desk_of(store, [making(ran, "unsafe")]) as desk:
        turn, (call,) = await asked(desk)
        await off(desk)
        await desk.decide(ASKER, call.id, "approve", call.digest)
        turn, (call,) = await view(desk, await ended(desk, turn))
        assert (outcome(call), ran) == (("denied", "switched_off", 0), [])
        await desk.administration.switch_on_tool(ADMIN, "act", "mended")
        again, (call,) = await asked(desk, turn.thread)
        await desk.decide(ASKER, call.id, "approve", call.digest)
        await ended(desk, again)
        assert await faults(store) == []
    assert ran == [1]


async def test_a_call_is_not_run_if_its_tool_is_switched_off_while_hooks_look_at_it(ran):
    async def switch_off(view):
        await off(desk)

    async with desk_of(MemoryStore(), [making(ran)], hooks=[Hooks(before_tool_call=switch_off)]) as desk:
        _, (call,) = await asked(desk)
    assert (outcome(call), ran) == (("denied", "switched_off", 0), [])


async def test_only_the_calls_of_the_tool_that_is_off_are_left_out(ran):
    @tool(effect="read")
    async def look() -> str:
        """Look."""
        return "seen"

    def script(request):
        if request.messages[-1].role == "user":
            return [Wait(lambda: off(desk)), Call("look", {}), Call("act", {"days": 1}), Call("look", {})]
        return [Say("Done.")]

    async with desk_of(MemoryStore(), [making(ran), look], script) as desk:
        _, calls = await asked(desk)
    assert [(call.tool, call.status) for call in calls] == [
        ("look", "succeeded"),
        ("act", "denied"),
        ("look", "succeeded"),
    ]


@pytest.mark.parametrize("approval", ["asker", "approver"])
async def test_nobody_is_asked_to_approve_a_call_of_a_tool_that_is_off(ran, approval):
    def script(request):
        last = request.messages[-1]
        return [Wait(lambda: off(desk)), *calls_once(request)] if last.role == "user" else calls_once(request)

    async with desk_of(MemoryStore(), [making(ran, "unsafe", approval=approval)], script) as desk:
        turn, (call,) = await asked(desk)
    assert (turn.status, outcome(call), ran) == ("completed", ("denied", "switched_off", 0), [])


async def test_what_the_asker_approves_is_not_run_once_its_tool_is_off(store, ran):
    model = ScriptedModel(calls_once)
    async with desk_of(store, [making(ran, "unsafe")], model) as desk:
        turn, (call,) = await asked(desk)
        assert (turn.status, call.status) == ("awaiting_approval", "awaiting_approval")
        await off(desk)
        await desk.decide(ASKER, call.id, "approve", call.digest)
        turn, (call,) = await view(desk, await ended(desk, turn))
        assert (turn.status, outcome(call), ran) == ("completed", ("denied", "switched_off", 0), [])
        assert call.decision.outcome == "given"
        await check(store, turn.thread)
    assert model.requests[-1].messages[-1].content == OFF  # and not that a person did not allow it


async def test_a_request_that_waits_runs_if_its_tool_is_on_again_before_the_decision(ran):
    async with desk_of(MemoryStore(), [making(ran, "unsafe")]) as desk:
        turn, (call,) = await asked(desk)
        await off(desk)
        await desk.administration.switch_on_tool(ADMIN, "act", "mended")
        await desk.decide(ASKER, call.id, "approve", call.digest)
        await ended(desk, turn)
    assert ran == [1]


async def test_what_an_approver_approves_is_not_run_once_its_tool_is_off(store, ran):
    model = ScriptedModel(lambda r: [Say("So it is.")] if r.messages[0] is not r.messages[-1] else calls_once(r))
    async with desk_of(store, [making(ran, "unsafe", approval="approver")], model) as desk:
        turn, (call,) = await asked(desk)
        assert (turn.status, call.status) == ("completed", "deferred")
        await off(desk)
        await desk.decide(APPROVER, call.id, "approve", call.digest)
        request = await until(lambda: reported(desk, call))
        report, (carried,) = await view(desk, await ended(desk, request))
        assert (report.status, outcome(carried), ran) == ("completed", ("denied", "switched_off", 0), [])
        await check(store, turn.thread)
        assert await faults(store) == []
    assert model.requests[-1].messages[-1].report.content == OFF


async def reported(desk, call):
    return (await desk.archive.deferred_call(ASKER, call.id)).report


async def test_a_call_that_runs_is_not_stopped_and_the_next_one_does_not_begin(ran):
    @tool(effect="unsafe", name="act", needs_approval=False)
    async def act(days: int) -> str:
        """Act."""
        await off(desk)
        ran.append(days)
        return "done"

    def script(request):
        twice = [Call("act", {"days": 1}), Call("act", {"days": 2})]
        return twice if request.messages[-1].role == "user" else [Say("Done.")]

    async with desk_of(MemoryStore(), [act], script) as desk:
        turn, calls = await asked(desk)
        for call in calls:
            await desk.decide(ASKER, call.id, "approve", call.digest)
        _, calls = await view(desk, await ended(desk, turn))
    assert [outcome(call)[:2] for call in calls] == [("succeeded", None), ("denied", "switched_off")]
    assert ran == [1]


@pytest.mark.parametrize(("effect", "status"), [("idempotent", "unknown"), ("read", "failed")])
async def test_recovery_does_not_repeat_a_call_of_a_tool_that_is_off(ran, effect, status):
    inner = MemoryStore()
    store = Away(inner)

    @tool(effect=effect, name="act")
    async def act(days: int) -> str:
        """Act, while the store goes away."""
        ran.append(days)
        store.away = True
        return "done"

    options = Options(lease=0.3)
    async with desk_of(store, [act], options=options) as desk:
        thread = (await desk.create_thread(ASKER)).id
        turn = await desk.submit(ASKER, thread, "Act.")
        await until(lambda: idle(desk))
    await Administration(inner).switch_off_tool(ADMIN, "act", "wrong results")
    model = ScriptedModel(lambda request: [Say("So it is.")])
    async with desk_of(inner, [act], model) as desk:
        _, (call,) = await view(desk, await ended(desk, turn))
        assert (outcome(call), ran) == ((status, "switched_off", 1), [1])
        assert "It began and did not end." in model.requests[-1].messages[-1].content
        await check(inner, thread)


class Away(WrappedStore):
    """A store that acknowledges nothing, and gives nothing, while it is `away`."""

    away = False

    async def _call(self, operation, *given, **named):
        if self.away:
            raise Unavailable("the store is away")
        return await super()._call(operation, *given, **named)


async def idle(desk):
    return desk._workers.idle


async def test_a_call_that_took_too_long_is_not_repeated_once_its_tool_is_off(ran):
    @tool(effect="idempotent", name="act", timeout=0.01)
    async def act(days: int) -> str:
        """Act."""
        ran.append(days)
        await off(desk)
        await anyio.sleep_forever()

    async with desk_of(MemoryStore(), [act]) as desk:
        _, (call,) = await asked(desk)
    assert (outcome(call), ran) == (("unknown", "switched_off", 1), [1])


# Everywhere, and at what cost


async def test_a_desk_in_another_process_stops_using_the_tool_a_second_later(tmp_path, ran):
    clock = HandClock()
    url = f"sqlite:///{tmp_path}/desk.db"
    async with open_store(url) as one, open_store(url) as other, desk_of(one, [making(ran, "unsafe")]) as here:
        model = ScriptedModel(calls_once)
        async with desk_of(other, [making(ran, "unsafe")], model, clock=clock) as there:
            turn, (call,) = await asked(there)
            await off(here)
            clock.advance(FRESH_SECONDS)
            await there.decide(ASKER, call.id, "approve", call.digest)
            turn, (call,) = await view(there, await ended(there, turn))
            assert (outcome(call), ran) == (("denied", "switched_off", 0), [])
            await asked(there, turn.thread)
    assert [len(request.tools) for request in model.requests] == [
        1,
        0,
        0,
        0,
    ]  # the last two: the model called it all the same


@pytest.fixture
def one_read(monkeypatch):
    """Nothing is read a second time, however slow the machine is."""
    monkeypatch.setattr(core.desk.administration_log, "FRESH_SECONDS", 3_600.0)


async def test_all_turns_of_a_process_share_one_read(one_read, ran):
    class Counting(WrappedStore):
        reads = 0

        async def read(self, stream, after=0, limit=500):
            self.reads += stream == ADMINISTRATION
            await anyio.lowlevel.checkpoint()
            return await super().read(stream, after, limit)

    store = Counting(MemoryStore())
    async with desk_of(store, [making(ran)]) as desk, anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(asked, desk)
    assert (store.reads, len(ran)) == (1, 10)


async def test_a_store_that_is_away_for_a_moment_ends_no_turn(ran):
    class Stumbling(WrappedStore):
        stumbles = 2

        async def read(self, stream, after=0, limit=500):
            if stream == ADMINISTRATION and self.stumbles:
                self.stumbles -= 1
                raise Unavailable("not now")
            return await super().read(stream, after, limit)

    store = Stumbling(MemoryStore())
    async with desk_of(store, [making(ran)]) as desk:
        turn, _ = await asked(desk)
    assert (turn.status, store.stumbles, ran) == ("completed", 0, [1])
    assert (await kinds(store, turn.thread)).count("turn.claimed") == 1


# A model


def models(*scripts):
    return [ScriptedModel(script, name=f"scripted:{n}", loop=True) for n, script in enumerate(scripts, 1)]


async def test_a_model_that_is_off_is_left_out_of_the_chain(store):
    first, second = models([[Say("First.")]], [[Say("Second.")]])
    async with desk_of(store, [], [first, second]) as desk:
        thread = (await desk.create_thread(ASKER)).id
        await desk.administration.switch_off_model(ADMIN, "scripted:1", "price doubled")
        turn, _ = await asked(desk, thread)
        assert (turn.text, first.requests) == ("Second.", [])
        await desk.administration.switch_on_model(ADMIN, "scripted:1", "price is back")
        assert (await asked(desk, thread))[0].text == "First."


async def test_a_model_that_fails_is_not_tried_for_ever_because_the_next_one_is_off():
    first, second = models([[Fail("overloaded", retryable=True)]], [[Say("Second.")]])
    async with desk_of(MemoryStore(), [], [first, second]) as desk:
        await desk.administration.switch_off_model(ADMIN, "scripted:2", "price doubled")
        turn, _ = await asked(desk)
    assert (turn.status, turn.code, second.requests) == ("failed", "overloaded", [])
    assert len(first.requests) == QUICK.max_attempts


async def test_a_model_that_is_switched_off_while_hooks_look_at_its_request_is_not_sent_it():
    first, second = models([[Say("First.")]], [[Say("Second.")]])

    async def switch_off(view, request):
        if view.model == first.name:
            await desk.administration.switch_off_model(ADMIN, first.name, "price doubled")

    async with desk_of(MemoryStore(), [], [first, second], hooks=[Hooks(before_model_call=switch_off)]) as desk:
        turn, _ = await asked(desk)
    assert (turn.text, first.requests) == ("Second.", [])


async def test_a_turn_fails_in_its_own_words_if_all_models_are_off(store):
    chain = models([[Say("First.")]], [[Say("Second.")]])
    async with desk_of(store, [], chain) as desk:
        for model in chain:
            await desk.administration.switch_off_model(ADMIN, model.name, "investigation")
        turn, _ = await asked(desk)
        assert (turn.status, turn.code) == ("failed", "models_off")
        assert turn.message == "an administrator has switched the models off"
        await check(store, turn.thread)
    assert [model.requests for model in chain] == [[], []]


# On record


async def faults(store):
    rebuild = Rebuild(store, SystemClock(), lambda done, total: None, mend=False)
    return [found async for found in rebuild.findings()]


async def test_who_switched_what_off_and_on_and_why_is_on_record_and_is_copied(store, tmp_path):
    account = Account(user="ops", host="hr-1")
    people = Administration(store, audit=AuditLog(store, SystemClock(), account))
    given = await people.switch_off_tool(ADMIN, "act", "  wrong results ")
    assert (given.what, given.name, given.by, given.why, given.account) == (
        "tool",
        "act",
        ADMIN.id,
        "wrong results",
        account,
    )
    await people.switch_off_model(ADMIN, "act", "a model of the same name")
    await people.switch_on_tool(ADMIN, "act", "mended")
    entries = await store.read(ADMINISTRATION)
    assert [(entry.kind, entry.by, entry.shell["what"], entry.payload["reason"]) for entry in entries] == [
        ("switched.off", ADMIN.id, "tool", "wrong results"),
        ("switched.off", ADMIN.id, "model", "a model of the same name"),
        ("switched.on", ADMIN.id, "tool", "mended"),
    ]
    assert verify(entries) == (3, entries[-1].hash)
    assert {entry.shell["account"]["host"] for entry in entries} == {"hr-1"}
    assert (await people.off()).tools == frozenset()
    assert (await people.off()).models == {"act"}
    assert await faults(store) == []
    async with open_store(f"sqlite:///{tmp_path}/copy.db") as target:
        await copy(store, target, SystemClock(), lambda *_: None)
        assert (await Administration(target).off()).models == {"act"}


async def test_what_is_off_already_is_not_switched_off_twice(store):
    people = Administration(store)
    first = await people.switch_off_tool(ADMIN, "act", "wrong results")
    assert await people.switch_off_tool(ADMIN, "act", "wrong results") == first
    for call, words in (
        (lambda: people.switch_off_tool(ADMIN, "act", "again"), "the tool act is off already, since .*, by e-7001"),
        (lambda: people.switch_on_tool(ADMIN, "pay", "mended"), "the tool pay is not switched off"),
        (lambda: people.switch_on_model(ADMIN, "act", "mended"), "the model act is not switched off"),
        (lambda: people.switch_off_tool(ADMIN, "pay", " "), "say in 1 to 500 characters why the tool is"),
        (lambda: people.switch_off_model(ADMIN, " ", "rude"), "say in 1 to 200 characters which model is"),
    ):
        with pytest.raises(InvalidInput, match=words):
            await call()
    assert len(await store.read(ADMINISTRATION)) == 1
    with pytest.raises(Denied):
        await people.switch_on_tool(AUDITOR, "act", "mended")


async def test_the_list_holds_what_the_process_has_and_what_is_off_elsewhere(ran):
    store, chain = MemoryStore(), models([], [])
    await Administration(store).switch_off_tool(ADMIN, "fax", "nobody faxes")
    async with desk_of(store, [making(ran)], chain) as desk:
        await desk.administration.switch_off_model(ADMIN, "scripted:2", "price doubled")
        listed = await desk.administration.tools_and_models(ADMIN)
    assert [(one.name, one.tool is not None, one.off and one.off.why) for one in listed.tools] == [
        ("act", True, None),
        ("fax", False, "nobody faxes"),
    ]
    assert [(one.name, one.model, one.place, one.off and one.off.by) for one in listed.models] == [
        ("scripted:1", chain[0], 1, None),
        ("scripted:2", chain[1], 2, ADMIN.id),
    ]
    assert [entry.shell["action"] for entry in await store.read(f"audit:{ADMIN.id}")] == ["tools.list"]
