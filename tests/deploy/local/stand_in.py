"""Stands in for the `freshpipe` command: listens where the process it is called as would, and answers /livez.

`python stand_in.py webhooks | worker sync | sandbox --admin-port=…`; what it saw of its environment that a test
may want to know is written to `<data_dir>.seen.json`.
"""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Livez(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/livez" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the log is read by tests."""


def main() -> None:
    process = sys.argv[1]
    if process == "sandbox":
        port = next(argument.split("=")[1] for argument in sys.argv if argument.startswith("--admin-port"))
    else:
        named = {"webhooks": "FRESHPIPE_WEBHOOKS_PORT", "console": "FRESHPIPE_CONSOLE_PORT"}
        port = os.environ[named.get(process, "FRESHPIPE_METRICS_PORT")]
        seen = Path(os.environ["FRESHPIPE_DATA_DIR"] + ".seen.json")
        seen.parent.mkdir(parents=True, exist_ok=True)
        seen.write_text(json.dumps({key: value for key, value in os.environ.items() if key.startswith("FRESHPIPE_")}))
    HTTPServer(("127.0.0.1", int(port)), Livez).serve_forever()


if __name__ == "__main__":
    main()
