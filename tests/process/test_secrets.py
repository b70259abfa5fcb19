"""No secret is on a command line, in a log, on a screen, in a traceback, a crash's remains or a file that others read.

Planted ones and the embedded stack's own are looked for in all that an ordinary life, and one with faults, leaves.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from clickstream.actions.control import Control, running
from clickstream.actions.processes import workers
from clickstream.cli.main import run
from clickstream.config.paths import Home
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.processes import ProcessState, Role, SetupStep
from clickstream.stack.layout import Layout, load_layout
from clickstream.stack.postgres import postgresql_spec, relocated_data
from clickstream.supervision.process import Execution
from tests.changing import replace
from tests.process.children import NEVER, reached, seen

PLANTED = {
    "PG_PASSWORD": "planted-8f31-postgresql",
    "VALKEY_PASSWORD": "planted-27c0-valkey",
    "KAFKA_SASL_PASSWORD": "planted-b95e-kafka",
    "OPENSEARCH_PASSWORD": "planted-d602-opensearch",
    "AIVEN_API_TOKEN": "planted-41aa-aiven",
}

UNUSED = ("OPENSEARCH_PASSWORD", "AIVEN_API_TOKEN")
"""Those that the embedded servers do not ask for."""

CSV = "timestamp,visitorid,event,itemid,transactionid\n" + "".join(
    f"{1_430_622_004_384 + second * 1000},{second % 7},view,{second},\n" for second in range(500)
)

LOUD = (sys.executable, "-X", "dev", "-m", "clickstream")
"""Development mode: the interpreter warns of everything, and shows where it was when it crashes."""

ASKING = (
    *("status", "status --json", "config show", "config show --json", "stack status", "consumer list --json", "lag"),
    *("verify", "rejects list", "topic show", "analytics --json", "consumer logs"),
)


@pytest.fixture
def life(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Control]:
    """The supervisor of the shared stack; what a test started is stopped, and its logs go."""
    monkeypatch.setenv("CLICKSTREAM_DEBUG", "1")
    Path("events.csv").write_text(CSV)
    control = running(settings.home)
    assert control
    yield control
    names = [process.name for process in control.snapshot().processes if process.role is not Role.SERVER]
    control.stop(names)
    control.remove(names)


def generated(layout: Layout) -> list[str]:
    """The passwords of the embedded servers."""
    found = [value for name, value in asdict(layout).items() if "password" in name]
    assert len(set(found)) == 4
    return found


def plant(*names: str) -> None:
    """A `.env` in the working folder, as a user writes it."""
    Path(".env").write_text("".join(f"{name}={PLANTED[name]}\n" for name in names))


def said(line: str) -> str:
    """All that a command says, on either stream."""
    done = subprocess.run([*LOUD, *line.split()], capture_output=True, text=True, timeout=60, check=False)
    return f"$ {line}\n{done.stdout}{done.stderr}"


def command_lines() -> str:
    """Of every process of this machine."""
    lines = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            lines.append(" ".join(process.cmdline()))
    return "\n".join(lines)


def files(*folders: Path) -> Iterator[Path]:
    """All files and folders below these, themselves included."""
    for folder in folders:
        yield from (folder, *folder.rglob("*"))


def open_to_others(home: Home) -> list[Path]:
    """What somebody else has any right to, of all that belongs to this home."""
    layout = load_layout(home)
    assert layout
    elsewhere = [folder for folder in (relocated_data(layout), home.socket.parent) if folder.exists()]
    found = []
    for path in files(home.root, *elsewhere):
        with suppress(FileNotFoundError):  # servers make and remove files all the time
            if not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & 0o077:
                found.append(path)
    return found


def logged(home: Home) -> str:
    return "\n".join(path.read_text(errors="replace") for path in home.logs.iterdir())


def assert_none_of(secrets: Sequence[str], places: dict[str, str]) -> None:
    """The message does not repeat them either."""
    for place, text in places.items():
        assert text, place
        for number, secret in enumerate(secrets):
            if secret in text:
                line = next(line for line in text.splitlines() if secret in line).replace(secret, "<SECRET>")
                pytest.fail(f"secret {number} is in {place}: {line[:300]}")


def test_an_ordinary_life_tells_no_secret(life: Control, settings: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    plant(*UNUSED)
    layout = load_layout(settings.home)
    assert layout
    secrets = [*(PLANTED[name] for name in UNUSED), *generated(layout)]
    for line in ("stack up", "consumer start --count 1", "producer start --file events.csv"):
        assert run(line.split()) == 0
    lines = command_lines()
    life.wait(["producer"], {ProcessState.FINISHED}, 60)
    for line in ASKING:
        run(line.split())
    heard = "".join(capfd.readouterr())
    assert "consumer --name consumer-0" in lines
    assert "clickstream.supervision" in lines
    for name in (*UNUSED, "PG_PASSWORD", "KAFKA_SASL_PASSWORD"):
        assert f"{name} " in heard, "config show names it"
    assert "********" in heard
    assert_none_of(secrets, {"a command's words": heard, "argv": lines, "a log": logged(settings.home)})
    assert open_to_others(settings.home) == []


@pytest.mark.slow
def test_refused_passwords_and_broken_settings_tell_no_secret(
    life: Control, settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    # Workers ask Kafka first: where it refuses them, they get to no other server.
    plant("KAFKA_SASL_PASSWORD")
    for line in ("config check", "topic show"):
        run(line.split())
    refused = {
        "KAFKA_SASL_PASSWORD": "Kafka refused",
        "PG_PASSWORD": "password authentication failed",
    }
    for number, (name, words) in enumerate(refused.items()):
        plant(name)
        spec = replace(workers.consumer_spec(load_settings(), f"consumer-{number}"), restart=NEVER)
        life.start([spec])
        assert words in reached(life, spec.name, ProcessState.FAILED).exit_reason
    plant(*(name for name in PLANTED if name != "KAFKA_SASL_PASSWORD"))
    for line in (*ASKING, "config check", "producer start --file /nowhere.csv"):
        run(line.split())
    heard = said("verify") + said("worker consumer --name by-hand")
    with Path(".env").open("a") as file:
        file.write("CONSUMER_BATCH_SIZE=many\nPG_PORT='1\n")
    run(["status"])
    heard += "".join(capfd.readouterr()) + said("worker consumer --name by-hand")
    assert heard.count("password authentication failed") > 3
    assert heard.count("Kafka refused") > 1
    assert "CONSUMER_BATCH_SIZE=many" in heard
    assert "Traceback" in heard, "CLICKSTREAM_DEBUG=1 shows where"
    assert_none_of(list(PLANTED.values()), {"a command's words": heard, "a log": logged(settings.home)})


@pytest.mark.slow
def test_a_crash_leaves_no_secret_behind(life: Control, settings: Settings) -> None:
    plant(*UNUSED)
    layout = load_layout(settings.home)
    assert layout
    secrets = [*(PLANTED[name] for name in UNUSED), *generated(layout)]
    life.start([workers.consumer_spec(load_settings(), "consumer-0")])
    status = life.wait(["consumer-0"], {ProcessState.RUNNING}, 60).get("consumer-0")
    assert status
    assert status.pid
    assert psutil.Process(status.pid).rlimit(psutil.RLIMIT_CORE)[0] == 0
    os.kill(status.pid, signal.SIGSEGV)
    seen(life, "consumer-0", lambda process: process.restarts == 1)
    with subprocess.Popen(
        [*LOUD, "worker", "consumer", "--name", "by-hand", "--report"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as by_hand:  # fmt: skip
        assert by_hand.stdout
        assert by_hand.stderr
        by_hand.stdout.readline()
        by_hand.send_signal(signal.SIGSEGV)
        heard = by_hand.stdout.read() + by_hand.stderr.read()
    assert "Segmentation fault" in heard
    assert "SIGSEGV" in logged(settings.home)
    assert_none_of(secrets, {"last words": heard, "a log": logged(settings.home)})
    left = [path for path in files(Path.cwd(), settings.home.root) if path.name.startswith("core")]
    assert left == []
    assert open_to_others(settings.home) == []


def test_servers_inherit_no_secret_of_the_terminal_and_leave_no_core(shelter: Path) -> None:
    """Under root some of them are another user's."""
    script = (
        "from clickstream.actions.control import ensure; from clickstream.config.paths import Home; import resource\n"
        "hard = resource.getrlimit(resource.RLIMIT_CORE)[1]; resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))\n"
        "control = ensure(Home.from_environment()); print(control.snapshot().supervisor_pid)"
    )
    home = Home(shelter / "inherited")
    environ = {**os.environ, **PLANTED, "CLICKSTREAM_HOME": str(home.root)}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)
    control = running(home)
    assert control
    try:
        supervisor = psutil.Process(int(done.stdout))
        assert supervisor.rlimit(psutil.RLIMIT_CORE)[0] == 0, "or the memory of what crashed would lie in a file"
        found = supervisor.environ()
        assert not set(PLANTED.values()) & set(found.values())
        assert found["CLICKSTREAM_HOME"] == str(home.root)
    finally:
        control.shutdown()


