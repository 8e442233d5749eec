"""Spans of what a desk does, for OpenTelemetry, made from the events of the server's log.

Names and attributes are those of the semantic conventions for generative AI, version 1.41.0, whose status is
"development". Spans hold ids, codes and numbers, as the events do, and never what a person or a model wrote.

A turn is a span of the worker that holds it: another worker that takes it over has a span of its own, with the same
`rolltop.turn.id`. Model calls, tool calls and searches are its children.
"""

import logging
from collections.abc import Callable, Mapping
from threading import Thread
from time import time_ns
from typing import TYPE_CHECKING

from backends.extras import require
from core.server_log import EVENTS_LOGGER, log_fault

if TYPE_CHECKING:
    from opentelemetry.trace import SpanKind, TracerProvider
    from opentelemetry.util.types import AttributeValue

SCHEMA = "https://opentelemetry.io/schemas/1.41.0"
AGENT = "rolltop"

MOST_TURNS = 10_000
"""The turns whose spans are open at a time; the span of the oldest ends if there are more."""

_NAMES = {
    "thread_id": "gen_ai.conversation.id",
    "turn_id": "rolltop.turn.id",
    "fence": "rolltop.turn.fence",
    "reason": "rolltop.turn.reason",
    "waited_ms": "rolltop.turn.waited_ms",
    "model": "gen_ai.request.model",
    "purpose": "rolltop.model.purpose",
    "step": "rolltop.model.step",
    "attempt": "rolltop.attempt",
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "microdollars": "rolltop.cost.microdollars",
    "http_status": "http.response.status_code",
    "tool": "gen_ai.tool.name",
    "effect": "rolltop.tool.effect",
    "count": "rolltop.retrieval.count",
}
"""What a field of an event is called in a span; other fields are not in it."""

_UNNAMED = "unknown"
_LAST_SECONDS = 2.0
"""The time in which the last spans must be sent when a process ends."""


