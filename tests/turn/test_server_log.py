"""The server's log tells an operator what failed, and nobody what a person wrote or who they are."""

import io
import logging
import re
from functools import partial

import pytest

from backends.models.opening import open_model
from backends.models.scripted.model import Bill, Call, Fail, Say, ScriptedModel
from backends.stores.memory import MemoryStore
from console.server_lines import Handler, Lines
from core import Archive, Desk, Hooks, NotFound, OutcomeUnknown, Viewer, create_chat, server_log, tool
from core.clock import SystemClock
from core.errors import StoreRefused, Unavailable
from core.log.commit import begin_stream, commit_surely
from core.log.fact_events import log_facts
from core.log.facts import Blob, BlobContent, TurnClaimed
from core.log.fold import State
from core.server_log import EVENTS, Fields
from core.turn.journal import MANY_CONFLICTS
from core.values import Usage
from core.worker.process import new_worker
from tests.servers.faults.parts import Refuse
from tests.servers.faults.server import FaultServer
from tests.support.desks import APPROVER, ASKER, AUDITOR, OTHER, QUICK, HandClock, chatting, ended, until
from tests.support.erasable import CANARY, SHORT, desk_over, written
from tests.support.paths import ROOT
from tests.support.server_log import kept_log
from tests.support.wrapped import WrappedStore

PERSON = f"e-{CANARY}"
"""An asker whose id must not be in a line either."""


class Broken:
    """A part of the application that fails with the word: a retriever, a care, a hand-over."""

    async def recognise(self, text, viewer):
        raise ValueError(f"what is {text}?")

    async def search(self, query, viewer, limit, filters=None, as_of=None):
        raise LookupError(f"no {query} {CANARY}")

    async def judge(self, query, passages):
        raise LookupError(CANARY)

    async def versions(self):
        raise OSError(f"{CANARY}: not found")

    async def send(self, ticket):
        raise OSError(f"cannot send {CANARY}")


async def breaks(*given):
    raise RuntimeError(f"hook: {CANARY} {given}")


@tool(effect="read")
def breaking(of: str) -> str:
    """Break."""
    raise KeyError(of)


def faulty(request):
    """A model that calls tools which break or are missing, and fails with the word."""
    if request.messages[-1].role == "tool":
        return [Fail("overloaded", f"{CANARY} is overloaded", retryable=True)]
    return [Call("breaking", {"of": CANARY}), Call(f"no_{CANARY}", {"of": CANARY})]


async def test_no_line_at_any_level_holds_what_was_written_or_who_wrote_it(store):
    person = Viewer(PERSON)
    with kept_log() as log:
        async with desk_over(store) as desk:
            thread = await written(desk, store)
            await desk.ask_erasure(ASKER, thread)
            await desk.recover()
            with pytest.raises(NotFound):
                await desk.archive.thread(person, thread)
            with pytest.raises(NotFound):
                await desk.archive.thread(AUDITOR, CANARY)
        broken = Broken()
        hooks = [Hooks(after_model_call=breaks, before_tool_call=breaks), Hooks(after_tool_call=breaks)]
        for more in ({"hooks": hooks}, {}):
            model = ScriptedModel(faulty)
            given = {"care": broken, "retriever": broken, "handover": broken, "tools": [breaking]}
            async with Desk(store, model, options=SHORT, **given, **more) as desk:
                thread = (await desk.create_thread(person, title=CANARY)).id
                turn = await ended(desk, await desk.submit(person, thread, f"break {CANARY}"), person)
                await desk.hand_over(person, turn.id, note=CANARY)
    assert {"fault", "model.failed", "tool.finished", "denied", "erasure.ended"} <= {e["event"] for e in log.events()}
    assert [line for line in log.lines if CANARY in line] == []
    people = [viewer.id for viewer in (ASKER, APPROVER, AUDITOR)]
    assert [line for line in log.lines if any(person in line for person in people)] == []


async def test_every_line_has_the_fields_of_its_event_and_the_docs_list_them(store):
    with kept_log() as log:
        async with desk_over(store) as desk:
            thread = await written(desk, store)
            await desk.ask_erasure(ASKER, thread)
            await desk.recover()
    for event in log.events():
        assert event.keys() - {"event"} <= set(EVENTS[event["event"]]), event
    assert {name for fields in EVENTS.values() for name in fields} == set(Fields.__annotations__)
    docs = (ROOT / "docs" / "operating.md").read_text()
    rows = re.findall(r"^\| `([a-z.]+)` \| .* \| (`[a-z_`, ]+`) \|$", docs, re.MULTILINE)
    assert {name: tuple(re.findall(r"`(\w+)`", fields)) for name, fields in rows if name in EVENTS} == EVENTS


