"""Following several logs together."""

from __future__ import annotations

from pathlib import Path

from clickstream.actions import log_tail
from clickstream.actions.log_tail import tail_together
from clickstream.config.paths import Home


def test_last_lines_then_new_ones_through_a_rotation(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(log_tail, "POLL_SECONDS", 0)
    home = Home(tmp_path)
    home.logs.mkdir()
    log = home.logs / "a.log"
    log.write_text("".join(f"line {number}\n" for number in range(2000)))
    lines = tail_together(home, ["a", "b"], 3)
    assert next(lines) == [("a", f"line {number}") for number in (1997, 1998, 1999)]
    assert next(lines) == []
    with log.open("a") as file:
        file.write("whole\nhal")
    assert next(lines) == [("a", "whole")]
    with log.open("a") as file:
        file.write("f\n")
    (home.logs / "b.log").write_text("first\n")
    assert next(lines) == [("a", "half"), ("b", "first")]
    log.replace(home.logs / "a.log.1")
    assert next(lines) == []
    log.write_text("new file\n")
    assert next(lines) == [("a", "new file")]
