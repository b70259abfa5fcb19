"""The doctor, on real servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from clickstream.actions.config.check import WARN, check
from clickstream.actions.servers import valkey_of
from clickstream.config.settings import Settings
from clickstream.services.valkey.connection import connect
from clickstream.services.valkey.server import server_info


@pytest.fixture
def little_memory(settings: Settings) -> Iterator[Settings]:
    """A Valkey that has hardly more memory than it uses."""
    valkey = valkey_of(settings)
    with connect(valkey) as client:
        client.config_set("maxmemory", int(server_info(valkey).used_memory * 1.1))
        try:
            yield settings
        finally:
            client.config_set("maxmemory", 0)


def warnings(settings: Settings) -> dict[str, str]:
    return {one.name: one.message for one in check(settings) if one.state == WARN}


def test_a_valkey_that_is_nearly_full_is_warned_of(little_memory: Settings) -> None:
    assert "when it is full, it takes nothing" in warnings(little_memory)["valkey memory"]


def test_a_valkey_without_a_limit_is_not(settings: Settings) -> None:
    assert "valkey memory" not in warnings(settings)