async def test_a_life_of_a_turn_is_told_in_order_with_its_bill(store):
    bill = Bill(Usage(input=90, output=7, cached=40), cost=1_200_000)
    with kept_log(logging.INFO) as log:
        async with chatting(store, [[Call("look", {}), bill], [Say("Twelve."), bill]], tools=[look]) as chat:
            reply = await chat.ask("?")
    told = [event["event"] for event in log.events()]
    assert told == ["turn.opened", "turn.begun", "model.answered", "tool.finished", "model.answered", "turn.ended"]
    begun, answered, finished, end = (log.events()[n] for n in (1, 2, 3, 5))
    ids = {"thread_id": chat.id, "turn_id": reply.turn_id, "fence": 1}
    assert begun == {"event": "turn.begun", **ids, "reason": "opened"}
    assert ids.items() <= answered.items()
    assert [answered[name] for name in ("model", "step", "attempt", "status")] == ["scripted:", 1, 1, "tool_calls"]
    tokens = [answered[name] for name in ("input_tokens", "output_tokens", "cached_tokens", "microdollars")]
    assert tokens == [90, 7, 40, 1_200]
    assert [finished[name] for name in ("tool", "effect", "status")] == ["look", "read", "succeeded"]
    assert (end["status"], end["waited_ms"]) == ("completed", 0)


@tool(effect="read")
def look() -> int:
    """Vacation days left."""
    return 12


async def test_every_failed_model_call_is_a_warning_that_says_why_and_whether_it_is_repeated(store):
    fails = [[Fail("overloaded", retryable=True)]] * 3
    with kept_log(logging.WARNING) as log:
        async with chatting(store, [*fails, [Fail("auth")]]) as chat:
            reply = await chat.ask("?")
    assert reply.status == "failed"
    told = [(e["attempt"], e["code"], e["retry"]) for e in log.events("model.failed")]
    assert told == [(1, "overloaded", True), (2, "overloaded", True), (3, "overloaded", True), (4, "auth", False)]
    assert [(e["status"], e["code"]) for e in log.events("turn.ended")] == [("failed", "auth")]


@pytest.mark.parametrize(
    ("url", "overloaded"),
    [
        ("openai:m?base_url={}/v1", 503),
        ("openai:m?api=chat&base_url={}/v1", 503),
        ("anthropic:m?base_url={}", 529),
    ],
)
async def test_a_providers_http_status_is_in_the_line_of_the_call(url, overloaded):
    async with FaultServer([[Refuse("overloaded")], [Refuse("auth")]]) as server:
        model = open_model(url.format(server.url))
        try:
            with kept_log(logging.WARNING) as log:
                async with await create_chat(MemoryStore(), model, viewer=ASKER, options=QUICK) as chat:
                    await chat.ask("?")
        finally:
            await model.close()
    told = [(event["http_status"], event["code"]) for event in log.events("model.failed")]
    assert told == [(overloaded, "overloaded"), (401, "auth")]


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize(
    "url", ["openai:m?base_url={}/v1", "openai:m?api=chat&base_url={}/v1", "anthropic:m?base_url={}"]
)
async def test_no_line_of_a_providers_library_has_a_key_a_header_a_url_or_an_argument(monkeypatch, url, form):
    monkeypatch.setenv("ITS_KEY", f"sk-{CANARY}")
    stream = io.StringIO()
    handler = Handler(stream)
    handler.setFormatter(Lines(form))
    async with FaultServer([[Refuse("overloaded")], [Call("breaking", {"of": CANARY})], [Refuse("auth")]]) as server:
        # The proxy of the environment is asked for nothing here; the login stands in the address itself.
        there = server.url.replace("http://", f"http://me:{CANARY}@")
        model = open_model(f"{url.format(there)}&key_env=ITS_KEY", headers={"x-team": CANARY})
        with kept_log() as log:
            logging.getLogger().addHandler(handler)
            for library in ("openai", "anthropic", "httpx", "httpx2", "httpcore", "httpcore2"):
                monkeypatch.setattr(logging.getLogger(library), "level", logging.DEBUG)
            try:
                async with await create_chat(
                    MemoryStore(), model, viewer=Viewer(PERSON), options=QUICK, tools=[breaking]
                ) as chat:
                    await chat.ask(CANARY)
            finally:
                await model.close()
                logging.getLogger().removeHandler(handler)
        assert [event["code"] for event in log.events("model.failed")] == ["overloaded", "auth"]
        assert server.requests
    others = {record.name.partition(".")[0] for record in log.records} - {"core", "rolltop", "asyncio"}
    assert others, "the libraries say nothing, so that this shows nothing"
    assert len(stream.getvalue().splitlines()) == len(log.records)
    assert CANARY not in stream.getvalue()


async def test_an_effect_with_an_unknown_outcome_is_a_warning(store):
    @tool(effect="idempotent")
    def book() -> None:
        """Book."""
        raise OutcomeUnknown("no answer")

    with kept_log(logging.WARNING) as log:
        async with chatting(store, [[Call("book", {})], [Say("Ask again.")]], tools=[book]) as chat:
            await chat.ask("?")
    told = [(e["tool"], e["effect"], e["status"], e["code"]) for e in log.events("tool.finished")]
    assert told == [("book", "idempotent", "unknown", "outcome_unknown")]


