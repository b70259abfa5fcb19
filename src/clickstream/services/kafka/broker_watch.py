"""Whether a librdkafka client still knows a broker to connect to.

A broker that shuts down answers that the cluster has no brokers. A client then forgets all that it knows, and now and
then it never connects again, whatever it is asked (librdkafka's issue 5301, not fixed in 2.16). Its statistics show it:
they name no broker that was configured or learned. The only cure is another client.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

REPORT_MS: Final = 2_000
"""Between two reports of a client's statistics."""

REPORTS: Final = 2
"""So many in a row without a broker mean that the client is lost; a single one may be a moment."""

_LOGICAL: Final = "logical"
"""The source of a broker that is a role, such as the group's coordinator, and has no address of its own."""


class _Broker(msgspec.Struct):
    source: str


class _Statistics(msgspec.Struct):
    """What is read of a report, which is a JSON document."""

    brokers: dict[str, _Broker]


class BrokerWatch:
    """Reads the statistics of one client, which must be made with `config`."""

    def __init__(self) -> None:
        self._without = 0

    @property
    def config(self) -> dict[str, Any]:
        """What has the client report its statistics here."""
        return {"statistics.interval.ms": REPORT_MS, "stats_cb": self.read}

    @property
    def lost(self) -> bool:
        """The client knows no broker and will not connect again."""
        return self._without >= REPORTS

    def read(self, report: str) -> None:
        """Note whether this report names a broker."""
        brokers = msgspec.json.decode(report, type=_Statistics).brokers.values()
        self._without = 0 if any(broker.source != _LOGICAL for broker in brokers) else self._without + 1
