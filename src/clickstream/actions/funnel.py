"""The funnel in detail: sessions by day and by hour of the day, and the ordered funnel of items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from clickstream.actions.analytics import Funnel, analytics
from clickstream.actions.servers import postgres_of
from clickstream.config.settings import Settings
from clickstream.domain.cancellation import Cancellation
from clickstream.services.postgres.analytics import TopItem
from clickstream.services.postgres.funnel import Customer, Hour, OrderedFunnel, sessions_by_hour
from clickstream.services.postgres.funnel import ordered_funnel as read_ordered

__all__ = [
    "Breakdown",
    "Customer",
    "DetailedAnalytics",
    "FunnelSlot",
    "OrderedFunnel",
    "breakdown",
    "detailed",
    "ordered_funnel",
]

HOURS_OF_A_DAY = 24


@dataclass(frozen=True, slots=True)
class FunnelSlot:
    """Sessions that began in one day, or in one hour of all days."""

    number: int
    """Days since 1970, or the hour of the day, 0 to 23; UTC."""
    sessions: int
    cart_sessions: int
    purchase_sessions: int


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The sessions over time."""

    days: tuple[FunnelSlot, ...]
    """Oldest first; days without sessions are left out."""
    hours: tuple[FunnelSlot, ...]
    """Every hour of the day."""
    customers: tuple[Customer, ...]
    """Who bought most often, first."""


def breakdown(settings: Settings) -> Breakdown:
    """A pass over `sessions`. Raises ClickstreamError when PostgreSQL does not answer or has no tables yet."""
    found, customers = sessions_by_hour(postgres_of(settings))
    return Breakdown(by_day(found), by_hour(found), tuple(customers))


def ordered_funnel(settings: Settings, cancellation: Cancellation | None = None) -> OrderedFunnel:
    """A pass over `events`. Raises like breakdown, and Interrupted when it was cancelled."""
    return read_ordered(postgres_of(settings), cancellation)


@dataclass(frozen=True, slots=True)
class DetailedAnalytics:
    """The analytics with all that is dearer to find out."""

    all_time: Funnel
    last_day: Funnel
    last_month: Funnel
    top_items: tuple[TopItem, ...]
    by_day: tuple[FunnelSlot, ...]
    by_hour: tuple[FunnelSlot, ...]
    ordered_funnel: OrderedFunnel


def detailed(settings: Settings) -> DetailedAnalytics:
    """Raises like breakdown."""
    found, over_time = analytics(settings), breakdown(settings)
    return DetailedAnalytics(
        all_time=found.all_time,
        last_day=found.last_day,
        last_month=found.last_month,
        top_items=found.top_items,
        by_day=over_time.days,
        by_hour=over_time.hours,
        ordered_funnel=ordered_funnel(settings),
    )


def by_day(hours: Iterable[Hour]) -> tuple[FunnelSlot, ...]:
    """Hours summed up to days."""
    days: dict[int, FunnelSlot] = {}
    for one in hours:
        number = one.hour // HOURS_OF_A_DAY
        days[number] = _add(days.get(number, FunnelSlot(number, 0, 0, 0)), one)
    return tuple(days[number] for number in sorted(days))


def by_hour(hours: Iterable[Hour]) -> tuple[FunnelSlot, ...]:
    """Hours summed up by the hour of the day."""
    slots = [FunnelSlot(number, 0, 0, 0) for number in range(HOURS_OF_A_DAY)]
    for one in hours:
        slots[one.hour % HOURS_OF_A_DAY] = _add(slots[one.hour % HOURS_OF_A_DAY], one)
    return tuple(slots)


def _add(slot: FunnelSlot, hour: Hour) -> FunnelSlot:
    return FunnelSlot(
        slot.number,
        slot.sessions + hour.sessions,
        slot.cart_sessions + hour.cart_sessions,
        slot.purchase_sessions + hour.purchase_sessions,
    )
