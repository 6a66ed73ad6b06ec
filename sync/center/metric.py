"""What the centre counts of itself, for Prometheus: numbers of things, never a name of anybody.

Labels have few values, all of them our own words: no device, no institution, no id.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from yibao_face.sync.center.sight import Sight

_PREFIX = "yibao_center"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
# Reasons are our own texts with names of our own fields; this keeps it so.
_MOST_REASONS = 64


class Metrics:
    """Of one process; safe to use from several threads."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._reasons: set[str] = set()
        self._batches = self._counter("batches", "batches answered, or written from the bus")
        self._records = self._counter("records", "records by what was said of them", "status")
        self._rejects = self._counter("rejects", "rejected records by reason", "reason")
        self._alarms = self._counter("alarms", "batches that raised an alarm, by kind", "kind")
        self._refused = self._counter("refused", "requests refused whole", "route", "code")
        self._evidence = self._counter("evidence_bytes", "bytes of evidence taken, new ones only")
        self._seconds = Histogram(
            f"{_PREFIX}_batch_seconds",
            "from the last byte of a batch to its answer, waiting in line included",
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._waiting = self._gauge("waiting", "requests in line, by gate", "gate")
        self._pulling = self._gauge("pull_waiters", "devices that wait for documents")
        self._seen = {
            "devices": self._gauge("devices", "devices that ever sent a batch"),
            "active": self._gauge("devices_active", "devices seen in the last 5 minutes"),
            "behind": self._gauge("backlog_records", "records written at counters and not here"),
            "behind_s": self._gauge(
                "backlog_age_seconds", "longest silence of a device that has records to send"
            ),
            "holes": self._gauge(
                "missing_records", "numbers missing between records that are here"
            ),
        }
        self._disk = self._gauge("disk_free_bytes", "room where evidence is kept")
        self._pool = self._gauge("db_connections", "connections to the database in use")
        self._bus: Gauge | None = None

    def batch(self, statuses: dict[str, int], reasons: list[str], alarms: tuple[str, ...]) -> None:
        """A batch was taken in."""
        self._batches.inc()
        for status, count in statuses.items():
            self._records.labels(status).inc(count)
        for reason in reasons:
            self._rejects.labels(self._bounded(reason)).inc()
        for kind in alarms:
            self.alarm(kind)

    def alarm(self, kind: str) -> None:
        """An alarm was raised; a word of ours."""
        self._alarms.labels(kind).inc()

    def answered(self, seconds: float) -> None:
        """How long a batch took."""
        self._seconds.observe(seconds)

    def refused(self, route: str | None, code: str) -> None:
        """A request was refused; both are words of ours."""
        self._refused.labels(route or "none", code).inc()

    def evidence(self, size_bytes: int) -> None:
        """A file of evidence was kept."""
        self._evidence.inc(size_bytes)

    def watch(self, gates: dict[str, Callable[[], int]], pulling: Callable[[], int]) -> None:
        """Ask these whenever somebody reads the metrics."""
        for gate, waiting in gates.items():
            self._waiting.labels(gate).set_function(waiting)
        self._pulling.set_function(pulling)

    def bus(self, messages: float) -> None:
        """How many messages nobody has written yet, not a number where that is unknown.

        A process without a bus never calls it, and has no such figure.
        """
        if self._bus is None:
            told = "messages on the bus that are not written; NaN while it does not answer"
            self._bus = self._gauge("bus_messages", told)
        self._bus.set(messages)

    def text(self, sight: Sight, disk_free_bytes: int, connections: int) -> bytes:
        """The exposition format, version 0.0.4."""
        for name, gauge in self._seen.items():
            gauge.set(getattr(sight, name))
        self._disk.set(disk_free_bytes)
        self._pool.set(connections)
        return generate_latest(self._registry)

    def _bounded(self, reason: str) -> str:
        if reason not in self._reasons and len(self._reasons) >= _MOST_REASONS:
            return "other"
        self._reasons.add(reason)
        return reason

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(f"{_PREFIX}_{name}", told, labels, registry=self._registry)

    def _gauge(self, name: str, told: str, *labels: str) -> Gauge:
        return Gauge(f"{_PREFIX}_{name}", told, labels, registry=self._registry)
