"""A collector of OpenTelemetry's for spans: OTLP over HTTP, as far as an exporter needs it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """What came: `raw` are the bodies, `headers` those of each request. `url` is what an exporter is given."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.raw: list[bytes] = []
        self.headers: list[dict[str, str]] = []

    @property
    def spans(self) -> list[Span]:
        return [span for all_of in self._requests() for scope in all_of.scope_spans for span in scope.spans]

    @property
    def services(self) -> set[str]:
        """The names of the services that sent them."""
        return {str(attributes(one.resource)["service.name"]) for one in self._requests()}

    def _requests(self):  # type: ignore[no-untyped-def]  # a generated class without types
        return [one for raw in self.raw for one in ExportTraceServiceRequest.FromString(raw).resource_spans]


def attributes(held: object) -> dict[str, object]:
    """What a span or a resource says."""
    return {one.key: value(one.value) for one in held.attributes}  # type: ignore[attr-defined]  # both have them


def value(held: AnyValue) -> object:
    kind = held.WhichOneof("value")
    return [value(one) for one in held.array_value.values] if kind == "array_value" else getattr(held, kind or "")


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            collector.headers.append({name.lower(): text for name, text in self.headers.items()})
            collector.raw.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(server.server_port)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
