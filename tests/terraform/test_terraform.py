"""terraform/ as it is written: names, defaults, validation, secrets, and the provider's schema. Nothing is applied."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.terraform.hcl import (
    TERRAFORM,
    Module,
    against_schema,
    called,
    module,
    modules,
    schema,
    undefined,
    unknown_attributes,
)
from tests.terraform.layout import misplaced
from tools.aiven_schema import cut

MODULES = modules()
FILES = sorted([*TERRAFORM.rglob("*.tf"), *TERRAFORM.rglob("*.tfvars.example")])

DEFAULTS = {
    "deployment_scenario": "local", "project_name": "clickstream-demo", "cloud_name": "aws-us-east-2",
    "kafka_plan": "startup-4", "pg_plan": "startup-4", "valkey_plan": "startup-4", "opensearch_plan": "startup-4",
    "opensearch_enabled": False, "kafka_events_topic_partitions": 3, "kafka_events_topic_replication": 2,
    "ssh_allowed_cidr": None,
}  # fmt: skip

VARIABLES = """
deployment_scenario aiven_api_token organization_name billing_group_id project_name cloud_name kafka_plan pg_plan
valkey_plan opensearch_plan opensearch_enabled kafka_version pg_version kafka_events_topic_name
kafka_events_topic_partitions kafka_events_topic_replication kafka_events_topic_retention_ms pg_database_name
maintenance_window_dow maintenance_window_time termination_protection aiven_vpc_cidr aws_region aws_account_id
aws_vpc_cidr public_subnet_cidr private_subnet_cidr instance_type key_pair_name ssh_allowed_cidr github_repo_url
""".split()

OUTPUTS = """
deployment_scenario project_name project_ca_cert kafka_bootstrap_servers kafka_service_uri kafka_access_cert
kafka_access_key pg_service_uri pg_host pg_port pg_user pg_password pg_database valkey_service_uri valkey_host
valkey_port valkey_password opensearch_service_uri opensearch_host opensearch_port opensearch_user opensearch_password
opensearch_dashboards_uri aiven_vpc_id aiven_vpc_state kafka_privatelink_service_name pg_privatelink_service_name
valkey_privatelink_service_name opensearch_privatelink_service_name kafka_privatelink_endpoint_dns
pg_privatelink_endpoint_dns valkey_privatelink_endpoint_dns opensearch_privatelink_endpoint_dns aws_vpc_id
ec2_instance_id ec2_public_ip ec2_public_dns ssh_command
""".split()

NEEDED = {"aiven_api_token": "t", "organization_name": "o", "billing_group_id": "b"}

SECRET = re.compile(r"(?:password|access_key|access_cert|ca_cert|service_uri|dashboards_uri|api_token)$")


def shown(found: Module) -> str:
    return found.folder.name


def run_terraform(folder: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Terraform in a folder that needs no provider."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    command = ["terraform", *arguments]
    environ |= {"CHECKPOINT_DISABLE": "1"}
    return subprocess.run(
        command, cwd=folder, input=stdin, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def aiven_bodies() -> list[tuple[str, str, dict[str, object]]]:
    """Kind in the schema, place and body of each resource and data source of Aiven's."""
    return [
        (kind, type_, body)
        for one in MODULES
        for kind, those in (("resources", one.resources), ("data_sources", one.data))
        for (type_, _), body in those.items()
        if type_.startswith("aiven_")
    ]


def test_the_variables_are_those_promised_with_those_defaults() -> None:
    variables = module(TERRAFORM).variables
    assert set(VARIABLES) <= set(variables)
    assert {name: variables[name].get("default") for name in DEFAULTS} == DEFAULTS


def test_the_outputs_are_those_promised() -> None:
    assert set(OUTPUTS) <= set(module(TERRAFORM).outputs)


@pytest.mark.parametrize("found", MODULES, ids=shown)
def test_every_variable_and_output_is_described_and_typed(found: Module) -> None:
    bare = [name for name, body in found.variables.items() if not (body.get("description") and body.get("type"))]
    bare += [name for name, body in found.outputs.items() if not body.get("description")]
    assert not bare


