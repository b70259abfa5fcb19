"""Folders with any name that a file system allows: the servers find their files in them, or they are refused in a
sentence before anything is written."""

from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clickstream.actions import stack
from clickstream.cli.main import run
from clickstream.config.paths import LONGEST_PATH, Home, fault_of
from clickstream.config.problems import SettingsError
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.processes import ProcessSpec
from clickstream.stack import accounts, java, wheels
from clickstream.stack.kafka import kafka_spec
from clickstream.stack.layout import KAFKA, OPENSEARCH, PORTS, POSTGRESQL, VALKEY, Layout, config_folder
from clickstream.stack.lockfile import read_lock
from clickstream.stack.opensearch import opensearch_spec
from clickstream.stack.places import refuse_unusable
from clickstream.stack.postgres import postgresql_spec
from clickstream.stack.valkey import valkey_spec

TELLING = " ,:;=#!%$`'\"\\/[]{}()*?+-~&|<>@é☃𝄞\u00a0"
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0") | st.sampled_from(TELLING), min_size=1).filter(
    lambda name: "/" not in name and name not in {".", ".."} and len(name.encode()) <= 255
)
"""Any one folder's name; those letters more often that mean something to somebody."""

ANY_NAMES = st.binary(min_size=1, max_size=200).map(lambda name: os.fsdecode(name.replace(b"/", b"").strip(b"\0")))
LAYOUT = Layout.fresh()
LAYOUT = Layout(**{**{name: getattr(LAYOUT, name) for name in LAYOUT.__slots__}, "ports": dict(
    zip([name for names in PORTS.values() for name in names], range(20_000, 20_100), strict=False)
)})  # fmt: skip


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made).resolve()


def specs(home: Home) -> dict[str, ProcessSpec]:
    """Those of all servers, their files written, as an ordinary user's."""
    home.make()
    config_folder(home).mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "is_root", lambda: False)
        made = (
            kafka_spec(home, LAYOUT, [Path("/cache/a.jar"), Path("/cache/org/b.jar")]),
            postgresql_spec(home, LAYOUT),
            valkey_spec(home, LAYOUT),
            opensearch_spec(home, LAYOUT, [Path("/cache") / jar.name for jar in read_lock("opensearch")]),
        )
    return {spec.name: spec for spec in made}


def written(home: Home) -> dict[str, str]:
    """All that the servers read, by its place in the home."""
    places = (config_folder(home), home.data / OPENSEARCH / "config")
    files = [file for place in places for file in place.iterdir() if file.is_file()]
    return {str(file.relative_to(home.root)): file.read_text() for file in files}


class Globbed(ctypes.Structure):
    _fields_ = (
        ("count", ctypes.c_size_t),
        ("paths", ctypes.POINTER(ctypes.c_char_p)),
        ("rest", ctypes.c_char * 512),
    )


def found_by_valkey(argument: str) -> list[str]:
    """What it reads its configuration from: the rule of its loadServerConfig, with the C library's own glob."""
    if not set("*?[") & set(argument):
        return [argument]
    found = Globbed()
    assert ctypes.CDLL(None).glob(os.fsencode(argument), 0, None, ctypes.byref(found)) == 0
    return [os.fsdecode(found.paths[number]) for number in range(found.count)]


@given(NAMES)
@example("josé, ünï")
@example("a[b]*?c\\")
def test_a_home_of_any_name_gives_the_servers_what_a_plain_one_does(name: str) -> None:
    with folder() as base:
        home, plain = Home(base / name), Home(base / "plain" / "home")
        if fault_of(home.root):
            return
        ours, theirs = specs(home), specs(plain)
        assert written(home) == written(plain), "no path stands in it"
        assert ours[KAFKA].cwd == str(home.root)
        assert ours[OPENSEARCH].cwd == str(home.data / OPENSEARCH)
        for server in (KAFKA, OPENSEARCH):
            assert ours[server].argv == theirs[server].argv
            assert (Path(str(ours[server].cwd)) / ours[server].argv[1].removeprefix("@")).is_file()
        assert found_by_valkey(ours[VALKEY].argv[1]) == [str(config_folder(home) / "valkey.conf")]
        assert ours[VALKEY].cwd == str(home.data / "valkey")
        assert ours[POSTGRESQL].argv[2] == str(home.data / "postgresql")
        assert ours[POSTGRESQL].argv[4] == f"config_file={config_folder(home) / 'postgresql.conf'}"


