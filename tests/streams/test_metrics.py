from __future__ import annotations

from http.client import HTTPConnection

from streams.metrics import EVENTS, serve_metrics
from tests.ports import free_port


def test_counters_and_liveness_are_served() -> None:
    EVENTS.labels("test_metrics", "done").inc(3)
    port = free_port()
    server = serve_metrics("127.0.0.1", port)
    try:
        assert _get(port, "/livez") == (200, b"ok\n")
        status, body = _get(port, "/metrics")
        assert (status, b'freshpipe_events_total{result="done",topic="test_metrics"} 3.0' in body) == (200, True)
        assert _get(port, "/table/state")[0] == 404
    finally:
        server.shutdown()
        server.server_close()


def _get(port: int, path: str) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
