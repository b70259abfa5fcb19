"""From Terraform's outputs to settings and certificates. Pure: reads and writes no file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from clickstream.actions.config.outputs import Outputs
from clickstream.domain.errors import ClickstreamError


class Scenario(StrEnum):
    """Where Terraform puts the clients of the services."""

    LOCAL = "local"
    EC2_PUBLIC = "ec2_public"
    EC2_PRIVATELINK = "ec2_privatelink"


CA, CERT, KEY = "ca.pem", "service.cert", "service.key"

CERTIFICATES: Final = {CA: "project_ca_cert", CERT: "kafka_access_cert", KEY: "kafka_access_key"}
"""File in certs/ to the output that it holds."""

FILE_SETTINGS: Final = {
    "KAFKA_SSL_CA_FILE": CA,
    "KAFKA_SSL_CERT_FILE": CERT,
    "KAFKA_SSL_KEY_FILE": KEY,
    "PG_SSLROOTCERT": CA,
}
"""Setting to the file that it names. Valkey's and OpenSearch's certificates are ones that any system trusts."""

_NEEDED: Final = (
    *("deployment_scenario", *CERTIFICATES.values(), "kafka_bootstrap_servers"),
    *("pg_host", "pg_port", "pg_user", "pg_password", "pg_database"),
    *("valkey_host", "valkey_port", "valkey_password"),
)
_OPENSEARCH: Final = tuple(f"opensearch_{part}" for part in ("host", "port", "user", "password"))
_PEM: Final = "-----BEGIN "


@dataclass(frozen=True, slots=True)
class GeneratedValues:
    """What the files are to hold."""

    scenario: Scenario
    values: dict[str, str]
    """Setting to value; those of FILE_SETTINGS come with the files."""
    certificates: dict[str, str]
    """File name to its text, PEM."""
    opensearch: bool
    instance: str | None
    """Address of the EC2 instance, where there is one."""


def make(outputs: Outputs) -> GeneratedValues:
    """Settings for what Terraform made. Raises ClickstreamError, which names each output that is missing or wrong."""
    opensearch = any(outputs.has(name) for name in _OPENSEARCH)
    needed = [*_NEEDED, *(_OPENSEARCH if opensearch else ())]
    if (
        privatelink := outputs.has("deployment_scenario")
        and outputs.text("deployment_scenario") == Scenario.EC2_PRIVATELINK
    ):
        needed += [f"{service}_privatelink_endpoint_dns" for service in _services(opensearch)]
    outputs.require(*needed)
    if (scenario := outputs.text("deployment_scenario")) not in set(Scenario):
        raise ClickstreamError(
            f"{outputs.origin}: output deployment_scenario is {scenario}, and not one of {', '.join(Scenario)}"
        )
    values = _kafka(outputs, privatelink) | _postgres(outputs, privatelink) | _valkey(outputs, privatelink)
    values |= _opensearch(outputs, privatelink) if opensearch else {"OPENSEARCH_ENABLED": "false"}
    if outputs.has("project_name"):
        values["AIVEN_PROJECT_NAME"] = outputs.text("project_name")
    return GeneratedValues(
        scenario=Scenario(scenario),
        values=values,
        certificates={name: _pem(outputs, output) for name, output in CERTIFICATES.items()},
        opensearch=opensearch,
        instance=outputs.text("ec2_public_ip") if outputs.has("ec2_public_ip") else None,
    )


def _services(opensearch: bool) -> tuple[str, ...]:
    return ("kafka", "pg", "valkey", *(("opensearch",) if opensearch else ()))


def _address(outputs: Outputs, service: str, host: str, port: str, privatelink: bool) -> tuple[str, str]:
    """Host and port of a service; through PrivateLink those of its endpoint (the port, where outputs name one)."""
    if not privatelink:
        return host, port
    other = f"{service}_privatelink_port"
    return outputs.text(f"{service}_privatelink_endpoint_dns"), outputs.text(other) if outputs.has(other) else port


def _kafka(outputs: Outputs, privatelink: bool) -> dict[str, str]:
    servers = outputs.text("kafka_bootstrap_servers")
    if privatelink:
        host, _, port = servers.partition(",")[0].rpartition(":")
        servers = ":".join(_address(outputs, "kafka", host, port, privatelink))
    optional = {
        "KAFKA_EVENTS_TOPIC": ("kafka_events_topic_name", "clickstream-events"),
        "KAFKA_EVENTS_TOPIC_PARTITIONS": ("kafka_events_topic_partitions", "3"),
        "KAFKA_EVENTS_TOPIC_REPLICATION": ("kafka_events_topic_replication", "2"),
    }
    topic = {name: outputs.text(output) if outputs.has(output) else old for name, (output, old) in optional.items()}
    return {"KAFKA_BOOTSTRAP_SERVERS": servers, "KAFKA_SECURITY_PROTOCOL": "SSL", **topic}


def _postgres(outputs: Outputs, privatelink: bool) -> dict[str, str]:
    host, port = _address(outputs, "pg", outputs.text("pg_host"), outputs.text("pg_port"), privatelink)
    return {
        "PG_HOST": host,
        "PG_PORT": port,
        "PG_USER": outputs.text("pg_user"),
        "PG_PASSWORD": outputs.text("pg_password"),
        "PG_DATABASE": outputs.text("pg_database"),
        "PG_SSLMODE": "verify-full",
    }


def _valkey(outputs: Outputs, privatelink: bool) -> dict[str, str]:
    host, port = _address(outputs, "valkey", outputs.text("valkey_host"), outputs.text("valkey_port"), privatelink)
    return {
        "VALKEY_HOST": host,
        "VALKEY_PORT": port,
        "VALKEY_USER": outputs.text("valkey_user") if outputs.has("valkey_user") else "default",
        "VALKEY_PASSWORD": outputs.text("valkey_password"),
        "VALKEY_SSL": "true",
    }


def _opensearch(outputs: Outputs, privatelink: bool) -> dict[str, str]:
    host, port = outputs.text("opensearch_host"), outputs.text("opensearch_port")
    host, port = _address(outputs, "opensearch", host, port, privatelink)
    values = {
        "OPENSEARCH_ENABLED": "true",
        "OPENSEARCH_HOST": host,
        "OPENSEARCH_PORT": port,
        "OPENSEARCH_USER": outputs.text("opensearch_user"),
        "OPENSEARCH_PASSWORD": outputs.text("opensearch_password"),
        "OPENSEARCH_USE_SSL": "true",
        "OPENSEARCH_VERIFY_CERTS": "true",
    }
    if outputs.has("opensearch_dashboards_uri"):
        values["OPENSEARCH_DASHBOARDS_URL"] = _without_login(outputs.text("opensearch_dashboards_uri"))
    return values


def _without_login(uri: str) -> str:
    """The address without its login: people see the address, and would see a password in it."""
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise ClickstreamError("output opensearch_dashboards_uri is not a web address") from error
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _pem(outputs: Outputs, name: str) -> str:
    text = outputs.text(name)
    if _PEM not in text:
        raise ClickstreamError(f"{outputs.origin}: output {name} holds nothing in PEM format ({_PEM}...)")
    return text if text.endswith("\n") else f"{text}\n"