@given(NAMES)
@example("c:d")
def test_jars_are_found_wherever_they_lie(name: str) -> None:
    with folder() as base:
        jars = [base / name / "org" / "a" / "a.jar", base / name / "org" / "b c" / "b.jar"]
        for jar in jars:
            jar.parent.mkdir(parents=True)
            jar.touch()
        text = java.class_path(jars, base / "link", base)
        assert java.class_path(jars, base / "link", base) == text, "also a second time"
        assert [(base / entry).resolve() for entry in text.split(":")] == jars


@given(NAMES | ANY_NAMES)
@example("a\nb")
@example("a\udcffb")
@example("x" * 250 + "/" + "y" * 250 + "/" + "z" * 250 + "/" + "z" * 100)
def test_a_home_is_taken_as_it_is_or_refused_in_a_sentence_and_not_made(name: str) -> None:
    with folder() as base, pytest.MonkeyPatch.context() as patch:
        path = base / name
        if "\0" in name or path in {base, base.parent}:
            return
        patch.setenv("CLICKSTREAM_HOME", str(path))
        if fault := fault_of(path):
            with pytest.raises(SettingsError, match="CLICKSTREAM_HOME: the path of the home") as refused:
                Home.from_environment()
            assert fault in str(refused.value)
            assert str(refused.value).isprintable()
        else:
            assert Home.from_environment().root == path
            assert not any(letter < " " for letter in str(path))
            assert len(str(path).encode()) <= LONGEST_PATH
        assert list(base.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a\nb", "holds a control character"),
        ("a\udcffb", "not text in UTF-8"),
        ("/".join(["x" * 200] * 5), f"longer than {LONGEST_PATH} bytes"),
        ("~nobody-of-this-name/x", "a user who does not exist"),
    ],
)
def test_every_command_refuses_such_a_home_and_writes_nothing(
    name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLICKSTREAM_HOME", name if name.startswith("~") else str(tmp_path / "homes" / name))
    for command in ("stack up", "stack status", "stack down", "demo", "status", "consumer start", "data generate"):
        assert run(command.split()) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert words in said
    assert not (tmp_path / "homes").exists()


def test_a_link_to_a_folder_that_java_cannot_name_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "a\udcffb"
    target.mkdir()
    (tmp_path / "link").symlink_to(target)
    assert fault_of(tmp_path / "link" / "home") == "holds bytes that are not text in UTF-8"


@pytest.mark.parametrize(
    ("name", "words"), [("a!", "ends in !"), ("a\udcffb", "UTF-8"), ("😀", "emoji"), ("a\tb", "control character")]
)
def test_a_cache_that_java_cannot_load_from_is_refused_before_anything_is_written(
    name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))
    home = Home(tmp_path / "home")
    with pytest.raises(ClickstreamError, match=f"the path of the cache .*{words}.*XDG_CACHE_HOME"):
        stack.up(home)
    assert not home.root.exists()
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    ("package", "name", "words"),
    [
        (wheels.POSTGRESQL, 'a"b', "PostgreSQL's own tools"),
        (wheels.POSTGRESQL, "a$b", "PostgreSQL's own tools"),
        (wheels.POSTGRESQL, "a`b", "PostgreSQL's own tools"),
        (wheels.JAVA, "a:b", "Java takes for the end of a path"),
        (wheels.JAVA, "a\udcffb", "not text in UTF-8"),
    ],
)
def test_an_installation_that_cannot_run_is_refused(
    package: str, name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = wheels.folder
    monkeypatch.setattr(wheels, "folder", lambda which: tmp_path / name if which == package else real(which))
    with pytest.raises(ClickstreamError, match=words):
        stack.up(Home(tmp_path / "home"))
    assert not (tmp_path / "home").exists()


def test_what_opensearch_takes_for_a_setting_is_refused_where_it_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "a${b}")
    monkeypatch.setattr(accounts, "is_root", lambda: False)
    refuse_unusable(home, opensearch=False)
    with pytest.raises(ClickstreamError, match="OpenSearch takes for the name of a setting"):
        refuse_unusable(home, opensearch=True)