async def test_a_denial_is_a_line_with_the_action_and_the_roles_and_not_the_person(store):
    archive = Archive(store)
    with kept_log(logging.WARNING) as log:
        for viewer in (OTHER, None):
            with pytest.raises((NotFound, PermissionError)):
                await archive.thread(viewer, "t-1")
    assert log.events() == [
        {"event": "denied", "action": "thread.read", "kind": "thread", "roles": roles}
        for roles in ("employee", "not signed in")
    ]
    assert OTHER.id not in "".join(log.lines)


class SlowStore(WrappedStore):
    """A store whose commits take so many seconds of a test's clock."""

    def __init__(self, store, clock, seconds):
        super().__init__(store)
        self._clock, self._seconds = clock, seconds

    async def commit(self, stream, after, entries, records=(), *, id):
        self._clock.advance(self._seconds)
        await super().commit(stream, after, entries, records, id=id)


@pytest.mark.parametrize(("seconds", "level"), [(60, logging.WARNING), (0, logging.DEBUG)])
async def test_a_slow_commit_is_a_warning_with_its_time_and_any_other_is_told_at_debug_alone(seconds, level):
    clock = HandClock() if seconds else StoppedClock()
    blob = Blob(content=BlobContent(value=CANARY))
    with kept_log() as log:
        await begin_stream(SlowStore(MemoryStore(), clock, seconds), clock, "blob:a", [blob], patience=1)
    ((record, event),) = zip(log.records, log.events(), strict=True)
    assert record.levelno == level
    assert (event["event"], event["kind"], event["count"]) == ("commit.slow" if seconds else "commit.made", "blob", 1)
    assert (event["duration_ms"] >= server_log.slow_commit_ms) == bool(seconds)


class StoppedClock(HandClock):
    """A clock on which nothing takes any time."""

    def monotonic(self):
        return self._ahead


class Refusing(WrappedStore):
    """A store whose commits raise these errors first."""

    def __init__(self, store, *errors):
        super().__init__(store)
        self._errors = list(errors)

    async def commit(self, stream, after, entries, records=(), *, id):
        if self._errors:
            raise self._errors.pop(0)
        await super().commit(stream, after, entries, records, id=id)


async def test_a_commit_that_is_repeated_and_one_that_is_refused_are_told_without_the_person_of_their_stream():
    clock, stream = SystemClock(), f"audit:{OTHER.id}"
    away = Refusing(MemoryStore(), Unavailable("away"), StoreRefused(f"{stream} may not be written"))
    with kept_log() as log, pytest.raises(Unavailable):
        await commit_surely(away, clock, stream, 0, [], patience=10)
    told = [(e["event"], e["kind"], e.get("attempt"), e.get("error")) for e in log.events()]
    assert told == [("commit.repeated", "audit", 2, None), ("commit.refused", "audit", None, "StoreRefused")]
    assert "audit:* may not be written" in log.lines[-1]
    assert OTHER.id not in "".join(log.lines)


class Overtaken(WrappedStore):
    """A store in which another writer commits first, so many times."""

    def __init__(self, store, rival, times):
        super().__init__(store)
        self._rival, self._times = rival, times

    async def commit(self, stream, after, entries, records=(), *, id):
        if self._times:
            self._times -= 1
            await self._rival(f"title {self._times}")
        await super().commit(stream, after, entries, records, id=id)


async def test_a_command_that_meets_many_other_writers_is_told_once_for_every_few(store):
    async with Desk(store, ScriptedModel([]), options=QUICK) as desk:
        thread = await desk.create_thread(ASKER)
        overtaken = Overtaken(store, partial(desk.rename, ASKER, thread.id), MANY_CONFLICTS + 1)
        async with Desk(overtaken, ScriptedModel([]), options=QUICK) as late:
            with kept_log(logging.WARNING) as log:
                await late.rename(ASKER, thread.id, "Another title")
    assert log.events() == [
        {"event": "commit.contested", "kind": "thread", "thread_id": thread.id, "count": MANY_CONFLICTS}
    ]


async def test_a_turn_that_is_taken_over_from_a_lost_worker_is_a_warning():
    worker = new_worker(SystemClock())
    claims = [TurnClaimed(turn="q", fence=n, worker=worker, reason=why) for n, why in ((1, "opened"), (2, "lost"))]
    with kept_log(logging.WARNING) as log:
        log_facts("t", claims, State(), None)
    assert log.events() == [{"event": "turn.begun", "thread_id": "t", "turn_id": "q", "fence": 2, "reason": "lost"}]


async def test_a_worker_that_must_leave_its_turn_says_why(store):
    class Away(WrappedStore):
        away = False

        async def commit(self, stream, after, entries, records=(), *, id):
            if self.away:
                raise StoreRefused("no right to write")
            await super().commit(stream, after, entries, records, id=id)

    refusing = Away(store)

    def answer(request):
        refusing.away = True
        return [Say("Twelve.")]

    with kept_log(logging.WARNING) as log:
        async with Desk(refusing, ScriptedModel(answer), options=QUICK) as desk:
            thread = await desk.create_thread(ASKER)
            await desk.submit(ASKER, thread.id, "?")

            async def left():
                return log.events("turn.left")

            (told,) = await until(left)
    assert (told["thread_id"], told["code"], told["error"]) == (thread.id, "not_recorded", "StoreRefused")
