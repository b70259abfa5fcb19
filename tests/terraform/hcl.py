"""The configuration in terraform/ as data, module by module, and what can be said against one. Reads only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hcl2
from hcl2 import SerializationOptions

ROOT = Path(__file__).resolve().parents[2]
TERRAFORM = ROOT / "terraform"
SCHEMA = Path(__file__).with_name("aiven-schema.json")

META = {"count", "for_each", "depends_on", "lifecycle", "provider", "provisioner", "__is_block__"}
"""Arguments that are Terraform's own, in any resource."""

Body = dict[str, Any]


@dataclass(frozen=True)
class Module:
    """One folder of .tf files."""

    folder: Path
    text: str
    """All of it, without comments."""
    variables: dict[str, Body]
    outputs: dict[str, Body]
    locals: set[str]
    resources: dict[tuple[str, str], Body]
    data: dict[tuple[str, str], Body]
    calls: dict[str, Body]
    """Modules that it calls."""


@cache
def module(folder: Path) -> Module:
    texts = [path.read_text() for path in sorted(folder.glob("*.tf"))]
    options = SerializationOptions(with_comments=False, strip_string_quotes=True)
    files = [hcl2.loads(text, serialization_options=options) for text in texts]

    def named(kind: str) -> dict[str, Body]:
        return {name: body for file in files for entry in file.get(kind, []) for name, body in entry.items()}

    def typed(kind: str) -> dict[tuple[str, str], Body]:
        entries = [entry for file in files for entry in file.get(kind, [])]
        return {(type_, name): body for one in entries for type_, those in one.items() for name, body in those.items()}

    return Module(
        folder=folder,
        text=re.sub(r"(?m)^\s*#.*$", "", "\n".join(texts)),
        variables=named("variable"),
        outputs=named("output"),
        locals={name for file in files for entry in file.get("locals", []) for name in entry} - META,
        resources=typed("resource"),
        data=typed("data"),
        calls=named("module"),
    )


def modules() -> list[Module]:
    """The root module first."""
    return [module(TERRAFORM), *(module(folder) for folder in sorted((TERRAFORM / "modules").iterdir()))]


@cache
def schema() -> Any:
    """The provider's schema, cut down by tools/aiven_schema.py."""
    return json.loads(SCHEMA.read_text())


def against_schema(body: Mapping[str, Any], block: Mapping[str, Any], place: str) -> Iterator[str]:
    """A line for each argument or block that the schema does not have, has no more, or wants and does not get."""
    attributes, blocks = block.get("attributes", {}), block.get("blocks", {})
    given = {name: value for name, value in body.items() if name not in META | {"dynamic"}}
    dynamic = [(name, spec["content"]) for entry in body.get("dynamic", []) for name, spec in entry.items()]
    for name, value in [*given.items(), *dynamic]:
        if name in attributes:
            yield from _attribute(value, attributes[name], f"{place}.{name}")
        elif name in blocks and _is_blocks(value):
            for one in value:
                yield from against_schema(one, blocks[name], f"{place}.{name}")
        else:
            yield f"{place}.{name}: unknown"
    missing = [name for name, attribute in attributes.items() if attribute.get("required") and name not in given]
    yield from (f"{place}.{name}: required" for name in missing)


def _attribute(value: Any, attribute: Mapping[str, Any], place: str) -> Iterator[str]:
    if attribute.get("deprecated"):
        yield f"{place}: deprecated"
    if not (attribute.get("required") or attribute.get("optional")):
        yield f"{place}: cannot be set"
    kinds = {bool: "bool", int: "number"}
    literal = "string" if isinstance(value, str) and "${" not in value else kinds.get(type(value))
    if literal and literal != attribute["type"]:
        yield f"{place}: {literal}, should be {attribute['type']}"
    if _is_blocks(value):
        yield f"{place}: is not a block"


def _is_blocks(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, dict) and "__is_block__" in one for one in value)


def undefined(found: Module) -> Iterator[str]:
    """A line for each name that the module uses and does not define."""
    known_data = {f"{type_}.{name}" for type_, name in found.data}
    known_resources = {f"{type_}.{name}" for type_, name in found.resources}
    text = re.sub(r'"[^"$]*"', '""', found.text)
    used = {
        "var": (re.findall(r"\bvar\.(\w+)", text), found.variables),
        "local": (re.findall(r"\blocal\.(\w+)", text), found.locals),
        "data": (re.findall(r"\bdata\.(\w+\.\w+)", text), known_data),
        "resource": (re.findall(r"(?<!data\.)\b((?:aiven|aws|terraform)_\w+\.\w+)", text), known_resources),
        "module": (re.findall(r"\bmodule\.(\w+)", text), found.calls),
    }
    for kind, (names, known) in used.items():
        yield from sorted({f"{kind} {name}" for name in names if name not in known})
    for name, output in re.findall(r"\bmodule\.(\w+)(?:\[[*\d]\])?\.(\w+)", text):
        if name in found.calls and output not in called(found, name).outputs:
            yield f"module {name}.{output}"


def unknown_attributes(found: Module) -> Iterator[str]:
    """A line for each attribute of one of Aiven's resources that is read, and is not there or deprecated."""
    for data, type_, name, first in re.findall(
        r"\b(data\.)?(aiven_\w+)\.(\w+)(?:\[[^\]]*\])?\.(\w+)", re.sub(r"(?m)^.*\bsource\s*=.*$", "", found.text)
    ):
        block = schema()["data_sources" if data else "resources"].get(type_, {})
        known = block.get("attributes", {}) | block.get("blocks", {})
        if first not in known or known[first].get("deprecated"):
            yield f"{data}{type_}.{name}.{first}"


def called(found: Module, name: str) -> Module:
    """The module behind a call."""
    return module((found.folder / found.calls[name]["source"]).resolve())
