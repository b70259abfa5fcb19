"""CSV files as they are found: packed in any way, under any name, by any program; what is not ours is named."""

from __future__ import annotations

import gzip
import io
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.domain.errors import FileFault
from clickstream.pipeline.events.csvfile.reader import read_events, refuse_unreadable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

HEADER = b"timestamp,visitorid,event,itemid,transactionid\n"
BODY = (
    b"1433221332117,257597,view,355908,\n"
    b"1433224214164,992329,view,248676,\n"
    b"1433222276276,111016,transaction,318965,4000\n"
)
CHECKED = {zstd.CompressionParameter.checksum_flag: 1}

Rows = list[tuple[int, ...]]
Pack = Callable[[bytes], bytes]


def rows(path: Path) -> Rows:
    """What is read, once it was looked at."""
    refuse_unreadable(path)
    events = read_events(path).columns
    columns = (events.time_ms, events.visitor_id, events.kind, events.item_id, events.transaction_id)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def refusal(path: Path) -> str:
    with pytest.raises(FileFault) as read:
        read_events(path)
    with pytest.raises(FileFault) as looked:
        refuse_unreadable(path)
    assert str(looked.value) == str(read.value)
    return str(read.value)


def zipped(data: bytes, *, name: str = "events.csv", method: int = zipfile.ZIP_DEFLATED, **others: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr(name, data)
        for other, text in others.items():
            archive.writestr(other.replace("__", "."), text)
    return packed.getvalue()


def skippable(data: bytes) -> bytes:
    """As pzstd begins: with a frame to be skipped."""
    return b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" + zstd.compress(data)


def with_mac_extras(data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.mkdir("export")
        archive.writestr("export/events.csv", data)
        archive.writestr("__MACOSX/export/._events.csv", b"\0\5\x16\7")
    return packed.getvalue()


PACKED: dict[str, Pack] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "two gzips": lambda data: gzip.compress(data[:60]) + gzip.compress(data[60:]),
    "zstd": zstd.compress,
    "pzstd": skippable,
    "zip": zipped,
    "zip, stored": lambda data: zipped(data, method=zipfile.ZIP_STORED),
    "zip of a Mac": with_mac_extras,
    "zip, another name": lambda data: zipped(data, name="EVENTS.TXT"),
    "zip with a note": lambda data: zipped(data, name="Events.CSV", readme__md=b"made today"),
}
NAMES = ("events.csv", "EVENTS.CSV.GZ", "events.csv.zst", "events.csv.zip", "events.CSV.Gz", "events")
ENDS = {"Unix": b"\n", "Windows": b"\r\n", "old Mac": b"\r", "doubled": b"\r\r\n"}
NOTHING = [b"", b"nan", b"NaN", b"NULL", b"None", b"\\N", b"<NA>", b"null", b"N/A"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("csv")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED)
def test_the_content_tells_what_it_is_packed_in_and_the_name_does_not(tmp_path: Path, name: str, pack: Pack) -> None:
    plain, path = tmp_path / "plain.csv", tmp_path / name
    plain.write_bytes(HEADER + BODY)
    expected = rows(plain)
    path.write_bytes(pack(HEADER + BODY))
    assert rows(path) == expected
    assert len(expected) == 3


TIMES = st.one_of(st.integers(0, 100), st.integers(10**12, 4 * 10**12))
IDS = st.integers(0, 2**53)
EVENTS = st.one_of(
    st.tuples(TIMES, IDS, st.integers(0, 1), IDS, st.just(-1)),
    st.tuples(TIMES, IDS, st.just(2), IDS, st.one_of(st.just(-1), IDS)),
)
LABELS = (b"view", b"addtocart", b"transaction")


@st.composite
def dressed(draw: st.DrawFn, found: Rows) -> bytes:
    """A file of these events, as one program or another may write it."""
    floats = draw(st.lists(st.sampled_from([b"", b".0", b".", b".000"]), min_size=4, max_size=4))
    nothing, end = draw(st.sampled_from(NOTHING)), draw(st.sampled_from(list(ENDS.values())))
    lines = [draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + HEADER.strip()]
    for event in found:
        time_ms, visitor, item, last = (b"%d" % event[place] + floats[place - (place > 2)] for place in (0, 1, 3, 4))
        lines.append(b",".join([time_ms, visitor, LABELS[event[2]], item, nothing if event[4] < 0 else last]))
    pack = draw(st.sampled_from(list(PACKED.values())))
    return pack(end.join(lines) + end * draw(st.booleans()))


@given(data=st.data(), found=st.lists(EVENTS, min_size=1, max_size=20), name=st.sampled_from(NAMES))
def test_a_file_in_any_dress_holds_the_events_of_the_plain_one(
    folder: Path, data: st.DataObject, found: Rows, name: str
) -> None:
    path = folder / name
    path.write_bytes(data.draw(dressed(found)))
    assert rows(path) == sorted(found, key=lambda event: event[0])


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_bad_lines_keep_their_numbers_at_any_line_end(tmp_path: Path, end: bytes) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes((HEADER + b"broken\n" + BODY + b"worse\n").replace(b"\n", end))
    found = read_events(path)
    assert [(line.line, line.text.strip()) for line in found.bad] == [(2, b"broken"), (6, b"worse")]


def test_many_blocks_of_an_old_mac_s_file_are_read(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(HEADER.replace(b"\n", b"\r") + b"".join(b"%d,1,view,1,\r" % number for number in range(5000)))
    assert len(read_events(path, block=100).columns) == 5000


def test_a_missing_file_is_named_with_the_cure(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.csv"
    assert refusal(path) == f"{path} does not exist (make it with: clickstream data generate)"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFault, match="cannot be read: Is a directory"):
        read_events(tmp_path)
    with pytest.raises(FileFault, match="is not a file"):
        refuse_unreadable(tmp_path)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "it is empty"),
        (b"\xef\xbb\xbf", "it is empty"),
        (b"\n" + HEADER, "it begins with ''"),
        (b"1,2,view,3,\n", "it begins with '1,2,view,3,', where column 1 is '1', not timestamp"),
        (b"time,visitor,event,item,transaction\n", "it begins with 'time,visitor,event,item,transaction'"),
        (HEADER.strip() + b",ip\n1,2,view,3,,1.2.3.4\n", "where column 6 is 'ip', one too many"),
        (HEADER.replace(b"transactionid", b"transaction_id"), "where column 5 is 'transaction_id', not transactionid"),
        (HEADER.replace(b",transactionid", b""), "where column 5, transactionid, is missing"),
        (b"," + HEADER, "where column 1 is '', not timestamp"),
        (HEADER.replace(b",", b";"), "which is separated by ';'"),
        (HEADER.replace(b",", b"\t"), r"which is separated by '\t'"),
        (b'"timestamp"' + HEADER[9:], "where column 1 is '\"timestamp\"', not timestamp"),
        (HEADER.strip() + b" \n", "where column 5 is 'transactionid ', not transactionid"),
    ],
)
def test_another_header_is_shown_where_it_differs(tmp_path: Path, data: bytes, found: str) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(data)
    message = refusal(path)
    assert "does not begin with the header timestamp,visitorid,event,itemid,transactionid: " in message
    assert found in message


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("encoding", ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zipped])
def test_another_encoding_is_named_with_the_cure(tmp_path: Path, mark: str, encoding: str, pack: Pack) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(pack((mark + (HEADER + BODY).decode()).encode(encoding)))
    assert refusal(path) == (
        f"{path} is encoded as {encoding}, not as UTF-8 (convert it: iconv -f {encoding} -t UTF-8 IN.csv > OUT.csv)"
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"BZh91AY&SY", "holds bzip2 data, not CSV"),
        (b"\xfd7zXZ\0\0\4", "holds xz data"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "holds 7-Zip data"),
        (b"PAR1\x15\4", "holds Parquet data"),
        (b"events.csv".ljust(257, b"\0") + b"ustar\x0000", "holds tar data"),
        (gzip.compress(b"events.csv".ljust(257, b"\0") + b"ustar\x0000"), "holds tar data"),
        (zipped(gzip.compress(HEADER)), "holds gzip data"),
        (b"\x7fELF\2\1\1\0\0", "holds binary data, not CSV"),
        (b"\0" * 9000, "holds binary data, not CSV"),
        (zipped(HEADER, other__csv=HEADER), "must hold one CSV file and holds 2 files: events.csv, other.csv"),
        (
            zipped(HEADER, **{f"{n}__csv": b"" for n in range(9)}),
            "10 files: events.csv, 0.csv, 1.csv, 2.csv, 3.csv, ...",
        ),
        (zipped(b"", name="a.txt", b__txt=b""), "2 files: a.txt, b.txt"),
        (zipped(b"", name="xl/workbook.xml", c__xml=b""), "is an Excel workbook, not a CSV file"),
        (b"PK\5\6" + bytes(18), "holds no file"),
        (
            zipped(HEADER).replace(b"events.csv", b"\0vents.csv"),
            "is a zip file that is cut or damaged",
        ),  # no name is left
        (zipped(HEADER, method=zipfile.ZIP_BZIP2), "packed by method 12, which is not read"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # archives hold the time: names would differ by process
)
def test_what_is_not_csv_is_named(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(data)
    assert words in refusal(path)


def test_a_zip_with_a_password_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.zip"
    packed = bytearray(zipped(HEADER + BODY))
    packed[6] |= 1  # the flags, in the file's own header and in the directory
    packed[packed.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(packed)
    assert "is a zip file with a password" in refusal(path)


@pytest.mark.parametrize("kind", ["gzip", "Zstandard", "zip"])
@pytest.mark.parametrize("damage", ["cut", "bent", "followed by noise"])
def test_a_damaged_archive_is_refused(tmp_path: Path, kind: str, damage: str) -> None:
    path = tmp_path / "events.csv"
    plain = HEADER + b"".join(b"%d,%d,view,%d,\n" % (i * i, i * 7919 % 1000, i) for i in range(50_000))
    pack = {"gzip": gzip.compress, "Zstandard": lambda data: zstd.compress(data, options=CHECKED), "zip": zipped}[kind]
    packed = pack(plain)
    middle = len(packed) // 2
    bent = packed[:middle] + bytes([packed[middle] ^ 0xFF]) + packed[middle + 1 :]
    path.write_bytes({"cut": packed[:-100], "bent": bent, "followed by noise": packed + b"n" * 70_000}[damage])
    assert f"{path} is a {kind} file that is cut or damaged" in refusal(path)


@given(data=st.data(), pack=st.sampled_from([gzip.compress, zstd.compress, zipped, with_mac_extras, skippable]))
def test_damage_never_ends_in_anything_but_a_sentence(folder: Path, data: st.DataObject, pack: Pack) -> None:
    packed = bytearray(pack(HEADER + BODY))
    for place in data.draw(st.lists(st.integers(0, len(packed) - 1), max_size=4)):
        packed[place] = data.draw(st.integers(0, 255))
    path = folder / "damaged"
    path.write_bytes(packed[: data.draw(st.integers(0, len(packed)))])
    with suppress(FileFault):
        read_events(path)
