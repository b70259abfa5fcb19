"""Following several logs together."""

from __future__ import annotations

from pathlib import Path

from clickstream.actions.logs.lines import LogReader
from clickstream.config.paths import Home


def test_last_lines_then_new_ones_through_a_rotation(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.logs.mkdir()
    log = home.logs / "a.log"
    log.write_text("".join(f"line {number}\n" for number in range(2000)))
    reader = LogReader(home, last=3)

    def read() -> list[tuple[str, str]]:
        return [(line.process, line.text) for line in reader.read(["a", "b"])]

    assert read() == [("a", f"line {number}") for number in (1997, 1998, 1999)]
    assert read() == []
    with log.open("a") as file:
        file.write("whole\nhal")
    assert read() == [("a", "whole")]
    with log.open("a") as file:
        file.write("f\n")
    (home.logs / "b.log").write_text("\x1b[2Jfirst\n")
    assert read() == [("a", "half"), ("b", "\\x1b[2Jfirst")]
    log.replace(home.logs / "a.log.1")
    assert read() == []
    log.write_text("new file\n")
    assert read() == [("a", "new file")]
