"""Reading the producer's file, and sorting it by time."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

from clickstream.pipeline.events.csvfile.reader import CsvEvents, read_events


def test_read_a_file_that_is_out_of_order(benchmark: BenchmarkFixture, csv: Path) -> None:
    found: CsvEvents = benchmark(read_events, csv)
    assert not found.in_order
    assert np.all(np.diff(found.columns.time_ms) >= 0)


def test_read_a_file_in_order(benchmark: BenchmarkFixture, csv: Path, tmp_path: Path) -> None:
    header, *lines = csv.read_bytes().splitlines(keepends=True)
    file = tmp_path / "sorted.csv"
    file.write_bytes(header + b"".join(sorted(lines, key=lambda line: int(line.partition(b",")[0]))))
    found: CsvEvents = benchmark(read_events, file)
    assert found.in_order


def test_read_a_compressed_file(benchmark: BenchmarkFixture, csv: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.csv.gz"
    file.write_bytes(gzip.compress(csv.read_bytes(), 1))
    found: CsvEvents = benchmark(read_events, file)
    assert found.rows == len(found.columns)
