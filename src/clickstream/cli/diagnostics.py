"""Exit codes, and the one place that turns an error into a line on stderr; a traceback only on request."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable
from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell is told."""

    DONE = 0
    FAILED = 1
    WRONG_USE = 2
    """A wrong command line or a wrong setting."""
    INTERRUPTED = 130


def guarded(command: Callable[[], int]) -> int:
    """Run a command; the exit code. Set CLICKSTREAM_DEBUG=1 to see where an error comes from."""
    try:
        code = _exit_code(command)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has what it wanted. What is left in the buffer must not fail at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Exception as error:
        if os.environ.get("CLICKSTREAM_DEBUG") == "1":
            print_message(traceback.format_exc().rstrip())
        return _explain(error)
    return code


def _exit_code(command: Callable[[], int]) -> int:
    try:
        return command()
    except SystemExit as error:  # argparse: help and version (0), wrong use (2)
        return error.code if isinstance(error.code, int) else ExitCode.FAILED


def print_message(words: str) -> None:
    """Words for people, on stderr; no character of them steers the terminal, and lines fit it."""
    from clickstream.domain.escapes import escape_controls

    text = escape_controls(words, lines=True)
    print(_fitted(text) if sys.stderr.isatty() else text, file=sys.stderr)  # noqa: T201


def _fitted(text: str) -> str:
    """Lines that break between words, but for indented ones, which are commands to copy or a traceback."""
    from rich.console import Console

    from clickstream.cli.fitting import wrapped

    width = Console(stderr=True).width
    lines = ([line] if line.startswith(" ") else wrapped(line, width) for line in text.split("\n"))
    return "\n".join(line for group in lines for line in group)


def _explain(error: Exception) -> int:
    from clickstream.config.problems import SettingsError
    from clickstream.domain.errors import ClickstreamError, Interrupted, UsageError

    if isinstance(error, Interrupted):
        return ExitCode.INTERRUPTED
    if isinstance(error, SettingsError):
        for line in str(error).splitlines():
            print_message(f"clickstream: {line}")
        return ExitCode.WRONG_USE
    if isinstance(error, ClickstreamError):
        print_message(f"clickstream: {_why_silent(error) or error}")
        return ExitCode.WRONG_USE if isinstance(error, UsageError) else ExitCode.FAILED
    if isinstance(error, OSError):
        what = error.strerror or str(error)
        hint = "; free some space" if error.errno == errno.ENOSPC else ""
        where = f"{error.filename}: " if error.filename else ""
        print_message(f"clickstream: {where}{what}{hint}")
        return ExitCode.FAILED
    print_message(f"clickstream: internal error: {type(error).__name__}: {error} (CLICKSTREAM_DEBUG=1 shows where)")
    return ExitCode.FAILED


def _why_silent(error: Exception) -> str:
    """A better explanation than the driver's where a server is silent because it was not started; else empty."""
    from clickstream.config.problems import SettingsError
    from clickstream.domain.errors import ServiceUnavailable

    if not isinstance(error, ServiceUnavailable):
        return ""
    from clickstream.actions.servers import STACK_UP, stack_is_down
    from clickstream.config.settings import load_settings

    try:
        down = stack_is_down(load_settings())
    except SettingsError:
        return ""
    return f"{error.service} does not answer: the embedded stack is not running ({STACK_UP})" if down else ""
