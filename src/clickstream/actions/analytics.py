"""The funnel for all time, the last day and the last 30 days of the data; the items looked at most."""

from __future__ import annotations

from dataclasses import dataclass

from clickstream.actions.servers import postgres_of
from clickstream.config.settings import Settings
from clickstream.services.postgres import analytics as figures
from clickstream.services.postgres.analytics import StoredFunnel, TopItem


@dataclass(frozen=True, slots=True)
class Funnel:
    """The funnel of one window; rates in percent, two digits; a rate of nothing is 0."""

    sessions: int
    cart_sessions: int
    purchase_sessions: int
    total_purchases: int
    """Transaction events."""
    conversion_rate: float
    """Sessions with a purchase, of all sessions."""
    cart_abandonment: float
    """Sessions with a cart and no purchase, of the sessions with a cart."""
    avg_items_per_purchase: float
    """Distinct items bought in a session, on average over the sessions with a purchase."""


@dataclass(frozen=True, slots=True)
class Analytics:
    """Windows count back from the newest session_start, their far edge included."""

    all_time: Funnel
    last_day: Funnel
    last_month: Funnel
    top_items: tuple[TopItem, ...]


def analytics(settings: Settings) -> Analytics:
    """Raises ClickstreamError when PostgreSQL does not answer or has no tables yet."""
    found = figures.analytics(postgres_of(settings))
    return Analytics(_funnel(found.all_time), _funnel(found.last_day), _funnel(found.last_month), found.top_items)


def funnels(settings: Settings) -> Analytics:
    """The same without the top items, which are several times as dear."""
    found = {name: _funnel(window) for name, window in figures.windows(postgres_of(settings)).items()}
    return Analytics(**found, top_items=())


def top_items(settings: Settings) -> tuple[TopItem, ...]:
    """The top items alone."""
    return figures.top_items(postgres_of(settings))


def _funnel(window: StoredFunnel) -> Funnel:
    return Funnel(
        sessions=window.sessions,
        cart_sessions=window.cart_sessions,
        purchase_sessions=window.purchase_sessions,
        total_purchases=window.total_purchases,
        conversion_rate=_percent(window.purchase_sessions, window.sessions),
        cart_abandonment=_percent(window.abandoned_sessions, window.cart_sessions),
        avg_items_per_purchase=round(window.items_purchased / window.purchase_sessions, 2)
        if window.purchase_sessions
        else 0.0,
    )


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0
