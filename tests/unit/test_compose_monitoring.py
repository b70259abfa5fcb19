"""deploy/monitoring: Prometheus asks where the figures are, and Grafana's dashboards ask that Prometheus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

from tests.commandline import parse
from tests.compose import ROOT, rendered

MONITORING = ROOT / "deploy/monitoring"
GRAFANA = MONITORING / "grafana"


def mounted(service: str) -> dict[str, str]:
    """Where each file or folder of the repository lies in a container."""
    mounts = rendered()["services"][service]["volumes"]
    return {mount["source"]: mount["target"] for mount in mounts if mount["type"] == "bind"}


def sources_in(node: Any) -> Iterator[dict[str, str]]:
    """Every data source that a dashboard names, at any depth."""
    if isinstance(node, dict):
        if isinstance(node.get("datasource"), dict):
            yield node["datasource"]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from sources_in(item)


def test_prometheus_asks_where_the_figures_are() -> None:
    jobs = {
        job["job_name"]: job for job in yaml.safe_load((MONITORING / "prometheus.yml").read_text())["scrape_configs"]
    }
    metrics = rendered()["services"]["metrics"]
    args = parse(metrics["command"]).params
    [target] = jobs["clickstream"]["static_configs"][0]["targets"]
    # By the service's name, whatever became of either container; so it has to listen on more than its loopback.
    assert target == f"metrics:{args['port']}"
    assert args["host"] == "0.0.0.0"
    assert set(metrics["networks"]) & set(rendered()["services"]["prometheus"]["networks"])
    assert "ports" not in metrics
    assert f"http://127.0.0.1:{args['port']}/metrics" in metrics["healthcheck"]["test"][-1]


def test_prometheus_reads_our_file() -> None:
    command = rendered()["services"]["prometheus"]["command"]
    assert f"--config.file={mounted('prometheus')[str(MONITORING / 'prometheus.yml')]}" in command


def test_grafana_reads_our_folders() -> None:
    places = mounted("grafana")
    assert places[str(GRAFANA / "datasources")] == "/etc/grafana/provisioning/datasources"
    assert places[str(GRAFANA / "providers")] == "/etc/grafana/provisioning/dashboards"
    [provider] = yaml.safe_load((GRAFANA / "providers/clickstream.yml").read_text())["providers"]
    assert provider["options"]["path"] == places[str(GRAFANA / "dashboards")]


def test_dashboards_ask_the_source_that_is_set_up() -> None:
    [source] = yaml.safe_load((GRAFANA / "datasources/prometheus.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    dashboards = list((GRAFANA / "dashboards").glob("*.json"))
    assert dashboards
    for path in dashboards:
        named = {(one["type"], one["uid"]) for one in sources_in(json.loads(path.read_text()))}
        assert (source["type"], source["uid"]) in named
        assert {kind for kind, _ in named} <= {source["type"], "grafana", "datasource"}
        assert {uid for kind, uid in named if kind == source["type"]} == {source["uid"]}
