"""ARCHITECTURE.md names files and classes that are there, and the glossary stays short."""

from __future__ import annotations

import re

from tests.hygiene.tree import ROOT, SOURCES

PACKAGE = ROOT / "src" / "clickstream"
PAGE = ROOT / "ARCHITECTURE.md"


def test_every_file_and_folder_on_the_page_exists() -> None:
    named = set(
        re.findall(r"`([a-z_]+(?:/[a-zA-Z_<>]+)*(?:\.py|\.sql|\.md|\.toml|/))`", PAGE.read_text(encoding="utf-8"))
    )
    assert len(named) > 20
    below = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*")}
    for name in named - {"cli/commands/<family>.py", "tui/screens/NAME.py", "services/postgres/sql/NNNN_name.sql"}:
        clean = name.rstrip("/")
        assert (ROOT / clean).exists() or any(path == clean or path.endswith(f"/{clean}") for path in below), name


def test_every_class_on_the_page_exists() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    for name, method in re.findall(r"`([A-Z][a-z]+[A-Za-z]*)(?:\.(_?[a-z_]+))?`", PAGE.read_text(encoding="utf-8")):
        assert f"class {name}" in text, name
        assert not method or f"def {method}(" in text, method


def test_the_glossary_gives_each_word_one_meaning() -> None:
    words = re.findall(r"(?m)^\| ([a-zA-Z ]+) \| ", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"))
    assert words[0] == "word"
    assert len(words) == len(set(words)) <= 32
