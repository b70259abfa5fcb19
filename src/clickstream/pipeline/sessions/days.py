"""The changes that a batch makes to the figures of each day. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from clickstream.domain.events import KINDS, TRANSACTION
from clickstream.domain.sessions import DayTotals, SessionColumns

if TYPE_CHECKING:
    from clickstream.domain.events import Int64Array

_DAY_MS: Final = 86_400_000

_CART: Final = KINDS.index("addtocart")


def day_totals(gone: SessionColumns, come: SessionColumns) -> DayTotals:
    """The difference that these sessions make, by the day on which a session starts."""
    day = np.concatenate((gone.start_ms, come.start_ms)) // _DAY_MS
    figures = np.concatenate((-_figures(gone), _figures(come)))
    days, at = np.unique(day, return_inverse=True)
    totals = np.zeros((len(days), figures.shape[1]), np.int64)
    np.add.at(totals, at, figures)
    changed = totals.any(axis=1)
    return DayTotals(days[changed], totals[changed])


def _figures(sessions: SessionColumns) -> Int64Array:
    """A row a session, in the order of DayTotals.FIGURES."""
    carts, purchases = sessions.kind_counts[:, _CART], sessions.kind_counts[:, TRANSACTION]
    bought = purchases > 0
    return np.stack(
        (
            sessions.kind_counts.sum(axis=1),
            np.ones(len(sessions), np.int64),
            carts > 0,
            (carts > 0) & ~bought,
            bought,
            purchases,
            sessions.item_counts[:, TRANSACTION],
        ),
        axis=1,
    ).astype(np.int64)