def test_every_variable_with_a_range_or_a_format_is_validated() -> None:
    free = {name for name, body in module(TERRAFORM).variables.items() if "validation" not in body}
    assert free == {name for name, body in module(TERRAFORM).variables.items() if body["type"] == "bool"}


CIDRS = ("aiven_vpc_cidr", "aws_vpc_cidr", "public_subnet_cidr", "private_subnet_cidr", "ssh_allowed_cidr")
FITTING = {"aiven_vpc_cidr": 24, "aws_vpc_cidr": 16, "public_subnet_cidr": 24, "private_subnet_cidr": 24}


@pytest.mark.skipif(not shutil.which("terraform"), reason="no terraform here")
@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        *(("kafka_version", value, True) for value in ("null", "3.9", "4.1", "4.2", "4.10", "5.0", "10.1")),
        *(("kafka_version", value, False) for value in ("3.8", "3.10", "4.0", "4", "2.8", "4.01", "", "4.2.1")),
        *(("pg_version", value, True) for value in ("null", "15", "18", "19", "20")),
        *(("pg_version", value, False) for value in ("14", "9.6", "18.1", "5", "")),
        *((f"{one}_plan", "hobbyist", one != "kafka") for one in ("kafka", "pg", "valkey", "opensearch")),
        *((f"{one}_plan", "business-8", True) for one in ("kafka", "pg", "valkey", "opensearch")),
        *((f"{one}_plan", "Startup 4", False) for one in ("kafka", "pg", "valkey", "opensearch")),
        *((name, f"172.16.0.0/{FITTING.get(name, 20)}", True) for name in CIDRS),
        *((name, f"172.16.0.7/{FITTING.get(name, 20)}", False) for name in CIDRS),
        *(("service_ip_filter", value, True) for value in
          ("null", '["203.0.113.0/24"]', '["203.0.113.7/32","2001:DB8::/32"]', '["2001:db8:0:0::7/128"]')),
        *(("service_ip_filter", value, False) for value in
          ("[]", '["203.0.113.7/24"]', '["203.0.113.0/24","203.0.113.7/24"]', '["2001:db8::7/32"]', '["203.0.113.7"]')),
    ],
)  # fmt: skip
def test_what_the_providers_would_refuse_later_is_refused_in_a_sentence(
    name: str, value: str, right: bool, tmp_path: Path
) -> None:
    shutil.copy(TERRAFORM / "variables.tf", tmp_path)
    values = [f"-var={one}={given}" for one, given in (NEEDED | {name: value}).items() if given != "null"]
    done = run_terraform(tmp_path, "plan", "-input=false", "-no-color", *values)
    assert (done.returncode == 0) is right, done.stderr
    assert right or f"{name} must be " in " ".join(done.stderr.split())


def test_versions_are_left_to_aiven_and_the_refusal_names_the_place_to_look() -> None:
    for name in ("kafka_version", "pg_version"):
        body = module(TERRAFORM).variables[name]
        assert body["default"] is None
        assert "eol-for-major-versions" in body["validation"][0]["error_message"]


@pytest.mark.parametrize("found", MODULES, ids=shown)
def test_what_is_secret_is_marked_so(found: Module) -> None:
    both = found.variables | found.outputs
    assert {name for name in both if SECRET.search(name)} == {name for name in both if both[name].get("sensitive")}


@pytest.mark.parametrize("found", MODULES, ids=shown)
def test_every_name_that_is_used_is_defined(found: Module) -> None:
    assert list(undefined(found)) == []