def test_nothing_shows_a_secret_by_its_repr(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in UNUSED:
        monkeypatch.setenv(name, PLANTED[name])
    loaded = load_settings()
    layout = load_layout(settings.home)
    assert layout
    specs = [
        workers.consumer_spec(loaded, "consumer-0"),
        workers.producer_spec(loaded, ["--file", "events.csv"]),
        postgresql_spec(Home(settings.home.root / "spare"), layout) if os.geteuid() == 0 else layout,
    ]
    step = SetupStep(("true",), "a", "b", env={"X": PLANTED["PG_PASSWORD"]})
    command = Execution(("true",), {"X": PLANTED["PG_PASSWORD"]}, "/", None, None, signal.SIGTERM)
    sections = (loaded.kafka, loaded.postgres, loaded.valkey, loaded.opensearch)
    shown = repr((loaded, sections, specs, layout, step, command))
    assert PLANTED["OPENSEARCH_PASSWORD"] in specs[0].env.values(), "it is handed over, and not shown"  # type: ignore[union-attr]
    assert_none_of([*PLANTED.values(), *generated(layout)], {"a repr": shown})


TRY = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    socket.socket(socket.AF_UNIX).connect(sys.argv[1])
except PermissionError:
    sys.exit(13)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_cannot_connect_to_the_supervisor(settings: Settings) -> None:
    home = settings.home
    try_it = [sys.executable, "-c", TRY, str(home.socket)]
    assert stat.S_IMODE(home.socket.stat().st_mode) == 0o600
    assert subprocess.run(try_it, check=False, timeout=60).returncode == 13
    above = [folder for folder in (home.root, home.run) if home.socket.is_relative_to(folder)]
    for folder in above:
        folder.chmod(0o711)
    try:  # as if the folders did not protect it
        assert subprocess.run(try_it, check=False, timeout=60).returncode == 13
    finally:
        for folder in above:
            folder.chmod(0o700)
    assert running(home)


@pytest.mark.parametrize("name", ["", "run", "logs", "rejects", "data"])
def test_a_home_that_others_can_write_to_is_closed(tmp_path: Path, name: str) -> None:
    from clickstream.supervision.private import make_private

    home = Home(tmp_path / "home")
    home.make()
    folder = home.root / name
    folder.chmod(0o777)
    make_private(home)
    assert stat.S_IMODE(folder.stat().st_mode) == (0o700 if name else 0o755)


def test_the_dashboard_dies_without_showing_values(tmp_path: Path) -> None:
    """What the framework shows of a fault of ours holds the local variables of every frame."""
    script = tmp_path / "faulty.py"
    script.write_text(
        "from tests.tui.frames import FakeSource, running\n"
        "from clickstream.tui.app import ClickstreamApp\n"
        "class Faulty(ClickstreamApp):\n"
        "    CSS_PATH = None\n"
        "    def watch_frame(self, frame):\n"
        f"        password = {PLANTED['PG_PASSWORD'][:10]!r} + {PLANTED['PG_PASSWORD'][10:]!r}\n"
        "        raise RuntimeError('a fault ' + chr(27) + ']0;owned' + chr(7) + '[red]')\n"
        "app = Faulty(FakeSource(running()))\n"
        "app.run(headless=True)\n"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    faulty = [sys.executable, str(script)]
    done = subprocess.run(faulty, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert "RuntimeError" in done.stderr
    assert r"a fault \x1b]0;owned\x07[red]" in done.stderr
    assert_none_of([PLANTED["PG_PASSWORD"]], {"stderr": done.stderr})


ROOT = Path(__file__).resolve().parents[2]
