"""Sends messages to the events topic: idempotent, acknowledged by all replicas, in order, none lost silently.

An outage is waited out by librdkafka for as long as it takes; nothing here sleeps or decides to stop.
A client that has lost its brokers (see broker_watch.py) is replaced, and what was not acknowledged is handed to the
new one. Kafka may have some of it already; consumers drop what comes twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from clickstream.config.settings import KafkaSettings
from clickstream.domain.errors import AdmissionRefused, ClickstreamError, ServiceRefused
from clickstream.services.kafka.admission import Admission
from clickstream.services.kafka.broker_watch import BrokerWatch
from clickstream.services.kafka.config import SERVICE, SPREADING, client_config, is_transient, opening, translate
from clickstream.services.repeat import repeat

CAPACITY: Final = 100_000
"""Messages that may wait for acknowledgement: enough to keep the broker busy, little enough to flush in a second."""

SILENCE: Final = 3.0
"""Seconds without an acknowledgement, although some are outstanding, that count as trouble."""

_PURGED: Final = (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)

_logger = logging.getLogger(__name__)


class EventProducer:
    """A producer for the events topic. For one thread; what it hands over is sent by librdkafka's own threads.

    Only failures are reported to it one by one: a callback for every message would cost as much as sending it.
    What was queued, and is neither outstanding nor failed, is acknowledged.
    """

    def __init__(self, settings: KafkaSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._topic = settings.events_topic
        self._clock = clock
        self._queued = 0
        self._failed = 0
        self._abandoned = 0
        self._acknowledged = 0
        self._progress_at = clock()
        self._trouble = ""
        self._fault: ClickstreamError | None = None
        self._admission = Admission(settings)
        self._failure_codes: set[int] = set()
        self._unacknowledged: list[dict[str, Any]] | None = None
        """While the client is replaced: the messages that the old one did not get acknowledged."""
        self._config = client_config(settings, client_id="clickstream-producer") | {
            "enable.idempotence": True,
            "acks": "all",
            "partitioner": "murmur2_random",
            "compression.type": "lz4",
            "linger.ms": 10,
            "max.in.flight": 2,  # no slower than more; from 3 on librdkafka burns a core while a broker hangs
            "message.timeout.ms": 0,  # never give a message up
            "queue.buffering.max.messages": CAPACITY,
            "delivery.report.only.error": True,
            "on_delivery": self._on_delivery,
            "error_cb": self._on_error,
        }
        with opening(settings):
            self._producer = self._connect()

    def _connect(self) -> Producer:
        self.watch = BrokerWatch()
        """Of the present client."""
        return Producer(self._config | self.watch.config)

    def check_topic(self, timeout: float) -> int:
        """The number of partitions of the events topic.

        Raises:
            ServiceUnavailable: no broker answered within `timeout` seconds; worth another try.
            ServiceRefused: a broker refuses us.
            ClickstreamError: there is no such topic.
        """
        try:
            partitions = repeat(lambda: self._partitions(timeout), is_transient=is_transient, within=timeout)
        except KafkaException as error:
            self._producer.poll(0)
            self._replace_lost_client()
            raise self._admission.explain(error.args[0]) from error
        self._admission.note_answer()
        self._trouble = ""
        if not partitions:
            raise self._topic_missing()
        return partitions

    def _partitions(self, timeout: float) -> int:
        """0: the topic does not exist."""
        # All of them: a request for one by its name makes it, where the cluster creates topics by itself.
        topic = self._producer.list_topics(timeout=timeout).topics.get(self._topic)
        if topic is None:
            return 0
        if topic.error is not None and topic.error.code() not in SPREADING:
            raise KafkaException(topic.error)
        return len(topic.partitions)

    @property
    def outstanding(self) -> int:
        """Messages that were handed over and are neither acknowledged nor failed."""
        return self._queued - self.acknowledged - self._failed - self._abandoned

    @property
    def room(self) -> int:
        """How many messages `send` would take now. Only `send` makes it smaller."""
        return max(0, CAPACITY - len(self._producer))

    @property
    def acknowledged(self) -> int:
        """Messages that all in-sync replicas have. Never falls."""
        # len() also counts callbacks that wait for poll(), so the difference may be short for a moment.
        acknowledged = self._queued - self._failed - self._abandoned - len(self._producer)
        if acknowledged > self._acknowledged:
            self._acknowledged = acknowledged
            self._progress_at = self._clock()
            self._trouble = ""
            self._admission.admit()
        return self._acknowledged

    @property
    def failed(self) -> int:
        """Messages that Kafka refused for good."""
        return self._failed

    @property
    def trouble(self) -> str:
        """Why nothing is acknowledged at present, for people; empty while all is well."""
        if not self.outstanding:
            return ""
        silence = self._clock() - self._progress_at
        if not self._trouble and silence > SILENCE:
            return f"Kafka has acknowledged nothing for {silence:.0f} s"
        return self._trouble

    def send(self, keys: Sequence[str], values: Sequence[str] | Sequence[bytes]) -> int:
        """Hand over the messages, in order, up to `room`; returns how many were taken.

        One that cannot be sent at all (too large) counts as taken and failed.

        Raises:
            ClickstreamError: the topic is gone, or librdkafka cannot go on.
        """
        self._raise_fault()
        room = self.room
        messages: list[dict[str, Any]] = [
            {"key": key, "value": value} for key, value in zip(keys[:room], values[:room], strict=True)
        ]
        if not messages:
            return 0
        if not self.outstanding:
            self._progress_at = self._clock()
        self._queued += len(messages)
        self._produce(messages)
        return len(messages)

    def _produce(self, messages: list[dict[str, Any]]) -> None:
        if self._producer.produce_batch(self._topic, messages) < len(messages):
            for message in messages:
                if "_error" in message:
                    self._count_failure(message["_error"])

    def poll(self, timeout: float) -> None:
        """Let librdkafka tell what went wrong, waiting up to `timeout` seconds for it.

        Raises:
            ClickstreamError: the topic is gone, or librdkafka cannot go on.
        """
        self._producer.poll(timeout)
        self._replace_lost_client()
        self._raise_fault()

    def flush(self, timeout: float) -> int:
        """Send now what is outstanding, waiting up to `timeout` seconds; returns what still is outstanding.

        Raises:
            ClickstreamError: the topic is gone, or librdkafka cannot go on.
        """
        self._producer.flush(timeout)
        self._replace_lost_client()
        self._raise_fault()
        return self.outstanding

    def close(self) -> None:
        """Give up what is outstanding (flush first) and leave. Kafka may have stored some of it all the same."""
        if self.outstanding:
            self._producer.purge()
            self._producer.flush(1.0)
        self._producer.close()

    def _replace_lost_client(self) -> None:
        """Where the client has lost its brokers, hand what is outstanding to a new one."""
        if not self.watch.lost:
            return
        messages: list[dict[str, Any]] = []
        self._unacknowledged = messages
        self._producer.purge()
        while self._producer.flush(1.0):
            pass
        self._unacknowledged = None
        self._producer.close()
        self._producer = self._connect()
        _logger.warning(
            "Kafka's client lost its brokers; a new one sends the %d messages that are not acknowledged", len(messages)
        )
        self._produce(messages)

    def _on_error(self, error: KafkaError) -> None:
        self._trouble = translate(error).args[0]
        if error.fatal():
            self._fault = ClickstreamError(f"{SERVICE}'s client cannot go on: {error.str()}")
        elif not self._admission.granted:
            self._admission.note_error(error)

    def _on_delivery(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            return
        if error.code() in _PURGED and self._unacknowledged is not None:
            self._unacknowledged.append({"key": message.key(), "value": message.value()})
        elif error.code() in _PURGED:
            self._abandoned += 1
        else:
            self._count_failure(error)

    def _count_failure(self, error: KafkaError) -> None:
        self._failed += 1
        if error.code() in SPREADING:
            self._fault = self._topic_missing()
        elif isinstance(fault := translate(error), ServiceRefused):
            self._fault = fault
        if error.code() not in self._failure_codes:
            self._failure_codes.add(error.code())
            _logger.error("Kafka refused a message for good: %s (further ones of this kind are only counted)", error)

    def _raise_fault(self) -> None:
        if self._fault:
            raise self._fault
        if isinstance(refused := self._admission.find_refusal(), AdmissionRefused):
            raise refused

    def _topic_missing(self) -> ClickstreamError:
        return ClickstreamError(
            f"Kafka has no topic {self._topic}", hint="`clickstream stack up` makes it; else set KAFKA_EVENTS_TOPIC"
        )
