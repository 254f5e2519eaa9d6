"""Stands in for the `freshpipe` command: listens where the process it is called as would, and says that it is well.

`python stand_in.py webhooks | worker sync | sandbox --admin-port=…`; the first line of its output is the Freshpipe
settings that it was given, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path in ("/livez", "/readyz") else 404)
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
    given = {name: value for name, value in os.environ.items() if name.startswith("FRESHPIPE_")}
    print(json.dumps(given), flush=True)
    HTTPServer(("127.0.0.1", int(port)), Health).serve_forever()


if __name__ == "__main__":
    main()
