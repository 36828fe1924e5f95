"""/metrics: counts and times for Prometheus, summed over the workers, for networks that are allowed to see them.

Workers write to files in a folder that `idp.serving` makes and names in PROMETHEUS_MULTIPROC_DIR before any of them
imports prometheus_client; whichever is asked adds them up. Without that folder (one process) nothing is written.
"""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import flask
from werkzeug.exceptions import NotFound

from idp.domain.audit import AuditEvent
from idp.errors import Unavailable
from idp.pki.expiry import Validity, validities

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from idp.flows.services import Services
    from idp.pki import CardTrust

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"})  # others are anybody's invention
BUCKETS_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
TOKENS = {
    "token.issued": "authorization_code",
    "token.refreshed": "refresh_token",
    "token.issued_to_client": "client_credentials",
}
LOGINS = {"login.succeeded": "succeeded", "login.failed": "failed", "login.throttled": "throttled"}


class Instruments:
    """What is counted and timed."""

    def __init__(self) -> None:
        import prometheus_client as prometheus  # noqa: PLC0415 - only where it is used

        self.registry = registry = prometheus.CollectorRegistry()
        self.requests = prometheus.Counter(
            "sesame_requests_total", "Requests answered.", ("route", "method", "status"), registry=registry
        )
        self.seconds = prometheus.Histogram(
            "sesame_request_seconds", "Time of a request.", ("route",), buckets=BUCKETS_S, registry=registry
        )
        self.events = prometheus.Counter(
            "sesame_events_total", "Audit events, by name.", ("name", "outcome"), registry=registry
        )
        self.logins = prometheus.Counter("sesame_logins_total", "Logins.", ("method", "outcome"), registry=registry)
        self.tokens = prometheus.Counter(
            "sesame_tokens_total", "Answers with tokens.", ("grant_type",), registry=registry
        )
        self.hashes = prometheus.Gauge(
            "sesame_argon2_waiting",
            "Password hashes that wait for a thread.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._children: dict[tuple[Any, ...], Any] = {}

    def of(self, metric: Any, *labels: str) -> Any:
        """The instrument of these labels; found without the library's lock from its second use on."""
        key = (metric, *labels)
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = metric.labels(*labels)
        return found


class Metrics:
    """Counts nothing until it is started. `note_request` and `note_event` cost a few microseconds."""

    def __init__(self) -> None:
        self._instruments: Instruments | None = None

    def start(self) -> None:
        """In the process that serves."""
        self._instruments = Instruments()

    def note_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request under its route ("/login/<handle>"), never under its path: paths hold one-use links."""
        if found := self._instruments:
            known = method if method in METHODS else "other"
            found.of(found.requests, route, known, str(status)).inc()
            found.of(found.seconds, route).observe(seconds)

    def note_event(self, event: AuditEvent) -> None:
        """Count an audit event when it is written: one whose unit of work is rolled back afterwards stays counted."""
        if found := self._instruments:
            found.of(found.events, event.name, event.outcome).inc()
            if outcome := LOGINS.get(event.name):
                found.of(found.logins, event.detail.get("method", "unknown"), outcome).inc()
            elif grant_type := TOKENS.get(event.name):
                found.of(found.tokens, grant_type).inc()

    def note_hashes(self, change: int) -> None:
        """One more password hash waits (1), or one less (-1)."""
        if found := self._instruments:
            found.hashes.inc(change)

    def exposition(self, services: "Services") -> tuple[bytes, str]:
        """What Prometheus reads, and its type."""
        import prometheus_client as prometheus  # noqa: PLC0415 - as above

        shown = self._instruments.registry if self._instruments else prometheus.CollectorRegistry()
        if folder := os.environ.get(FOLDER):
            from prometheus_client import multiprocess  # noqa: PLC0415 - as above

            _forget_dead_workers(Path(folder), multiprocess.mark_process_dead)
            shown = prometheus.CollectorRegistry()
            multiprocess.MultiProcessCollector(shown, path=folder)  # type: ignore[no-untyped-call]
        stores = prometheus.CollectorRegistry()
        stores.register(_Stores(services))
        return prometheus.generate_latest(shown) + prometheus.generate_latest(stores), prometheus.CONTENT_TYPE_LATEST


class _Stores:
    """Gauges that are read from the database when they are asked for; left out while it does not answer."""

    def __init__(self, services: "Services") -> None:
        self._services = services

    def collect(self) -> "Iterable[Metric]":
        yield from self._stores()
        if trust := self._services.card_trust:
            yield from _cards(trust, self._services.now())

    def _stores(self) -> "Iterable[Metric]":
        from prometheus_client.metrics_core import GaugeMetricFamily  # noqa: PLC0415 - as above

        with suppress(Unavailable), self._services.db.read() as tx:
            yield GaugeMetricFamily("sesame_outbox_waiting", "Messages to send.", value=tx.outbox.waiting())
            yield GaugeMetricFamily("sesame_audit_unsealed", "Events not sealed yet.", value=tx.audit.unsealed_count())


def _cards(trust: "CardTrust", now: datetime) -> "Iterable[Metric]":
    """Negative: it ran out. An authority whose list is not known has neither age nor time left."""
    from prometheus_client.metrics_core import GaugeMetricFamily  # noqa: PLC0415 - as above

    labels = ("authority",)
    left = {
        "authority": GaugeMetricFamily("sesame_card_authority_left_seconds", "Until it ends.", labels=labels),
        "list": GaugeMetricFamily("sesame_card_list_left_seconds", "Until the next list is due.", labels=labels),
    }
    age = GaugeMetricFamily("sesame_card_list_age_seconds", "Since the list was made.", labels=labels)
    known = GaugeMetricFamily("sesame_card_list_known", "1 if a list is in force, else 0.", labels=labels)
    soonest: dict[tuple[str, str], Validity] = {}  # an authority and its successor may have one name
    for each in validities(trust, now):
        other = soonest.setdefault((each.kind, each.name), each)
        soonest[each.kind, each.name] = min(each, other, key=lambda one: one.left)
    for each in soonest.values():
        if each.until is not None:
            left[each.kind].add_metric([each.name], each.left.total_seconds())
        if each.kind == "list":
            known.add_metric([each.name], float(not each.is_over))
            if each.since is not None:
                age.add_metric([each.name], (now - each.since).total_seconds())
    yield from (*left.values(), age, known)


def _forget_dead_workers(folder: Path, forget: Callable[[int, str], None]) -> None:
    """A worker that was killed left its gauges behind."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            forget(pid, str(folder))


def blueprint(services: "Services") -> flask.Blueprint:
    """/metrics: not found where the settings do not allow it."""
    bp = flask.Blueprint("metrics", __name__)
    if not services.settings.metrics:
        return bp
    metrics = services.metrics
    metrics.start()
    services.hasher.on_wait = metrics.note_hashes

    @bp.get("/metrics")
    def show() -> flask.Response:
        network = services.network
        forwarded = "X-Forwarded-For" in flask.request.headers or "Forwarded" in flask.request.headers
        if forwarded and not network.is_from_proxy():
            raise NotFound  # a proxy that the settings do not name: its address is not that of who asks
        if not any(network.address in allowed for allowed in services.settings.metrics_allowed):
            raise NotFound
        body, content_type = metrics.exposition(services)
        return flask.Response(body, content_type=content_type)

    return bp
