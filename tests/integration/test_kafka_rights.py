"""Users of Kafka that may do some things only: what a command needs is asked for, and no more; the doctor tries it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest
from confluent_kafka.admin import AclOperation

from clickstream.actions import reset
from clickstream.actions.config.check import FAILED, OK, WARN, Check
from clickstream.actions.config.check import check as config_check
from clickstream.actions.prepare import prepare
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import ServiceRefused
from clickstream.services.kafka.admin import delete_topic, describe_topic
from tests.consuming import drain
from tests.feed import check, send, shop
from tests.hostile import READ_AND_WRITE, kafka_user

EVENTS = shop(67, 300)

READING: Mapping[str, Sequence[AclOperation]] = {"topic": [AclOperation.READ], "group": [AclOperation.READ]}
WRITING: Mapping[str, Sequence[AclOperation]] = {"topic": [AclOperation.WRITE]}


@contextmanager
def limited(settings: Settings, rights: Mapping[str, Sequence[AclOperation]]) -> Iterator[Settings]:
    with kafka_user(settings, rights) as variables, pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield load_settings()


def of_the_topic(settings: Settings) -> Check:
    return next(one for one in config_check(settings) if one.name == "topic")


def test_who_may_read_and_write_an_existing_topic_needs_no_right_to_make_one(settings: Settings) -> None:
    prepare(settings)
    with limited(settings, READ_AND_WRITE) as user:
        assert of_the_topic(user).state == OK
        prepare(user)
        send(user, EVENTS)
        drain(user)
    check(settings, EVENTS)


def test_who_may_only_read_consumes_and_is_told_what_a_producer_lacks(settings: Settings) -> None:
    prepare(settings)
    send(settings, EVENTS)
    with limited(settings, READING) as user:
        found = of_the_topic(user)
        assert found.state == WARN
        assert "a producer cannot work: no WRITE on topic" in found.message
        assert "consumers cannot" not in found.message
        drain(user)
    check(settings, EVENTS)


def test_who_may_only_write_produces_and_is_told_what_consumers_lack(settings: Settings) -> None:
    prepare(settings)
    with limited(settings, WRITING) as user:
        found = of_the_topic(user)
        assert found.state == WARN
        assert "consumers cannot work: no READ on topic" in found.message
        assert "READ on group" in found.message
        send(user, EVENTS)
    drain(settings)
    check(settings, EVENTS)


def test_without_a_right_to_make_a_topic_that_is_missing_it_says_so(settings: Settings) -> None:
    assert settings.kafka
    delete_topic(settings.kafka, settings.kafka.events_topic)
    with limited(settings, READ_AND_WRITE) as user, pytest.raises(ServiceRefused, match="Authorization failed"):
        prepare(user)
    assert describe_topic(settings.kafka, settings.kafka.events_topic) is None


def test_a_reset_without_the_right_to_delete_changes_nothing(settings: Settings) -> None:
    prepare(settings)
    send(settings, EVENTS)
    drain(settings)
    with limited(settings, READ_AND_WRITE) as user, pytest.raises(ServiceRefused):
        reset.reset(user)
    check(settings, EVENTS)
    assert settings.kafka
    assert describe_topic(settings.kafka, settings.kafka.events_topic) is not None


def test_who_may_nothing_is_told_by_the_doctor(settings: Settings) -> None:
    prepare(settings)
    with limited(settings, {}) as user:
        assert of_the_topic(user).state == FAILED
