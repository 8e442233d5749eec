"""Spans for OpenTelemetry: a turn, and below it its model calls, tool calls and searches, without any content."""

import logging
import socket
import subprocess
import sys

import pytest
from anyio import to_thread
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.trace import SpanKind, StatusCode, get_tracer

from backends.models.scripted.model import Bill, Call, Fail, Say, ScriptedModel
from backends.stores.memory import MemoryStore
from backends.tracing import SCHEMA, send_spans, write_spans
from core import Desk, tool
from core.errors import StoreRefused
from core.server_log import EVENTS_LOGGER, log_event
from core.values import Usage
from tests.servers.collector import attributes, collecting
from tests.support.desks import ASKER, PATIENCE, QUICK, chatting, until
from tests.support.erasable import CANARY, Shelf, desk_over, written
from tests.support.server_log import kept_log
from tests.support.wrapped import WrappedStore

BILL = Bill(Usage(input=90, output=7, cached=40), cost=1_200_000)


@tool(effect="read")
def look() -> int:
    """Vacation days left."""
    return 12


@tool(effect="read")
def breaking() -> int:
    """Break."""
    raise RuntimeError(CANARY)


@pytest.fixture
def provider():
    return TracerProvider()


@pytest.fixture
def exporter(provider):
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    events = logging.getLogger(EVENTS_LOGGER)
    level, handler = events.level, write_spans(provider)
    yield exporter
    events.removeHandler(handler)
    events.setLevel(level)


def named(exporter):
    return {span.name: span for span in exporter.get_finished_spans()}


async def test_a_turn_is_a_span_with_a_child_for_each_call_and_search(exporter):
    script = [[Call("look", {}), BILL], [Say("Twelve."), BILL]]
    async with chatting(MemoryStore(), ScriptedModel(script), tools=[look], retriever=Shelf()) as chat:
        reply = await chat.ask("How many days?")
    search, first, call, second, turn = exporter.get_finished_spans()
    assert [span.name for span in (search, first, call, second, turn)] == [
        *("retrieval", "chat scripted:", "execute_tool look", "chat scripted:", "invoke_agent rolltop")
    ]
    assert turn.parent is None
    assert {span.parent.span_id for span in (search, first, call, second)} == {turn.context.span_id}
    assert [span.kind for span in (search, first, call)] == [SpanKind.INTERNAL, SpanKind.CLIENT, SpanKind.INTERNAL]
    assert {span.instrumentation_scope.schema_url for span in (turn, call)} == {SCHEMA}
    assert dict(first.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "scripted",
        "gen_ai.request.model": "scripted:",
        "gen_ai.conversation.id": chat.id,
        "gen_ai.usage.input_tokens": 90,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 40,
        "gen_ai.response.finish_reasons": ("tool_calls",),
        "gen_ai.response.time_to_first_chunk": first.attributes["gen_ai.response.time_to_first_chunk"],
        "rolltop.turn.id": reply.turn_id,
        "rolltop.turn.fence": 1,
        "rolltop.model.purpose": "answer",
        "rolltop.model.step": 1,
        "rolltop.attempt": 1,
        "rolltop.cost.microdollars": 1_200,
    }
    assert {"gen_ai.tool.name": "look", "gen_ai.tool.type": "function"}.items() <= call.attributes.items()
    assert turn.attributes["rolltop.turn.status"] == "completed"
    assert {span.status.status_code for span in (search, first, call, second, turn)} == {StatusCode.UNSET}


