"""What a round's servers have that is not ours to choose: odd users, another encoding, a pooler in between.

The pipeline under test reaches the servers through variables of its own; the comparison goes past all that.
"""

from __future__ import annotations

import os
import random
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress

from clickstream.actions.prepare import prepare, prepare_topic
from clickstream.config.settings import Settings, load_settings
from tests.hostile import READ_AND_WRITE, execute, kafka_user, odd_settings, rights_on_rows
from tests.proxies.pooler import session_pooler

ODD_ROLE = "a role with odd settings"
ROW_RIGHTS = "a role with rights on rows only"
SQL_ASCII = "a database in SQL_ASCII"
POOLER = "a pooler in session mode"
KAFKA_USER = "a Kafka user that may read and write only"

ALL = (ODD_ROLE, ROW_RIGHTS, SQL_ASCII, POOLER, KAFKA_USER)

PASSWORD = "of-the-campaign"


def draw(dice: random.Random) -> tuple[str, ...]:
    """Those of a round: none in half of them, else one or several."""
    if dice.random() < 0.5:
        return ()
    roles = dice.choice(((), (ODD_ROLE,), (ODD_ROLE, ROW_RIGHTS)))
    others = tuple(one for one in (SQL_ASCII, POOLER, KAFKA_USER) if dice.random() < 0.5)
    return (*roles, *others) or (KAFKA_USER,)


class Surroundings:
    """Those of a round, and the way past them."""

    def __init__(self) -> None:
        self._own: dict[str, str] = {}

    def direct(self) -> Settings:
        """Settings of the servers' own administrators; read again each time, for a start may change ports."""
        ours = ("PG_USER", "PG_PASSWORD", "PG_PORT", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD")
        environment = {name: value for name, value in os.environ.items() if name not in ours or name not in self._own}
        return load_settings(environment)

    def set(self, **variables: str) -> None:
        self._own |= variables
        os.environ.update(variables)

    def clear(self) -> None:
        for name in self._own:
            os.environ.pop(name, None)
        self._own.clear()


@contextmanager
def surroundings(wanted: Collection[str], unique: str) -> Iterator[Surroundings]:
    """Set the variables for the block. The embedded stack runs; nothing else sets these variables.

    Args:
        wanted: by their names above.
        unique: a name for what has to be made.
    """
    made = Surroundings()
    with ExitStack() as stack:
        stack.callback(made.clear)
        if SQL_ASCII in wanted:
            stack.enter_context(_database(made, unique))
        if ODD_ROLE in wanted or ROW_RIGHTS in wanted:
            stack.enter_context(_role(made, unique, wanted))
        if POOLER in wanted:
            stack.enter_context(_pooler(made))
        if KAFKA_USER in wanted:
            stack.enter_context(_kafka_user(made))
        yield made


@contextmanager
def _database(made: Surroundings, name: str) -> Iterator[None]:
    _execute(made, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    made.set(PG_DATABASE=name)
    yield
    made.set(PG_DATABASE="clickstream")
    with suppress(Exception):  # what the next round does not need
        _execute(made, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _role(made: Surroundings, name: str, wanted: Collection[str]) -> Iterator[None]:
    settings = made.direct()
    assert settings.postgres
    statements = [f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'"]
    if ODD_ROLE in wanted:
        statements += odd_settings(name)
    if ROW_RIGHTS in wanted:
        prepare(settings)
        statements += rights_on_rows(name, settings.postgres.schema_name)
    else:
        statements.append(f"GRANT CREATE ON DATABASE {settings.postgres.database} TO {name}")
    _execute(made, *statements)
    made.set(PG_USER=name, PG_PASSWORD=PASSWORD)
    yield
    with suppress(Exception):
        _execute(made, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


@contextmanager
def _pooler(made: Surroundings) -> Iterator[None]:
    postgres = made.direct().postgres
    assert postgres
    with session_pooler(postgres) as behind:
        made.set(PG_PORT=str(behind.port))
        yield


@contextmanager
def _kafka_user(made: Surroundings) -> Iterator[None]:
    settings = made.direct()
    prepare_topic(settings)
    with kafka_user(settings, READ_AND_WRITE) as variables:
        made.set(**variables)
        yield


def _execute(made: Surroundings, *statements: str) -> None:
    postgres = made.direct().postgres
    assert postgres
    execute(postgres, *statements)
