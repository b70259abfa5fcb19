"""A file whose times are not milliseconds is refused; one of odd milliseconds is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from clickstream.domain.errors import FileFault
from clickstream.domain.events import MAX_TIMESTAMP_MS
from clickstream.pipeline.events.csvfile.reader import LOOK_BYTES, read_events, refuse_unreadable

HEADER = "timestamp,visitorid,event,itemid,transactionid\n"
MS = 1_433_221_332_117


def written(path: Path, *times: object) -> Path:
    path.write_text(HEADER + "".join(f"{time},{visitor},view,1,\n" for visitor, time in enumerate(times)))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.csv"


def refusal(path: Path) -> str:
    with pytest.raises(FileFault) as read:
        read_events(path)
    with pytest.raises(FileFault) as looked:
        refuse_unreadable(path)
    assert str(looked.value) == str(read.value)
    return str(read.value)


def test_the_sentence_names_the_unit_an_example_and_the_cure(path: Path) -> None:
    assert refusal(written(path, 1_433_221_332, 1_433_224_214)) == (
        f"the times in {path} look like seconds, and must be milliseconds since 1970:"
        " 1433221332 would be in the year 1970, not on 2015-06-02 (multiply the column by 1,000)"
    )


@pytest.mark.parametrize(
    ("times", "unit"),
    [
        ([MS // 1000], "seconds"),
        ([f"{MS // 1000}.0", f"{MS // 1000 + 1}.0"], "seconds"),
        ([f"{MS // 1000}.117", f"{MS // 1000 + 1}.23"], "seconds"),  # Python's time.time()
        ([MS // 1000, MS // 1000 + 1, 0], "seconds"),
        ([MS // 1000] * 3 + [MS, "x"], "seconds"),
        ([MS * 1000, MS * 1000 + 1], "microseconds"),
        ([f"{MS * 1000}.0"], "microseconds"),
        ([MS * 1_000_000, MS * 1_000_000 + 1], "nanoseconds"),
        ([MS * 1_000_000, MS * 1_000_000, 5], "nanoseconds"),
    ],
)
def test_times_in_another_unit_are_refused(path: Path, times: list[object], unit: str) -> None:
    assert f"look like {unit}, and must be milliseconds" in refusal(written(path, *times))


@pytest.mark.parametrize(
    "times",
    [
        [MS],
        [0],
        [1, 2, 3],
        [86_400_000, 2 * 86_400_000],  # days of January 1970
        [MS, MS // 1000],  # one half: a clock that was never set
        [MS, MS, 0, 1_000_000_000, 2_000_000_000],
        [MS, MS * 1000],
        [MS, 4_102_444_800_000, 32_503_680_000_000],  # the years 2100 and 3000
        [MAX_TIMESTAMP_MS],
        [631_152_000_000, 0],  # 1990
    ],
)
def test_odd_files_of_milliseconds_are_read(path: Path, times: list[int]) -> None:
    written(path, *times)
    refuse_unreadable(path)
    assert read_events(path).columns.time_ms.tolist() == sorted(times)


def test_bad_lines_do_not_outvote_the_good_ones(path: Path) -> None:
    written(path, MS, *["yesterday"] * 50, *[f"{MS // 1000}.5"])
    assert len(read_events(path).bad) == 51


def test_the_whole_file_decides_where_its_beginning_is_odd(path: Path) -> None:
    """Sorted by time, with a thousand events of devices whose clocks were never set."""
    odd, ordinary = LOOK_BYTES // 20, LOOK_BYTES // 10
    written(path, *range(1_000_000_000, 1_000_000_000 + odd), *range(MS, MS + ordinary))
    assert path.stat().st_size > 2 * LOOK_BYTES
    refuse_unreadable(path)
    assert len(read_events(path).columns) == odd + ordinary
    written(path, *["x"] * odd * 6, MS)
    refuse_unreadable(path)
    assert read_events(path).bad[0].line == 2
