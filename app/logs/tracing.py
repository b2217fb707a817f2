"""Where spans go: wherever OpenTelemetry's own variables say, and nowhere unless one of them says so.

``OTEL_TRACES_EXPORTER``, ``OTEL_EXPORTER_OTLP_ENDPOINT`` and their like are read by the exporter itself, from the process's
environment; docs/tracing.md lists what matters. Nothing of OpenTelemetry is imported while nothing is configured.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points, version
from typing import TYPE_CHECKING, Any, ClassVar

from app.start_error import StartError
from rbac import Decision
from rbac.decision_log.record import Record

if TYPE_CHECKING:  # an extra
    from opentelemetry.sdk.trace import TracerProvider

    from rbac.decision_log.spans import Spans

log = logging.getLogger("app.tracing")

SERVICE_NAME = "sekisho"
_ASKS_FOR_SPANS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_CLOSING_S = 3.0


class Tracing:
    """The spans of one worker, and what sends them."""

    GROUP: ClassVar[str] = "opentelemetry_traces_exporter"

    def __init__(self, provider: "TracerProvider", spans: "Spans") -> None:
        self._provider = provider
        self._spans = spans

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Tracing | None":
        """What the variables ask for, ``None`` where they ask for nothing.

        Raises :class:`StartError` for an exporter that is not there.
        """
        names = exporters_wanted(environ)
        if not names:
            return None
        try:
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor

            from rbac.decision_log.spans import GivenIds, Spans
        except ModuleNotFoundError:
            raise StartError(
                "cannot start: the variables OTEL_… ask for spans, and what makes them is not installed: "
                "pip install 'sekisho[otel]', or set OTEL_TRACES_EXPORTER=none"
            ) from None
        ids = GivenIds()
        told = {
            "service.name": environ.get("OTEL_SERVICE_NAME") or SERVICE_NAME,
            "service.version": version("sekisho"),
        }
        provider = TracerProvider(resource=Resource.create(told), id_generator=ids, shutdown_on_exit=False)
        for name in names:
            provider.add_span_processor(BatchSpanProcessor(_exporter(name)))
        return cls(provider, Spans(provider.get_tracer("sekisho", version("sekisho")), ids))

    def observe(self, records: Sequence[Record], shadows: Sequence[Decision] = ()) -> None:
        """Makes the spans of a batch. In the log's thread; a fault of theirs is told, and never the log's."""
        try:
            self._spans.observe(records, shadows)
        except Exception:
            log.exception("the spans of %d records could not be made", len(records))

    def close(self) -> None:
        """Sends what waits, as far as that goes in three seconds: a collector that is gone must not hold up a stop."""
        closing = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        closing.start()
        closing.join(_CLOSING_S)
        if closing.is_alive():
            log.warning("the last spans could not be sent within %.0f s", _CLOSING_S)


def exporters_wanted(environ: Mapping[str, str]) -> list[str]:
    """The names of the exporters that the variables ask for, as their entry points have them."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    said = environ.get("OTEL_TRACES_EXPORTER", "").strip()
    if not said:
        said = "otlp" if any(environ.get(name, "").strip() for name in _ASKS_FOR_SPANS) else "none"
    protocol = (
        environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") or ""
    )
    otlp = "otlp_proto_grpc" if protocol.strip() == "grpc" else "otlp_proto_http"
    names = [name.strip() for name in said.split(",")]
    return [otlp if name == "otlp" else name for name in names if name not in {"none", ""}]


def _exporter(name: str) -> Any:
    found = entry_points(group=Tracing.GROUP, name=name)
    if not found:
        raise StartError(
            f"cannot start: OTEL_TRACES_EXPORTER asks for `{name}`, of which no package is installed; "
            "`otlp`, over http/protobuf, comes with the extra `otel`"
        )
    return next(iter(found)).load()()
