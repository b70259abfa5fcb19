"""deploy/kubernetes: that kustomize builds it, that Kubernetes knows it, and that everything named in it is there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from clickstream.config.problems import is_secret
from clickstream.config.settings import PipelineSettings, load_settings, variables
from clickstream.domain.processes import ProcessSpec, RestartPolicy, Role
from tests.commandline import parse
from tests.compose import ROOT as REPOSITORY
from tests.kubernetes import (
    COMPONENTS,
    ROOT,
    Manifest,
    built,
    containers,
    overlay,
    passwords_example,
    pods,
    settings_map,
)

ORDER = ("indexer", "producer", "keda", "keda-tls", "certificates")
"""All components, as an overlay must list them."""

CHOICES: dict[str, tuple[str, ...]] = {
    "none": (),
    "all": ORDER,
    **{name: ("keda", name) if name == "keda-tls" else (name,) for name in ORDER},
}
CERTIFICATES = {"ca.pem", "service.cert", "service.key"}
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()


@pytest.fixture(scope="module", params=[*CHOICES, "example"])
def manifests(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """What each choice of components, and the example as it stands, makes. Not to be changed: it is kept."""
    if request.param == "example":
        return built(ROOT / "overlays/example")
    return overlay(tmp_path_factory.mktemp("overlay"), CHOICES[request.param])


def named(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] == kind}


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    wanted: Mapping[str, str] = selector["matchLabels"]
    return bool(wanted) and wanted.items() <= labels.items()


def test_every_component_is_tested() -> None:
    assert set(COMPONENTS) == set(ORDER)


def test_kubernetes_knows_it(manifests: list[Manifest]) -> None:
    for one in manifests:
        if not one["apiVersion"].startswith("keda.sh/"):  # no schema of these is at hand
            kubernetes_validate.validate(one, "1.37", strict=True)


def test_a_field_that_kubernetes_does_not_know_is_seen(tmp_path: Path) -> None:
    [consumer] = named(overlay(tmp_path, ()), "Deployment").values()
    consumer["spec"]["replica"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(consumer, "1.37", strict=True)


def test_every_name_that_pods_use_is_there(manifests: list[Manifest]) -> None:
    maps, accounts = named(manifests, "ConfigMap"), named(manifests, "ServiceAccount")
    secrets = {passwords_example()["metadata"]["name"], "clickstream-certificates"}
    for who, pod in pods(manifests):
        assert pod["serviceAccountName"] in accounts, who
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for container in containers(pod):
            sources = [item for source in container.get("envFrom", []) for item in source.items()]
            assert {ref["name"] for kind, ref in sources if kind == "configMapRef"} <= set(maps), who
            assert {ref["name"] for kind, ref in sources if kind == "secretRef"} <= secrets, who
            assert {mount["name"] for mount in container["volumeMounts"]} <= set(volumes), who
        mounted = {mount["name"] for container in containers(pod) for mount in container["volumeMounts"]}
        assert set(volumes) == mounted, who
        assert {volume["secret"]["secretName"] for volume in volumes.values() if "secret" in volume} <= secrets


def test_selectors_meet_their_pods(manifests: list[Manifest]) -> None:
    for name, deployment in named(manifests, "Deployment").items():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert matches(deployment["spec"]["selector"], labels), name
        [spread] = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert matches(spread["labelSelector"], labels), name
    consumer = named(manifests, "Deployment")["consumer"]["spec"]["template"]["metadata"]["labels"]
    [budget] = named(manifests, "PodDisruptionBudget").values()
    assert matches(budget["spec"]["selector"], consumer)
    others = [
        one["spec"]["template"]["metadata"]["labels"]
        for one in manifests
        if one["kind"] in {"Deployment", "Job"} and one["metadata"]["name"] != "consumer"
    ]
    assert not any(matches(budget["spec"]["selector"], labels) for labels in others)


def test_a_fault_that_stays_fails_the_job_at_once(tmp_path: Path) -> None:
    """As under the supervisor: wrong settings or a bad file do not get better by a restart."""
    [job] = named(overlay(tmp_path, ("producer",)), "Job").values()
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never", "a policy is refused without"
    [rule] = job["spec"]["podFailurePolicy"]["rules"]
    final = sorted(RestartPolicy().final_exit_codes)
    assert {2, 4} <= set(final)
    # No container is named: the one that makes the file up counts, too.
    assert rule == {"action": "FailJob", "onExitCodes": {"operator": "In", "values": final}}


def test_all_is_in_one_namespace_and_labelled(manifests: list[Manifest]) -> None:
    [namespace] = named(manifests, "Namespace")
    for one in manifests:
        assert one["metadata"].get("namespace") == (None if one["kind"] == "Namespace" else namespace)
        assert one["metadata"]["labels"]["app.kubernetes.io/part-of"] == "clickstream"
    assert passwords_example()["metadata"]["namespace"] == namespace


def test_pods_may_do_nothing_and_write_nowhere(manifests: list[Manifest]) -> None:
    for who, pod in pods(manifests):
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True, who
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, who
        assert pod["automountServiceAccountToken"] is False, who
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, who
            assert {"requests", "limits"} <= set(container["resources"]), who


def test_they_run_as_the_image_says(manifests: list[Manifest]) -> None:
    for _, pod in pods(manifests):
        assert f"USER {pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" in DOCKERFILE
        assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsGroup"]


def test_images_are_pinned(manifests: list[Manifest]) -> None:
    for _, pod in pods(manifests):
        for container in containers(pod):
            assert re.fullmatch(r"(registry\.example\.com/)?clickstream:(local|[\d.]+)", container["image"])


def test_no_more_consumers_than_partitions(manifests: list[Manifest]) -> None:
    partitions = int(settings_map(manifests)["KAFKA_EVENTS_TOPIC_PARTITIONS"])
    scaled = [one["spec"]["maxReplicaCount"] for one in named(manifests, "ScaledObject").values()]
    fixed = [one["spec"]["replicas"] for one in named(manifests, "Deployment").values() if "replicas" in one["spec"]]
    assert all(1 <= count <= partitions for count in chain(scaled, fixed))
    # Who scales it, KEDA or us, is one of the two.
    assert ("replicas" in named(manifests, "Deployment")["consumer"]["spec"]) != bool(scaled)


def test_workers_get_the_time_to_stop_that_the_supervisor_gives(manifests: list[Manifest]) -> None:
    ladder = ProcessSpec("worker", Role.CONSUMER, ("worker",)).stop_timeout
    for who, pod in pods(manifests):
        assert pod["terminationGracePeriodSeconds"] > ladder, who


def test_deployments_are_probed(manifests: list[Manifest]) -> None:
    for deployment in named(manifests, "Deployment").values():
        [worker] = deployment["spec"]["template"]["spec"]["containers"]
        file = parse(worker["args"]).params["health_file"]
        started, ready, alive = (
            parse(worker[f"{kind}Probe"]["exec"]["command"][1:]).params for kind in ("startup", "readiness", "liveness")
        )
        assert {probe["health_file"] for probe in (started, ready, alive)} == {file}
        assert (started["ready"], ready["ready"], alive["ready"]) == (False, True, False)
        # Not ready long before it is started again.
        assert ready["within"] < alive["within"]


def test_settings_hold_no_secret_and_nothing_unknown(manifests: list[Manifest]) -> None:
    names = set(settings_map(manifests))
    assert names <= set(variables())
    assert not any(is_secret(name) for name in names)
    assert all(is_secret(name) for name in passwords_example()["stringData"])


@pytest.mark.usefixtures("certificates")
def test_settings_and_passwords_are_accepted(manifests: list[Manifest]) -> None:
    settings = load_settings({**settings_map(manifests), **passwords_example()["stringData"]})
    assert not settings.embedded
    assert settings.opensearch.enabled == ("indexer" in named(manifests, "Deployment"))


@pytest.fixture
def certificates() -> None:
    """Files where the example says that certificates lie."""
    Path("certs").mkdir()
    for name in CERTIFICATES:
        Path("certs", name).write_text("-----BEGIN CERTIFICATE-----\n")


@pytest.mark.parametrize("components", [("certificates",), ORDER], ids=["alone", "all"])
def test_certificates_lie_where_the_settings_look_for_them(components: tuple[str, ...], tmp_path: Path) -> None:
    assert "WORKDIR /app" in DOCKERFILE
    for who, pod in pods(overlay(tmp_path, components)):
        mounts = [mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]]
        assert "/app/certs" in mounts, who
    example = settings_map(built(ROOT / "overlays/example"))
    paths = [value for name, value in example.items() if name.endswith(("_FILE", "ROOTCERT"))]
    assert {Path(path).name for path in paths} == CERTIFICATES
    assert {str(Path(path).parent) for path in paths} == {"certs"}


def test_keda_asks_for_the_lag_of_the_consumers(tmp_path: Path) -> None:
    manifests = overlay(tmp_path, ORDER)
    [scaled] = named(manifests, "ScaledObject").values()
    assert scaled["spec"]["scaleTargetRef"]["name"] in named(manifests, "Deployment")
    [trigger] = scaled["spec"]["triggers"]
    asked = {trigger["metadata"][f"{name}FromEnv"] for name in ("bootstrapServers", "consumerGroup", "topic")}
    assert asked == {"KAFKA_BOOTSTRAP_SERVERS", "POSTGRESQL_CONSUMER_GROUP_ID", "KAFKA_EVENTS_TOPIC"}
    assert asked <= set(settings_map(manifests))
    assert trigger["metadata"]["offsetResetPolicy"] == PipelineSettings.model_fields["auto_offset_reset"].default
    authentication = named(manifests, "TriggerAuthentication")[trigger["authenticationRef"]["name"]]
    targets = authentication["spec"]["secretTargetRef"]
    assert {target["name"] for target in targets} == {"clickstream-certificates"}
    assert {target["key"] for target in targets} == CERTIFICATES


def test_changed_settings_restart_the_pods(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    before = overlay(tmp_path / "a", ())
    after = overlay(tmp_path / "b", (), settings="CONSUMER_BATCH_SIZE=500\n")
    assert settings_map(after)["CONSUMER_BATCH_SIZE"] == "500"
    assert settings_map(after).items() > settings_map(before).items()
    [[_, one]], [[_, other]] = list(pods(before)), list(pods(after))
    assert one["containers"][0]["envFrom"] != other["containers"][0]["envFrom"]
