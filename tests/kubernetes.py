"""The manifests of deploy/kubernetes as kubectl's own kustomize builds them, without a cluster. Judges nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1] / "deploy/kubernetes"
COMPONENTS = tuple(sorted(folder.name for folder in (ROOT / "components").iterdir()))

Manifest = dict[str, Any]


def kubectl() -> str:
    """The program; skips where there is none."""
    program = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
    if program is None:
        pytest.skip("there is no kubectl, and its wheel is for Linux on x86-64 only")
    return program


def built(folder: Path) -> list[Manifest]:
    """What `kubectl apply -k` would send; skips where there is no kubectl."""
    done = subprocess.run(
        [kubectl(), "kustomize", str(folder)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return list(yaml.safe_load_all(done.stdout))


def overlay(folder: Path, components: Iterable[str], *, settings: str = "") -> list[Manifest]:
    """The base with these components, in this order; `settings`: lines of KEY=value that replace the base's."""
    return built(written(folder, components, settings=settings))


def written(folder: Path, components: Iterable[str], *, settings: str = "", **more: Any) -> Path:
    """The folder of such an overlay, written again where it is there; `more`: what else its kustomization says."""
    copy = folder / "kubernetes"
    shutil.copytree(ROOT, copy, dirs_exist_ok=True)
    place = copy / "overlays" / "made"
    place.mkdir(exist_ok=True)
    content: Manifest = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "clickstream",
        "resources": ["../../base"],
        "components": [f"../../components/{name}" for name in components],
        **more,
    }
    if settings:
        (place / "settings.env").write_text(settings)
        generator = {"name": "clickstream-settings", "behavior": "merge", "envs": ["settings.env"]}
        content["configMapGenerator"] = [generator]
    (place / "kustomization.yaml").write_text(yaml.safe_dump(content))
    return place


def pods(manifests: Iterable[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """(kind/name, the pod's spec) of each workload."""
    for one in manifests:
        if "template" in one.get("spec", {}):
            yield f"{one['kind']}/{one['metadata']['name']}", one["spec"]["template"]["spec"]


def containers(pod: Manifest) -> list[Manifest]:
    """Those that run, and those that run before."""
    return [*pod.get("initContainers", []), *pod["containers"]]


def settings_map(manifests: Iterable[Manifest]) -> Mapping[str, str]:
    """The values of the ConfigMap that holds the settings."""
    [found] = [one["data"] for one in manifests if one["kind"] == "ConfigMap"]
    values: dict[str, str] = found
    return values


def passwords_example() -> Manifest:
    """The Secret that the pods read, with values that are not secret."""
    example: Manifest = yaml.safe_load((ROOT / "passwords.example.yaml").read_text())
    return example


def environment(folder: str) -> Mapping[str, str]:
    """The variables that the pods of a folder of ROOT get: its settings, and the example's passwords."""
    return {**settings_map(built(ROOT / folder)), **passwords_example()["stringData"]}
