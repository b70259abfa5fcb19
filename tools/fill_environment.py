"""Fills the environment that runs it: `.venv/bin/python tools/fill_environment.py REQUIREMENT`. The Makefile calls it.

uv does it: the command that UV names, or one out of uv's own wheel. pip does it without uv (UV is empty), or where uv
fails. Beside the packages, the embedded Kafka's jars are downloaded. Needs the standard library only.
One line a step, with its seconds; what a tool said is shown, whole, when it failed.
"""

from __future__ import annotations

import configparser
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
PINS = ("-c", "constraints.txt")
DOWNLOADER = ("filelock", "jgo", "platformdirs", "truststore")
"""What the download of the jars imports besides our own code."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)

PIP_AS_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
}
"""pip's settings that uv knows under another name, and does not read itself."""


class Failed(Exception):
    """A tool's whole output."""


def main() -> int:
    (requirement,) = sys.argv[1:]
    for number in SIGNALS:
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    failures: list[Failed] = []
    with tempfile.TemporaryDirectory() as folder:
        for fill in (_fill_with_uv, _fill_with_pip) if os.environ.get("UV") else (_fill_with_pip,):
            if failures:
                _say(f"uv did not do it ({_last_line(failures[-1])}): trying pip")
            try:
                fill(requirement, Path(folder))
            except Failed as failure:
                failures.append(failure)
            else:
                return 0
    sys.stderr.write("\n".join(str(failure) for failure in failures) + "\n")
    return 1


def _fill_with_uv(requirement: str, folder: Path) -> None:
    uv = _uv(folder)
    install = (uv, "pip", "install", "--python", sys.executable, *PINS)
    environment = os.environ | {name: value for name, value in pip_settings().items() if name not in os.environ}
    began = _begin("packages")
    _run(*install, *DOWNLOADER, environment=environment)
    with _downloading_jars():
        _run(*install, "-e", requirement, environment=environment)
        _say_step("packages", began)


def _fill_with_pip(requirement: str, folder: Path) -> None:
    with _step("packages, by pip"):
        _run(*_pip(folder), "install", "--no-compile", *PINS, "-e", requirement)


def _uv(folder: Path) -> str:
    own = str(Path(sys.executable).with_name("uv"))
    for command in (os.environ["UV"], own):
        with suppress(Failed, OSError):
            _run(command, "--version")
            return command
    with _step("uv"):
        pin = next(line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.startswith("uv=="))
        _run(*_pip(folder), "install", "--no-deps", "--no-compile", "--only-binary", ":all:", pin)
    return own


def _pip(folder: Path) -> tuple[str, ...]:
    """The wheel that comes with Python, unpacked: to install it first takes longer than all that it has to do."""
    found = [path for place in _wheel_folders() for path in sorted(place.glob("pip-*.whl"))]
    if not found:
        raise Failed(f"{sys.executable} comes without pip (no ensurepip)")
    with zipfile.ZipFile(found[-1]) as wheel:
        wheel.extractall(folder)
    return sys.executable, str(folder / "pip")


def _wheel_folders() -> Iterator[Path]:
    yield Path(sysconfig.get_path("stdlib")) / "ensurepip" / "_bundled"
    if distribution := sysconfig.get_config_var("WHEEL_PKG_DIR"):
        yield Path(distribution)


def pip_settings() -> dict[str, str]:
    """What pip's files and variables say, under uv's names; the variables win."""
    parser = configparser.RawConfigParser()
    places = (os.environ.get("PIP_CONFIG_FILE", ""), "~/.config/pip/pip.conf", "~/.pip/pip.conf", "/etc/pip.conf")
    with suppress(configparser.Error, UnicodeDecodeError):  # pip will say so, if it comes to that
        parser.read(Path(place).expanduser() for place in reversed(places) if place)
    said = {
        key: value for part in ("global", "install") if parser.has_section(part) for key, value in parser[part].items()
    }
    said |= {
        key: os.environ[name] for key in PIP_AS_UV if (name := f"PIP_{key.upper().replace('-', '_')}") in os.environ
    }
    if "find-links" in said:
        said["find-links"] = ",".join(said["find-links"].split())
    return {PIP_AS_UV[key]: " ".join(value.split()) for key, value in said.items() if key in PIP_AS_UV and value}


@contextmanager
def _downloading_jars() -> Iterator[None]:
    """Side work: what starts Kafka downloads them where this could not, and says what is wrong."""
    code = "from clickstream.stack.artifacts import ensure_jars; ensure_jars('kafka')"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with (
        tempfile.TemporaryFile("w+", errors="replace") as said,
        _started(sys.executable, "-P", "-c", code, environment=environment, output=said) as download,
    ):
        began = time.monotonic()
        yield
        _begin("Kafka")
        if download.wait() == 0:
            _say_step("Kafka", began)
        else:
            said.seek(0)
            _say(f"Kafka could not be downloaded, and will be when it is started ({_last_line(said.read())})")


def _run(*command: str, environment: dict[str, str] | None = None) -> None:
    with _started(*command, environment=environment, output=subprocess.PIPE) as process:
        said, _ = process.communicate()
    if process.returncode:
        raise Failed(f"{' '.join(command)}\n{said}")


@contextmanager
def _started(
    *command: str, environment: dict[str, str] | None, output: IO[str] | int
) -> Iterator[subprocess.Popen[str]]:
    """A process that is killed where the block is left before its end."""
    with ExitStack() as opened:
        with _signals_deferred():
            process = opened.enter_context(
                subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    env=environment,
                    cwd=ROOT,
                )
            )
            opened.callback(process.kill)
        yield process


@contextmanager
def _signals_deferred() -> Iterator[None]:
    """A signal in the middle of Popen would leave behind a process that is running and that Python does not know."""
    received: list[int] = []
    handlers = {number: signal.signal(number, lambda came, _: received.append(came)) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for number in received:
        signal.raise_signal(number)


@contextmanager
def _step(name: str) -> Iterator[None]:
    began = _begin(name)
    yield
    _say_step(name, began)


def _begin(name: str) -> float:
    """When that was. A terminal shows what is under way, until the next line takes its place."""
    if sys.stdout.isatty():
        sys.stdout.write(f"  {name} …\r")
        sys.stdout.flush()
    return time.monotonic()


def _say_step(name: str, began: float) -> None:
    _say(f"{name:<18} {time.monotonic() - began:5.1f} s")


def _say(words: str) -> None:
    sys.stdout.write(f"  {words}\n")
    sys.stdout.flush()


def _last_line(text: object) -> str:
    return next((line.strip() for line in reversed(str(text).splitlines()) if line.strip()), "no word")


if __name__ == "__main__":
    raise SystemExit(main())
