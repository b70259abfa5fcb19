"""Takes the README's pictures (assets/screens/*.svg): the real dashboard, over a real stack of this run only.

python tools/screenshots.py [--into FOLDER] [--rate N]

Servers, data, settings and logs lie in a temporary folder; all of it is gone at the end, whatever happens.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import math
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from html import escape, unescape
from pathlib import Path
from types import FrameType
from typing import cast

from rich.cells import cell_len
from textual.pilot import Pilot

from clickstream.actions import stack
from clickstream.actions.data.generate import generate
from clickstream.actions.observe.model import OK, Frame
from clickstream.actions.observe.watcher import Watcher
from clickstream.actions.processes import consumers, producers
from clickstream.actions.processes.by_name import kill
from clickstream.actions.servers import kafka_of
from clickstream.config.paths import Home
from clickstream.config.settings import load_settings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.pace import Pace
from clickstream.services.kafka.admin import create_topic
from clickstream.services.kafka.producer import EventProducer
from clickstream.tui.app import ClickstreamApp
from clickstream.tui.widgets.row_table import RowTable

ASSETS = Path(__file__).resolve().parents[1] / "assets" / "screens"
SIZE, SMALL = (120, 40), (80, 24)

SECONDS_OF_DATA = 45
"""What the charts shall hold before anything breaks."""

PATIENCE = 150.0
"""Seconds within which each thing that is waited for must have come true."""

VICTIM = "consumer-1"

CONFIGURED = ("CLICKSTREAM_", "CONSUMER_", "KAFKA_", "OPENSEARCH_", "PG", "POSTGRESQL_", "PRODUCER_", "VALKEY_")
"""Prefixes of the variables that configure us, or the drivers below us: the caller's own stay outside."""

BROKEN_MESSAGES = (
    ("257597", '{"timestamp": 1433221332117, "visitor_id": 257597, "event": "view"}'),
    ("992329", '{"timestamp": "yesterday", "visitor_id": 992329, "event": "view", "item_id": 248676}'),
    ("111016", '{"timestamp": 1433221999827, "visitor_id": 111016, "event": "wishlist", "item_id": 318965}'),
    ("483717", '{"timestamp": 1433222162373, "visitor_id": 483717, "event": "addtocart", "item_id": -25'),
    ("951259", "timestamp=1433221099371&visitor_id=951259&event=view&item_id=367447"),
)
BROKEN_LINES = ("1433223236124,287857,view,,", "2015-06-02 05:12:35,158090,addtocart,10572,", "1433222276276,599528")

FONTS = '"Fira Code", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace'
CELL, GLYPH = 12.2, 0.6
"""Width of a cell in the exported picture's units, and of a glyph of such fonts in ems."""

NAMELESS = "clickstream-pictures"
"""In the pictures, the name of the run's folder: as long as the real one, and the same every time."""

BLANK = "\N{NO-BREAK SPACE}"
TEXT = re.compile(
    r'<text(?P<before>[^>]*?)x="(?P<x>[\d.]+)"(?P<between>[^>]*?)textLength="[\d.]+"(?P<after>[^>]*)>(?P<text>[^<]*)</text>'
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Take the pictures in assets/screens/ from a real run (three minutes or so)."
    )
    parser.add_argument("--into", type=Path, default=ASSETS, help="their folder (default: assets/screens)")
    parser.add_argument("--rate", type=float, default=20_000, help="events a second (default: %(default)s)")
    options = parser.parse_args()
    into = options.into.absolute()
    logging.getLogger().addHandler(logging.NullHandler())
    signal.signal(signal.SIGTERM, _leave)
    try:
        with _shelter() as folder, _stack(folder):
            _begin(folder, options.rate)
            pictures = {name: _portable(svg, folder) for name, svg in asyncio.run(_take()).items()}
    except ClickstreamError as error:
        _say(f"screenshots: {error}" + (f" ({error.hint})" if error.hint else ""))
        return 1
    except KeyboardInterrupt:
        return 130
    into.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        (into / f"{name}.svg").write_text(picture, encoding="utf-8")
    _say(f"{len(pictures)} pictures in {options.into}")
    return 0


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def _shelter() -> Iterator[Path]:
    """A temporary working folder, short enough for sockets, and an environment without the caller's settings."""
    folder = Path(tempfile.mkdtemp(prefix="clickstream-"))
    folder.chmod(0o755)  # as root, servers run as another user, who must get through to what lies below
    for name in [name for name in os.environ if name.startswith(CONFIGURED)]:
        del os.environ[name]
    os.environ |= {
        "CLICKSTREAM_HOME": str(folder / "home"),
        "PRODUCER_DATA_FILE": str(folder / "events.csv"),
        "TZ": "UTC",
    }
    os.environ.pop("NO_COLOR", None)
    time.tzset()
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(folder.parent)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _stack(folder: Path) -> Iterator[None]:
    home = Home(folder / "home")
    try:
        _say("starting servers")
        stack.up(home)
        yield
    finally:
        _say("stopping them")
        with suppress(ClickstreamError):  # the folder goes in any case
            stack.down(home)
            stack.reset(home)


