"""Starts a supervisor in the background and waits until it answers."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time

from clickstream.config.paths import Home
from clickstream.config.problems import is_secret
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.pauses import Pauses
from clickstream.supervision.client import SupervisorClient, connect
from clickstream.supervision.private import make_private

PATIENCE = 180.0
"""Seconds: an earlier supervisor may still be stopping servers, or a new one those that it was left."""

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 0.5


def ensure(home: Home) -> SupervisorClient:
    """This home's supervisor, started if need be. Several callers at once end up with the same one.

    Raises:
        ClickstreamError: it cannot be started; with the reason.
    """
    deadline, pauses = time.monotonic() + PATIENCE, Pauses(FIRST_PAUSE, LONGEST_PAUSE)
    while (client := connect(home)) is None:
        if time.monotonic() > deadline:
            raise ClickstreamError(
                f"the supervisor is not ready after {PATIENCE:g} s", hint=f"see {home.logs / 'supervisor.log'}"
            )
        make_private(home)
        try:
            word = _launch(home, deadline)
        except OSError as error:
            word = str(error)
        if word == "busy":  # it starts, or stops: soon there is a socket, or the lock is free
            time.sleep(pauses.next())
        elif word != "ready":
            raise ClickstreamError(f"the supervisor cannot be started: {word}")
    return client


def _without_secrets() -> dict[str, str]:
    """Our environment, which servers inherit, that of another user under root among them. Workers are given the
    passwords that they need."""
    return {name: value for name, value in os.environ.items() if not is_secret(name)}


def _launch(home: Home, deadline: float) -> str:
    """What the new process announced: `ready`, `busy`, or in what way it failed."""
    log = os.open(home.logs / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "clickstream.supervision"],  # -P: no module is taken from the home's folder
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=home.root,
            env=_without_secrets() | {"CLICKSTREAM_HOME": str(home.root)},
            start_new_session=True,
        )
    finally:
        os.close(log)
    with process:  # the process itself only forks; its child, which needs no waiting for, holds the pipe
        announced = process.stdout
        if announced is None or not select.select([announced], [], [], max(deadline - time.monotonic(), 0))[0]:
            return "it has not become ready"
        word = announced.readline().decode(errors="replace").strip()
    return word or f"see {home.logs / 'supervisor.log'}"
