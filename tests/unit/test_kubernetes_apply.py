"""deploy/kubernetes applied to a stand-in for a cluster: what a second apply says, and what becomes of the replicas."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster, cluster
from tests.kubernetes import ROOT, written

COMPONENTS = ("indexer", "producer", "keda", "keda-tls", "certificates")
README = (ROOT / "README.md").read_text()


@pytest.fixture
def it(tmp_path: Path) -> Iterator[Cluster]:
    with cluster(tmp_path) as made:
        yield made


@pytest.mark.parametrize("components", [(), COMPONENTS], ids=["none", "all"])
def test_a_second_apply_changes_nothing(it: Cluster, components: tuple[str, ...], tmp_path: Path) -> None:
    overlay = written(tmp_path, components)
    assert set(it.apply(overlay).values()) == {"created"}
    before = specs(it)
    again = it.apply(overlay)
    # kubectl sends a disruption budget's selector every time, whatever is there.
    assert {name for name, said in again.items() if said != "unchanged"} == {"poddisruptionbudget.policy/consumer"}
    assert specs(it) == before


def test_a_field_that_the_cluster_fills_in_is_seen(it: Cluster, tmp_path: Path) -> None:
    overlay = written(tmp_path, ())
    manifest = overlay.parents[1] / "base/consumer.yaml"
    manifest.write_text(re.sub(r"    type: RollingUpdate.*\n", "", manifest.read_text()))
    it.apply(overlay)
    assert it.apply(overlay)["deployment.apps/consumer"] == "configured"


def specs(it: Cluster) -> dict[str, object]:
    return {path: copy.deepcopy(found.get("spec") or found.get("data")) for path, found in it.objects.items()}


def running_six(it: Cluster, tmp_path: Path) -> Path:
    """Six consumers; then the overlay gets KEDA, with as many."""
    it.apply(written(tmp_path, (), replicas=[{"name": "consumer", "count": 6}]))
    assert it.named("Deployment", "consumer")["spec"]["replicas"] == 6
    return written(tmp_path, ("keda",))


def test_keda_added_to_a_running_overlay_would_drop_the_consumers_to_one(it: Cluster, tmp_path: Path) -> None:
    it.apply(running_six(it, tmp_path))
    assert it.named("Deployment", "consumer")["spec"]["replicas"] == 1


def test_the_readme_says_what_keeps_the_consumers_when_keda_is_added(
    it: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overlay = running_six(it, tmp_path)
    monkeypatch.chdir(tmp_path)
    commands = re.search(
        r"    kubectl (apply view-last-applied .+) \| sed '(.+)' > consumer\.yaml\n +kubectl (apply .+)\n", README
    )
    assert commands
    view, edit, put = commands.groups()
    known = it.kubectl(*view.split())
    assert edit == "/^  replicas:/d"
    Path("consumer.yaml").write_text(re.sub(r"(?m)^  replicas:.*\n", "", known))
    it.kubectl(*put.split())
    it.apply(overlay)
    assert it.named("Deployment", "consumer")["spec"]["replicas"] == 6
    assert it.apply(overlay)["deployment.apps/consumer"] == "unchanged"
