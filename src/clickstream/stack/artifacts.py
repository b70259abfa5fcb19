"""The Java servers' jars: downloaded once, checked against the lock, kept in the cache folder for all homes.

The cache holds checked files only: a download lands in a folder of its own and is moved in place by a rename.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clickstream.config.files import locked, write_private
from clickstream.config.paths import cache_folder
from clickstream.domain.errors import ClickstreamError
from clickstream.stack.lockfile import Jar, read_lock

PARALLEL = 6
ATTEMPTS = 3
RETRY_DELAY = 1.0
"""Seconds before a file's second attempt; twice that before its third."""
TIMEOUT = 15
"""Seconds without a byte from the repository after which an attempt has failed."""


@dataclass(frozen=True, slots=True)
class Download:
    """How far the download is; counts what was there already as done."""

    product: str
    """As the lock files name it."""
    jar: str
    """The file that moved last."""
    jars_done: int
    jars_total: int
    bytes_done: int
    bytes_total: int


Progress = Callable[[Download], None]
"""Called from several threads, one at a time."""


class _Cancelled(Exception):
    """Another file failed, or the user asked to stop: this one is not wanted any more."""


def ensure_jars(product: str, *, progress: Progress | None = None) -> tuple[Path, ...]:
    """The product's jars in class path order; missing and damaged ones are downloaded first.

    Touches no network when all are there. Files are hashed only when they are new or changed since they were checked.

    Raises:
        ClickstreamError: a download failed; whatever arrived whole stays, so that the next call goes on from there.
    """
    jars = read_lock(product)
    folder = cache_folder() / "jars"
    checked = folder / f"{product}.verified"
    if _fingerprint(folder, jars) != _read_fingerprint(checked):
        with locked(folder / "download.lock"):
            missing = [jar for jar in jars if not _intact(folder / jar.path, jar)]
            if missing:
                _Downloads(product, folder, jars, missing, progress).run()
            write_private(checked, json.dumps(_fingerprint(folder, jars)))
    return tuple(folder / jar.path for jar in jars)


def _fingerprint(folder: Path, jars: tuple[Jar, ...]) -> dict[str, list[str | int]] | None:
    """What tells a checked file from a changed one without reading it; None when a file is missing."""
    fingerprint: dict[str, list[str | int]] = {}
    for jar in jars:
        try:
            stat = (folder / jar.path).stat()
        except FileNotFoundError:
            return None
        fingerprint[str(jar.path)] = [jar.sha256, stat.st_size, stat.st_mtime_ns]
    return fingerprint


def _read_fingerprint(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def _intact(path: Path, jar: Jar) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except FileNotFoundError:
        return False


class _Downloads:
    """One round of downloads, several files at a time. The caller holds the download lock."""

    def __init__(
        self, product: str, folder: Path, jars: tuple[Jar, ...], missing: list[Jar], progress: Progress | None
    ) -> None:
        self._product = product
        self._folder = folder
        self._incoming = folder / ".incoming"
        self._missing = missing
        self._progress = progress
        self._jars_total = len(jars)
        self._bytes_total = sum(jar.size for jar in jars)
        self._bytes = {jar.path: jar.size for jar in jars} | {jar.path: 0 for jar in missing}
        self._arrived = len(jars) - len(missing)
        self._tell = threading.Lock()
        self._cancel = threading.Event()

    def run(self) -> None:
        # A run that was killed may have left pieces. No other process uses them, because we hold the lock.
        shutil.rmtree(self._incoming, ignore_errors=True)
        import truststore  # noqa: PLC0415 (like jgo: only for a download)

        # Trust this machine's authorities too, not only those that come with the client: companies have proxies.
        truststore.inject_into_ssl()
        pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="download")
        try:
            tasks = {pool.submit(self._fetch, jar): jar for jar in self._missing}
            for task in as_completed(tasks):
                self._finish(tasks[task], task.exception())
        finally:
            self._cancel.set()
            pool.shutdown(cancel_futures=True)
            truststore.extract_from_ssl()
            shutil.rmtree(self._incoming, ignore_errors=True)

    def _finish(self, jar: Jar, error: BaseException | None) -> None:
        if error is None:
            return
        here = f"{self._arrived} of {self._jars_total} files are here"
        raise ClickstreamError(
            f"downloading {jar.name} failed: {_reason(error)}; {here}",
            hint="check the network, the proxy and the disk, and run `clickstream stack up` again: "
            "it goes on where it stopped",
        ) from error

    def _fetch(self, jar: Jar) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._attempt(jar, attempt)
            except (OSError, RuntimeError):
                if attempt == ATTEMPTS or self._cancel.wait(RETRY_DELAY * attempt):
                    raise
        return None

    def _attempt(self, jar: Jar, attempt: int) -> None:
        # jgo is imported only for a download: offline work does not pay the 0.2 s.
        from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415

        resolver = PythonResolver(progress_callback=lambda _name, _size: self._count(jar))
        inbox = self._incoming / f"{jar.name}.{attempt}"
        context = MavenContext(resolver, repo_cache=inbox, local_repos=[], timeout=TIMEOUT)
        artifact = context.create_dependency(jar.coordinate).artifact
        arrived = resolver.download(artifact)
        if arrived is None or not _intact(arrived, jar):
            raise _Damaged
        target = self._folder / jar.path
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        arrived.replace(target)
        self._report(jar, jar.size, whole=True)

    @contextmanager
    def _count(self, jar: Jar) -> Iterator[Callable[[int], None]]:
        received = 0

        def add(count: int) -> None:
            nonlocal received
            if self._cancel.is_set():
                raise _Cancelled
            received += count
            self._report(jar, min(received, jar.size), whole=False)

        yield add

    def _report(self, jar: Jar, received: int, *, whole: bool) -> None:
        with self._tell:
            self._bytes[jar.path] = received
            self._arrived += whole
            if self._progress is not None:
                done = sum(self._bytes.values())
                self._progress(
                    Download(self._product, jar.name, self._arrived, self._jars_total, done, self._bytes_total)
                )


class _Damaged(OSError):
    """The file that arrived is not the file that the lock names."""


def _reason(error: BaseException) -> str:
    from requests import exceptions  # noqa: PLC0415 (loaded by jgo already when anything failed)

    words = {
        _Damaged: "what arrived has not the SHA-256 that the lock file names",
        exceptions.ProxyError: "the proxy cannot be reached, or refuses",
        exceptions.SSLError: "the server's certificate is not trusted",
        exceptions.Timeout: f"no answer in {TIMEOUT} s",
        exceptions.RequestException: "no connection, or it broke off",
        OSError: getattr(error, "strerror", None) or str(error),
        RuntimeError: "the repository does not deliver it",
    }
    said = (text for kind, text in words.items() if isinstance(error, kind))
    return next(said, str(error))
