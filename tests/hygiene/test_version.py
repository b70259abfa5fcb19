"""The changelog and the package agree on the version."""

from __future__ import annotations

import re

import clickstream
from tests.hygiene.tree import ROOT

HEADING = re.compile(r"^## \[(\d+\.\d+\.\d+)\] - (?:\d{4}-\d{2}-\d{2}|not released yet)$", re.MULTILINE)


def test_the_changelogs_newest_version_is_the_packages() -> None:
    versions = HEADING.findall((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert versions, "CHANGELOG.md: no heading such as '## [1.2.3] - 2025-01-31'"
    assert versions[0] == clickstream.__version__, (
        f"CHANGELOG.md's newest version is {versions[0]}, src/clickstream/__init__.py says {clickstream.__version__}"
    )
