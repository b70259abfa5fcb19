"""Downloads against a repository of the test's own, which can lie, stall and break off."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jgo.maven._core
import pytest

from clickstream.domain.errors import ClickstreamError
from clickstream.stack import artifacts
from clickstream.stack.artifacts import Download, ensure_jars
from clickstream.stack.lockfile import Jar

CONTENTS = {name: name.encode() * 20_000 for name in ("alpha", "beta", "gamma")}
JARS = tuple(
    Jar("org.example", name, "1.0", hashlib.sha256(content).hexdigest(), len(content))
    for name, content in CONTENTS.items()
)


class Repository:
    """Serves CONTENTS as jars; `faults` maps an artifact to what goes wrong with it: missing, wrong, cut, once."""

    def __init__(self) -> None:
        self.faults: dict[str, str] = {}
        self.requests: list[str] = []
        repository = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                repository.answer(self)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        artifact = request.path.split("/")[-3]
        if not request.path.endswith(".jar"):
            request.send_error(404)
            return
        self.requests.append(artifact)
        fault = self.faults.get(artifact)
        if fault == "once":
            del self.faults[artifact]
        if fault in {"missing", "once"}:
            request.send_error(503)
            return
        content = CONTENTS[artifact]
        sent = {"wrong": content[::-1], "cut": content[: len(content) // 2]}.get(fault or "", content)
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(sent)

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    made = Repository()
    monkeypatch.setitem(jgo.maven._core.DEFAULT_REMOTE_REPOS, "central", made.url)
    yield made
    made.close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(artifacts, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(artifacts, "read_lock", lambda product: JARS)
    monkeypatch.setattr(artifacts, "ATTEMPTS", 1)
    monkeypatch.setattr(artifacts, "RETRY_DELAY", 0.0)
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    return tmp_path / "cache" / "jars"


def jars_in(cache: Path) -> dict[str, bytes]:
    return {path.name.removesuffix("-1.0.jar"): path.read_bytes() for path in cache.rglob("*.jar")}


def test_first_time_everything_arrives_in_class_path_order(repository: Repository, cache: Path) -> None:
    seen: list[Download] = []
    paths = ensure_jars("kafka", progress=seen.append)
    assert [path.read_bytes() for path in paths] == list(CONTENTS.values())
    assert [download.bytes_done for download in seen] == sorted(download.bytes_done for download in seen)
    total = sum(jar.size for jar in JARS)
    assert (seen[-1].jars_done, seen[-1].jars_total, seen[-1].bytes_done, seen[-1].bytes_total) == (3, 3, total, total)


def test_afterwards_nothing_is_asked_of_the_network(repository: Repository, cache: Path) -> None:
    first = ensure_jars("kafka")
    repository.requests.clear()
    assert ensure_jars("kafka") == first
    assert repository.requests == []


def test_a_file_damaged_in_the_cache_comes_again(repository: Repository, cache: Path) -> None:
    paths = ensure_jars("kafka")
    paths[1].write_bytes(bytes(JARS[1].size))
    repository.requests.clear()
    ensure_jars("kafka")
    assert repository.requests == ["beta"]
    assert jars_in(cache) == CONTENTS


def test_a_new_lock_is_checked_against_the_old_files(
    repository: Repository, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_jars("kafka")
    other = Jar("org.example", "beta", "1.0", "0" * 64, JARS[1].size)
    monkeypatch.setattr(artifacts, "read_lock", lambda product: (JARS[0], other))
    with pytest.raises(ClickstreamError, match=r"beta-1\.0\.jar"):
        ensure_jars("kafka")


@pytest.mark.parametrize(
    ("fault", "words"),
    [("missing", "does not deliver"), ("wrong", "SHA-256"), ("cut", "broke off")],
)
def test_a_failure_says_what_and_keeps_only_what_is_whole(
    repository: Repository, cache: Path, fault: str, words: str
) -> None:
    repository.faults["gamma"] = fault
    with pytest.raises(ClickstreamError, match=rf"gamma-1\.0\.jar failed: .*{words}.*`clickstream stack up` again"):
        ensure_jars("kafka")
    assert "gamma" not in jars_in(cache)
    assert jars_in(cache).items() <= CONTENTS.items()
    assert not (cache / ".incoming").exists()


def test_the_next_call_goes_on_where_it_stopped(
    repository: Repository, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "PARALLEL", 1)
    repository.faults["gamma"] = "cut"
    with pytest.raises(ClickstreamError, match="2 of 3 files are here"):
        ensure_jars("kafka")
    repository.faults.clear()
    repository.requests.clear()
    ensure_jars("kafka")
    assert repository.requests == ["gamma"]


def test_pieces_of_a_killed_round_are_cleared_away(repository: Repository, cache: Path) -> None:
    piece = cache / ".incoming" / "alpha-1.0.jar.1" / "org" / "example" / "alpha" / "1.0" / "alpha-1.0.jar"
    piece.parent.mkdir(parents=True)
    piece.write_bytes(b"half")
    ensure_jars("kafka")
    assert not (cache / ".incoming").exists()
    assert jars_in(cache) == CONTENTS


def test_a_passing_fault_is_tried_again(repository: Repository, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "ATTEMPTS", 2)
    repository.faults["beta"] = "once"
    ensure_jars("kafka")
    assert sorted(repository.requests) == ["alpha", "beta", "beta", "gamma"]


def test_no_network_at_all(repository: Repository, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(jgo.maven._core.DEFAULT_REMOTE_REPOS, "central", "http://127.0.0.1:9")
    with pytest.raises(ClickstreamError, match=r"no connection.*check the network"):
        ensure_jars("kafka")


def test_two_homes_at_once_download_each_file_once(repository: Repository, cache: Path) -> None:
    with ThreadPoolExecutor() as pool:
        rounds = [pool.submit(ensure_jars, "kafka") for _ in range(3)]
    assert len({each.result() for each in rounds}) == 1
    assert sorted(repository.requests) == sorted(CONTENTS)
