"""A stand-in for Kubernetes' API, as far as `kubectl apply` asks it.

It keeps objects and fills in the fields that the real one does. It says nothing about pods or controllers.
"""

from __future__ import annotations

import copy
import itertools
import json
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.kubernetes import kubectl

Manifest = dict[str, Any]

RESOURCES = {
    "v1": {"namespaces": "Namespace", "serviceaccounts": "ServiceAccount", "configmaps": "ConfigMap"},
    "apps/v1": {"deployments": "Deployment"},
    "batch/v1": {"jobs": "Job"},
    "policy/v1": {"poddisruptionbudgets": "PodDisruptionBudget"},
    "keda.sh/v1alpha1": {"scaledobjects": "ScaledObject", "triggerauthentications": "TriggerAuthentication"},
}

PROBE = {"initialDelaySeconds": 0, "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1,
         "failureThreshold": 3}  # fmt: skip


def fill_in(found: Manifest) -> None:
    """Write what Kubernetes 1.33 writes into fields that were left out."""
    if found["kind"] == "Namespace":
        found["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = found["metadata"]["name"]
        found.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    if found["kind"] == "Deployment":
        add(found["spec"], replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600, strategy={})
        add(found["spec"]["strategy"], type="RollingUpdate")
        if found["spec"]["strategy"]["type"] == "RollingUpdate":
            add(found["spec"]["strategy"], rollingUpdate={})
            add(found["spec"]["strategy"]["rollingUpdate"], maxSurge="25%", maxUnavailable="25%")
    if found["kind"] == "Job":
        add(found["spec"], backoffLimit=6, completionMode="NonIndexed", completions=1, parallelism=1, suspend=False)
        add(found["spec"], manualSelector=False, podReplacementPolicy="TerminatingOrFailed", selector={})
        found["spec"]["selector"].setdefault("matchLabels", {})["batch.kubernetes.io/controller-uid"] = "1"
        labels = found["spec"]["template"].setdefault("metadata", {}).setdefault("labels", {})
        labels["batch.kubernetes.io/controller-uid"] = "1"
    if found["kind"] in {"Deployment", "Job"}:
        fill_in_pod(found["spec"]["template"]["spec"])


def fill_in_pod(pod: Manifest) -> None:
    add(pod, dnsPolicy="ClusterFirst", restartPolicy="Always", schedulerName="default-scheduler", securityContext={})
    add(pod, terminationGracePeriodSeconds=30, serviceAccount=pod["serviceAccountName"])
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        add(container, imagePullPolicy="IfNotPresent", resources={})
        add(container, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File")
        for name in ("startupProbe", "readinessProbe", "livenessProbe"):
            add(container.get(name, {}), **PROBE)
    for volume in pod.get("volumes", []):
        add(volume.get("secret", {}), defaultMode=0o644)


def add(found: Manifest, **defaults: Any) -> None:
    for name, value in defaults.items():
        found.setdefault(name, copy.deepcopy(value))


def merged(old: Any, patch: Any) -> Any:
    """A patch as these manifests need it: maps only; lists are replaced, directives ($retainKeys) have no effect."""
    if not isinstance(patch, Mapping) or not isinstance(old, Mapping):
        return patch
    found = {name: value for name, value in old.items() if name not in patch or patch[name] is not None}
    for name, value in patch.items():
        if value is not None and not name.startswith("$"):
            found[name] = merged(old.get(name, {}), value)
    return found


class Cluster:
    """The objects by path, and a kubectl that talks to them."""

    def __init__(self, folder: Path, address: str) -> None:
        self.objects: dict[str, Manifest] = {}
        self._versions = itertools.count(1)
        self._config = folder / "kubeconfig"
        self._cache = folder / "cache"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": address}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "namespace": "clickstream"}}],
        }
        self._config.write_text(json.dumps(config))

    def keep(self, path: str, found: Manifest) -> Manifest:
        fill_in(found)
        found["metadata"] |= {"uid": "1", "resourceVersion": str(next(self._versions))}
        self.objects[path] = found
        return found

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """What it prints; what it prints as an error fails the test."""
        command = [kubectl(), f"--kubeconfig={self._config}", f"--cache-dir={self._cache}", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def apply(self, overlay: Path) -> dict[str, str]:
        """Object to what kubectl says of it: created, configured or unchanged."""
        said = self.kubectl("apply", "--validate=false", "-k", str(overlay))
        return dict(line.rsplit(" ", 1) for line in said.splitlines())

    def named(self, kind: str, name: str) -> Manifest:
        [found] = [one for one in self.objects.values() if (one["kind"], one["metadata"]["name"]) == (kind, name)]
        return found


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """One that listens on loopback, empty."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            found = discovery().get(path) or kept.objects.get(path)
            self._answer(200 if found else 404, found or {"kind": "Status", "code": 404, "reason": "NotFound"})

        def do_POST(self) -> None:
            path, found = self.path.partition("?")[0], self._body()
            self._answer(201, kept.keep(f"{path}/{found['metadata']['name']}", found))

        def do_PATCH(self) -> None:
            path = self.path.partition("?")[0]
            self._answer(200, kept.keep(path, merged(kept.objects[path], self._body())))

        def _body(self) -> Manifest:
            body: Manifest = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            return body

        def _answer(self, status: int, found: Manifest) -> None:
            body = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kept = Cluster(folder, f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join()


def discovery() -> dict[str, Manifest]:
    """Path to what says which kinds there are."""
    groups = [version.split("/") for version in RESOURCES if "/" in version]
    found: dict[str, Manifest] = {
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [
            {"name": group, "versions": [{"groupVersion": f"{group}/{version}", "version": version}],
             "preferredVersion": {"groupVersion": f"{group}/{version}", "version": version}}
            for group, version in groups
        ]},
    }  # fmt: skip
    for version, kinds in RESOURCES.items():
        resources = [
            {"name": name, "singularName": kind.lower(), "namespaced": kind != "Namespace", "kind": kind,
             "verbs": ["create", "get", "list", "patch"]}
            for name, kind in kinds.items()
        ]  # fmt: skip
        path = f"/apis/{version}" if "/" in version else f"/api/{version}"
        found[path] = {
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources,
        }  # fmt: skip
    return found
