"""The composition root: hands a terminal to the dashboard, and everything else to the command line."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn

from clickstream.domain import streams

READ_ONLY = "--read-only"


def script() -> NoReturn:
    """The process: does what its arguments say, and ends with the exit code, at once.

    Nothing is cleaned up on the way out. A thread of librdkafka may still be shaking hands with a broker that nobody
    waits for, and OpenSSL's clean-up at exit takes its locks away under it: a crash in one of thirty processes.
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
    argv = sys.argv[1:]
    in_browser = "TEXTUAL_DRIVER" in os.environ  # a window of `clickstream serve`: it has pipes for a terminal
    if in_browser:
        from clickstream.tui.window import end_with_server

        end_with_server()
    if in_browser or (sys.stdin.isatty() and sys.stdout.isatty()):
        if argv in ([], [READ_ONLY]):
            return _dashboard(read_only=bool(argv))
        if argv[:1] == ["demo"]:
            return _demo(argv)
    from clickstream.cli.parser import run

    return run([] if argv == [READ_ONLY] else argv, serve=_serve)


def _demo(argv: Sequence[str]) -> int:
    """In the dashboard, unless the command line says otherwise."""
    from clickstream.cli.diagnostics import guarded
    from clickstream.cli.parser import build, run

    def painted() -> int:
        args = build().parse_args(argv)
        if args.headless or args.json:
            return run(argv)
        from clickstream.actions.demo import DemoOptions
        from clickstream.config.settings import load_settings
        from clickstream.tui import run as dashboard

        return dashboard(load_settings, demo=DemoOptions(limit=args.limit, fresh=args.fresh))

    return guarded(painted)


def _dashboard(*, read_only: bool) -> int:
    from clickstream.cli.diagnostics import guarded

    def opened() -> int:
        from clickstream.config.settings import load_settings
        from clickstream.tui import run

        return run(load_settings, read_only=read_only)

    return guarded(opened)


def _serve(port: int, read_only: bool, announce: Callable[[str], None]) -> int:
    from clickstream.tui.serve import serve

    return serve(port, read_only=read_only, announce=announce)


if __name__ == "__main__":
    script()
