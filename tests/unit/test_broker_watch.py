"""From statistics of librdkafka: is there still a broker to connect to?"""

from __future__ import annotations

import pytest

from clickstream.services.kafka.broker_watch import BrokerWatch

NONE = '{"brokers": {}}'
COORDINATOR = '{"brokers": {"GroupCoordinator": {"source": "logical", "state": "INIT"}}}'
LEARNED = '{"brokers": {"kafka:9092/1": {"source": "learned", "state": "DOWN"}}}'
CONFIGURED = '{"brokers": {"kafka:9092/bootstrap": {"source": "configured", "state": "TRY_CONNECT"}}}'


@pytest.mark.parametrize(
    ("reports", "lost"),
    [
        ([], False),
        ([NONE], False),
        ([NONE, NONE], True),
        ([COORDINATOR, NONE], True),
        ([NONE, CONFIGURED, NONE], False),
        ([LEARNED, LEARNED, LEARNED], False),
        ([LEARNED, COORDINATOR, COORDINATOR], True),
        ([NONE, NONE, LEARNED], False),
    ],
)
def test_a_client_is_lost_after_two_reports_without_a_broker(reports: list[str], lost: bool) -> None:
    watch = BrokerWatch()
    for report in reports:
        watch.read(report)
    assert watch.lost is lost
