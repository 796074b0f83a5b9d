"""What the service counts, for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable


@final
class Metrics:
    """Counts of one service."""

    def __init__(self, busy: Callable[[], int], batches: Callable[[], int]) -> None:
        """Start at zero.

        Args:
            busy: returns how many requests for single images are in the queue.
            batches: returns how many batches are not finished.
        """
        self._registry = CollectorRegistry()
        self._images = Counter("unoqa_images", "Single images, by grade.", ["grade"], registry=self._registry)
        self._findings = Counter("unoqa_findings", "Their findings, by measure.", ["finding"], registry=self._registry)
        self._seconds = Histogram("unoqa_grade_seconds", "Time from request to answer.", registry=self._registry)
        queue = Gauge("unoqa_queue", "Requests for single images in the queue.", registry=self._registry)
        waiting = Gauge("unoqa_batches", "Batches that are not finished.", registry=self._registry)
        queue.set_function(busy)
        waiting.set_function(batches)

    def count(self, described: dict[str, Any], seconds: float) -> None:
        """Count a graded image."""
        self._images.labels(described["grade"] or "none").inc()
        for finding in described["findings"]:
            self._findings.labels(finding["measure"]).inc()
        self._seconds.observe(seconds)

    def render(self) -> bytes:
        """Return all counts in Prometheus' text format."""
        return generate_latest(self._registry)
