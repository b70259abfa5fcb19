"""Serving the figures to Prometheus: once, in the foreground, or as a process of this home's supervisor."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, generate_latest, make_wsgi_app
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from clickstream.actions.control import ensure
from clickstream.actions.metrics.families import families
from clickstream.actions.observe.model import Frame
from clickstream.actions.observe.once import Observer
from clickstream.actions.processes.workers import READY_WITHIN, UNDER_WAY, environment
from clickstream.config.settings import Settings
from clickstream.domain.errors import UsageError
from clickstream.domain.processes import ProcessSpec, ProcessState, Role
from clickstream.pipeline.process.loop import configure_logging, install_stop

if TYPE_CHECKING:
    from wsgiref.types import StartResponse

_logger = logging.getLogger("clickstream.metrics")

PROCESS = "metrics"
"""Its name in the supervisor; `worker stop metrics` ends it."""

FRESH_FOR = 1.0
"""Seconds for which a sample serves everybody who asks."""

WITHIN = 3.0
"""Seconds after which a sample ends, even if some servers have not answered; Prometheus waits longer."""


class FiguresCollector(Collector):
    """Looks when it is scraped."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def collect(self) -> Iterator[Metric]:
        return families(self._observer.sample(), self._observer.seconds)

    def describe(self) -> Iterator[Metric]:
        """The names alone, without a request to any server."""
        return families(Frame(at=0.0), 0.0)


def _observer(load: Callable[[], Settings]) -> Observer:
    return Observer(load, within=WITHIN, fresh_for=FRESH_FOR, told=_logger.warning)


def once(load: Callable[[], Settings]) -> str:
    """The figures of now, in Prometheus' text format."""
    observer = _observer(load)
    try:
        return generate_latest(_registry(observer)).decode()
    finally:
        observer.close()


def once_as_data(load: Callable[[], Settings]) -> list[dict[str, Any]]:
    """The same as objects: name, labels, value."""
    observer = _observer(load)
    try:
        samples = [sample for family in families(observer.sample(), observer.seconds) for sample in family.samples]
    finally:
        observer.close()
    return [{"name": one.name, "labels": one.labels, "value": one.value} for one in samples]


def serve_until_signal(load: Callable[[], Settings], *, host: str, port: int, announce: Callable[[str], None]) -> None:
    """As `serve`, until SIGTERM or SIGINT, with a log on stderr. Raises KeyboardInterrupt after the latter."""
    configure_logging(PROCESS)
    stop = install_stop()
    serve(load, host=host, port=port, announce=announce, stop=stop)
    stop.raise_if_interrupted()


def serve(
    load: Callable[[], Settings], *, host: str, port: int, announce: Callable[[str], None], stop: threading.Event
) -> None:
    """Serve /metrics until `stop` is set.

    Args:
        load: reads the settings.
        host: the address to listen on.
        port: 0: any that is free.
        announce: told the address once it can be asked.
        stop: ends it.

    Raises:
        UsageError: that address and port cannot be listened on.
    """
    observer = _observer(load)
    try:
        server = _server(host, port, _registry(observer))
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"nothing can listen on {host}:{port}: {error}", hint="--port and --host name another place"
        ) from error
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        shown = f"[{host}]" if ":" in host else host
        announce(f"http://{shown}:{server.server_port}/metrics")
        stop.wait()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        observer.close()


def start(settings: Settings, *, host: str, port: int) -> str:
    """Have this home's supervisor serve them, in place of what it may serve already; the address.

    It is a process like the embedded servers: restarted when it crashes, ended with the supervisor.

    Raises:
        ClickstreamError: it did not start; with the reason.
    """
    control = ensure(settings.home)
    running = control.snapshot().get(PROCESS)
    if running and running.state in UNDER_WAY:
        control.stop([PROCESS])
    control.start([_spec(settings, host, port)])
    control.wait([PROCESS], {ProcessState.RUNNING}, READY_WITHIN)
    return f"http://{host}:{port}/metrics"


def _spec(settings: Settings, host: str, port: int) -> ProcessSpec:
    return ProcessSpec(
        name=PROCESS,
        role=Role.SERVER,
        argv=(sys.executable, "-P", "-m", "clickstream", "metrics", "--host", host, "--port", str(port)),
        env=environment(settings),
        cwd=str(Path.cwd()),
        ready_pattern=r"^http://",
    )


def _server(host: str, port: int, registry: CollectorRegistry) -> WSGIServer:
    """Listens; HEAD, which load balancers ask with, is answered as GET is, without the figures."""
    figures: Callable[[dict[str, Any], StartResponse], Iterable[bytes]] = make_wsgi_app(registry)

    def answer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "HEAD":
            return figures(environ, start_response)
        figures(environ | {"REQUEST_METHOD": "GET"}, start_response)
        return []

    class MetricsServer(ThreadingMixIn, WSGIServer):
        daemon_threads = True
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    return make_server(host, port, answer, MetricsServer, _Silent)


class _Silent(WSGIRequestHandler):
    """Logs no request."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        pass


def _registry(observer: Observer) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(FiguresCollector(observer))
    return registry
