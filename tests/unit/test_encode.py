"""Messages as the contract has them."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clickstream.domain.events import KINDS, MAX_ID, MAX_TIMESTAMP_MS, NO_TRANSACTION, EventColumns
from clickstream.pipeline.events.encode import encode_keys, encode_values

ids = st.integers(0, MAX_ID)
events = st.tuples(st.integers(0, MAX_TIMESTAMP_MS), ids, st.integers(0, 2), ids, st.one_of(st.none(), ids))


@given(st.lists(events, max_size=20))
def test_values_are_json_documents_and_keys_decimal(rows: list[tuple[int, int, int, int, int | None]]) -> None:
    filled = [(*row[:4], NO_TRANSACTION if row[4] is None else row[4]) for row in rows]
    table = np.array(filled, dtype=np.int64).reshape(-1, 5)
    columns = EventColumns(table[:, 0], table[:, 1], table[:, 2].astype(np.int8), table[:, 3], table[:, 4])
    assert [json.loads(value) for value in encode_values(columns)] == [
        {"timestamp": t, "visitor_id": v, "event": KINDS[k], "item_id": i, "transaction_id": x}
        for t, v, k, i, x in rows
    ]
    assert encode_keys(columns) == [str(row[1]) for row in rows]
