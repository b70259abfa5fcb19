"""A proxy in front of Kafka that puts errors into the first answers to requests of a kind.

Requests that change something are answered by the proxy alone when they are to fail, so that nothing has changed then.
"""

from __future__ import annotations

import dataclasses
import io
import socket
import struct
import threading
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from kio.index import load_payload_module, load_request_schema, load_response_schema
from kio.schema.errors import ErrorCode
from kio.serial import entity_reader, entity_writer
from kio.static.constants import EntityType

from clickstream.config.settings import KafkaSettings
from tests.proxies.tcp import Proxy, exactly

PRODUCE, FETCH, LIST_OFFSETS, METADATA = 0, 1, 2, 3
OFFSET_COMMIT, OFFSET_FETCH, FIND_COORDINATOR, JOIN_GROUP = 8, 9, 10, 11
SYNC_GROUP, DESCRIBE_GROUPS, CREATE_TOPICS, DELETE_TOPICS = 14, 15, 19, 20
INIT_PRODUCER_ID, CREATE_PARTITIONS, DELETE_GROUPS, DESCRIBE_CLUSTER = 22, 37, 42, 60

_WITH_ADDRESSES = {METADATA, FIND_COORDINATOR, DESCRIBE_CLUSTER}
_CHANGING = {CREATE_TOPICS, DELETE_TOPICS, CREATE_PARTITIONS, DELETE_GROUPS, PRODUCE}

Faults = Mapping[int, Sequence[ErrorCode]]


@dataclasses.dataclass(frozen=True)
class _Request:
    api: int
    version: int
    correlation: int
    error: ErrorCode | None


