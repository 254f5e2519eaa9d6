"""The receiver's bare counterpart: an aiohttp server that reads a body and answers it back."""

from __future__ import annotations

import sys

import uvloop
from aiohttp import web


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read(), status=202)


def main(port: int) -> None:
    app = web.Application(client_max_size=1 << 20)
    app.router.add_post("/{token}", echo)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
