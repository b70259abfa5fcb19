"""The composition root: hands a terminal to the dashboard, and everything else to the command line."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from clickstream.domain import streams

if TYPE_CHECKING:
    from clickstream.actions.demo.run import DemoOptions


def script() -> NoReturn:
    """The process: does what its arguments say, and ends with the exit code, at once.

    Nothing is cleaned up on the way out. A thread of librdkafka may still be in a handshake with a broker, and
    OpenSSL's clean-up at exit would take its locks away: a crash in one of thirty processes.
    """
    streams.prepare()
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # a full disk: `guarded` has said so
            stream.flush()
    os._exit(code)


def main() -> int:
    """Do what the command line says; the exit code."""
    gc.set_threshold(200_000)  # loading makes many objects that stay: with 700 it spends a sixth of its time collecting
    in_browser = "TEXTUAL_DRIVER" in os.environ  # started by `clickstream serve`: pipes are its terminal
    if in_browser:
        from clickstream.tui.browser import end_with_server

        end_with_server()
    from clickstream.cli.declare import Screens
    from clickstream.cli.main import run

    terminal = in_browser or (sys.stdin.isatty() and sys.stdout.isatty())
    return run(sys.argv[1:], screens=Screens(_serve, _dashboard if terminal else None))


def _dashboard(demo: DemoOptions | None, read_only: bool) -> int:
    from clickstream.config.settings import load_settings
    from clickstream.tui import run

    return run(load_settings, demo=demo, read_only=read_only)


def _serve(port: int, read_only: bool, announce: Callable[[str], None]) -> int:
    from clickstream.tui.serve import serve

    return serve(port, read_only=read_only, announce=announce)


if __name__ == "__main__":
    script()
