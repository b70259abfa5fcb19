"""The code and the documents are written in present-day English: the words of an older style are refused."""

from __future__ import annotations

import re
from pathlib import Path

from tests.hygiene.tree import ROOT, SOURCES, TESTS, shown

OLD = re.compile(
    r"\b(?:anew|whoever|(?<![\"~-])nobody|lest|for ever|none to be|mend(?:s|ed|ing)?"
    r"|(?<!there )(?:is|are|was|were) no (?!longer|more than))\b",
    re.IGNORECASE,
)
"""Not "there is no file", which is said so today."""

DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("deploy/**/*.md")]
NAME = re.compile(r"`[^`]*`")
"""Names of tests and commands are names."""


def test_no_line_has_a_word_of_the_older_style() -> None:
    found = [
        f"{shown(path)}:{number}: {line.strip()}"
        for path in [*SOURCES, *TESTS, *DOCUMENTS]
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if OLD.search(NAME.sub("", line) if path.suffix == ".md" else line.replace("_", " "))
    ]
    assert not found, f"{len(found)} lines:\n" + "\n".join(found)
