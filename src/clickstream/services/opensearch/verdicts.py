"""Which refusals of OpenSearch are a document's own and which are the state of an index or the cluster, by error type.

OpenSearch names the type of an error after the class of its exception: `IndexClosedException` is
`index_closed_exception`. Each group below names the package of its classes, under server/src/main/java of OpenSearch's
repository; they were read from the server of version 3.9.0, and those that a set-up can bring about were tried on it.

A type that is in no group is UNKNOWN: its words are shown and nothing is rejected for it alone, since an index in a
state that is not listed refuses good documents, too. The documents beside it decide.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final


class Verdict(Enum):
    """Whose fault a refusal is, and so what is to be done."""

    STATE = auto()
    """The index's or the cluster's: to be sent again until it has passed."""
    OWN = auto()
    """The document's own: it will never be taken as it is."""
    DUPLICATE = auto()
    """There is one of this id already."""
    NOT_ADMITTED = auto()
    """The user's, who lacks a right."""
    UNKNOWN = auto()


INDEX_MISSING: Final = "index_not_found_exception"
"""org.opensearch.index.IndexNotFoundException, 404: the index is to be made again."""

NOT_NOW: Final = frozenset({408, 429, 502, 503, 504})
"""Statuses that mean, whatever the type: it has too much to do, or does not serve yet; another time it may."""

_STATES: Final = frozenset(
    {
        INDEX_MISSING,
        # org.opensearch.indices, 400: `POST INDEX/_close`. 409: a shard of it is not there.
        "index_closed_exception",
        "index_primary_shard_not_allocated_exception",
        # org.opensearch.cluster.block, 403, 429 or 503: index.blocks.*, cluster.blocks.*, a disk above its watermark.
        "cluster_block_exception",
        "index_create_block_exception",
        # org.opensearch.common, 400: there are cluster.max_shards_per_node shards, and so the index cannot be made.
        "validation_exception",
        # org.opensearch.action, 400: the index's mapping demands a routing, which no document of ours has.
        "routing_missing_exception",
        # org.opensearch.index.shard, 404 mostly: the shard starts, recovers, moves or has failed.
        "illegal_index_shard_state_exception",
        "index_shard_closed_exception",
        "index_shard_not_recovering_exception",
        "index_shard_not_started_exception",
        "index_shard_recovering_exception",
        "index_shard_recovery_exception",
        "index_shard_relocated_exception",
        "index_shard_started_exception",
        "primary_shard_closed_exception",
        "shard_not_found_exception",
        "shard_not_in_primary_mode_exception",
    }
)

_OWN: Final = frozenset(
    {
        # org.opensearch.index.mapper, 400: a value or a field that the mapping does not take. Whatever is wrong with a
        # field's value, an illegal argument too, comes as the cause of one of these.
        "mapper_parsing_exception",
        "strict_dynamic_mapping_exception",
        # Their name in Elasticsearch, whose answers a gateway may hand on.
        "document_parsing_exception",
    }
)

_DUPLICATES: Final = frozenset(
    {
        # org.opensearch.index.engine, 409
        "version_conflict_engine_exception"
    }
)

_RIGHTS: Final = frozenset(
    {
        # org.opensearch.OpenSearchSecurityException, 403 mostly
        "security_exception"
    }
)

_OF_A_PIPELINE: Final = frozenset(
    {
        # org.opensearch.ingest, org.opensearch.script, and modules/ingest-common: a processor of the index's pipeline
        # failed. Of these alone a 5xx may be due to the document.
        "fail_processor_exception",
        "ingest_processor_exception",
        "script_exception",
    }
)


def verdict(status: int, kind: str) -> Verdict:
    """Whose fault an error of this HTTP status and type is. An illegal argument may be anybody's: it is UNKNOWN."""
    if kind in _DUPLICATES:
        return Verdict.DUPLICATE
    if kind in _STATES:
        return Verdict.STATE
    if kind in _OF_A_PIPELINE:
        return Verdict.UNKNOWN
    if status in NOT_NOW or status >= 500:
        return Verdict.STATE
    if kind in _OWN:
        return Verdict.OWN
    return Verdict.NOT_ADMITTED if kind in _RIGHTS or status == 401 else Verdict.UNKNOWN


def describe(kind: str, reason: str, index: str = "") -> str:
    """OpenSearch's own words for an error, with its type; a closed index's reason is `closed` and does not name it."""
    subject = f"[{index}] " if index and f"[{index}]" not in reason else ""
    return f"{subject}{reason} ({kind})" if kind and reason else kind or reason
