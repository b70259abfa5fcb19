"""What the benchmarks work on: the same events each time, made once a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clickstream.actions.data.generate import generate
from clickstream.domain.events import EventColumns
from clickstream.pipeline.events.encode import encode_values
from clickstream.pipeline.events.generator import RETAILROCKET, Shape, generate_events

SEED = 42


def shape(events: int) -> Shape:
    """A shop of roughly that many events."""
    return RETAILROCKET.scaled(events / RETAILROCKET.rows)


@pytest.fixture(scope="session")
def events() -> EventColumns:
    """50,000 events in order of time, some of them twice."""
    made = generate_events(shape(50_000), SEED)
    return made.take(np.argsort(made.time_ms, kind="stable"))


@pytest.fixture(scope="session")
def messages(events: EventColumns) -> list[bytes | None]:
    """Their values, as Kafka gives them."""
    return [value.encode() for value in encode_values(events)]


@pytest.fixture(scope="session")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 100,000 events, out of order as such files are."""
    return generate(tmp_path_factory.mktemp("csv") / "events.csv", seed=SEED, shape=shape(100_000)).path
