"""Finds the SQLSTATE of a failed connection: libpq reports it for statements, and not for connections.

The text of an error is in the server's language, so nothing is decided by it.
"""

from __future__ import annotations

import os
import re
import select
import sys
import time
from typing import Final

from psycopg import pq

_CAN_TRACE: bool = sys.platform == "linux"

CONNECTED: Final = "00000"
NOT_NOW: Final = "57P03"
"""The server starts, recovers or shuts down."""

WITHIN: Final = 5.0
"""Seconds that finding out may take."""

_STATE: Final = re.compile(rb'ErrorResponse\t.* C "(\w{5})"')

_WORDS: Final = {
    "password authentication failed": "28P01",
    "pg_hba.conf": "28000",
    "permission denied for database": "42501",
    "does not exist": "3D000",
    "too many": "53300",
    "starting up": NOT_NOW,
    "shutting down": NOT_NOW,
    "in recovery": NOT_NOW,
}
"""What a server says in English, for platforms where a connection cannot be traced."""

_UNREACHED: Final = {pq.ConnStatus.BAD, pq.ConnStatus.STARTED}


def why_refused(conninfo: str, message: str) -> list[str]:
    """The SQLSTATEs with which the server refuses this connection, one for each attempt that libpq makes by itself.

    It tries again, so CONNECTED is an answer too: what was wrong has passed. Empty where no server answers, or libpq
    itself finds something wrong.

    Args:
        conninfo: of the connection that failed.
        message: what the driver said.
    """
    if not _CAN_TRACE:
        return [state for words, state in _WORDS.items() if words in message]
    trace = os.memfd_create("libpq-trace")  # in memory, as it may hold a password
    try:
        connection = pq.PGconn.connect_start(conninfo.encode())
        try:
            if _connects(connection, trace):
                return [CONNECTED]
            connection.untrace()
        finally:
            connection.finish()
        found = _STATE.findall(os.pread(trace, os.fstat(trace).st_size, 0))
    finally:
        os.close(trace)
    return [state.decode() for state in found]


def _connects(connection: pq.abc.PGconn, trace: int) -> bool:
    deadline, traced = time.monotonic() + WITHIN, False
    while time.monotonic() < deadline:
        status = connection.connect_poll()
        # Not before a server is reached: each trace costs some kilobytes, and an outage may last for days.
        if not traced and connection.status not in _UNREACHED:
            connection.trace(trace)
            traced = True
        if status not in {pq.PollingStatus.READING, pq.PollingStatus.WRITING}:
            return status == pq.PollingStatus.OK
        reads, sockets = status == pq.PollingStatus.READING, [connection.socket]
        select.select(sockets if reads else [], [] if reads else sockets, [], max(0.0, deadline - time.monotonic()))
    return False
