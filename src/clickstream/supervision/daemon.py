"""Runs a supervisor process: its lock, its log, the sweep, the loop, its signals, its end."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import resource
import signal
from collections.abc import Callable

from clickstream.config.paths import Home
from clickstream.supervision.logs import FileHandler, LogFile
from clickstream.supervision.private import make_private
from clickstream.supervision.server import Server
from clickstream.supervision.supervisor import OWN_LOG, Supervisor
from clickstream.supervision.sweep import sweep

log = logging.getLogger(__name__)

READY, BUSY = "ready", "busy"


def run(home: Home, announce: Callable[[str], None] = lambda word: None) -> int:
    """Supervise until told to stop.

    Args:
        home: whose supervisor to be.
        announce: called once, with READY when the socket can be used, or with BUSY when the home has a supervisor.

    Returns:
        0 after a shutdown, 1 if the home has a supervisor.

    Raises:
        ClickstreamError: the home cannot be used.
    """
    make_private(home)
    # Never closed: a lock that is freed sooner would let another supervisor start beside processes of this one.
    lock = os.open(home.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        announce(BUSY)
        return 1
    _keep_private()
    os.chdir(home.root)
    os.environ["CLICKSTREAM_HOME"] = str(home.root)
    handler = FileHandler(LogFile(home.logs / f"{OWN_LOG}.log"))
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", handlers=[handler])
    log.info("supervisor %d started", os.getpid())
    sweep(home)
    asyncio.run(_supervise(home, announce))
    log.info("supervisor %d ended", os.getpid())
    return 0  # the lock goes with the process, and not a moment before


def _keep_private() -> None:
    """Let nothing that this process and its children leave behind be read by others: what servers write into the home,
    and the memory of what crashed, passwords included, in a core file."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


async def _supervise(home: Home, announce: Callable[[str], None]) -> None:
    loop = asyncio.get_running_loop()
    supervisor = Supervisor(home)
    ending: list[asyncio.Task[None]] = []
    told = asyncio.Event()

    def shut_down() -> asyncio.Task[None]:
        if not ending:
            log.info("shutting down")
            server.close()  # a command that comes now finds no supervisor, and waits for this one's lock
            ending.append(loop.create_task(supervisor.shutdown()))
            told.set()
        return ending[0]

    server = Server(supervisor, home.socket, shut_down)
    loop.add_signal_handler(signal.SIGCHLD, supervisor.reap)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, shut_down)
    await server.open()
    announce(READY)
    ticking = loop.create_task(supervisor.tick())
    await told.wait()
    await ending[0]
    ticking.cancel()
