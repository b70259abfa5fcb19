"""README.md, local-docker.md and the other pages: their commands exist, and their tables say what is so."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from tests.commandline import exists
from tests.compose import FILE, PROFILES, ROOT, rendered
from tests.kubernetes import ROOT as MANIFESTS
from tests.kubernetes import containers, overlay, pods

PAGES = ("local-docker.md", "deploy/kubernetes/README.md")
LINE = re.compile(r"(?m)^ {4,}(\S.*)$")
COMMANDS = {"build", "down", "exec", "logs", "ps", "restart", "run", "stop", "up"}
INLINE = re.compile(r"`((?:clickstream|docker compose) [^`]+)`")


def commands(page: str, program: str) -> Iterator[list[str]]:
    """The arguments of each use of a program on a page, in its blocks and between its words."""
    text = (ROOT / page).read_text()
    for found in [*LINE.findall(text), *INLINE.findall(text)]:
        words = shlex.split(found, comments=True)
        if words[: len(program.split())] == program.split():
            yield words[len(program.split()) :]


@pytest.mark.parametrize(
    ("page", "arguments"), [(page, arguments) for page in PAGES for arguments in commands(page, "clickstream")]
)
def test_every_command_on_these_pages_exists(page: str, arguments: list[str]) -> None:
    assert exists(arguments)


@pytest.mark.parametrize("page", ["README.md", "terraform/README.md"])
def test_every_command_in_the_blocks_of_these_pages_exists(page: str) -> None:
    parts = [part for line in LINE.findall((ROOT / page).read_text()) for part in line.split("&&")]
    used = [words[1:] for part in parts if (words := shlex.split(part, comments=True))[:1] == ["clickstream"]]
    assert used
    for arguments in used:
        assert exists(arguments)


@pytest.mark.parametrize("arguments", list(commands("local-docker.md", "docker compose")), ids=" ".join)
def test_what_compose_is_asked_for_is_there(arguments: list[str]) -> None:
    names = set(yaml.safe_load(FILE.read_text())["services"])
    for option, value in pairwise(arguments):
        if option == "--profile":
            assert value in {*PROFILES, "*"}
        if option == "--scale":
            assert value.partition("=")[0] in names
    command = next((word for word in arguments if word in COMMANDS), "")
    after = arguments[arguments.index(command) + 1 :] if command else []
    if command in {"logs", "restart", "build"}:
        assert {word for word in after if not word.startswith("-")} <= names
    if command == "run":  # options, the service, and what its image is to do
        place = next(number for number, word in enumerate(after) if word in names)
        assert exists(after[place + 1 :])


def test_the_table_lists_every_service_with_its_profiles_and_port() -> None:
    rows = re.findall(r"(?m)^\| `([a-z]+)`[^|]*\|([^|]*)\|([^|]*)\|([^|]*)\|$", (ROOT / "local-docker.md").read_text())
    told = {name: (set(re.findall(r"`(\w+)`", profiles)), address.strip(" `")) for name, profiles, address, _ in rows}
    so = {
        name: (
            set(service.get("profiles", [])),
            "".join(f"{port['host_ip']}:{port['published']}" for port in service.get("ports", [])),
        )
        for name, service in rendered()["services"].items()
    }
    assert told == so
    for name in re.findall(r"`([A-Z_]+)`", "".join(row[3] for row in rows)):
        assert name in (ROOT / ".env.local.example").read_text()


@pytest.mark.parametrize("name", ["consumer", "indexer", "producer", "metrics"])
def test_what_containers_run_exists(name: str) -> None:
    assert exists(rendered()["services"][name]["command"])


def test_what_pods_run_exists(tmp_path: Path) -> None:
    for _, pod in pods(overlay(tmp_path, ("indexer", "producer"))):
        for container in containers(pod):
            assert exists(container["args"])


def test_the_page_on_kubernetes_names_what_is_there() -> None:
    page = (MANIFESTS / "README.md").read_text()
    named = re.findall(r"(?m)^    ((?:base|components|overlays|passwords)\S*)  ", page)
    assert len(named) == 7
    assert all((MANIFESTS / name).exists() for name in named)
