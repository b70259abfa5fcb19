"""Writes `.env` and the certificates for the servers that Terraform made: either all files or none."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clickstream.actions.config.outputs import Outputs, read_outputs
from clickstream.actions.config.text import render
from clickstream.actions.config.values import FILE_SETTINGS, GeneratedValues, Scenario, make
from clickstream.config.files import write_private
from clickstream.config.problems import SettingsError, file_values
from clickstream.config.settings import load_settings, variables
from clickstream.domain.errors import ClickstreamError, UsageError

CERTS: Final = "certs"
"""Folder of the certificates, beside the file of settings."""


@dataclass(frozen=True, slots=True)
class GenerationPlan:
    """What would be written where; nothing is yet."""

    made: GeneratedValues
    origin: str
    """Where it comes from, in words."""
    env_file: Path
    certs: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """In the order in which they are put in place."""
        return (*(self.certs / name for name in self.made.certificates), self.env_file)

    @property
    def existing(self) -> tuple[Path, ...]:
        """Those that would be replaced."""
        return tuple(path for path in self.files if path.exists() or path.is_symlink())


@dataclass(frozen=True, slots=True)
class GeneratedFiles:
    """What was written; no secret is in here."""

    scenario: Scenario
    origin: str
    env_file: Path
    certificates: tuple[Path, ...]
    opensearch: bool
    instance: str | None
    """Address of the instance from which alone the servers are reached (PrivateLink); None: from anywhere."""


def plan(terraform_dir: Path, env_file: Path) -> GenerationPlan:
    """Read what Terraform made.

    Raises:
        UsageError: there is no such folder, or nothing can be written there.
        ClickstreamError: nothing was applied, or an output is missing or wrong.
    """
    outputs: Outputs = read_outputs(terraform_dir)
    found = GenerationPlan(make(outputs), outputs.origin, env_file, env_file.parent / CERTS)
    if not env_file.parent.is_dir():
        raise UsageError(f"{env_file.parent} is not a folder", hint="make it, or name another file with --output")
    if found.certs.exists() and not found.certs.is_dir():
        raise UsageError(f"{found.certs} is there and is not a folder", hint="move it away")
    for path in found.existing:
        if not path.is_file():
            raise UsageError(f"{path} is there and is not a file", hint="move it away, or name another with --output")
    return found


def generate(found: GenerationPlan) -> GeneratedFiles:
    """Write the files (0600), replacing what is there, once the settings in them were seen to be right.

    Raises:
        ClickstreamError: they are not; nothing was written.
        OSError: the folder cannot be written; what stands in it is whole, old or new.
    """
    made, folder = found.made, found.env_file.parent
    with tempfile.TemporaryDirectory(prefix=".clickstream-", dir=folder) as name:  # mode 0700
        staged = Path(name)
        for file, text in made.certificates.items():
            write_private(staged / file, text)
        values = made.values | {setting: str(_shown(found.certs) / file) for setting, file in FILE_SETTINGS.items()}
        write_private(staged / "env", render(values, _headline(found)))
        _try(staged, values)
        found.certs.mkdir(mode=0o700, exist_ok=True)
        found.certs.chmod(0o700)
        for path, source in zip(found.files, [*made.certificates, "env"], strict=True):
            (staged / source).replace(path)
    return GeneratedFiles(
        scenario=made.scenario,
        origin=found.origin,
        env_file=found.env_file,
        certificates=found.files[:-1],
        opensearch=made.opensearch,
        instance=made.instance if made.scenario is Scenario.EC2_PRIVATELINK else None,
    )


def _shown(certs: Path) -> Path:
    """The folder as settings name it: relative paths count from the working folder, and go well with both copied."""
    return Path(CERTS) if certs.absolute() == Path.cwd() / CERTS else certs.absolute()


def _headline(found: GenerationPlan) -> str:
    lines = [
        f"Written by `clickstream config generate`; deployment_scenario is {found.made.scenario}.",
        "It holds passwords: keep it to yourself. Lines that are comments show the defaults.",
    ]
    if found.made.scenario is Scenario.EC2_PRIVATELINK:
        lines.append("These servers are reached from the EC2 instance only: copy this file and certs/ there.")
    return "\n".join(lines)


def _try(staged: Path, wanted: dict[str, str]) -> None:
    """Read the staged files as a start would. Raises ClickstreamError when that fails or gives other values."""
    known = variables()
    expected = {name: value for name, value in wanted.items() if name in known}
    read = {name: value or "" for name, value in file_values(staged / "env").items()}
    if wrong := sorted(name for name in expected.keys() | read.keys() if expected.get(name) != read.get(name)):
        raise ClickstreamError(f"cannot be written so that it is read back: {', '.join(wrong)}")
    here = read | {setting: str(staged / file) for setting, file in FILE_SETTINGS.items()}
    try:
        load_settings(here, folder=staged)
    except SettingsError as error:
        raise ClickstreamError(
            f"what Terraform gives makes wrong settings: {'; '.join(str(error).splitlines())}"
        ) from error
