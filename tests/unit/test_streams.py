"""Standard streams that are closed, or that cannot take every character, make no command fail."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from clickstream.domain.streams import _plain

COMMAND = (sys.executable, "-P", "-m", "clickstream")


def run(line: str, *, closed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    words = f"exec {' '.join(COMMAND)} {line} {closed}"
    return subprocess.run(
        ["/bin/sh", "-c", words], capture_output=True, text=True, env=os.environ | environment, check=False, timeout=60
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_no_exit_code(closed: str) -> None:
    for line, code in (("status --json", 0), ("config show", 0), ("lag", 1), ("lag --nonsense", 2)):
        done = run(line, closed=closed)
        assert done.returncode == code
        assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "iso8859-15", "utf-8"])
def test_what_a_stream_cannot_take_is_written_plainly(encoding: str) -> None:
    done = subprocess.run(
        [*COMMAND, "--help"],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": encoding},
        check=False,
        timeout=60,
    )
    assert done.returncode == 0
    assert done.stdout.decode(encoding)
    script = (
        "import sys; from clickstream.domain import streams; streams.prepare();"
        " print('─●…é購'); print('✖', file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, env=os.environ | {"PYTHONIOENCODING": encoding}, check=True
    )
    shown = done.stdout.decode(encoding).strip()
    assert shown == {"utf-8": "─●…é購", "ascii": "-*...e\\u8cfc"}.get(encoding, "-*...é\\u8cfc")
    assert done.stderr.decode(encoding).strip() == ("✖" if encoding == "utf-8" else "x")


def test_every_character_that_is_drawn_has_a_plain_one() -> None:
    assert all(_plain(letter).isascii() and not _plain(letter).startswith("\\") for letter in "─│╭╮╰╯●▲◌✖→↑↓…–█▁▂▃▄▅▆▇")
