"""Terraform's state without terraform: the workspace that is selected, and backends that only terraform can read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from clickstream.actions.config.outputs import read_outputs
from clickstream.cli.diagnostics import ExitCode
from clickstream.cli.main import run
from clickstream.domain.errors import ClickstreamError

TERRAFORM = shutil.which("terraform")
STATE = json.loads((Path(__file__).resolve().parents[1] / "data" / "terraform" / "local.tfstate.json").read_text())


@pytest.fixture(autouse=True)
def no_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TF_WORKSPACE", "TF_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "no programs"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with nothing in it yet, in a working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "terraform").mkdir()
    return Path("terraform")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def state(path: Path, host: str) -> None:
    outputs = STATE["outputs"] | {"pg_host": {"value": host, "type": "string"}}
    write(path, json.dumps(STATE | {"outputs": outputs}))


def two_environments(folder: Path) -> None:
    state(folder / "terraform.tfstate", "pg.test.example.com")
    state(folder / "terraform.tfstate.d/prod/terraform.tfstate", "pg.prod.example.com")


@pytest.mark.parametrize(
    ("selected", "environ", "host"),
    [
        ({}, {}, "pg.test.example.com"),
        ({".terraform/environment": "default"}, {}, "pg.test.example.com"),
        ({".terraform/environment": "prod"}, {}, "pg.prod.example.com"),
        ({".terraform/environment": " prod\n"}, {}, "pg.prod.example.com"),
        ({".terraform/environment": ""}, {}, "pg.test.example.com"),
        ({}, {"TF_WORKSPACE": "prod"}, "pg.prod.example.com"),
        ({".terraform/environment": "other"}, {"TF_WORKSPACE": "prod"}, "pg.prod.example.com"),
        ({".terraform/environment": "prod"}, {"TF_WORKSPACE": "default"}, "pg.test.example.com"),
        ({".terraform/environment": "prod"}, {"TF_WORKSPACE": ""}, "pg.prod.example.com"),
        ({"elsewhere/environment": "prod"}, {"TF_DATA_DIR": "elsewhere"}, "pg.prod.example.com"),
        ({".terraform/environment": "prod"}, {"TF_DATA_DIR": "elsewhere"}, "pg.test.example.com"),
    ],
)
def test_the_state_of_the_selected_workspace_is_taken(
    folder: Path,
    selected: Mapping[str, str],
    environ: Mapping[str, str],
    host: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    two_environments(folder)
    for name, text in selected.items():
        write(folder / name, text)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert read_outputs(folder).text("pg_host") == host


@pytest.mark.skipif(not TERRAFORM, reason="no terraform here")
@pytest.mark.parametrize("workspace", ["default", "prod"])
def test_terraform_itself_takes_the_same(folder: Path, workspace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    two_environments(folder)
    write(folder / ".terraform/environment", workspace)
    plain = read_outputs(folder)
    monkeypatch.setenv("PATH", str(Path(TERRAFORM or "").parent))
    asked = read_outputs(folder)
    assert asked.origin.startswith("terraform output")
    assert asked.text("pg_host") == plain.text("pg_host")


def test_the_command_writes_what_the_workspace_holds_and_names_its_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two_environments(folder)
    write(folder / ".terraform/environment", "prod")
    assert run(["config", "generate"]) == ExitCode.DONE
    assert "PG_HOST=pg.prod.example.com\n" in Path(".env").read_text()
    assert "terraform.tfstate.d/prod/terraform.tfstate" in capsys.readouterr().err


def test_a_workspace_without_a_state_is_named_with_those_that_have_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_environments(folder)
    monkeypatch.setenv("TF_WORKSPACE", "staging")
    with pytest.raises(ClickstreamError, match="in the workspace staging yet") as caught:
        read_outputs(folder)
    assert "TF_WORKSPACE: prod" in caught.value.hint


@pytest.mark.parametrize("name", ["../prod", "..", "a/b", "/etc"])
def test_no_name_of_a_workspace_leads_out_of_its_folder(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_environments(folder)
    monkeypatch.setenv("TF_WORKSPACE", name)
    with pytest.raises(ClickstreamError, match="TF_WORKSPACE does not hold the name of a workspace"):
        read_outputs(folder)


RECORD = {"version": 3, "backend": {"type": "s3", "config": {"bucket": "b", "secret_key": "hidden"}, "hash": 1}}


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({".terraform/terraform.tfstate": json.dumps(RECORD)}, r"a backend \(s3\)"),
        ({"main.tf": 'terraform {\n  backend "gcs" {\n    bucket = "b"\n  }\n}\n'}, r"a backend \(gcs\)"),
        ({"backend.tf": 'terraform { backend "pg" {} }\n'}, r"a backend \(pg\)"),
        ({"main.tf": 'terraform {\n  required_version = "1"\n  backend http {\n  }\n}\n'}, r"a backend \(http\)"),
        (
            {"main.tf": 'terraform {\n  required_providers {\n    a = { source = "a/a" }\n  }\n  cloud {\n  }\n}\n'},
            "HCP Terraform",
        ),
        ({"a.tofu": 'terraform {\n  backend "azurerm" {}\n}\n'}, r"a backend \(azurerm\)"),
        ({"a.tf.json": '{"terraform": {"backend": {"s3": {"bucket": "b"}}}}'}, r"a backend \(s3\)"),
        ({"a.tf.json": '{"terraform": [{"backend": [{"s3": {}}]}]}'}, r"a backend \(s3\)"),
        ({"a.tf.json": '{"terraform": {"cloud": {"organization": "o"}}}'}, "HCP Terraform"),
        ({"main.tf": '/* } */ terraform { # {\n  // backend\n  backend "remote" {\n  }\n}\n'}, "HCP Terraform"),
    ],
)
def test_a_state_that_is_kept_elsewhere_is_asked_of_terraform_and_no_old_file_is_read(
    folder: Path, files: Mapping[str, str], place: str
) -> None:
    two_environments(folder)
    for name, text in files.items():
        write(folder / name, text)
    with pytest.raises(ClickstreamError, match=f"the state of terraform is kept in {place}") as caught:
        read_outputs(folder)
    assert "install terraform or tofu" in caught.value.hint
    assert "hidden" not in f"{caught.value}{caught.value.hint}"


@pytest.mark.parametrize(
    "text",
    [
        '# terraform {\n#   backend "s3" {}\n# }\n',
        'terraform {\n  # backend "s3" {\n  # }\n  /*\n  cloud {\n  }\n  */\n}\n',
        'variable "a" {\n  description = "terraform { backend \\"s3\\" {"\n}\n',
        'locals {\n  a = <<-END\n    terraform {\n      backend "s3" {}\n    }\n    END\n}\n',
        'resource "x" "terraform" {\n  cloud {\n  }\n  backend "y" {\n  }\n}\n',
        'terraform {\n  required_providers {\n    cloud = {\n      source = "a/cloud"\n    }\n  }\n}\n',
        'locals {\n  a = "${lookup(local.b, "{", "}")}"\n}\n',
    ],
)
def test_what_only_looks_like_a_backend_does_not_hide_the_local_state(folder: Path, text: str) -> None:
    two_environments(folder)
    write(folder / "main.tf", text)
    assert read_outputs(folder).text("pg_host") == "pg.test.example.com"


def test_our_own_configuration_names_no_backend(folder: Path) -> None:
    ours = Path(__file__).resolve().parents[2] / "terraform"
    shutil.copytree(ours, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*"))
    two_environments(folder)
    assert read_outputs(folder).text("pg_host") == "pg.test.example.com"


def local_backend(folder: Path, **config: str) -> None:
    write(folder / "main.tf", 'terraform {\n  backend "local" {\n  }\n}\n')
    record = {"version": 3, "backend": {"type": "local", "config": {"path": None, "workspace_dir": None, **config}}}
    write(folder / ".terraform/terraform.tfstate", json.dumps(record))


@pytest.mark.parametrize("workspace", ["default", "prod"])
def test_the_local_backend_is_read_where_init_says_that_it_is(
    folder: Path, workspace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_environments(folder)
    local_backend(folder, path="kept/here.json", workspace_dir="envs")
    state(folder / "kept/here.json", "pg.default.example.com")
    state(folder / "envs/prod/terraform.tfstate", "pg.prod.example.com")
    monkeypatch.setenv("TF_WORKSPACE", workspace)
    assert read_outputs(folder).text("pg_host") == f"pg.{workspace}.example.com"


def test_a_local_backend_that_names_no_place_is_the_usual_one(folder: Path) -> None:
    two_environments(folder)
    local_backend(folder)
    assert read_outputs(folder).text("pg_host") == "pg.test.example.com"


def test_a_local_backend_before_init_may_be_anywhere(folder: Path) -> None:
    two_environments(folder)
    write(folder / "main.tf", 'terraform {\n  backend "local" {\n    path = "x"\n  }\n}\n')
    with pytest.raises(ClickstreamError, match="was not initialised"):
        read_outputs(folder)
