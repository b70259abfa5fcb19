"""The events index: creating it, and the settings for bulk loading, which are put back afterwards.

During loading the earlier settings are kept in the index's own `_meta`, so that any process can put them back after a
crash.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from opensearchpy.exceptions import NotFoundError, RequestError

from clickstream.config.settings import OpenSearchSettings
from clickstream.domain.errors import ServiceNotReady, ServiceRefused, ServiceUnavailable
from clickstream.services.opensearch.client import SERVICE, connect, converted, foreign, translated, where
from clickstream.services.repeat import PATIENCE

MAPPING: Final[dict[str, Any]] = {
    # Strict: only these five are ever sent, so another field is another writer's, who should be told.
    "dynamic": "strict",
    "properties": {
        # Numbers of milliseconds, which every time that PostgreSQL can hold has; people's tools may ask in ISO 8601.
        "event_time": {"type": "date", "format": "strict_date_optional_time||epoch_millis"},
        "visitor_id": {"type": "long"},
        "event": {"type": "keyword"},
        "item_id": {"type": "long"},
        "transaction_id": {"type": "long"},
    },
}

SETTINGS: Final[dict[str, Any]] = {
    # One shard holds tens of millions of such documents, and the server's CPU is the limit long before.
    "number_of_shards": 1,
    # A copy where there is a second node to hold it, none on a single one.
    "auto_expand_replicas": "0-1",
    # What a server takes anyway, unless told otherwise: it answers when its log is on disk.
    "translog.durability": "request",
}

_LOADING: Final[dict[str, Any]] = {"refresh_interval": "-1", "auto_expand_replicas": "false", "number_of_replicas": "0"}

_BEFORE: Final = "clickstream_before_loading"

_TEMPLATE: Final[dict[str, Any]] = {"settings": {"index": SETTINGS}, "mappings": MAPPING}

_TEMPLATE_PRIORITY: Final = 500

_ATTEMPTS: Final = 3

_CLOSED: Final = "index.verified_before_close"
"""A setting that an index has while it is closed."""

_READ_ONLY: Final = "index.blocks.read_only"
"""Neither written nor deleted."""

_FULL_DISK: Final = "index.blocks.read_only_allow_delete"
"""Set by OpenSearch itself."""

_NONE_IS_MADE: Final = (
    "cluster.blocks.create_index",
    "cluster.blocks.read_only",
    "cluster.blocks.read_only_allow_delete",
)

Saved = dict[str, str | None]
"""A setting of the index to its value; None: it had none of its own."""


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why an index takes no documents, to follow its name, and what to do."""

    what: str
    cure: str


class _Mappings(msgspec.Struct):
    meta: dict[str, Any] | None = msgspec.field(name="_meta", default=None)


class _Index(msgspec.Struct):
    mappings: _Mappings
    settings: dict[str, Any]


