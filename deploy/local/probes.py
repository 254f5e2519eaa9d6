"""Whether a process on this machine serves now."""

from __future__ import annotations

import contextlib
import http.client

from deploy.local.processes import LOOPBACK


def http_ok(port: int, path: str) -> bool:
    """Whether a GET of the loopback address answers 200 within two seconds."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    return False
