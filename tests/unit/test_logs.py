"""Log lines are whole, bounded and kept in a bounded number of files; an end is told in words."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.actions.logs import read as logs
from clickstream.config.paths import Home
from clickstream.supervision.exits import OUT_OF_MEMORY, exit_words, oom_kills, step_words
from clickstream.supervision.logs import CUT, LineSplitter, LogFile


def split(chunks: list[bytes], limit: int) -> list[bytes]:
    splitter = LineSplitter(limit)
    return [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.flush()


@given(st.lists(st.text("ab\n").map(str.encode)), st.integers(1, 8))
def test_lines_do_not_depend_on_how_the_stream_was_chunked(chunks: list[bytes], limit: int) -> None:
    whole = b"".join(chunks)
    lines = whole.split(b"\n")
    expected = [line if len(line) <= limit else line[:limit] + CUT for line in lines[:-1]]
    rest = lines[-1]
    expected += ([rest[:limit] + CUT] if len(rest) > limit else [rest]) if rest else []
    assert split(chunks, limit) == expected


def test_windows_line_ends_are_taken_off() -> None:
    assert split([b"a\r", b"\nb\r\n"], 10) == [b"a", b"b"]


def test_an_endless_line_takes_no_more_memory_than_the_limit() -> None:
    splitter = LineSplitter(10)
    assert splitter.feed(b"x" * 1000) == [b"x" * 10 + CUT]
    for _ in range(100):
        assert splitter.feed(b"x" * 1000) == []
    assert splitter.feed(b"\nnext\n") == [b"next"]


def test_logs_rotate_and_the_oldest_goes(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "a.log", max_bytes=30, keep=3)
    for number in range(12):
        log.write([f"line {number:03d}".encode()])  # 9 bytes with its end: three a file
    log.close()
    files = {path.name: path.read_text().split("\n")[0] for path in tmp_path.glob("a.*")}
    assert files == {"a.log": "line 009", "a.log.1": "line 006", "a.log.2": "line 003"}
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("a.*")} == {0o600}


def test_a_file_that_was_full_at_its_opening_is_rotated(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"x" * 30)
    log = LogFile(tmp_path / "a.log", max_bytes=30)
    log.write([b"new"])
    log.close()
    assert (tmp_path / "a.log").read_bytes() == b"new\n"
    assert (tmp_path / "a.log.1").read_bytes() == b"x" * 30


def test_what_cannot_be_written_is_still_remembered(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "nowhere" / "a.log")
    log.write([b"last words \xff"])
    log.note("not its own words")
    assert log.tail == ("last words \ufffd",)
    log.clear_tail()
    assert not log.tail


@pytest.mark.parametrize(
    ("code", "ours", "lines", "words"),
    [
        (1, "", ["Traceback", "ValueError: x", "    at y", ""], "exit code 1: ValueError: x"),
        (1, "", ["  only this"], "exit code 1: only this"),
        (0, "", [], "exit code 0"),
        (-9, "", ["x"], "killed by SIGKILL"),
        (-9, OUT_OF_MEMORY, ["x"], "killed by SIGKILL (out of memory)"),
        (1, "", ["\x1b]0;owned\x07 \u202etxt"], "exit code 1: \\x1b]0;owned\\x07 \\u202etxt"),
        (-9, "as asked", ["x"], "killed by SIGKILL (as asked)"),
        (-11, "", ["x"], "ended by SIGSEGV: x"),
        (-50, "", [], "ended by signal 50"),
    ],
)
def test_the_end_in_words(code: int, ours: str, lines: list[str], words: str) -> None:
    assert exit_words(code, ours, lines) == words


MISSING_CLASS = [
    'Exception in thread "main" java.lang.NoClassDefFoundError: joptsimple/OptionSpec',
    "\tat kafka.Kafka.main(Kafka.scala)",
    "Caused by: java.lang.ClassNotFoundException: joptsimple.OptionSpec",
    "\tat java.base/jdk.internal.loader.BuiltinClassLoader.loadClass(Unknown Source)",
    "\tat java.base/java.lang.ClassLoader.loadClass(Unknown Source)",
    "\t... 1 more",
]

NO_FILES = [
    "[2026-11-27T14:27:05,839] ERROR Error while loading log dir /data/kafka (LogDirFailureChannel)",
    "java.nio.file.FileSystemException: /data/kafka/__consumer_offsets-1: Too many open files",
    "\tat java.base/sun.nio.fs.UnixException.translateToIOException(Unknown Source)",
    *[f"\tat kafka.log.LogManager.$anonfun$loadLogs${n}(LogManager.scala:492)" for n in range(40)],
]

TWO_CAUSES = [
    "org.apache.kafka.common.KafkaException: Failed to start",
    "\tat org.apache.kafka.A.a(A.java:1)",
    "Caused by: java.lang.RuntimeException: not this one",
    "\tat org.apache.kafka.B.b(B.java:2)",
    "\tSuppressed: java.lang.Exception: nor this one",
    "\t\tat org.apache.kafka.C.c(C.java:3)",
    "Caused by: java.net.BindException: Address already in use",
    "\t... 12 more",
]

PYTHON = [
    "Traceback (most recent call last):",
    '  File "a.py", line 1, in <module>',
    "    int('x')",
    "ValueError: invalid literal",
    "",
    "During handling of the above exception, another exception occurred:",
    "",
    "Traceback (most recent call last):",
    '  File "a.py", line 3, in <module>',
    "    raise OSError(28)",
    "OSError: [Errno 28] No space left on device",
]

INITDB = [
    "creating configuration files ... ok",
    "running bootstrap script ... 2026-11-27 14:25:15.146 UTC [31354] FATAL:  no space left on device",
    "2026-11-27 14:25:15.146 UTC [31354] DETAIL:  It is full.",
    "child process exited with exit code 1",
    'initdb: removing data directory "/data.staging"',
]


def remembered(folder: Path, lines: list[str]) -> tuple[str, ...]:
    log = LogFile(folder / "a.log")
    log.write([line.encode() for line in lines])
    log.close()
    return log.tail


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            MISSING_CLASS,
            'Exception in thread "main" java.lang.NoClassDefFoundError: joptsimple/OptionSpec;'
            " caused by: java.lang.ClassNotFoundException: joptsimple.OptionSpec",
        ),
        (
            TWO_CAUSES,
            "org.apache.kafka.common.KafkaException: Failed to start;"
            " caused by: java.net.BindException: Address already in use",
        ),
        (PYTHON, PYTHON[-1]),
        (MISSING_CLASS[2:], "java.lang.ClassNotFoundException: joptsimple.OptionSpec"),
        (TWO_CAUSES[-1:], ""),
        ([INITDB[1], "2026-11-27 UTC [2] LOG:  database system is shut down"], INITDB[1]),
    ],
)
def test_of_a_stack_trace_the_exception_is_told(tmp_path: Path, lines: list[str], words: str) -> None:
    for told in (lines, remembered(tmp_path, lines)):
        assert exit_words(1, "", told) == (f"exit code 1: {words}" if words else "exit code 1")


def test_the_end_of_a_set_up_begins_with_what_went_wrong(tmp_path: Path) -> None:
    words = step_words(1, "", remembered(tmp_path, INITDB))
    assert words == " / ".join(["exit code 1", *INITDB[1:4]])
    assert step_words(1, "", PYTHON) == " / ".join(["exit code 1", PYTHON[5], PYTHON[7], PYTHON[-1]])
    assert step_words(-9, "as asked", []) == "killed by SIGKILL (as asked)"


def test_too_few_files_are_told_with_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = remembered(tmp_path, NO_FILES)
    monkeypatch.setattr("resource.getrlimit", lambda _: (1024, 4096))
    cure = "only 1,024 files may be open at once: `ulimit -n 10240` in the shell that starts it"
    assert exit_words(1, "", lines) == f"exit code 1: {NO_FILES[1]} ({cure})"
    assert step_words(1, "", lines).endswith(f"{NO_FILES[1]} / {cure}")
    assert exit_words(1, "", MISSING_CLASS).endswith("joptsimple.OptionSpec")
    monkeypatch.setattr("resource.getrlimit", lambda _: (20, 20))
    assert "OptionSpec (only 20 files may be open at once: `ulimit -n" in exit_words(1, "", MISSING_CLASS)
    assert exit_words(0, "", []) == "exit code 0"


def test_out_of_memory_is_counted_for_the_own_group_else_for_the_machine(tmp_path: Path) -> None:
    proc, cgroups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    assert oom_kills(proc, cgroups) is None
    (proc / "vmstat").write_text("pgfault 9\noom_kill 4\nzone 1\n")
    assert oom_kills(proc, cgroups) == 4
    (proc / "self" / "cgroup").write_text("0::/app/one\n")
    assert oom_kills(proc, cgroups) == 4
    (cgroups / "app" / "one").mkdir(parents=True)
    (cgroups / "app" / "one" / "memory.events").write_text("oom 3\noom_kill 2\noom_group_kill 0\n")
    assert oom_kills(proc, cgroups) == 2
    (proc / "self" / "cgroup").write_text("4:memory:/app/one\n0::/\n")
    assert oom_kills(proc, cgroups) == 4


STEERS = "\x1b[2J\x9b31mred\ttab \u202e"


def appended(log: Path) -> None:
    with log.open("a") as file:
        file.write(STEERS + "\n")


def test_a_log_line_steers_no_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, escaped = Home(tmp_path), "\\x1b[2J\\x9b31mred tab \\u202e"
    home.logs.mkdir()
    log = home.logs / "a.log"
    appended(log)
    assert logs.tail(home, ["a"], 5) == [("a", escaped)]
    monkeypatch.setattr(logs, "time", SimpleNamespace(sleep=lambda _: appended(log)))
    with closing(logs.follow(home, ["a"], 5)) as lines:
        assert [next(lines), next(lines)] == [("a", escaped)] * 2