class SpanHandler(logging.Handler):
    """A handler of the logger `rolltop.events` that makes spans, with the provider or else OpenTelemetry's global one.

    Raises MissingExtra without the extra `otel`.
    """

    def __init__(self, provider: "TracerProvider | None" = None) -> None:
        require("otel")
        from opentelemetry import trace

        super().__init__()
        self._trace = trace
        self._tracer = trace.get_tracer("rolltop", tracer_provider=provider, schema_url=SCHEMA)
        self._turns: dict[str, trace.Span] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Make a span of what has ended; begin or end that of a turn. Called in the task that did it."""
        try:
            self._take(record)
        except Exception as error:  # the boundary of a handler: a turn must not end by it
            log_fault("spans", error)  # of a fault no span is made

    def _take(self, record: logging.LogRecord) -> None:
        fields = vars(record)
        kind = self._trace.SpanKind
        match fields.get("event"):
            case "turn.begun":
                self._begin(fields)
            case "turn.ended":
                self._end(fields, fields.get("code") or fields["status"] if fields["status"] == "failed" else None)
            case "turn.left":
                self._end(fields, fields["code"])
            case "turn.waiting" | "turn.released":
                self._end(fields, None)
            case "model.answered":
                reasons = {"gen_ai.response.finish_reasons": [fields["status"]]}
                self._child("chat", fields.get("model"), kind.CLIENT, fields, {**_of_model(fields), **reasons})
            case "model.failed":
                self._child("chat", fields.get("model"), kind.CLIENT, fields, _of_model(fields), fields["code"])
            case "tool.finished":
                failed = fields["status"] not in ("succeeded", "denied", "deferred")
                error = (fields.get("code") or fields["status"]) if failed else None
                own = {"gen_ai.tool.call.id": fields["call_id"], "gen_ai.tool.type": "function"}
                own["rolltop.tool.status"] = fields["status"]
                self._child("execute_tool", fields.get("tool", _UNNAMED), kind.INTERNAL, fields, own, error)
            case "passages.retrieved":
                self._child("retrieval", None, kind.INTERNAL, fields, {}, fields.get("error"))

    def _begin(self, fields: Mapping[str, object]) -> None:
        turn = str(fields["turn_id"])
        if (former := self._turns.pop(turn, None)) is not None:
            former.end()
        if len(self._turns) >= MOST_TURNS:
            self._turns.pop(next(iter(self._turns))).end()
        # Its parent is what is current in the task that asked, such as the span of a web request.
        attributes = {**_operation("invoke_agent"), "gen_ai.agent.name": AGENT, **_named(fields)}
        self._turns[turn] = self._tracer.start_span(f"invoke_agent {AGENT}", attributes=attributes)

    def _end(self, fields: Mapping[str, object], error: object) -> None:
        if (span := self._turns.pop(str(fields["turn_id"]), None)) is None:
            return  # begun by another process, or ended by a stop in this one
        span.set_attributes(_named(fields))
        if status := fields.get("status"):
            span.set_attribute("rolltop.turn.status", str(status))
        if error:
            span.set_attribute("error.type", str(error))
            span.set_status(self._trace.StatusCode.ERROR)
        span.end()

    def _child(
        self,
        operation: str,
        name: object,
        kind: "SpanKind",
        fields: Mapping[str, object],
        own: "Mapping[str, AttributeValue]",
        error: object = None,
    ) -> None:
        """A span of what has ended just now, and took as long as the event says."""
        parent = self._turns.get(str(fields["turn_id"]))
        took = fields.get("duration_ms")
        end = time_ns()
        span = self._tracer.start_span(
            f"{operation} {name}" if name else operation,
            self._trace.set_span_in_context(parent) if parent else None,
            kind,
            {**_operation(operation), **_named(fields), **own},
            start_time=end - (took if isinstance(took, int) else 0) * 1_000_000,
        )
        if error:
            span.set_attribute("error.type", str(error))
            span.set_status(self._trace.StatusCode.ERROR)
        span.end(end)


def _operation(name: str) -> dict[str, str]:
    return {"gen_ai.operation.name": name}


def _named(fields: Mapping[str, object]) -> "dict[str, AttributeValue]":
    found = ((_NAMES[name], value) for name, value in fields.items() if name in _NAMES)
    return {name: value for name, value in found if isinstance(value, str | int)}


def _of_model(fields: Mapping[str, object]) -> "dict[str, AttributeValue]":
    provider, colon, _ = str(fields.get("model", "")).partition(":")
    own: dict[str, AttributeValue] = {"gen_ai.provider.name": provider if colon else _UNNAMED}
    if isinstance(first := fields.get("ttft_ms"), int):
        own["gen_ai.response.time_to_first_chunk"] = first / 1000
    return own


def write_spans(provider: "TracerProvider | None" = None) -> SpanHandler:
    """Make spans of what the desks of this process do from now on.

    The provider is OpenTelemetry's global one if None. Raises MissingExtra without the extra `otel`.
    """
    handler = SpanHandler(provider)
    events = logging.getLogger(EVENTS_LOGGER)
    if not events.isEnabledFor(logging.INFO):
        events.setLevel(logging.INFO)  # what is written elsewhere, the other handlers decide by their own levels
    events.addHandler(handler)
    return handler


def check_sender() -> None:
    """Raises MissingExtra if `send_spans` would."""
    require("otel", "opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


def send_spans() -> Callable[[], None]:
    """Make spans from now on, and send them by OTLP over HTTP; what is returned sends the last of them and ends it.

    Where to, and with which headers and name, is for OpenTelemetry's own variables to say. Spans are sent by a thread
    of their own, and left out while nobody takes them. Nothing else of this process is sent: the provider is not the
    global one. A program that has set a global one gets the spans there. Raises MissingExtra without the extra `otel`.
    """
    check_sender()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource, get_aggregated_resources
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import ProxyTracerProvider, get_tracer_provider

    events, own = logging.getLogger(EVENTS_LOGGER), None
    level = events.level
    if isinstance(get_tracer_provider(), ProxyTracerProvider):
        named = get_aggregated_resources([OTELResourceDetector()], Resource.create({"service.name": AGENT}))
        own = TracerProvider(resource=named, shutdown_on_exit=False)
        own.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    handler = write_spans(own)

    def end() -> None:
        events.removeHandler(handler)
        events.setLevel(level)
        if own:
            # Its own bounds on this are not kept where nobody takes the spans.
            sending = Thread(target=own.shutdown, name="rolltop-last-spans", daemon=True)
            sending.start()
            sending.join(_LAST_SECONDS)

    return end
