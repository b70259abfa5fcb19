"""Which faults the stack of a home can have."""

from __future__ import annotations

from clickstream.actions.faults.catalogue import ALL_FAULTS, FAULTS, Fault
from clickstream.config.paths import Home
from clickstream.stack.layout import load_layout


def listed(home: Home) -> tuple[Fault, ...]:
    """Those of OpenSearch only where it belongs to the stack. Raises ClickstreamError where its memory is damaged."""
    layout = load_layout(home)
    return ALL_FAULTS if layout is not None and layout.opensearch else FAULTS