def _begin(folder: Path, rate: float) -> None:
    """Have data flow: a generated file with some broken lines, and broken messages among the good ones."""
    settings = load_settings()
    kafka = kafka_of(settings)
    _say("generating data")
    file = folder / "events.csv"
    generate(file)
    with file.open("a", encoding="utf-8") as text:
        text.writelines(f"{line}\n" for line in BROKEN_LINES)
    create_topic(kafka)
    producer = EventProducer(kafka)
    producer.send([key for key, _ in BROKEN_MESSAGES], [value for _, value in BROKEN_MESSAGES])
    if producer.flush(10.0):
        raise ClickstreamError("Kafka did not take the broken messages")
    producer.close()
    consumers.start(settings)
    producers.start(settings, producers.SendingRun(file, pace=Pace(rate=rate)))


async def _take() -> dict[str, str]:
    """The pictures, by name."""
    pictures = {}
    with Watcher(load_settings) as watcher:
        app = ClickstreamApp(watcher)
        async with app.run_test(size=SIZE) as pilot:
            _say(f"waiting for {SECONDS_OF_DATA} s of data")
            await _until(pilot, _has_data, "data on the charts")
            await _visit_all(pilot)
            kill(watcher.settings, VICTIM)
            await _until(pilot, lambda frame: _told(frame, f"{VICTIM} is back"), "the return of what was killed")
            app.run_command("verify")
            await _until(pilot, lambda frame: frame.verification is not None and app.job is None, "verify")
            await _until(pilot, _caught_up, "every partition to be well again, and counted")
            pictures["overview"] = await _picture(pilot, "overview")
            await pilot.resize_terminal(*SMALL)
            pictures["overview-80x24"] = await _picture(pilot, "overview")
            await pilot.resize_terminal(*SIZE)
            for name in ("workers", "partitions", "funnel", "rejects", "logs"):
                pictures[name] = await _picture(pilot, name)
            if not _flows(await _until(pilot, lambda _: True, "a frame")):
                raise ClickstreamError("the data ran out before the last picture", hint="try a lower --rate")
    return pictures


async def _visit_all(pilot: Pilot[None]) -> None:
    """Open the screens that ask for figures of their own, so that these are there when their picture is taken."""
    for key in ("3", "4", "5", "1"):
        await pilot.press(key)
        await _frames(pilot, 3)


async def _picture(pilot: Pilot[None], mode: str) -> str:
    _say(f"{mode} at {pilot.app.size.width}x{pilot.app.size.height}")
    app = cast("ClickstreamApp", pilot.app)
    app.action_mode(mode)
    await pilot.pause()
    if mode == "workers":
        table = app.screen.query_one(RowTable)
        while table.selected != VICTIM:
            await pilot.press("down")
    if mode == "rejects":
        await pilot.press(*["down"] * (len(BROKEN_LINES) + 1))  # from the lines to a message
    await _frames(pilot, 1 if mode == "overview" else 2)
    if mode == "overview":
        await _until(pilot, lambda frame: all(row.lag and row.state == OK for row in frame.partitions), "a lag")
        await pilot.pause()
    return app.export_screenshot(title="clickstream", simplify=True)


async def _frames(pilot: Pilot[None], count: int) -> None:
    """Wait until so many more seconds of frames have been shown."""
    before = (await _until(pilot, lambda _: True, "a frame")).at
    await _until(pilot, lambda frame: frame.at >= before + count, "the next frame")
    await pilot.pause()


async def _until(pilot: Pilot[None], true: Callable[[Frame], bool], what: str) -> Frame:
    app = cast("ClickstreamApp", pilot.app)
    deadline = time.monotonic() + PATIENCE
    while app.frame is None or not true(app.frame):
        if not app.is_running:
            raise KeyboardInterrupt  # told to end
        if time.monotonic() > deadline:
            raise ClickstreamError(f"waited {PATIENCE:.0f} s in vain for {what}")
        await pilot.pause(0.1)
    return app.frame


def _flows(frame: Frame) -> bool:
    return bool(frame.produced_per_second and frame.stored_per_second)


def _caught_up(frame: Frame) -> bool:
    """What is stored is counted now and then: at such a moment all boxes tell of the same time."""
    counted = frame.counts is not None and frame.counts.age(frame.at) < 1.5
    return counted and all(row.state == OK for row in frame.partitions)


def _has_data(frame: Frame) -> bool:
    return sum(not math.isnan(rate) and rate > 0 for rate in frame.history.stored) >= SECONDS_OF_DATA


def _told(frame: Frame, words: str) -> bool:
    return any(words in happening.text for happening in frame.happenings)


def _portable(svg: str, folder: Path) -> str:
    """The picture for any renderer: no address, no folder of this run, and every run of text where its cells are.

    Some renderers trim blanks and ignore textLength: then text must begin with a glyph, and a glyph be a cell wide.
    """
    svg = re.sub(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("font-family: Fira Code, monospace", f"font-family: {FONTS}")
    svg = svg.replace("font-size: 20px", f"font-size: {CELL / GLYPH:.2f}px")

    def cells(found: re.Match[str]) -> str:
        text = unescape(found["text"]).rstrip(BLANK)
        left = float(found["x"]) + CELL * (len(text) - len(text.lstrip(BLANK)))
        text = text.lstrip(BLANK).replace(folder.name, NAMELESS)
        shown = escape(text, quote=False).replace(BLANK, "&#160;")
        length = CELL * cell_len(text)
        place = f'x="{left:g}"{found["between"]}textLength="{length:g}"{found["after"]}'
        return f"<text{found['before']}{place}>{shown}</text>" if shown else ""

    return re.sub(r"[ \t]+$", "", TEXT.sub(cells, svg), flags=re.MULTILINE)


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")


if __name__ == "__main__":
    sys.exit(main())
