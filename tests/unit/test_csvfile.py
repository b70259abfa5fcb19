"""Reading CSV files: every line is an event or a bad line with a reason, whatever the blocks and the compression."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.domain.errors import FileFault, Interrupted
from clickstream.domain.events import KINDS, MAX_ID, MAX_TIMESTAMP_MS, EventColumns
from clickstream.pipeline.events.csvfile.reader import parse_line, read_events, refuse_unreadable

HEADER = b"timestamp,visitorid,event,itemid,transactionid\n"

Row = tuple[int, int, str, int, int | None]


def rows(columns: EventColumns) -> list[Row]:
    return [
        (time_ms, visitor, KINDS[kind], item, None if transaction < 0 else transaction)
        for time_ms, visitor, kind, item, transaction in zip(
            columns.time_ms.tolist(),
            columns.visitor_id.tolist(),
            columns.kind.tolist(),
            columns.item_id.tolist(),
            columns.transaction_id.tolist(),
            strict=True,
        )
    ]


N = rb"([0-9]+(?:\.0*)?)"
NOTHING = rb"(?:(?i:-?nan|null|none|#?n/a|na|<na>|nat|\\n)|)"
GRAMMAR = re.compile(b"%b,%b,(?:(view|addtocart),%b,%b|(transaction),%b,(?:%b|%b))" % (N, N, N, NOTHING, N, N, NOTHING))


def whole(text: bytes, largest: int) -> int | None:
    digits, point, _ = text.partition(b".")
    number = int(digits)
    return number if number <= (min(largest, 2**53) if point else largest) else None


def oracle(data: bytes) -> tuple[list[Row], list[tuple[int, bytes]]]:
    """Events in order of time, and bad lines with their numbers, by a regular expression and Python's numbers."""
    good: list[Row] = []
    bad: list[tuple[int, bytes]] = []
    for number, text in enumerate(data.split(b"\n"), start=2):
        line = text.removesuffix(b"\r")
        if not line.strip():
            continue
        match = GRAMMAR.fullmatch(line.rstrip(b"\r"))
        if match:
            time_ms, visitor = whole(match[1], MAX_TIMESTAMP_MS), whole(match[2], MAX_ID)
            item, transaction = whole(match[4] or match[6], MAX_ID), whole(match[7], MAX_ID) if match[7] else -1
            if time_ms is not None and visitor is not None and item is not None and transaction is not None:
                kind = (match[3] or match[5]).decode()
                good.append((time_ms, visitor, kind, item, None if transaction < 0 else transaction))
                continue
        bad.append((number, line))
    return sorted(good, key=lambda row: row[0]), bad