async def test_the_names_are_those_of_the_conventions(exporter):
    async with chatting(MemoryStore(), [[Call("look", {}), BILL], [Say("Twelve."), BILL]], tools=[look]) as chat:
        await chat.ask("?")
    used = {name for span in exporter.get_finished_spans() for name in span.attributes if name.startswith("gen_ai.")}
    assert used <= {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI_")}
    operations = {value.value for value in gen_ai_attributes.GenAiOperationNameValues}
    assert {span.attributes["gen_ai.operation.name"] for span in exporter.get_finished_spans()} <= operations


async def test_what_failed_has_an_error_type(exporter):
    script = [[Fail("overloaded", retryable=True)], [Call("breaking", {})], [Fail("auth", CANARY)]]
    async with chatting(MemoryStore(), script, tools=[breaking]) as chat:
        await chat.ask("?")
    told = [(span.name, span.attributes.get("error.type")) for span in exporter.get_finished_spans()]
    assert told == [
        ("chat scripted:", "overloaded"),
        ("chat scripted:", None),
        ("execute_tool breaking", "raised"),
        ("chat scripted:", "auth"),
        ("invoke_agent rolltop", "auth"),
    ]
    failed = [span for span in exporter.get_finished_spans() if span.attributes.get("error.type")]
    assert {(span.status.status_code, span.status.description) for span in failed} == {(StatusCode.ERROR, None)}


async def test_no_span_holds_what_was_written(exporter):
    store = MemoryStore()
    async with desk_over(store) as desk:
        await written(desk, store)
    spans = [span.to_json() for span in exporter.get_finished_spans()]
    assert len(spans) > 20
    assert [span for span in spans if CANARY in span or ASKER.id in span] == []


async def test_a_turn_belongs_to_the_span_of_whoever_asked(exporter, provider):
    async with chatting(MemoryStore(), [[Say("Twelve.")]]) as chat:
        with provider.get_tracer("application").start_as_current_span("request"):
            await chat.ask("?")
    spans = named(exporter)
    assert spans["invoke_agent rolltop"].parent.span_id == spans["request"].context.span_id


async def test_the_span_of_a_turn_whose_worker_must_leave_it_ends_with_the_reason(exporter):
    class Away(WrappedStore):
        away = False

        async def commit(self, stream, after, entries, records=(), *, id):
            if self.away and stream.startswith("thread:"):
                raise StoreRefused("no right to write")
            await super().commit(stream, after, entries, records, id=id)

    store = Away(MemoryStore())

    def answer(request):
        store.away = True
        return [Say("Twelve.")]

    async with Desk(store, ScriptedModel(answer), options=QUICK) as desk:
        thread = await desk.create_thread(ASKER)
        await desk.submit(ASKER, thread.id, "?")

        async def over():
            return named(exporter).get("invoke_agent rolltop")

        span = await until(over)
    assert span.attributes["error.type"] == "not_recorded"


async def test_a_turn_that_waits_for_its_asker_is_a_span_for_each_time_that_it_runs(exporter):
    @tool(effect="unsafe")
    def book() -> str:
        """Book."""
        return "booked"

    async with chatting(MemoryStore(), [[Call("book", {})], [Say("Done.")]], tools=[book]) as chat:
        reply = await chat.ask("Book")
        await chat.decide(reply.waiting[0].id, "approve", reply.waiting[0].digest)
    turns = [span for span in exporter.get_finished_spans() if span.name == "invoke_agent rolltop"]
    assert [span.attributes.get("rolltop.turn.status") for span in turns] == [None, "completed"]


async def test_spans_arrive_at_a_collector_by_opentelemetrys_own_variables_and_nothing_else_does(monkeypatch):
    @tool(effect="read")
    def lookup(of: str) -> str:
        """Look."""
        return f"{CANARY} of {of}"

    script = [[Call("lookup", {"of": CANARY}), BILL], [Say(f"It is {CANARY}."), BILL]]
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "hr-desk")
        end = send_spans()
        async with chatting(MemoryStore(), ScriptedModel(script), tools=[lookup]) as chat:
            with get_tracer("another library").start_as_current_span(f"about {CANARY}"):
                await chat.ask(f"What is {CANARY}?")
        await to_thread.run_sync(end)
    assert collector.services == {"hr-desk"}
    assert CANARY.encode() not in b"".join(collector.raw)
    spans = collector.spans
    assert [span.name for span in spans] == [
        *("chat scripted:", "execute_tool lookup", "chat scripted:", "invoke_agent rolltop")
    ]
    assert {span.parent_span_id for span in spans[:-1]} == {spans[-1].span_id}
    first, call, _, turn = map(attributes, spans)
    assert [one["gen_ai.operation.name"] for one in (first, call, turn)] == ["chat", "execute_tool", "invoke_agent"]
    assert (first["gen_ai.usage.input_tokens"], first["gen_ai.response.finish_reasons"]) == (90, ["tool_calls"])
    assert (call["gen_ai.tool.name"], call["rolltop.tool.status"]) == ("lookup", "succeeded")
    assert turn["gen_ai.conversation.id"] == chat.id


async def test_a_collector_that_never_answers_holds_up_neither_a_turn_nor_the_end(monkeypatch):
    monkeypatch.setattr("backends.tracing._LAST_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
        end = send_spans()
        async with chatting(MemoryStore(), [[Say("Twelve.")]] * 3) as chat:
            await chat.ask("?")
            (held, _) = await to_thread.run_sync(silent.accept)  # from here on the exporter waits
            assert [(await chat.ask("?")).status for _ in range(2)] == ["completed"] * 2
            await to_thread.run_sync(end)
        held.close()


def test_a_handler_that_fails_is_a_fault_and_not_a_traceback_with_its_values(exporter, capsys):
    with kept_log() as log:
        log_event("turn.ended", turn_id=CANARY)  # without a status
    assert [(event["part"], event["error"]) for event in log.events("fault")] == [("spans", "KeyError")]
    assert capsys.readouterr().err == ""


def test_without_the_setting_nothing_of_opentelemetry_is_imported():
    # Pinecone's client imports it for itself; a console without one does not.
    program = "import sys, console.app, console.server_lines; print([n for n in sys.modules if n == 'opentelemetry'])"
    asked = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    assert asked.stdout.split() == ["[]"]
