"""Clients of librdkafka that have lost their brokers, and would never connect again, are replaced by new ones."""

from __future__ import annotations

from contextlib import suppress

import pytest

from clickstream.config.settings import KafkaSettings, Settings
from clickstream.domain.errors import ServiceUnavailable
from clickstream.services.kafka.broker_watch import REPORTS
from clickstream.services.kafka.consumer import EventConsumer
from clickstream.services.kafka.producer import EventProducer
from tests.feed import START_MS, send, shop, value
from tests.oracle import Event
from tests.proxies.kafka import METADATA, kafka_proxy
from tests.waiting import wait_until

NO_BROKERS = '{"brokers": {}}'


class Member:
    """A member of a group of its own that reads each partition from its beginning whenever it gets it."""

    def __init__(self, kafka: KafkaSettings, name: str) -> None:
        self.assigned: list[int] = []
        self.lost: list[int] = []
        self.revoked: list[int] = []
        self.seen: set[tuple[int, int]] = set()
        """Partition and offset of each message."""
        self._to_start: list[int] = []
        self.consumer = EventConsumer(
            kafka,
            group_id=name,
            client_id=name,
            on_assigned=self._got,
            on_revoked=self.revoked.extend,
            on_lost=self.lost.extend,
        )

    def _got(self, partitions: list[int]) -> None:
        self.assigned += partitions
        self._to_start += partitions

    def read(self) -> None:
        for fetched in self.consumer.fetch(1000, wait=0.01, gather=0.01):
            self.seen |= {(fetched.partition, message.offset()) for message in fetched.messages}
        while self._to_start:
            self.consumer.start(self._to_start.pop(), 0)

    def has(self, count: int) -> bool:
        self.read()
        return len(self.seen) == count


def kafka(settings: Settings) -> KafkaSettings:
    assert settings.kafka
    return settings.kafka


def test_a_lost_member_loses_its_partitions_and_joins_again(settings: Settings) -> None:
    send(settings, shop(1, 200))
    member = Member(kafka(settings), "member")
    wait_until(lambda: member.has(200), "reading")
    member.consumer.watch.read(NO_BROKERS)
    member.read()
    assert not member.lost, "one report may be a moment"
    for _ in range(REPORTS):
        member.consumer.watch.read(NO_BROKERS)
    member.read()
    assert sorted(member.lost) == [0, 1, 2]
    send(settings, shop(2, 200))
    wait_until(lambda: member.has(400), "reading on")
    assert sorted(member.assigned) == [0, 0, 1, 1, 2, 2]
    assert not member.revoked, "no group could be told"
    member.consumer.close()


@pytest.mark.slow
def test_members_survive_a_cluster_that_has_no_brokers_for_a_while(settings: Settings) -> None:
    with kafka_proxy(kafka(settings), {}) as proxy:
        behind = kafka(settings).model_copy(update={"bootstrap_servers": proxy.address})
        members = [Member(behind, f"member-{number}") for number in range(12)]
        count = 0
        for number in range(3):
            send(settings, shop(number, 100))
            count += 100
            for member in members:
                wait_until(lambda member=member, count=count: member.has(count), "reading")  # type: ignore[misc]
            answers = proxy.requests[METADATA] + len(members)
            proxy.brokers_hidden = True

            def told(answers: int = answers) -> bool:
                for member in members:
                    member.read()
                return proxy.requests[METADATA] >= answers

            wait_until(told, "asking for brokers")
            proxy.brokers_hidden = False
        for member in members:
            member.consumer.close()


@pytest.mark.slow
def test_producers_survive_a_cluster_that_has_no_brokers_for_a_while(settings: Settings) -> None:
    with kafka_proxy(kafka(settings), {}) as proxy:
        behind = kafka(settings).model_copy(update={"bootstrap_servers": proxy.address})
        producers = [EventProducer(behind) for _ in range(20)]
        for producer in producers:
            assert producer.check_topic(timeout=30) == 3
        proxy.brokers_hidden = True
        for producer in producers:
            with suppress(ServiceUnavailable):
                producer.check_topic(timeout=1)
        proxy.brokers_hidden = False
        for number, producer in enumerate(producers):
            assert producer.send([str(number)], [value(Event(number, START_MS, 0, 1))]) == 1
        for producer in producers:
            while producer.flush(1.0):
                pass
            assert producer.acknowledged == 1
            producer.close()
