"""How the generated file comes into its place: whole or not at all, plain or packed."""

from __future__ import annotations

import gzip
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from clickstream.actions.data.generate import BLOCK_ROWS, generate
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.pipeline.events.csvfile.reader import CsvEvents, read_events
from clickstream.pipeline.events.generator import RETAILROCKET

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SMALL = RETAILROCKET.scaled(0.001)


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".GZ", ".Zst"])
def test_a_packed_file_holds_the_same_text(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"events.csv{suffix}"
    generate(path, shape=SMALL)
    first = path.read_bytes()
    generate(path, shape=SMALL)
    assert path.read_bytes() == first
    assert len(first) < 60_000
    plain = generate(tmp_path / "events.csv", shape=SMALL).path
    unpack = gzip.decompress if suffix.lower() == ".gz" else zstd.decompress
    assert unpack(first) == plain.read_bytes()
    if suffix.lower() == ".gz":
        assert first[4:8] == bytes(4)  # the header's time


@pytest.mark.parametrize("limit", [1, 700, SMALL.rows - 1, SMALL.rows, SMALL.rows + 1])
def test_a_limited_file_holds_what_a_producer_with_that_limit_sends(tmp_path: Path, limit: int) -> None:
    whole = generate(tmp_path / "events.csv", shape=SMALL).path
    made = generate(tmp_path / "first.csv", shape=SMALL, limit=limit)
    assert made.rows == min(limit, SMALL.rows)
    sent, wanted = read_events(made.path), read_events(whole, limit=limit)
    assert sent.rows == made.rows
    assert list(rows_of(sent)) == list(rows_of(wanted))
    assert set(made.path.read_text().splitlines()) <= set(whole.read_text().splitlines())


def rows_of(events: CsvEvents) -> Iterator[tuple[int, ...]]:
    columns = events.columns
    lists = (columns.time_ms, columns.visitor_id, columns.kind, columns.item_id, columns.transaction_id)
    return zip(*(column.tolist() for column in lists), strict=True)


def test_events_of_one_millisecond_are_limited_by_their_order_in_the_file(tmp_path: Path) -> None:
    whole = read_events(generate(tmp_path / "events.csv", shape=SMALL).path)
    times = whole.columns.time_ms
    tied = int(np.flatnonzero(times[1:] == times[:-1])[0]) + 1  # a cut between two of one time
    first = read_events(generate(tmp_path / "first.csv", shape=SMALL, limit=tied).path)
    assert list(rows_of(first)) == list(rows_of(whole))[:tied]


def test_progress_counts_from_nothing_to_all(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    shape = RETAILROCKET.scaled(0.05)
    assert shape.rows > BLOCK_ROWS
    generate(tmp_path / "events.csv", shape=shape, progress=lambda done, total: calls.append((done, total)))
    assert calls[0] == (0, shape.rows)
    assert calls[-1] == (shape.rows, shape.rows)
    assert calls == sorted(set(calls))


def test_folders_are_made(tmp_path: Path) -> None:
    made = generate(tmp_path / "some" / "where" / "events.csv", shape=SMALL)
    assert made.path.is_file()


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Writes beyond `size` bytes into a file fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("name", ["events.csv", "events.csv.gz", "events.csv.zst"])
def test_a_full_disk_is_one_error_and_leaves_the_old_file(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / name).write_text("old")
    with file_size_limit(10_000), pytest.raises(ClickstreamError, match=f"cannot write .*{name}: file too large"):
        generate(folder / name, shape=SMALL)
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).read_text() == "old"


@pytest.mark.parametrize("name", ["events.csv", "events.csv.gz", "events.csv.zst"])
def test_an_interrupted_run_leaves_nothing(tmp_path: Path, name: str) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == total:
            raise KeyboardInterrupt

    folder = tmp_path / "data"
    with pytest.raises(KeyboardInterrupt):
        generate(folder / name, shape=SMALL, progress=interrupt)
    assert list(folder.iterdir()) == []


def test_what_a_killed_run_left_goes_and_what_another_run_writes_stays(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / f".events.csv.{ended.pid}.partial").touch()
    running = tmp_path / f".events.csv.{os.getppid()}.partial"
    running.touch()
    (tmp_path / ".events.csv.notes.partial").touch()
    generate(tmp_path / "events.csv", shape=SMALL)
    left = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert left == {"events.csv", running.name, ".events.csv.notes.partial"}


def test_a_place_where_no_file_can_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClickstreamError, match="it is not a file"):
        generate(tmp_path, shape=SMALL)
    (tmp_path / "plain").touch()
    with pytest.raises(ClickstreamError, match="cannot write"):
        generate(tmp_path / "plain" / "events.csv", shape=SMALL)


def test_a_negative_seed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="seed"):
        generate(tmp_path / "events.csv", seed=-1, shape=SMALL)
