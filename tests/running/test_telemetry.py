"""What an OpenTelemetry collector is sent: counts by reason, latencies to Microsoft, no person."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from accounts.checks import site as checks
from accounts.models import User
from tests.emulator.server import Emulator
from tests.servers.site import Site
from tests.support.tiny_server import Exchange, TinyServer, eventually
from tests.support.visitor import Visitor

STAFF = "staff@contoso.example"
MINE = ("sign_in.attempts", "http.client.request.duration")


class Collector(TinyServer):
    """Takes what exporters send, by OTLP over HTTP."""

    def __init__(self) -> None:
        super().__init__(lambda exchange: self._take(exchange))
        self.bodies: list[bytes] = []

    def _take(self, exchange: Exchange) -> None:
        self.bodies.append(exchange.body)
        exchange.text("", Content_Type="application/x-protobuf")

    def resources(self) -> Iterator[Any]:
        for body in list(self.bodies):
            request = ExportMetricsServiceRequest()
            request.ParseFromString(body)  # type: ignore[no-untyped-call]
            yield from request.resource_metrics

    def instances(self) -> set[str]:
        """The processes that have sent something."""
        return {facts(resource.resource)["service.instance.id"] for resource in self.resources()}

    def latest(self) -> dict[tuple[str, str, tuple[tuple[str, str], ...]], Any]:
        """The last point of each series: of an instance, a metric, and its attributes."""
        return {
            (facts(resource.resource)["service.instance.id"], metric.name, series(point)): point
            for resource in self.resources()
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name in MINE
            for point in (metric.sum or metric.histogram).data_points
            or metric.histogram.data_points
        }

    def total(self, metric: str, **attributes: str) -> int:
        """Over all processes, of the series that have these attributes."""
        wanted = {name.replace("__", "."): value for name, value in attributes.items()}.items()
        return sum(
            getattr(point, "as_int", 0) or getattr(point, "count", 0)
            for (_process, name, labels), point in self.latest().items()
            if name == metric and wanted <= dict(labels).items()
        )

    def has(self, total: int, metric: str, attributes: dict[str, str]) -> bool:
        return self.total(metric, **attributes) == total


def facts(holder: Any) -> dict[str, str]:
    return {pair.key: text(pair.value) for pair in holder.attributes}


def series(point: Any) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(facts(point).items()))


def text(value: Any) -> str:
    return str(getattr(value, value.WhichOneof("value")))


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as made:
        yield made


@pytest.fixture
def measured_site(collector: Collector, start_site: Callable[..., Site]) -> Callable[..., Site]:
    """`measured_site(workers=2)`."""
    User.objects.create_user(STAFF)
    sent = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_METRIC_EXPORT_INTERVAL": "200"}
    return partial(start_site, **sent)


@pytest.mark.django_db(transaction=True)
def test_attempts_are_counted_by_reason_over_all_processes(
    collector: Collector, measured_site: Callable[..., Site]
) -> None:
    site = measured_site(workers=2)
    for _ in range(6):
        assert Visitor(site.url).sign_in().status == 302
    for _ in range(3):
        assert Visitor(site.url).sign_in("nobody").reason == "unknown_user"
    count = collector.total
    assert eventually(lambda: count("sign_in.attempts", outcome="admitted") == 6)
    assert eventually(lambda: count("sign_in.attempts", reason="unknown_user") == 3)
    assert count("sign_in.attempts", method="microsoft") == 9


@pytest.mark.django_db(transaction=True)
def test_requests_to_microsoft_are_timed_by_how_they_ended(
    collector: Collector, measured_site: Callable[..., Site], emulator: Emulator
) -> None:
    site = measured_site(workers=1)
    Visitor(site.url).sign_in()
    emulator.answer_token(status=503, times=1)
    assert Visitor(site.url).sign_in().reason == "microsoft_unreachable"
    token = {"http__request__method": "POST", "server__address": "localhost"}
    duration = "http.client.request.duration"
    for status in ("200", "503"):
        ended = {"http__response__status_code": status, **token}
        assert eventually(partial(collector.has, 1, duration, ended))


@pytest.mark.django_db(transaction=True)
def test_no_person_is_in_what_is_sent(
    collector: Collector, measured_site: Callable[..., Site]
) -> None:
    site = measured_site(workers=1)
    visitor = Visitor(site.url)
    visitor.sign_in()
    Visitor(site.url).sign_in("nobody")
    assert eventually(lambda: collector.total("sign_in.attempts") == 2)
    sent = b"".join(collector.bodies)
    for secret in (STAFF, "contoso.example", "127.0.0.1", visitor.session_cookie(), "code="):
        assert secret.encode() not in sent


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mistake", [
    {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:1"},
    {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:1", "OTEL_METRIC_EXPORT_INTERVAL": "soon"},
])  # fmt: skip
def test_a_collector_that_is_away_or_mistaken_costs_no_sign_in(
    mistake: dict[str, str], start_site: Callable[..., Site]
) -> None:
    User.objects.create_user(STAFF)
    assert Visitor(start_site(workers=1, **mistake).url).sign_in().status == 302


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_ends_sends_what_it_has_counted(
    collector: Collector, start_site: Callable[..., Site]
) -> None:
    User.objects.create_user(STAFF)
    site = start_site(workers=1, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    Visitor(site.url).sign_in()
    assert ends_within(3, site)
    assert eventually(partial(collector.has, 1, "sign_in.attempts", {"outcome": "admitted"}))


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_ends_does_not_wait_for_a_collector_that_is_away(
    start_site: Callable[..., Site],
) -> None:
    User.objects.create_user(STAFF)
    site = start_site(workers=1, OTEL_EXPORTER_OTLP_ENDPOINT="http://localhost:1")
    Visitor(site.url).sign_in()
    assert ends_within(3, site)


def ends_within(seconds: float, site: Site) -> bool:
    """Whether a worker that is told to end does."""
    (pid,) = site.workers()
    os.kill(pid, signal.SIGTERM)
    return eventually(lambda: pid not in site.workers(), seconds)


def test_a_collector_without_the_requirement_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318")
    assert list(checks.metrics_can_be_sent()) == []
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    found = checks.metrics_can_be_sent()
    assert [(problem.id, problem.hint) for problem in found] == [
        ("accounts.W006", "pip install -r requirements/telemetry.txt")
    ]
