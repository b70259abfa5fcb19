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


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with neither terraform nor tofu, but for what the test puts into this folder."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def does(terraform: Path, script: str) -> None:
    terraform.write_text(f"#!/bin/sh\n{script}\n")
    terraform.chmod(0o755)


def test_the_state_file_is_read_where_the_folder_is_not_initialised(folder: Path, terraform: Path) -> None:
    does(terraform, "exit 1")
    (folder / "terraform.tfstate").write_text(STATE)
    outputs = read_outputs(folder)
    assert outputs.text("pg_port") == "21012"
    assert outputs.origin == str(folder / "terraform.tfstate")


@pytest.mark.usefixtures("tools")
def test_the_state_file_is_read_where_there_is_no_terraform(folder: Path) -> None:
    (folder / ".terraform").mkdir()
    (folder / "terraform.tfstate").write_text(STATE)
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
        ("echo 'not json'", "does not hold JSON"),
        ("exit 0", "is empty"),
        ("echo '{}'", "nothing was applied yet"),
        ("echo '[]'", "not an object"),
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


def test_a_reason_of_terraform_is_told_without_a_login_and_without_a_log(
    folder: Path, terraform: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".terraform").mkdir()
    monkeypatch.setenv("TF_LOG", "trace")
    does(terraform, """echo "Error: cannot parse \\"postgres://me:sec/r@t@db/state\\" ($TF_LOG)" >&2; exit 1""")
    with pytest.raises(ClickstreamError, match=r'cannot parse "postgres://db/state" \(\)'):
        read_outputs(folder)


def test_tofu_is_asked_where_there_is_no_terraform(folder: Path, tools: Path) -> None:
    (folder / ".terraform").mkdir()
    does(tools / "tofu", """echo '{"a": {"value": "b"}}'""")
    outputs = read_outputs(folder)
    assert (outputs.text("a"), outputs.origin) == ("b", f"tofu output in {folder}")


def test_the_one_that_initialised_the_folder_is_asked_first(folder: Path, tools: Path) -> None:
    (folder / ".terraform").mkdir()
    for name in ("tofu", "terraform"):
        does(tools / name, f"""echo '{{"who": {{"value": "{name}"}}}}'""")
    assert read_outputs(folder).text("who") == "terraform"
    (folder / ".terraform.lock.hcl").write_text('provider "registry.opentofu.example/aiven/aiven" {\n}\n')
    assert read_outputs(folder).text("who") == "tofu"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty, so nothing was applied"),
        (" \n", "is empty, so nothing was applied"),
        ("{", "does not hold JSON"),
        ("\0\xff", "does not hold JSON"),
        ('{"version": 4, "outputs": {"pg_password": {"value": "secret\xff"}}}', "does not hold JSON"),
        ("\xef\xbb\xbf{}", "byte order mark"),
        ("\xff\xfe{\0}\0", "byte order mark"),
        ("[]", "not an object"),
        ("{}", "is not a state file"),
        ('{"version": "4"}', "is not a state file"),
        ('{"version": 3, "modules": []}', "has version 3 of the state format, .* reads version 4"),
        ('{"version": 5, "outputs": {}}', "has version 5 of the state format, .* reads version 4"),
        ('{"version": 4}', "nothing was applied yet"),
        ('{"version": 4, "outputs": null}', "nothing was applied yet"),
        ('{"version": 4, "outputs": {}}', "nothing was applied yet"),
        ('{"version": 4, "outputs": []}', "not listed by name"),
        ('{"version": 4, "outputs": {"a": {"type": "string"}}}', "output a has no value"),
        ('{"serial": 1, "meta": {}, "encrypted_data": "secret", "encryption_version": "v0"}', "encrypted by OpenTofu"),
    ],
)
def test_a_state_that_is_not_one_to_read_is_told_in_words_without_what_it_holds(
    folder: Path, content: str, said: str
) -> None:
    (folder / "terraform.tfstate").write_text(content, encoding="latin-1")
    with pytest.raises(ClickstreamError, match=said) as caught:
        read_outputs(folder)
    assert "secret" not in f"{caught.value}{caught.value.hint}{caught.value.__cause__}"


@pytest.mark.parametrize("version", [3, 5])
def test_what_to_do_about_another_format_fits_its_age(folder: Path, version: int) -> None:
    (folder / "terraform.tfstate").write_text(json.dumps({"version": version, "outputs": {}}))
    with pytest.raises(ClickstreamError) as caught:
        read_outputs(folder)
    assert ("upgrades it" in caught.value.hint) is (version < 4)


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
