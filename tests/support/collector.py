"""A collector of our own on 127.0.0.1: takes spans over OTLP (HTTP, protobuf), and keeps them."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.support.http_server import http_server


@dataclass(frozen=True, slots=True)
class Span:
    """A span that came. Ids are in hexadecimal digits, ``parent_id`` ``""`` of one that begins its trace."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    duration_ns: int


@dataclass
class Collector:
    """Where it listens, the spans and the resources that came, and every byte of it."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    raw: bytes = b""

    def take(self, body: bytes) -> None:
        """Keeps what one export holds."""
        request = ExportTraceServiceRequest()
        request.ParseFromString(body)
        self.raw += body
        for group in request.resource_spans:
            self.resources.append({each.key: _value(each.value) for each in group.resource.attributes})
            for scope in group.scope_spans:
                self.spans += [
                    Span(
                        span.name,
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        {each.key: _value(each.value) for each in span.attributes},
                        span.end_time_unix_nano - span.start_time_unix_nano,
                    )
                    for span in scope.spans
                ]


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens while the block runs."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/traces"
            assert self.headers["Content-Type"] == "application/x-protobuf"
            collector.take(body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with http_server(Handler) as collector.url:
        yield collector
