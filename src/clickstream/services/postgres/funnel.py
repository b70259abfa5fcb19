"""The funnel in detail: the ordered one over all events, and sessions by the hour. Writes nothing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import psycopg

from clickstream.config.settings import PostgresSettings
from clickstream.domain.cancellation import Cancellation
from clickstream.domain.errors import Interrupted
from clickstream.services.postgres.connection import connect, translated
from clickstream.services.postgres.reads import borrow
from clickstream.services.postgres.statements import statement


@dataclass(frozen=True, slots=True)
class OrderedFunnel:
    """(visitor, item) pairs that got so far, each step after the one before, whatever the session."""

    viewed: int
    carted: int
    bought: int
    seconds_to_cart: float | None
    """Median from first view to the cart; None: no pair got so far."""
    seconds_to_purchase: float | None
    """Median from cart to purchase."""


@dataclass(frozen=True, slots=True)
class Hour:
    """Sessions that began in one hour."""

    hour: int
    """Hours since 1970, UTC."""
    sessions: int
    cart_sessions: int
    purchase_sessions: int


@dataclass(frozen=True, slots=True)
class Customer:
    """A visitor who bought."""

    visitor_id: int
    purchases: int


def ordered_funnel(settings: PostgresSettings, cancellation: Cancellation | None = None) -> OrderedFunnel:
    """One pass over all events: ask seldom.

    Raises ServiceUnavailable, ServiceRefused where there are no tables yet, Interrupted when it was cancelled.
    """
    cancellation = cancellation or Cancellation()
    with connect(settings, application_name="clickstream funnel") as connection, translated():
        connection.read_only = True

        def stop() -> None:
            with suppress(psycopg.Error):  # it has just ended by itself
                connection.cancel_safe(timeout=5)

        with cancellation.ending(stop):
            try:
                connection.execute("SET jit = off")
                row = connection.execute(statement("ordered_funnel")).fetchone()
            except psycopg.errors.QueryCanceled as error:
                if cancellation.wanted:
                    raise Interrupted("cancelled") from error
                raise
    viewed, carted, bought, to_cart, to_purchase = cast("tuple[Any, ...]", row)
    return OrderedFunnel(int(viewed), int(carted), int(bought), _seconds(to_cart), _seconds(to_purchase))


def sessions_by_hour(settings: PostgresSettings, *, customers: int = 5) -> tuple[list[Hour], list[Customer]]:
    """Sessions by hour, oldest first, hours without any left out; and who bought most. A pass over `sessions`.

    Raises ServiceUnavailable, or ServiceRefused where there are no tables yet.
    """
    with borrow(settings) as connection, translated():
        connection.read_only = True
        hours = [Hour(*cast("Any", row)) for row in connection.execute(statement("sessions_by_hour"))]
        best = connection.execute(statement("best_customers"), {"most": customers}).fetchall()
    return hours, [Customer(*cast("Any", row)) for row in best]


def _seconds(value: Any) -> float | None:
    return None if value is None else round(float(value), 1)
