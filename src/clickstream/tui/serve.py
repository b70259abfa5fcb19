"""The dashboard in a browser: a web server on the loopback address that starts a dashboard for each page.

The address is the key: everything lies below a path that is a random token. A user who has it can do what the dashboard
can, so it is never logged, and no other site learns it. Nor can the page of another site ask anything that a
browser here has open: neither under a name of its own that it lets point here, nor from where it came.
"""

from __future__ import annotations

import hmac
import secrets
import shlex
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

from clickstream.domain.errors import ClickstreamError

HOST: Final = "127.0.0.1"

NAMES: Final = frozenset({HOST, "localhost"})
"""By which a browser may know us; behind a tunnel the port is another one."""

COOKIE: Final = "clickstream-download"

SHUTDOWN_WITHIN: Final = 0.5
"""Seconds that requests under way have to end by themselves when the server ends. Open pages are closed then."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def serve(port: int, *, read_only: bool, announce: Callable[[str], None]) -> int:
    """Serve until SIGTERM; the process's exit code. Raises KeyboardInterrupt after a SIGINT.

    Args:
        port: 0 for any that is free.
        read_only: dashboards that offer nothing which changes something.
        announce: called with the address to open, once it can be.

    Raises:
        ClickstreamError: the port is taken.
    """
    try:
        listener = socket.create_server((HOST, port))
    except OSError as error:
        raise ClickstreamError(
            f"cannot listen on {HOST}:{port}: {error.strerror}", hint="--port names another"
        ) from error
    received: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        raise web.GracefulExit

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    with listener:
        server = GuardedServer(listener.getsockname()[1], secrets.token_urlsafe(24), read_only=read_only)
        web.run_app(
            server.guarded_app(announce),
            sock=listener,
            shutdown_timeout=SHUTDOWN_WITHIN,
            access_log=None,  # it would hold the token
            print=None,
            handle_signals=False,  # it would not tell which one came
        )
    if signal.SIGINT in received:
        raise KeyboardInterrupt
    return 0


class GuardedServer(Server):
    """textual-serve's server, below a secret path."""

    def __init__(self, port: int, token: str, *, read_only: bool) -> None:
        command = [sys.executable, "-P", "-m", "clickstream", *(["--read-only"] if read_only else [])]
        origin = f"http://{HOST}:{port}"
        # exec: the dashboard's parent is the server, and no shell in between.
        super().__init__(f"exec {shlex.join(command)}", host=HOST, port=port, title="clickstream", public_url=origin)
        self._token = token
        # Not the token: a browser shows a host's cookies to the servers of all its ports.
        self._download_token = hmac.digest(token.encode(), COOKIE.encode(), "sha256").hex()
        sources = f"'self' ws://{HOST}:{port}"
        self._headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": f"default-src {sources} data: 'unsafe-inline'; frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",
        }

    @property
    def address(self) -> str:
        """What to open."""
        return f"{self.public_url}/{self._token}/"

    async def guarded_app(self, announce: Callable[[str], None]) -> web.Application:
        """All of the server's own routes below the token, and nothing else."""

        async def ready(_: web.Application) -> None:
            announce(self.address)

        app = web.Application(middlewares=[self._guard])
        app.on_response_prepare.append(self._add_headers)
        app.add_subapp(f"/{self._token}/", await self._make_app())
        # The page asks for downloads at the root, whatever it was loaded from.
        app.router.add_get("/download/{key}", self.handle_download)
        app.on_startup.append(ready)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Silent: what there is to say, `announce` says."""

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self._comes_from_here(request) or not self._knows_token(request):
            raise web.HTTPForbidden(text="403: open the very address that `clickstream serve` printed\n")
        response = await handler(request)
        if not response.prepared:
            response.set_cookie(COOKIE, self._download_token, path="/download", httponly=True, samesite="Strict")
        return response

    def _knows_token(self, request: web.Request) -> bool:
        first = request.path.lstrip("/").partition("/")[0]
        given, wanted = first, self._token
        if first == "download":
            given, wanted = request.cookies.get(COOKIE, ""), self._download_token
        return hmac.compare_digest(given.encode(errors="replace"), wanted.encode())

    def _comes_from_here(self, request: web.Request) -> bool:
        """Whether it was sent to one of our own names, and, where a page sent it, by a page of ours."""
        try:
            host = urlsplit(f"http://{request.host}")
            origin = urlsplit(request.headers.get("Origin", host.geturl()))
            same = (origin.scheme, origin.port) == (host.scheme, host.port)
        except ValueError:
            return False
        return same and {host.hostname, origin.hostname} <= NAMES

    async def _add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(self._headers)