def test_a_name_that_no_one_defines_is_seen(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(
        'module "m" {\n  source = "./m"\n}\n'
        "locals {\n  a = var.b + local.c + module.m.d + data.x.y.z + aws_vpc.v.id\n}\n"
    )
    (tmp_path / "m").mkdir()
    assert set(undefined(module(tmp_path))) == {"var b", "local c", "module m.d", "data x.y", "resource aws_vpc.v"}


@pytest.mark.parametrize("found", MODULES, ids=shown)
def test_every_variable_is_used(found: Module) -> None:
    assert [
        name for name in found.variables if not re.search(rf"= .*\bvar\.{name}\b|^\s+var\.{name}\b", found.text, re.M)
    ] == []


def test_modules_get_each_of_their_variables_and_nothing_else() -> None:
    root = module(TERRAFORM)
    for name, body in root.calls.items():
        assert set(body) - {"source", "count", "__is_block__"} == set(called(root, name).variables)


def test_versions_are_as_promised_in_every_module() -> None:
    for found in MODULES:
        assert 'required_version = ">= 1.5.7"' in found.text
    text = module(TERRAFORM).text
    assert re.search(r'source\s+= "aiven/aiven"\s+version = "~> 4\.49"', text)
    assert re.search(r'source\s+= "hashicorp/aws"\s+version = ">= 5\.', text)


@pytest.mark.parametrize("found", MODULES, ids=shown)
def test_every_provider_has_an_upper_bound(found: Module) -> None:
    for version in re.findall(r'(?m)^\s+version\s+= "(.*)"$', found.text):
        assert re.search(r"<|~>", version), version


def test_resources_agree_with_the_providers_schema() -> None:
    faults = [
        fault
        for kind, type_, body in aiven_bodies()
        for fault in against_schema(body, schema()[kind].get(type_, {}), type_)
    ]
    assert faults == []
    assert {"aiven_kafka", "aiven_pg", "aiven_valkey", "aiven_opensearch"} <= {type_ for _, type_, _ in aiven_bodies()}


def test_what_the_schema_does_not_have_is_seen() -> None:
    block = schema()["resources"]["aiven_valkey"]
    given = {
        "project": 1,
        "planet": "x",
        "state": "RUNNING",
        "valkey_user_config": [{"ip_filter": [], "__is_block__": True}],
    }
    assert set(against_schema(given, block, "v")) == {
        "v.planet: unknown", "v.state: cannot be set", "v.valkey_user_config.ip_filter: deprecated",
        "v.project: number, should be string", "v.plan: required", "v.service_name: required",
    }  # fmt: skip


@pytest.mark.parametrize("found", MODULES, ids=shown)
def test_attributes_that_are_read_are_in_the_schema(found: Module) -> None:
    assert list(unknown_attributes(found)) == []


COMPONENTS = set(
    """
elasticsearch grafana kafka kafka_connect kafka_rest kibana mysql opensearch opensearch_dashboards pg pgbouncer
prometheus redis schema_registry
""".split()
)
"""What the provider takes for `component` of aiven_service_component. Its schema does not tell; its source does, in
internal/sdkprovider/service/servicecomponent/service_component_data_source.go."""


def test_components_are_ones_that_the_provider_looks_for() -> None:
    root = module(TERRAFORM)
    asked = [body for (type_, _), body in root.data.items() if type_ == "aiven_service_component"]
    assert [(body["for_each"], body["component"]) for body in asked] == [
        ("${module.aiven.privatelink_components}", "${each.value.component}")
    ]
    named = re.findall(r"\bcomponent\s*=\s*([^,}\s]+)", module(TERRAFORM / "modules/aiven").text)
    assert named
    assert {name.strip('"') for name in named} <= COMPONENTS


ENDPOINT = {"component": "valkey", "route": "privatelink", "usage": "primary", "host": "right", "port": 1}


@pytest.mark.skipif(not shutil.which("terraform"), reason="no terraform here")
@pytest.mark.parametrize(
    ("components", "found"),
    [
        ([], None),
        ([ENDPOINT | {"route": "dynamic", "host": "public"}], None),
        ([ENDPOINT | {"usage": "replica", "host": "replica"}], None),
        ([ENDPOINT | {"route": "private", "host": "vpc"}, ENDPOINT | {"component": "prometheus", "host": "other"},
          ENDPOINT | {"usage": "replica", "host": "replica"}, ENDPOINT, ENDPOINT | {"host": "second"}], "right"),
    ],
)  # fmt: skip
def test_the_endpoint_of_valkey_is_the_primary_one_through_privatelink(
    components: list[dict[str, object]], found: str | None, tmp_path: Path
) -> None:
    text = (TERRAFORM / "main.tf").read_text()
    chosen = re.findall(r"(?ms)^  valkey_endpoints = \[.*?^  \]$", text)[0]
    output = module(TERRAFORM).outputs["valkey_privatelink_endpoint_dns"]["value"]
    value = chosen.replace("data.aiven_valkey.privatelink", "local.read")
    (tmp_path / "main.tf").write_text(
        f"locals {{\n  read = [{{ components = {json.dumps(components)} }}]\n{value}\n}}\n"
    )
    expression = output.removeprefix("${").removesuffix("}")
    assert run_terraform(tmp_path, "console", stdin=f"jsonencode({expression})").stdout.strip() == json.dumps(
        json.dumps(found)
    )


def test_the_trimmed_schema_holds_what_is_used_and_no_more() -> None:
    assert cut(schema(), [path.read_text() for path in FILES]) == schema()


def test_what_users_trip_over() -> None:
    aiven = module(TERRAFORM / "modules/aiven")
    aws = module(TERRAFORM / "modules/aws")
    config = aiven.resources["aiven_kafka_topic", "events"]["config"][0]
    assert set(config) >= {"retention_ms", "min_insync_replicas"}
    valkey = aiven.resources["aiven_valkey", "this"]["valkey_user_config"][0]
    assert valkey["valkey_maxmemory_policy"] == "noeviction"
    assert aiven.resources["aiven_opensearch", "this"]["opensearch_user_config"][0]["opensearch_dashboards"]
    for kind, service in (("kafka", "aiven_kafka"), ("pg", "aiven_pg"), ("valkey", "aiven_valkey")):
        dynamic = aiven.resources[service, "this"][f"{kind}_user_config"][0]["dynamic"]
        assert dynamic[0]["privatelink_access"]["content"][0][kind] is True
        assert "project_vpc_id" in aiven.resources[service, "this"]
    instance = aws.resources["aws_instance", "this"]
    assert instance["metadata_options"][0]["http_tokens"] == "required"
    assert instance["root_block_device"][0]["encrypted"] is True


def test_only_ssh_is_open_and_only_to_the_network_that_was_named() -> None:
    aws = module(TERRAFORM / "modules/aws")
    rules = [body for (type_, _), body in aws.resources.items() if type_ == "aws_vpc_security_group_ingress_rule"]
    sources = [rule.get("cidr_ipv4") or rule["referenced_security_group_id"] for rule in rules]
    assert sorted(sources) == ["${aws_security_group.instance.id}"] * 2 + ["${var.ssh_allowed_cidr}"]
    assert not [body for (type_, _), body in aws.resources.items() if {"ingress", "egress"} & set(body)]


def test_the_instance_installs_python_the_project_and_says_how_to_go_on() -> None:
    script = (TERRAFORM / "modules/aws/user_data.sh.tftpl").read_text()
    assert set(re.findall(r"\$\{(\w+)", script)) == {"github_repo_url"}
    for part in ("python3-venv", "(3, 11)", "git clone", "pip install", "/etc/motd", "clickstream benchmark"):
        assert part in script
    rendered = script.replace("${github_repo_url}", "https://example.com/a.git")
    done = subprocess.run(["bash", "-n"], input=rendered, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_example_of_variables_names_every_one_but_the_token() -> None:
    text = (TERRAFORM / "terraform.tfvars.example").read_text()
    named = set(re.findall(r"(?m)^(?:# )?(\w+)\s+= ", text))
    assert named == set(module(TERRAFORM).variables) - {"aiven_api_token"}
    for name, shown_value in re.findall(r"(?m)^# (\w+)\s+= (\S+)$", text):
        default = module(TERRAFORM).variables[name].get("default")
        if default is not None:
            assert shown_value.strip('"').lower() == str(default).lower(), name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(TERRAFORM).as_posix())
def test_files_are_laid_out_as_terraform_fmt_would(path: Path) -> None:
    assert list(misplaced(path.read_text())) == []


def test_a_wrong_layout_is_seen() -> None:
    assert list(misplaced('a "b" {\n  c = 1\n  long = 2\n   d = [\n  ]\n}\n')) == [
        "4: indented by 3",
        "2: = is not below its neighbours'",
    ]


@pytest.mark.skipif(not shutil.which("terraform"), reason="no terraform here")
def test_terraform_itself_would_lay_out_nothing_otherwise() -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    command = ["terraform", "fmt", "-check", "-diff", "-recursive", str(TERRAFORM)]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")
