"""The dashboard in a browser: reachable on this machine only, with the token only, and gone with its server."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import psutil
import pytest

from tests.waiting import wait_until

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
}

COMMAND = (sys.executable, "-m", "clickstream", "serve")


class Served:
    """A running `clickstream serve`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout
        self.address: str = json.loads(process.stdout.readline())["address"]
        parts = urlsplit(self.address)
        self.root = f"{parts.scheme}://{parts.netloc}"
        self.port = parts.port
        self.path = parts.path

    def windows(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def open_window(self, path: str | None = None) -> socket.socket:
        """A websocket, as a browser's window has one; its first bytes from the dashboard have come."""
        connection = socket.create_connection(("127.0.0.1", self.port or 0), timeout=30)
        headers = {"Host": f"127.0.0.1:{self.port}", **UPGRADE}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection.sendall(f"GET {path or self.path}ws?width=90&height=30 HTTP/1.1\r\n{head}\r\n".encode())
        heard = b""
        while b"\r\n\r\n" not in heard:
            heard += connection.recv(4096)
        assert heard.startswith(b"HTTP/1.1 101")
        if heard.endswith(b"\r\n\r\n"):
            assert connection.recv(4096)
        return connection


@pytest.fixture
def served() -> Iterator[Served]:
    with subprocess.Popen([*COMMAND, "--json"], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Served(process)
        finally:
            for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []:
                child.kill()
            process.kill()


def status(url: str, headers: dict[str, str] | None = None) -> int:
    try:
        with urlopen(Request(url, headers=headers or {}), timeout=30) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


def test_only_the_token_lets_in(served: Served) -> None:
    token = served.path.strip("/")
    assert len(token) >= 32
    with urlopen(served.address, timeout=30) as answer:
        page = answer.read().decode()
        assert f"{served.path}static/js/textual.js" in page
        assert f"ws://127.0.0.1:{served.port}{served.path}ws" in page
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
    assert status(f"{served.address}static/js/textual.js") == 200
    wrong = token[:-1] + ("a" if token[-1] != "a" else "b")
    for path in ("", wrong, f"{wrong}/", token[:-1], "static/js/textual.js", "ws", "download/x", f"x/{token}/"):
        assert status(f"{served.root}/{path}") == 403, path
        assert status(f"{served.root}/{path}", UPGRADE) == 403, path
    assert status(f"{served.root}/{wrong}/ws", UPGRADE) == 403
    assert status(f"{served.root}/static/js/textual.js", {"Cookie": cookie}) == 403
    assert status(f"{served.root}/download/x", {"Cookie": cookie}) == 404, "let in, and there is no such download"


OURS: tuple[dict[str, str], ...] = (
    {},
    {"Origin": "{origin}"},
    {"Host": "localhost:7"},  # a tunnel
    {"Host": "localhost:7", "Origin": "http://localhost:7"},
)
FOREIGN: tuple[dict[str, str], ...] = (
    {"Host": "rebound.example:{port}"},
    {"Host": "127.0.0.1.rebound.example"},
    {"Host": "127.0.0.1@rebound.example"},
    {"Origin": "http://other.example"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "https://127.0.0.1:{port}"},
    {"Origin": "http://127.0.0.1:x"},
    {"Origin": "null"},
)


def test_the_page_of_another_site_gets_nothing_even_with_the_token(served: Served) -> None:
    def filled(headers: dict[str, str]) -> dict[str, str]:
        return {name: text.format(port=served.port, origin=served.root) for name, text in headers.items()}

    for headers in OURS:
        assert status(served.address, filled(headers)) == 200, headers
    for headers in FOREIGN:
        assert status(served.address, filled(headers)) == 403, headers
        assert status(f"{served.address}ws", {**UPGRADE, **filled(headers)}) == 403, headers


def test_the_cookie_is_not_the_token(served: Served) -> None:
    """A browser shows a host's cookies to the servers of all its ports, whosever they are."""
    with urlopen(served.address, timeout=30) as answer:
        cookie = answer.headers["Set-Cookie"]
    assert served.path.strip("/") not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    value = cookie.partition("=")[2].partition(";")[0]
    assert status(f"{served.root}/{value}/") == 403


def test_it_listens_on_the_loopback_address_only(served: Served) -> None:
    listening = [one for one in psutil.Process(served.process.pid).net_connections() if one.status == "LISTEN"]
    assert [one.laddr.ip for one in listening] == ["127.0.0.1"]


def test_a_window_has_a_dashboard_of_its_own_that_ends_with_it(served: Served) -> None:
    with closing(served.open_window()):
        [window] = served.windows()
        assert "clickstream" in window.cmdline()
    wait_until(lambda: not served.windows(), "the dashboard ends")


def test_the_token_is_in_no_command_line_and_no_environment(served: Served) -> None:
    token = served.path.strip("/")
    with closing(served.open_window()):
        for process in (psutil.Process(served.process.pid), *served.windows()):
            assert token not in " ".join([*process.cmdline(), *process.environ().values()])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_windows_end_with_the_server(served: Served, number: signal.Signals) -> None:
    with closing(served.open_window()):
        [window] = served.windows()
        os.kill(served.process.pid, number)
        code = served.process.wait(30)
        assert code == (130 if number is signal.SIGINT else -signal.SIGKILL)
        wait_until(lambda: not window.is_running() or window.status() == psutil.STATUS_ZOMBIE, "the window ends")


def test_a_taken_port_is_said(served: Served) -> None:
    done = subprocess.run(
        [*COMMAND, "--port", str(served.port)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    words = f"clickstream: cannot listen on 127.0.0.1:{served.port}: Address already in use"
    assert done.stderr.startswith(words)
    assert len(done.stderr.splitlines()) == 1


def test_wrong_settings_are_said_before_anything_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_PORT", "many")
    done = subprocess.run(COMMAND, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "PG_PORT" in done.stderr
