"""Terraform's outputs, from terraform or tofu, or from its local state file. Writes nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from clickstream.actions.config.state import APPLY, data_folder, document, read_state
from clickstream.domain.errors import ClickstreamError, UsageError

WITHIN: Final = 120
"""Seconds for terraform to answer; state that is kept remotely takes a few."""

_LOGIN: Final = re.compile(r"""(?<=://)[^\s"']*@""")
"""In an address. Some backends repeat theirs in an error, password included."""


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
            raise ClickstreamError(f"{self.origin}: no output {', '.join(missing)}", hint=APPLY)

    def text(self, name: str) -> str:
        """An output as text, a number in digits. Raises ClickstreamError when it is missing or something else."""
        self.require(name)
        value = self._values[name]
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise ClickstreamError(f"{self.origin}: output {name} is neither text nor a whole number", hint=APPLY)
        return str(value)


def read_outputs(folder: Path) -> Outputs:
    """The outputs of the Terraform configuration in `folder`, for the workspace that is selected there.

    `terraform output` is asked where there is a terraform and the folder is initialised: it knows where state is kept.
    Elsewhere the local state file is read, as long as that is where the state is.

    Raises:
        UsageError: no such folder.
        ClickstreamError: nothing was applied there, or what is there cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", hint="--terraform-dir names the one that terraform was run in")
    program = _program(folder)
    if program and data_folder(folder).is_dir():
        origin = f"{Path(program).name} output in {folder}"
        listed = document(_ask(program, folder, origin), origin)
    else:
        listed, origin = read_state(folder)
    if not listed:
        raise ClickstreamError(f"{origin}: no outputs, so nothing was applied yet", hint=APPLY)
    return Outputs({name: _value(name, entry, origin) for name, entry in listed.items()}, origin)


def _program(folder: Path) -> str | None:
    """The one that the folder was initialised with, where it is here: the other may not read its state."""
    try:
        tofu_first = b"opentofu" in (folder / ".terraform.lock.hcl").read_bytes()
    except OSError:
        tofu_first = False
    names = ("tofu", "terraform") if tofu_first else ("terraform", "tofu")
    return next((found for name in names if (found := shutil.which(name))), None)


def _ask(program: str, folder: Path, origin: str) -> bytes:
    command = [program, f"-chdir={folder}", "output", "-json", "-no-color"]
    # A log would end up in the error, with all that it tells.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TF_LOG")}
    environ |= {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    try:
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, env=environ, timeout=WITHIN, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ClickstreamError(f"{origin}: no answer within {WITHIN} seconds") from error
    except OSError as error:
        raise ClickstreamError(f"{program}: cannot be started: {error.strerror}") from error
    if done.returncode:
        reason = _LOGIN.sub("", " ".join(done.stderr.decode(errors="replace").split()))
        raise ClickstreamError(f"{origin} failed: {reason or f'exit code {done.returncode}'}")
    return done.stdout


def _value(name: str, entry: Any, origin: str) -> Any:
    if not isinstance(entry, dict) or "value" not in entry:
        raise ClickstreamError(f"{origin}: output {name} has no value")
    return entry["value"]
