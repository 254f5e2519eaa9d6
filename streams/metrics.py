"""What a worker counts, and where it is read: /metrics for Prometheus, /livez for whoever supervises it."""

from __future__ import annotations

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, generate_latest

EVENTS = Counter(
    "freshpipe_events", "Events acknowledged (done); of these, events left for a person (parked).", ["topic", "result"]
)
BATCHES = Counter("freshpipe_sync_batches", "Batches of the sync stage; events / batches is their mean size.")
LAG = Gauge("freshpipe_lag_events", "Events of this worker's partitions that are not committed yet.")


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """The process answers, so it lives: one that stands still has ended itself."""
        if self.path == "/livez":
            self._answer("text/plain", b"ok\n")
        elif self.path == "/metrics":
            self._answer(CONTENT_TYPE_LATEST, generate_latest())
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are not worth a log line."""

    def _answer(self, content_type: str, body: bytes) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve_metrics(host: str, port: int) -> ThreadingHTTPServer:
    """Serve until the process ends, from a thread of its own. Raises OSError when the port is taken."""
    server = ThreadingHTTPServer((host, port), _Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
