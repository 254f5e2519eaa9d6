"""What the receiver counts. The labels are bounded: products that have a document, and closed lists."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4)


@dataclass(frozen=True, slots=True)
class Metrics:
    """All of the receiver's metrics, in a registry of one's own."""

    requests: Counter
    """Webhook requests by product (empty: unknown address) and result: `accepted`, `answered` or why refused."""
    events: Counter
    """Events of accepted requests by product and result: see webhooks.sorting.EventResult."""
    accepted_seconds: Histogram
    """From the request's arrival to its 202, in s: the time that a product waits for us."""
    in_flight: Gauge
    """Bytes of messages that the broker has not acknowledged yet."""

    def count(self, product: str, result: str, seconds: float | None) -> None:
        """A request was answered; `seconds` if it was accepted."""
        self.requests.labels(product, result).inc()
        if seconds is not None:
            self.accepted_seconds.labels(product).observe(seconds)

    @classmethod
    def of(cls, registry: CollectorRegistry) -> Metrics:
        return cls(
            requests=Counter(
                "freshpipe_webhook_requests", "Webhook requests by result.", ["product", "result"], registry=registry
            ),
            events=Counter(
                "freshpipe_webhook_events", "Events of accepted requests.", ["product", "result"], registry=registry
            ),
            accepted_seconds=Histogram(
                "freshpipe_webhook_accepted_seconds",
                "From a request's arrival to its 202.",
                ["product"],
                buckets=SECONDS,
                registry=registry,
            ),
            in_flight=Gauge("freshpipe_webhook_in_flight_bytes", "Bytes awaiting the broker.", registry=registry),
        )
