"""The same file sent twice, against real servers: it is read again, nothing is stored again, and every face says so."""

from __future__ import annotations

import json

import pytest

from clickstream.actions.observe.watcher import Watcher
from clickstream.cli.main import run
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.events import BadLine
from clickstream.pipeline.events.csvfile.rejects import write_rejects
from tests.consuming import consumers, drain
from tests.feed import all_committed, check, send, shop
from tests.waiting import wait_until

EVENTS = shop(21, 300)


def test_what_is_sent_again_is_read_and_a_duplicate_and_not_stored(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    send(settings, EVENTS)
    drain(settings)
    write_rejects(settings.home.rejects, [BadLine(7, "it has 3 fields", b"1,2,3")])
    read = duplicates = 0.0
    sent = 0
    with Watcher(load_settings) as watcher, consumers(settings):
        for frame in watcher.frames():
            assert frame.stored_per_second in {None, 0.0}
            assert frame.outcome_totals is None or frame.outcome_totals.stored == 0
            read = max(read, frame.read_per_second or 0.0)
            duplicates = max(duplicates, frame.outcomes.duplicates if frame.outcomes else 0.0)
            if read and duplicates:
                break
            sent += send(settings, [*EVENTS, ("1", b"broken")])
        wait_until(lambda: all_committed(settings), "everything committed")

        def counts() -> dict[str, int | None]:
            assert run(["status", "--json"]) == 0
            found: dict[str, int | None] = json.loads(capsys.readouterr().out)["counts"]
            return found

        again = sent - sent // (len(EVENTS) + 1)
        wait_until(lambda: counts()["duplicates"] == again, "the consumer has reported all")
        found = counts()
        assert (found["events"], found["late"]) == (len(EVENTS), 0)
        assert (found["rejected_events"], found["rejected_lines"]) == (sent - again, 1)
        assert run(["status"]) == 0
        assert f"0 stored (0 late), {again:,} duplicates, {sent - again} rejected" in capsys.readouterr().out
        assert run(["metrics", "--once"]) == 0
        shown = capsys.readouterr().out
        assert 'outcome="duplicate"' in shown
        assert "clickstream_rejected_lines 1.0" in shown
    check(settings, EVENTS)
