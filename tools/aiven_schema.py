"""Cuts the schema of Aiven's Terraform provider down to what terraform/ uses, for tests/terraform.

python tools/aiven_schema.py FULL.json

FULL.json: `{"resources": {type: block}, "data_sources": {type: block}}`, a block being `{"attributes": {name: {"type",
"required", "optional", "computed", "deprecated", "sensitive"}}, "blocks": {name: block}}`.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
USED = re.compile(r'^(resource|data) "(aiven_\w+)"', re.MULTILINE)


def cut(full: dict[str, Any], sources: Iterable[str]) -> dict[str, Any]:
    """The schema of what `sources` (of .tf files) name. Raises KeyError for what it does not know."""
    used = sorted({match.groups() for source in sources for match in USED.finditer(source)})
    wanted = {"resource": "resources", "data": "data_sources"}
    trimmed: dict[str, Any] = {"provider": full["provider"], "resources": {}, "data_sources": {}}
    for kind, name in used:
        trimmed[wanted[kind]][name] = full[wanted[kind]][name]
    return trimmed


def text(schema: dict[str, Any]) -> str:
    """JSON with a line for each attribute and block of a resource, so that differences can be read."""
    lines = [f'"provider": {json.dumps(schema["provider"])}']
    for kind in ("resources", "data_sources"):
        types = [f'"{name}": {_block(block)}' for name, block in sorted(schema[kind].items())]
        lines.append(f'"{kind}": {{\n' + ",\n".join(types) + "\n}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _block(block: dict[str, Any]) -> str:
    parts = []
    for kind in ("attributes", "blocks"):
        entries = [
            f'"{name}": {json.dumps(entry, sort_keys=True)}' for name, entry in sorted(block.get(kind, {}).items())
        ]
        parts.append(f'"{kind}": {{\n' + ",\n".join(entries) + "\n}")
    return "{" + ", ".join(parts) + "}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("full", type=Path, metavar="FULL.json")
    full = json.loads(parser.parse_args().full.read_text())
    sources = [path.read_text() for path in sorted((ROOT / "terraform").rglob("*.tf"))]
    (ROOT / "tests/terraform/aiven-schema.json").write_text(text(cut(full, sources)))


if __name__ == "__main__":
    main()