class EventsIndex:
    """The index over a connection that is kept. For one thread at a time.

    Methods raise ServiceUnavailable, AdmissionRefused or ServiceRefused.
    """

    def __init__(self, settings: OpenSearchSettings, *, timeout: float = 10.0, patience: float = PATIENCE) -> None:
        """Connects with the first request; see client.connect."""
        self._client = connect(settings, timeout=timeout, patience=patience)
        self._name = settings.events_index
        self._saved: Saved | None = None

    def close(self) -> None:
        self._client.close()

    def ensure(self) -> str:
        """Create the index if there is none. Its id differs from that of an earlier index of the same name.

        A template with the same mapping is put first: if the index is deleted while documents come in, the server
        recreates it by itself, with the right mapping.

        Returns:
            The index's id.
        """
        with translated():
            # Not by a HEAD, whose answer does not say what an index is blocked by.
            if self.identity() is None:
                self._put_template()
                try:
                    self._client.indices.create(index=self._name, body=_TEMPLATE)
                except RequestError as error:
                    if error.error != "resource_already_exists_exception":
                        raise
        found = self.identity()
        if found is None:
            raise ServiceUnavailable(SERVICE, f"index {self._name} was deleted in the moment that it was made")
        return found

    def check_replaceable(self) -> None:
        """Raises ServiceRefused where the name is an alias, and what is behind it not ours to delete, or where the
        index or the cluster is read only. The cluster is asked by writing the template, which is to be there anyway.
        """
        with translated():
            try:
                found = self._behind_the_name()
            except NotFoundError:
                found = {}
            if found and self._name not in found:
                hint = "empty that by hand, or name an index in OPENSEARCH_EVENTS_INDEX"
                raise ServiceRefused(f"{SERVICE}: {self._name} is an alias of {', '.join(sorted(found))}", hint=hint)
            if any(one.settings.get(_READ_ONLY) == "true" for one in found.values()):
                raise ServiceRefused(f"{SERVICE}: {_READ_ONLY} is set for {self._name}", hint=self._lifted(_READ_ONLY))
            self._put_template()

    def replace(self) -> str:
        """Delete the index with all that it holds, and recreate it; why that has to wait, where it has to. Indexers
        make it then."""
        with translated():
            self._client.indices.delete(index=self._name, params={"ignore_unavailable": "true"})
        try:
            self.ensure()
        except ServiceNotReady as error:
            return str(error.args[0])
        return ""

    def hindrance(self) -> Hindrance | None:
        """Why no document can be stored now, though the server is well; None where nothing is in the way."""
        with translated():
            try:
                settings = self._get().settings
            except NotFoundError:
                return self._why_none_is_made()
        if settings.get(_CLOSED) == "true":
            return Hindrance("is closed", f"open it with POST /{self._name}/_open")
        for block in (_READ_ONLY, "index.blocks.write", _FULL_DISK):
            if settings.get(block) == "true":
                return Hindrance(f"takes no documents: {block} is set", self._lifted(block))
        return None

    def _why_none_is_made(self) -> Hindrance | None:
        try:
            with translated():
                found = self._client.cluster.get_settings(params={"flat_settings": "true"})
        except ServiceRefused:  # only a user who may not look
            return None
        for level in ("transient", "persistent"):
            own = found.get(level)
            for block in _NONE_IS_MADE:
                if isinstance(own, dict) and own.get(block) == "true":
                    cure = f"""take it back with PUT /_cluster/settings {{"{level}": {{"{block}": null}}}}"""
                    return Hindrance(f"does not exist, and cannot be made: {block} is set", cure)
        return None

    def _lifted(self, block: str) -> str:
        """How to take a block of the index back."""
        by_hand = f"""take it back with PUT /{self._name}/_settings {{"{block}": null}}"""
        return f"free some of the disk, and {by_hand}" if block == _FULL_DISK else by_hand

    def ensure_template(self) -> bool:
        """Make the template where there is none; whether that was so."""
        with translated():
            if self._client.indices.exists_index_template(name=self._name):
                return False
            self._put_template()
            return True

    def identity(self) -> str | None:
        """The id of the index of now; None where there is none."""
        with translated():
            try:
                return str(self._get().settings["index.uuid"])
            except NotFoundError:
                return None

    def refresh(self) -> None:
        """Let searches see all that is stored."""
        with translated():
            self._client.indices.refresh(index=self._name)

    def begin_loading(self) -> None:
        """No refreshes and no replicas, until `end_loading`. Several may load at once."""
        with translated():
            for _ in range(_ATTEMPTS):
                saved, meta, now = self._read()
                self._saved = saved or self._saved or {name: now.get(name) for name in _LOADING}
                if saved is None:
                    self._put_meta(meta | {_BEFORE: self._saved})
                self._put_settings(_LOADING)
                if self._read()[0] is not None:
                    return
                # Somebody else ended loading in between, and has removed what was noted.

    def end_loading(self) -> bool:
        """Put the settings back, no matter which process changed them; False if there was nothing to put back."""
        with translated():
            try:
                saved, meta, _ = self._read()
            except NotFoundError:
                return False
            found = saved or self._saved
            self._saved = None
            if found is None:
                return False
            # First the settings: if this is cut short, the note is still there for another try.
            self._put_settings({name: found.get(name) for name in _LOADING})
            self._put_meta({name: value for name, value in meta.items() if name != _BEFORE})
            return True

    def _put_template(self) -> None:
        """For every index whose name begins with ours. Of two such templates the one of the longer name counts: the
        server wants to be told which, where both fit.
        """
        patterns, priority = [f"{self._name}*"], _TEMPLATE_PRIORITY + len(self._name)
        body = {"index_patterns": patterns, "priority": priority, "template": _TEMPLATE}
        self._client.indices.put_index_template(name=self._name, body=body)

    def _read(self) -> tuple[Saved | None, dict[str, Any], dict[str, Any]]:
        """What was noted before loading, the whole of `_meta`, and the index's own settings."""
        found = self._get()
        meta = found.mappings.meta or {}
        own = {name.removeprefix("index."): value for name, value in found.settings.items()}
        saved = meta.get(_BEFORE)
        return saved if isinstance(saved, dict) else None, meta, own

    def _get(self) -> _Index:
        return next(iter(self._behind_the_name().values()))

    def _behind_the_name(self) -> dict[str, _Index]:
        """The index, or those that the name is an alias of; at least one."""
        answer = self._client.indices.get(index=self._name, params={"flat_settings": "true"})
        found = converted(self._client, dict[str, _Index], answer)
        if not found or not all(isinstance(one.settings.get("index.uuid"), str) for one in found.values()):
            raise foreign(where(self._client))
        return found

    def _put_meta(self, meta: dict[str, Any]) -> None:
        self._client.indices.put_mapping(index=self._name, body={"_meta": meta})

    def _put_settings(self, settings: dict[str, Any]) -> None:
        self._client.indices.put_settings(index=self._name, body={"index": settings})
