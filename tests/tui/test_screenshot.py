"""The palette's screenshot ends up in a file, on a desktop and on a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.tui import frames
from tests.tui.driving import MakeApp, driven
from tests.waiting import until


@pytest.mark.parametrize("desktop", [True, False])
def test_it_is_saved_where_there_is_a_folder_for_it(
    make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, desktop: bool
) -> None:
    downloads, here = tmp_path / "Downloads", tmp_path / "here"
    here.mkdir()
    if desktop:
        downloads.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("XDG_DOWNLOAD_DIR", str(downloads))
    monkeypatch.chdir(here)
    app = make_app(frames.done())
    saved = (downloads if desktop else here) / "picture.svg"

    async def take(pilot: Pilot[None]) -> None:
        app.deliver_screenshot("picture.svg")
        await until(pilot, lambda: saved.is_file() and saved.read_text().endswith("</svg>\n"), "the picture")

    driven(app, take)
