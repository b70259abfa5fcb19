"""A name means one thing: no public class twice, and no module whose name contains a sibling's."""

from __future__ import annotations

import ast
from collections import defaultdict

from tests.hygiene.tree import ROOT

PACKAGE = ROOT / "src" / "clickstream"


def test_no_public_class_has_the_name_of_another() -> None:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert len(found) > 100
    twice = [f"{name}: {', '.join(places)}" for name, places in sorted(found.items()) if len(places) > 1]
    assert not twice, "classes of the same name:\n" + "\n".join(twice)


def test_no_module_begins_or_ends_with_the_name_of_a_sibling() -> None:
    """Such a group of files is a folder."""
    found = []
    for folder in sorted({path.parent for path in PACKAGE.rglob("*.py")}):
        names = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
        if folder != PACKAGE:
            found += [
                f"{(folder / name).relative_to(PACKAGE)}.py and {other}.py"
                for name in sorted(names)
                for other in sorted(names - {name})
                if name.startswith(f"{other}_") or name.endswith(f"_{other}")
            ]
    assert not found, "modules that belong into a folder:\n" + "\n".join(found)
