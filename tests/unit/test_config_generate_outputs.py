"""Reading Terraform's outputs: from terraform where it can be asked, from the state file elsewhere; and broken ones."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from clickstream.actions.config.outputs import read_outputs
from clickstream.domain.errors import ClickstreamError, UsageError

RECORDED = Path(__file__).resolve().parents[1] / "data" / "terraform"
STATE = (RECORDED / "local.tfstate.json").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "terraform").mkdir()
    return tmp_path / "terraform"


@pytest.fixture
def terraform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in on the PATH, which does what the test writes into it."""
    path = tmp_path / "bin" / "terraform"
    path.parent.mkdir()
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")
    return path


def does(terraform: Path, script: str) -> None:
    terraform.write_text(f"#!/bin/sh\n{script}\n")
    terraform.chmod(0o755)


def test_the_state_file_is_read_where_the_folder_is_not_initialised(folder: Path, terraform: Path) -> None:
    does(terraform, "exit 1")
    (folder / "terraform.tfstate").write_text(STATE)
    outputs = read_outputs(folder)
    assert outputs.text("pg_port") == "21012"
    assert outputs.origin == str(folder / "terraform.tfstate")


def test_the_state_file_is_read_where_there_is_no_terraform(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".terraform").mkdir()
    (folder / "terraform.tfstate").write_text(STATE)
    monkeypatch.setenv("PATH", str(folder))
    assert read_outputs(folder).has("pg_host")


def test_terraform_is_asked_where_it_knows_the_folder(folder: Path, terraform: Path) -> None:
    (folder / ".terraform").mkdir()
    (folder / "terraform.tfstate").write_text("{}")
    does(terraform, f"""echo "$@" >{folder}/asked; echo '{{"a": {{"sensitive": true, "value": "b"}}}}'""")
    outputs = read_outputs(folder)
    assert outputs.text("a") == "b"
    assert (folder / "asked").read_text().split() == [f"-chdir={folder}", "output", "-json", "-no-color"]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'Error: no such backend' >&2; exit 1", "Error: no such backend"),
        ("exit 3", "exit code 3"),
        ("echo 'not json'", "is no JSON"),
        ("echo '{}'", "nothing was applied yet"),
        ("echo '[]'", "no object"),
        ("echo '{\"a\": 1}'", "output a has no value"),
    ],
)
def test_what_terraform_says_instead_is_told(folder: Path, terraform: Path, script: str, said: str) -> None:
    (folder / ".terraform").mkdir()
    does(terraform, script)
    with pytest.raises(ClickstreamError, match=said):
        read_outputs(folder)


def test_a_terraform_that_cannot_be_started_is_told(folder: Path, terraform: Path) -> None:
    (folder / ".terraform").mkdir()
    terraform.write_text("#!/nowhere/at/all\n")
    terraform.chmod(0o755)
    with pytest.raises(ClickstreamError, match="cannot be started"):
        read_outputs(folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is no JSON, it is empty"),
        ("{", "is no JSON"),
        ("\0\xff", "is no JSON"),
        ("[]", "no object"),
        ("{}", "not a state file of version 4"),
        ('{"version": 3, "modules": []}', "not a state file of version 4"),
        ('{"version": 4}', "nothing was applied yet"),
        ('{"version": 4, "outputs": {}}', "nothing was applied yet"),
        ('{"version": 4, "outputs": []}', "not a list by name"),
        ('{"version": 4, "outputs": {"a": {"type": "string"}}}', "output a has no value"),
    ],
)
def test_a_broken_state_is_told(folder: Path, content: str, said: str) -> None:
    (folder / "terraform.tfstate").write_text(content, encoding="latin-1")
    with pytest.raises(ClickstreamError, match=said):
        read_outputs(folder)


def test_no_state_means_that_nothing_was_applied(folder: Path) -> None:
    with pytest.raises(ClickstreamError, match="does not exist, so nothing was applied") as caught:
        read_outputs(folder)
    assert "terraform apply" in caught.value.hint


def test_a_state_that_cannot_be_read_is_told(folder: Path) -> None:
    (folder / "terraform.tfstate").mkdir()
    with pytest.raises(ClickstreamError, match="cannot be read"):
        read_outputs(folder)


def test_no_folder_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        read_outputs(tmp_path / "nowhere")


@pytest.mark.skipif(not shutil.which("terraform"), reason="no terraform here")
def test_terraform_itself_gives_what_the_state_file_holds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TF_")]:
        monkeypatch.delenv(name)
    (folder / "terraform.tfstate").write_text(STATE)
    plain = read_outputs(folder)
    (folder / ".terraform").mkdir()
    asked = read_outputs(folder)
    assert asked.origin.startswith("terraform output")
    for name in json.loads(STATE)["outputs"]:
        assert asked.text(name) == plain.text(name)
