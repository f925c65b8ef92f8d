"""Counts sign-ins and times requests to Microsoft, for an OpenTelemetry collector.

Active if `requirements/telemetry.txt` is installed and OTEL_EXPORTER_OTLP_ENDPOINT is set;
otherwise the calls do nothing. The exporter reads its own variables (OpenTelemetry specification,
"OpenTelemetry Protocol Exporter" and "Environment Variable Specification"). No attribute holds a
person, an address or a reference: those are in the record and the log.
"""

from __future__ import annotations

import atexit
import logging
import os
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .conf import conf
from .process.per_process import PerProcess

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter, Histogram

logger = logging.getLogger(__name__)

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
# Seconds; OpenTelemetry's semantic conventions for http.client.request.duration.
_BOUNDARIES: Final = (
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
)  # fmt: skip
_SHUTDOWN_MS: Final = 1_000  # that a worker waits for the collector when it ends


class _Instruments(NamedTuple):
    sign_ins: Counter
    microsoft: Histogram


def count_sign_in(outcome: str, reason: str, method: str) -> None:
    """One attempt that has ended."""
    if _is_on():
        labels = {"outcome": outcome, "reason": reason, "method": method}
        attributes = {name: value for name, value in labels.items() if value}
        _instruments.get().sign_ins.add(1, attributes)


def time_request(method: str, host: str, path: str, seconds: float, outcome: int | str) -> None:
    """One request to Microsoft; `outcome` is its status, or the kind of failure."""
    if _is_on():
        attributes = {
            "http.request.method": method,
            "server.address": host,
            "url.template": path,
            "http.response.status_code" if isinstance(outcome, int) else "error.type": outcome,
        }
        _instruments.get().microsoft.record(seconds, attributes)


def is_configured() -> bool:
    """Whether the environment names a collector."""
    return any(os.environ.get(name) for name in _ENDPOINTS)


def is_installed() -> bool:
    """Whether the optional requirement is there."""
    try:
        return all(map(find_spec, ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")))
    except ModuleNotFoundError:
        return False


@cache
def _is_on() -> bool:
    return is_configured() and is_installed()


def _make_instruments() -> _Instruments:
    """Imported and started with the first figure: its threads would not survive a fork."""
    from opentelemetry.metrics import NoOpMeter

    try:
        meter = _provider().get_meter("accounts")
    except Exception:  # a wrong variable of the exporter must not stop a sign-in
        logger.exception("metrics could not be started")
        meter = NoOpMeter("accounts")
    return _Instruments(
        meter.create_counter("sign_in.attempts", "{attempt}", "Sign-ins that have ended"),
        meter.create_histogram(
            "http.client.request.duration",
            "s",
            "Requests to Microsoft",
            explicit_bucket_boundaries_advisory=_BOUNDARIES,
        ),
    )


def _provider() -> Any:
    """The process's provider: the one that an agent has set, else our own."""
    from opentelemetry import metrics
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    current = metrics.get_meter_provider()
    if isinstance(current, MeterProvider):
        return current
    # One instance per process: each counts from zero, and their sums must not be mixed.
    own = {
        "service.name": "staff-sign-in",
        "service.instance.id": f"{conf.INSTANCE_ID}/{os.getpid()}",
    }
    resource = Resource.create(own).merge(OTELResourceDetector().detect())
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    atexit.register(provider.shutdown, _SHUTDOWN_MS)
    return provider


_instruments = PerProcess(_make_instruments)
