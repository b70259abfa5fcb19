"""A connection whose first statements fail is closed, and not left to the server's patience."""

from __future__ import annotations

import gc

import pytest

from clickstream.config.settings import Settings
from clickstream.domain.errors import ServiceRefused
from clickstream.services.postgres.connection import Connection, connect, setting_up
from clickstream.services.postgres.presence import Presence


def test_what_cannot_be_set_up_is_closed(settings: Settings) -> None:
    assert settings.postgres
    connection: Connection = connect(settings.postgres, application_name="tests")
    with pytest.raises(ServiceRefused, match="no clickstream tables"), setting_up(connection):
        connection.execute("SELECT 1 FROM events")
    assert connection.closed


def test_a_reader_of_tables_that_are_not_there_leaves_nothing_open(settings: Settings) -> None:
    assert settings.postgres
    with pytest.raises(ServiceRefused, match="no clickstream tables"):
        Presence(settings.postgres)
    gc.collect()  # an open one would warn, and a warning is an error here