class KafkaProxy(Proxy):
    """`faults`: by the kind of request, the errors of its first answers; `sends_to`: where clients are sent on to."""

    def __init__(self, settings: KafkaSettings, faults: Faults, *, sends_to: str = "127.0.0.1") -> None:
        self._sends_to = sends_to
        host, _, port = settings.bootstrap_servers.partition(":")
        super().__init__((host, int(port)))
        self.faults = {api: deque(errors) for api, errors in faults.items()}
        self.requests: Counter[int] = Counter()
        """How many of each kind came."""
        self.brokers_hidden = False
        """The cluster seems to have no brokers, as one has whose only broker shuts down."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def serve(self, client: socket.socket) -> None:
        pending: dict[int, _Request] = {}
        sending = threading.Lock()
        with self.reach() as server:
            threading.Thread(target=self._answer, args=(server, client, pending, sending), daemon=True).start()
            while True:
                message = _message(client)
                request = self._request(message)
                if request.error is not None and request.api in _CHANGING:
                    with sending:
                        client.sendall(_framed(request, _refused(request, message)))
                    continue
                pending[request.correlation] = request
                server.sendall(struct.pack("!i", len(message)) + message)

    def _request(self, message: bytes) -> _Request:
        api, version, correlation = struct.unpack("!hhi", message[:8])
        self.requests[api] += 1
        asked_beforehand = b"clickstream-admission" in message[:40]  # by a connection of our own, before librdkafka
        errors = None if asked_beforehand else self.faults.get(api)
        return _Request(api, version, correlation, errors.popleft() if errors else None)

    def _answer(
        self, server: socket.socket, client: socket.socket, pending: dict[int, _Request], sending: threading.Lock
    ) -> None:
        try:
            while True:
                message = _message(server)
                (correlation,) = struct.unpack("!i", message[:4])
                request = pending.pop(correlation)
                if request.error is not None or request.api in _WITH_ADDRESSES:
                    message = _framed(request, self._changed(request, message))[4:]
                with sending:
                    client.sendall(struct.pack("!i", len(message)) + message)
        except OSError:
            client.close()

    def _changed(self, request: _Request, message: bytes) -> Any:
        answer = _read(load_response_schema(request.api, request.version), message)
        if request.api in _WITH_ADDRESSES:
            answer = _changed(answer, {"host": self._sends_to, "port": self.port})
        if request.api == METADATA and self.brokers_hidden:
            answer = dataclasses.replace(_changed(answer, {"leader_id": -1}), brokers=())
        if request.error is not None:
            nested = _changed(answer, {"error_code": request.error}, top=False)
            if nested == answer and request.api == METADATA:  # asked about brokers only
                self.faults[METADATA].appendleft(request.error)
            elif nested == answer:
                answer = _changed(answer, {"error_code": request.error})
            else:
                answer = nested
        return answer


def _refused(request: _Request, message: bytes) -> Any:
    """The answer to a request that was not carried out."""
    response: Any = load_response_schema(request.api, request.version)
    asked = _read(load_request_schema(request.api, request.version), message)
    module: Any = load_payload_module(request.api, request.version, EntityType.response)
    error = {"error_code": request.error, "error_message": None}
    if request.api == CREATE_TOPICS:
        topics = [_made(module.CreatableTopicResult, name=one.name, **error) for one in asked.topics]
        return _made(response, topics=tuple(topics))
    if request.api == DELETE_TOPICS:
        named = [one.name for one in asked.topics] if hasattr(asked, "topics") else asked.topic_names
        return _made(response, responses=tuple(_made(module.DeletableTopicResult, name=n, **error) for n in named))
    if request.api == CREATE_PARTITIONS:
        found = [_made(module.CreatePartitionsTopicResult, name=one.name, **error) for one in asked.topics]
        return _made(response, results=tuple(found))
    if request.api == DELETE_GROUPS:
        groups = [_made(module.DeletableGroupResult, group_id=name, **error) for name in asked.groups_names]
        return _made(response, results=tuple(groups))
    partitions = [
        _made(
            module.TopicProduceResponse,
            name=getattr(topic, "name", None),
            topic_id=getattr(topic, "topic_id", None),
            partition_responses=tuple(
                _made(module.PartitionProduceResponse, index=one.index, base_offset=-1, log_append_time=None, **error)
                for one in topic.partition_data
            ),
        )
        for topic in asked.topic_data
    ]
    return _made(response, responses=tuple(partitions))


def _read(schema: Any, message: bytes) -> Any:
    _, size = entity_reader(schema.__header_schema__)(message, 0)
    return entity_reader(schema)(message, size)[0]


def _made(kind: Any, **values: Any) -> Any:
    """An entity with these values, as far as its version has them, and nothing where nothing is said."""
    fields = dataclasses.fields(kind)
    empty = {"throttle_time": timedelta(0), "topic_id": None, "configs": None, "record_errors": ()}
    return kind(**{one.name: {**empty, **values}[one.name] for one in fields if one.name in {**empty, **values}})


def _changed(entity: Any, values: Mapping[str, Any], *, top: bool = True) -> Any:
    """The same with these values wherever it has a field of that name; `top` False: in what it holds only."""
    changes: dict[str, Any] = {}
    for one in dataclasses.fields(entity):
        value = getattr(entity, one.name)
        if isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
            changes[one.name] = tuple(_changed(item, values) for item in value)
        elif top and one.name in values:
            changes[one.name] = values[one.name]
    return dataclasses.replace(entity, **changes)


def _message(source: socket.socket) -> bytes:
    (length,) = struct.unpack("!i", exactly(source, 4))
    return exactly(source, length)


def _framed(request: _Request, answer: Any) -> bytes:
    sink = io.BytesIO()
    header = type(answer).__header_schema__
    entity_writer(header)(sink, header(correlation_id=request.correlation))
    entity_writer(type(answer))(sink, answer)
    return struct.pack("!i", len(sink.getvalue())) + sink.getvalue()


@contextmanager
def kafka_proxy(settings: KafkaSettings, faults: Faults, *, sends_to: str = "127.0.0.1") -> Iterator[KafkaProxy]:
    proxy = KafkaProxy(settings, faults, sends_to=sends_to)
    with proxy.running():
        yield proxy
