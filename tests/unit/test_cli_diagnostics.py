"""What the shell and the user are told when something goes wrong."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from typing import NoReturn

import pytest

from clickstream.cli.diagnostics import ExitCode, guarded
from clickstream.config.problems import SettingsError
from clickstream.domain.errors import ClickstreamError, Interrupted, ServiceRefused, ServiceUnavailable, UsageError


def raising(error: BaseException) -> Callable[[], int]:
    def command() -> NoReturn:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (ClickstreamError("it broke", hint="fix it"), 1, "clickstream: it broke (fix it)\n"),
        (ServiceRefused("no"), 1, "clickstream: no\n"),
        (UsageError("not so"), 2, "clickstream: not so\n"),
        (SettingsError("PG_PORT=x: bad\nPG_HOST: bad"), 2, "clickstream: PG_PORT=x: bad\nclickstream: PG_HOST: bad\n"),
        (OSError(errno.ENOSPC, "No space", "/x"), 1, "clickstream: /x: No space; free some space\n"),
        (KeyboardInterrupt(), 130, ""),
        (Interrupted("stop"), 130, ""),
        (SystemExit(2), 2, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)  # fmt: skip
def test_every_end_has_its_code_and_at_most_a_line(
    error: BaseException, code: int, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert guarded(raising(error)) == code
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("", words)


def test_a_fault_of_ours_is_a_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(raising(RuntimeError("odd"))) == ExitCode.FAILED
    shown = capsys.readouterr().err
    assert shown == "clickstream: internal error: RuntimeError: odd (CLICKSTREAM_DEBUG=1 shows where)\n"


def test_a_traceback_comes_when_asked_for(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLICKSTREAM_DEBUG", "1")
    guarded(raising(ClickstreamError("it broke")))
    assert "Traceback" in capsys.readouterr().err


def test_what_a_command_returns_is_the_code() -> None:
    assert guarded(lambda: ExitCode.FAILED) == 1


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_is_not_an_error(unbuffered: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    code = "from clickstream.cli.main import run; import sys; sys.exit(run(['--help']))"
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=pipe, stderr=subprocess.PIPE, timeout=60, check=False
        )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_wrong_setting_is_refused_by_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from clickstream.cli.main import run

    monkeypatch.setenv("CONSUMER_BATCH_SIZE", "many")
    assert run(["status"]) == ExitCode.WRONG_USE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "CONSUMER_BATCH_SIZE=many" in shown.err


def test_a_silent_server_is_explained_by_the_stack_that_is_down(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = raising(ServiceUnavailable("Kafka", "gone"))
    assert guarded(silent) == ExitCode.FAILED
    assert "the embedded stack is not running (`clickstream stack up` starts it)" in capsys.readouterr().err
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "PG_HOST", "VALKEY_HOST"):
        monkeypatch.setenv(name, "elsewhere:1")
    guarded(silent)
    assert capsys.readouterr().err == "clickstream: Kafka does not answer: gone\n"
