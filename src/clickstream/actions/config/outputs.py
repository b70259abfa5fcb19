"""What Terraform made: its outputs, asked of terraform itself or read from its local state. Writes nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from clickstream.domain.errors import ClickstreamError, UsageError

STATE_FILE: Final = "terraform.tfstate"
STATE_VERSION: Final = 4
"""The format of state files since Terraform 0.12."""

WITHIN: Final = 120
"""Seconds for terraform to answer; state that is kept remotely takes a few."""

_APPLY: Final = "`terraform apply` in that folder makes what is missing"


class Outputs:
    """The root module's outputs by name. Terraform drops those that are null, so null and not there are the same."""

    def __init__(self, values: Mapping[str, Any], origin: str) -> None:
        self._values = {name: value for name, value in values.items() if value is not None}
        self.origin = origin
        """Where they come from, in words."""

    def has(self, name: str) -> bool:
        return name in self._values

    def require(self, *names: str) -> None:
        """Raises ClickstreamError that names every one of `names` that is missing."""
        if missing := [name for name in names if name not in self._values]:
            raise ClickstreamError(f"{self.origin}: no output {', '.join(missing)}", hint=_APPLY)

    def text(self, name: str) -> str:
        """An output as text, a number in digits. Raises ClickstreamError when it is missing or something else."""
        self.require(name)
        value = self._values[name]
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise ClickstreamError(f"{self.origin}: output {name} is neither text nor a whole number", hint=_APPLY)
        return str(value)


def read_outputs(folder: Path) -> Outputs:
    """The outputs of the Terraform configuration in `folder`.

    `terraform output` is asked where there is a terraform and the folder is initialised: it knows where state is kept.
    Elsewhere the local state file is read.

    Raises:
        UsageError: no such folder.
        ClickstreamError: nothing was applied there, or what is there cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", hint="--terraform-dir names the one that terraform was run in")
    terraform = shutil.which("terraform")
    if terraform and (folder / ".terraform").is_dir():
        origin = f"terraform output in {folder}"
        listed = _document(_ask(terraform, folder), origin)
    else:
        origin = str(folder / STATE_FILE)
        listed = _from_state(folder / STATE_FILE)
    if not listed:
        raise ClickstreamError(f"{origin}: no outputs, so nothing was applied yet", hint=_APPLY)
    return Outputs({name: _value(name, entry, origin) for name, entry in listed.items()}, origin)


def _ask(terraform: str, folder: Path) -> str:
    command = [terraform, f"-chdir={folder}", "output", "-json", "-no-color"]
    environ = os.environ | {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    try:
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, env=environ, timeout=WITHIN, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ClickstreamError(f"terraform output in {folder}: no answer within {WITHIN} seconds") from error
    except OSError as error:
        raise ClickstreamError(f"{terraform}: cannot be started: {error.strerror}") from error
    if done.returncode:
        reason = " ".join(done.stderr.decode(errors="replace").split())
        raise ClickstreamError(f"terraform output in {folder} failed: {reason or f'exit code {done.returncode}'}")
    return done.stdout.decode(errors="replace")


def _from_state(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ClickstreamError(f"{path} does not exist, so nothing was applied yet", hint=_APPLY) from error
    except OSError as error:
        raise ClickstreamError(f"{path}: cannot be read: {error.strerror}") from error
    state = _document(content.decode(errors="replace"), str(path))
    if state.get("version") != STATE_VERSION:
        raise ClickstreamError(
            f"{path}: is not a state file of version {STATE_VERSION}", hint="Terraform 1.5.7 or newer writes one"
        )
    outputs = state.get("outputs", {})
    if not isinstance(outputs, dict):
        raise ClickstreamError(f"{path}: its outputs are not a list by name")
    return outputs


def _document(text: str, origin: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ClickstreamError(f"{origin}: is no JSON{'' if text.strip() else ', it is empty'}") from error
    if not isinstance(document, dict):
        raise ClickstreamError(f"{origin}: is JSON, but no object")
    return document


def _value(name: str, entry: Any, origin: str) -> Any:
    if not isinstance(entry, dict) or "value" not in entry:
        raise ClickstreamError(f"{origin}: output {name} has no value")
    return entry["value"]
