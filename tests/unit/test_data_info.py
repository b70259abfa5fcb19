"""What `data info` says of a file."""

from __future__ import annotations

from pathlib import Path

from clickstream.actions.data.info import describe

HEADER = "timestamp,visitorid,event,itemid,transactionid\n"


def test_a_file_is_described(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    body = [
        "1430622004384,1,view,10,",
        "1430622004384,2,view,10,",
        "1430622004384,1,view,10,",  # a repeat, not next to its first
        "1430622004385,1,addtocart,10,",
        "1430622004386,1,transaction,10,7",
        "1430622004386,1,transaction,10,8",  # another transaction id, the same identity
        *["broken"] * 12,
        "1430622004000,3,view,11,",
    ]
    path.write_text(HEADER + "\n".join(body))
    info = describe(path)
    assert (info.rows, info.bad_lines, len(info.first_bad_lines)) == (19, 12, 10)
    assert (info.visitors, info.items, info.duplicates) == (3, 2, 2)
    assert info.kinds == {"view": 4, "addtocart": 1, "transaction": 2}
    assert (info.first_event, info.last_event) == ("2015-05-03T03:00:04.000Z", "2015-05-03T03:00:04.386Z")
    assert not info.sorted
    assert info.bytes == path.stat().st_size
    assert info.first_bad_lines[0].line == 8


def test_a_file_without_events_is_described(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text(HEADER)
    info = describe(path)
    assert (info.rows, info.visitors, info.duplicates, info.first_event, info.sorted) == (0, 0, 0, None, True)
