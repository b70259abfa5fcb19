"""Reads Terraform's state file where no terraform is installed: its workspace, its backend, its content.

Everything in such a file but names and versions may be a secret, so no message repeats it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from clickstream.domain.errors import ClickstreamError

STATE_FILE: Final = "terraform.tfstate"
WORKSPACES: Final = "terraform.tfstate.d"
DEFAULT: Final = "default"
"""The workspace that every folder has."""

STATE_VERSION: Final = 4
"""The format of state files since Terraform 0.12."""

APPLY: Final = "`terraform apply` in that folder makes what is missing"
ASK: Final = "install terraform or tofu, which this command then asks"
INIT: Final = "install terraform or tofu and run its `init` in that folder, and this command asks it"

_LOCAL: Final = "local"
_CLOUD: Final = "cloud"

# What can hold braces and quotes without meaning them, then what the configuration's blocks are made of.
_PIECES: Final = re.compile(
    r"""\#[^\n]*|//[^\n]*|/\*.*?\*/|<<-?(?P<end>\w+)\n.*?\n[ \t]*(?P=end)\b"""
    r"""|"(?:\\.|[^"\\])*"|[{}\n]|[\w-]+""",
    re.DOTALL,
)


def data_folder(folder: Path) -> Path:
    """Where `terraform init` keeps what it knows of `folder`."""
    return folder / (os.environ.get("TF_DATA_DIR") or ".terraform")


def read_state(folder: Path) -> tuple[dict[str, Any], str]:
    """The outputs in the state of the selected workspace, and the file that holds them.

    Raises:
        ClickstreamError: the state is not in a local file, there is none, or it cannot be read.
    """
    settings, workspace = _local_backend(folder), _workspace(folder)
    workspaces = folder / (settings.get("workspace_dir") or WORKSPACES)
    default = folder / (settings.get("path") or STATE_FILE)
    path = default if workspace == DEFAULT else workspaces / workspace / STATE_FILE
    content = _read(path)
    if content is None:
        others = ", ".join(sorted(one.parent.name for one in workspaces.glob(f"*/{STATE_FILE}")))
        raise ClickstreamError(
            f"{path} does not exist, so nothing was applied in the workspace {workspace} yet",
            hint=f"{APPLY}; or select one that has a state with TF_WORKSPACE: {others}" if others else APPLY,
        )
    return _outputs(document(content, str(path)), str(path)), str(path)


def document(content: bytes, origin: str) -> dict[str, Any]:
    """A JSON object, which is not empty. Raises ClickstreamError that says what is there in its place."""
    if not content.strip():
        raise ClickstreamError(f"{origin} is empty, so nothing was applied yet", hint=APPLY)
    if content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise ClickstreamError(
            f"{origin} begins with a byte order mark, which terraform does not read either",
            hint="an editor or a shell's redirection put it there: save the file as UTF-8 without it",
        )
    try:
        found = json.loads(content.decode())
    except (ValueError, RecursionError):
        # Without its cause, which quotes the text.
        raise ClickstreamError(f"{origin} does not hold JSON") from None
    if not isinstance(found, dict):
        raise ClickstreamError(f"{origin} holds JSON, but not an object")
    return found


def _workspace(folder: Path) -> str:
    name, origin = os.environ.get("TF_WORKSPACE", ""), "TF_WORKSPACE"
    if not name:
        path = data_folder(folder) / "environment"
        name, origin = (_read(path) or b"").decode(errors="replace").strip(), str(path)
    if Path(name).name != name or name == "..":
        raise ClickstreamError(f"{origin} does not hold the name of a workspace", hint="`terraform workspace select`")
    return name or DEFAULT


def _local_backend(folder: Path) -> Mapping[str, Any]:
    """What `terraform init` recorded of the local backend. Raises ClickstreamError for any other backend."""
    recorded = _recorded(folder)
    kinds = [*_declared(folder), *([str(recorded.get("type"))] if recorded else [])]
    if other := next((kind for kind in kinds if kind != _LOCAL), None):
        place = "HCP Terraform" if other in {_CLOUD, "remote"} else f"a backend ({other})"
        raise ClickstreamError(
            f"the state of {folder} is kept in {place}, and only terraform or tofu can read it there",
            hint=INIT,
        )
    if kinds and not recorded:
        raise ClickstreamError(
            f"{folder} names a place of its own for the state and was not initialised, so that place is not known",
            hint=INIT,
        )
    settings = recorded.get("config") if recorded else None
    return settings if isinstance(settings, dict) else {}


def _recorded(folder: Path) -> dict[str, Any] | None:
    """The backend that `terraform init` set up; None: it was not run, or there was none to set up."""
    path = data_folder(folder) / STATE_FILE
    content = _read(path)
    backend = document(content, str(path)).get("backend") if content else None
    return backend if isinstance(backend, dict) else None


def _declared(folder: Path) -> Iterator[str]:
    """The kind of each backend that the configuration asks for."""
    for path in sorted(path for path in folder.iterdir() if not path.name.startswith(".")):
        if path.name.endswith((".tf", ".tofu")):
            yield from _in_configuration((_read(path) or b"").decode(errors="replace"))
        elif path.name.endswith((".tf.json", ".tofu.json")) and (content := _read(path)):
            yield from _in_json(document(content, str(path)).get("terraform"))


def _in_configuration(text: str) -> Iterator[str]:
    """`backend "KIND" {` and `cloud {` directly in a block `terraform {`."""
    blocks: list[str] = []
    line: list[str] = []
    for piece in (match[0] for match in _PIECES.finditer(text)):
        if piece == "{":
            if blocks == ["terraform"] and line[:1] == ["backend"]:
                yield "".join(line[1:]).strip('"')
            elif blocks == ["terraform"] and line == [_CLOUD]:
                yield _CLOUD
            blocks.append(" ".join(line))
        elif piece == "}":
            del blocks[-1:]
        if piece in {"{", "}", "\n"}:
            line = []
        elif not piece.startswith(("#", "/")):
            line.append(piece)


def _in_json(blocks: Any) -> Iterator[str]:
    for block in blocks if isinstance(blocks, list) else [blocks]:
        if isinstance(block, dict):
            backends = block.get("backend") or {}
            for backend in backends if isinstance(backends, list) else [backends]:
                yield from backend
            if "cloud" in block:
                yield _CLOUD


def _outputs(state: Mapping[str, Any], path: str) -> dict[str, Any]:
    if "encrypted_data" in state:
        raise ClickstreamError(
            f"{path} is encrypted by OpenTofu",
            hint="install tofu, which this command then asks, and give it the key as for `tofu apply`",
        )
    version = state.get("version")
    if isinstance(version, bool) or not isinstance(version, int):
        raise ClickstreamError(f"{path} is not a state file: it does not say which version of the format it has")
    if version != STATE_VERSION:
        raise ClickstreamError(
            f"{path} has version {version} of the state format, and this command reads version {STATE_VERSION}",
            hint="`terraform apply` with Terraform 1.5.7 or newer upgrades it" if version < STATE_VERSION else ASK,
        )
    outputs = {} if state.get("outputs") is None else state["outputs"]
    if not isinstance(outputs, dict):
        raise ClickstreamError(f"{path}: its outputs are not listed by name")
    return outputs


def _read(path: Path) -> bytes | None:
    """None: the file does not exist."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ClickstreamError(f"{path} cannot be read: {error.strerror}") from error
