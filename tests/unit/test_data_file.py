"""Which file a run sends, and that a missing one is generated beside other work, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from clickstream.actions.data.generate import GeneratedFile, generate
from clickstream.actions.demo import data_file
from clickstream.actions.demo.data_file import DataFile
from clickstream.cli.main import run
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import ClickstreamError, Interrupted
from clickstream.pipeline.events.csvfile.reader import read_events
from clickstream.pipeline.events.generator import RETAILROCKET
from tests.unit.test_generate import rows_of

SMALL = RETAILROCKET.scaled(0.001)
EVERY = 0.01


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """With a generator that makes a small file."""
    monkeypatch.setattr(data_file, "RETAILROCKET", SMALL)
    monkeypatch.setattr(data_file, "generate", lambda path, **given: generate(path, shape=SMALL, **given))
    return load_settings()


def sent(settings: Settings, limit: int | None) -> Path:
    with DataFile(settings, limit) as data:
        return data.ready(lambda _done, _total: None, EVERY)


def test_without_a_data_folder_the_file_belongs_into_the_home(settings: Settings) -> None:
    assert settings.pipeline.data_file == settings.home.root / "events.csv"
    assert settings.sources.get("PRODUCER_DATA_FILE") is None
    assert sent(settings, None) == settings.home.events
    assert list(Path.cwd().iterdir()) == []
    assert settings.home.root.stat().st_mode & 0o777 == 0o700


def test_with_a_data_folder_it_belongs_there_and_a_setting_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("data").mkdir()
    assert load_settings().pipeline.data_file == Path("data/events.csv")
    monkeypatch.setenv("PRODUCER_DATA_FILE", "elsewhere.csv")
    assert load_settings().pipeline.data_file == Path("elsewhere.csv")


@pytest.mark.parametrize("command", ["config show", "data info", "data generate"])
def test_commands_agree_on_the_default(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    home = load_settings().home
    home.make()
    home.events.write_text("timestamp,visitorid,event,itemid,transactionid\n")
    run(command.split())
    printed = capsys.readouterr()
    assert str(home.events) in printed.out + printed.err


def test_a_limited_run_without_the_file_makes_the_first_events_only(settings: Settings) -> None:
    with DataFile(settings, 700) as data:
        path = data.ready(lambda _done, _total: None, EVERY)
    assert "generating only its first 700 events by time" in data.note
    assert path != settings.pipeline.data_file
    assert not settings.pipeline.data_file.exists()
    again = DataFile(settings, 700)
    assert again.path == path
    assert "sending its first 700 events by time" in again.note
    whole = sent(settings, None)
    assert whole == settings.pipeline.data_file
    assert list(rows_of(read_events(path))) == list(rows_of(read_events(whole, limit=700)))
    assert sent(settings, 700) == whole  # the whole file is there now: no other counts


def test_a_limit_beyond_the_file_makes_the_whole_of_it(settings: Settings) -> None:
    assert sent(settings, SMALL.rows) == settings.pipeline.data_file


def test_whatever_ends_the_other_work_ends_the_generating_and_leaves_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[BaseException] = []

    def endless(path: Path, **given: object) -> GeneratedFile:
        while True:
            try:
                generate(path, shape=SMALL, **given)  # type: ignore[arg-type]
            except Interrupted as end:
                ends.append(end)
                path.unlink(missing_ok=True)
                raise

    monkeypatch.setattr(data_file, "generate", endless)
    with pytest.raises(KeyboardInterrupt), DataFile(settings):
        raise KeyboardInterrupt
    assert len(ends) == 1
    assert not list(settings.home.root.glob("*events*"))


def test_a_file_that_cannot_be_written_is_said_when_it_is_asked_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("plain").touch()
    monkeypatch.setenv("PRODUCER_DATA_FILE", "plain/events.csv")
    with DataFile(load_settings()) as data, pytest.raises(ClickstreamError, match="cannot write"):
        data.ready(lambda _done, _total: None, EVERY)