edges = st.sampled_from([0, 9, 10**8 - 1, 10**8, 10**16, 10**18 - 1, 10**18, MAX_ID, MAX_ID + 1, 10**30, -1])
ids = st.one_of(st.integers(0, 10**7), edges).map(lambda number: str(number).encode())
times = st.one_of(
    st.integers(1_430_000_000_000, 1_430_000_000_100),
    st.sampled_from([0, MAX_TIMESTAMP_MS, MAX_TIMESTAMP_MS + 1, 10**17, 10**20]),
).map(lambda number: str(number).encode())
junk = st.one_of(
    st.sampled_from([b"1.0", b"1.", b"4000.00", b"1.5", b".0", b"-1.0", b"9007199254740992.0", b"9007199254740993.0"]),
    st.sampled_from([b"nan", b"NaN", b"NULL", b"None", b"\\N", b"<NA>", b"-nan", b"nan\0", b"nano", b"1e3", b"nan\r"]),
    st.sampled_from([b"", b" 1", b"+1", b"0007", b"1e3", b"0x1", b'"1"', b"\0", b"1\x002", "\u0663".encode()]),
    st.sampled_from([b"view", b"View", b"viewx", b"buy", b"addtocarT", b"transactiom", b"xransaction", b"\xff\xfe"]),
    st.binary(max_size=12).map(lambda text: text.replace(b"\n", b"")),
)
kinds = st.sampled_from([kind.encode() for kind in KINDS])


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    kind = draw(kinds)
    transaction = draw(st.one_of(st.just(b""), ids)) if kind == b"transaction" else b""
    fields = [draw(times), draw(ids), kind, draw(ids), transaction]
    if draw(st.booleans()):  # as pandas writes columns with a gap
        fields = [field + b".0" * (field not in {kind, b""}) or b"nan" for field in fields]
    damage = draw(st.sampled_from(["", "", "", "", "field", "drop", "add", "blank"]))
    place = draw(st.integers(0, 4))
    if damage == "field":
        fields[place] = draw(junk)
    elif damage == "drop":
        del fields[place]
    elif damage == "add":
        fields.insert(place, draw(junk))
    elif damage == "blank":
        return draw(st.sampled_from([b"", b" ", b"\t"]))
    return b",".join(fields) + draw(st.sampled_from([b"", b"", b"\r"]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("csv")


@given(body=st.lists(lines(), max_size=30).map(b"\n".join), closed=st.booleans(), block=st.integers(1, 200))
def test_agrees_with_the_oracle(folder: Path, body: bytes, closed: bool, block: int) -> None:
    data = body + b"\n" * closed
    path = folder / "events.csv"
    path.write_bytes(HEADER + data)
    good, bad = oracle(data)
    if bad and not good:
        message = refusal(path)
        assert "holds no event" in message or "must be milliseconds" in message
        return
    found = read_events(path, block=block)
    assert rows(found.columns) == good
    assert [(line.line, line.text) for line in found.bad] == bad
    assert found.rows == len(good) + len(bad)
    assert all(line.reason for line in found.bad)


@pytest.mark.parametrize(
    "line",
    [b"1430622004384,1407579,view,235061,", b"1430622004384,1,addtocart,2,", b"14306,123456789012,transaction,7,17"],
)
def test_agrees_with_the_oracle_on_every_change_of_one_byte(tmp_path: Path, line: bytes) -> None:
    changed = [
        line[:place] + bytes([byte]) + line[place + 1 :]
        for place in range(len(line))
        for byte in range(256)
        if byte != 10
    ]
    data = b"\n".join(changed)
    path = tmp_path / "events.csv"
    path.write_bytes(HEADER + data)
    found = read_events(path)
    good, bad = oracle(data)
    assert rows(found.columns) == good
    assert [(line.line, line.text) for line in found.bad] == bad


def test_a_transaction_id_belongs_to_transactions_only(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(HEADER + b"1,2,view,3,4\n1,2,addtocart,3,4\n1,2,transaction,3,4\n1,2,view,3,xnan\n")
    found = read_events(path)
    assert rows(found.columns) == [(1, 2, "transaction", 3, 4)]
    assert [line.line for line in found.bad] == [2, 3, 5]


def test_events_of_one_millisecond_keep_the_order_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(HEADER + b"".join(b"%d,%d,view,1,\n" % (9 - n // 1000, n) for n in range(10_000)))
    columns = read_events(path).columns
    assert columns.visitor_id.tolist() == sorted(range(10_000), key=lambda n: -(n // 1000))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1,2,view,3", "5 fields expected, found 4"),
        (b"1,2,view,3,,", "5 fields expected, found 6"),
        (b"abc,2,view,3,", "timestamp is not a whole number: 'abc'"),
        (b"1.5,2,view,3,", "timestamp is not a whole number: '1.5'"),
        (b"1.433e12,2,view,3,", "timestamp has an exponent, and may have lost digits: '1.433e12'"),
        (b"1,1E+16,view,3,", "visitorid has an exponent, and may have lost digits: '1E+16'"),
        (b"1,2,view,-3.0,", "itemid is negative: '-3.0'"),
        (b"1,nan,view,3,", "visitorid is not a whole number: 'nan'"),
        (b"1,2,transaction,3,4000.5", "transactionid is not a whole number: '4000.5'"),
        (
            b"1,2,transaction,3,9007199254740994.0",
            "transactionid is a float above 9007199254740992, and may have lost digits: '9007199254740994.0'",
        ),
        (b"-1,2,view,3,", "timestamp is negative: '-1'"),
        (b"1,,view,3,", "visitorid is empty"),
        (b"1,2,buy,3,", "event must be view, addtocart or transaction, not 'buy'"),
        (b"1,2,,3,", "event must be view, addtocart or transaction, not ''"),
        (b"1,2,view,9223372036854775808,", "itemid is larger than 9223372036854775807: '9223372036854775808'"),
        (b"1,2,view,3,4", "transactionid '4' given, although event is view"),
        (b"1,2,transaction,3,x", "transactionid is not a whole number: 'x'"),
        (b'1,2,"view",3,', "quoted fields are not supported"),
        (b"1,2,view,3\x00,", r"itemid is not a whole number: '3\x00'"),
        (b"1,2,\xff,3,", "event must be view, addtocart or transaction, not '\ufffd'"),
        (b"9" * 5000 + b",2,view,3,", f"timestamp is larger than {MAX_TIMESTAMP_MS}: '{'9' * 40}'..."),
    ],
)
def test_says_what_is_wrong(line: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        parse_line(line)


def test_a_transaction_without_an_id_is_an_event(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(HEADER + b"1,2,transaction,3,\n")
    assert rows(read_events(path).columns) == [(1, 2, "transaction", 3, None)]


BODY = b"30,1,view,3,\n10,2,transaction,4,5\nbroken\n20,1,addtocart,3,\n10,1,view,9,\n"
SORTED: list[Row] = [
    (10, 2, "transaction", 4, 5),
    (10, 1, "view", 9, None),
    (20, 1, "addtocart", 3, None),
    (30, 1, "view", 3, None),
]


def test_a_limit_keeps_the_first_by_time_and_all_bad_lines(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(HEADER + BODY)
    found = read_events(path, limit=2)
    assert rows(found.columns) == SORTED[:2]
    assert (found.rows, len(found.bad)) == (5, 1)


def test_a_file_with_only_a_header_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(HEADER)
    found = read_events(path)
    assert (len(found.columns), found.bad, found.rows, found.in_order) == (0, [], 0, True)
    with pytest.raises(FileFault, match="holds the header and no event"):
        refuse_unreadable(path)


def test_a_very_long_line_is_one_bad_line(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    long = b"1," * 100_000
    path.write_bytes(HEADER + b"1,2,view,3,\n" + long + b"\n2,2,view,3,\n")
    found = read_events(path, block=1000)
    assert len(found.columns) == 2
    assert [(line.line, line.text) for line in found.bad] == [(3, long)]


def refusal(path: Path) -> str:
    with pytest.raises(FileFault) as refused:
        read_events(path)
    return str(refused.value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"broken\n", "its one line is bad; line 2: 5 fields expected, found 1"),
        (b"\n1,1,buy,1,\nx\n", "all 2 lines are bad; line 3: event must be view, addtocart or transaction, not 'buy'"),
    ],
)
def test_a_file_of_bad_lines_only_is_refused_with_the_first_reason(tmp_path: Path, body: bytes, words: str) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(HEADER + body)
    assert refusal(path) == f"{path} holds no event: {words}"
    with pytest.raises(FileFault, match=re.escape(words)):
        refuse_unreadable(path)


def test_reading_can_be_stopped(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(HEADER + BODY)
    with pytest.raises(Interrupted):
        read_events(path, cancelled=lambda: True)


def test_well_formed_lines_are_never_taken_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.csv"
    floats = b"40.0,1.0,view,3.0,nan\n40.0,1.0,transaction,3.0,%d.0\n1,2,view,3,NaN\n1,2,view,3,NULL\n" % (10**15 - 1)
    path.write_bytes(HEADER + BODY.replace(b"broken\n", floats) + b"%d,0,addtocart,%d,\r\n" % (10**12, 10**18 - 1))

    def never(line: bytes) -> None:
        raise AssertionError(line)

    monkeypatch.setattr("clickstream.pipeline.events.csvfile.reader.parse_line", never)
    assert len(read_events(path).columns) == 9
