"""Bad lines survive the rejects file byte by byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.domain.events import BadLine
from clickstream.pipeline.events.csvfile.rejects import read_rejects, write_rejects


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rejects")


@given(st.lists(st.builds(BadLine, line=st.integers(1), reason=st.text("abc ,'\"", min_size=1), text=st.binary())))
def test_what_was_written_is_read(folder: Path, bad: list[BadLine]) -> None:
    path = write_rejects(folder, bad)
    assert read_rejects(path) == bad
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(folder.iterdir()) == [path]
    path.unlink()


def test_a_very_long_line_survives(tmp_path: Path) -> None:
    bad = [BadLine(2, "5 fields expected, found 1", b"x" * 1_000_000)]
    assert read_rejects(write_rejects(tmp_path, bad)) == bad
