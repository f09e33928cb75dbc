"""What one connection may take: no endless head, no thread, no stream too many."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Event
from urllib.parse import urlsplit

import httpx2
import pytest
from flask import Flask

from app.mcp.connection import Connection
from tests.mcp.conftest import headers_of, serving

Token = Callable[..., str]
LARGE = "/static/vendor/swagger-ui-5.35.0/swagger-ui-bundle.js"


@contextmanager
def connected(address: str, receives: int | None = None) -> Iterator[socket.socket]:
    """Give a bare connection."""
    parts = urlsplit(address)
    with socket.socket() as raw:
        if receives:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        raw.settimeout(10)
        raw.connect((parts.hostname, parts.port))
        yield raw


@pytest.mark.parametrize(
    ("begins", "goes_on"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\n", b"a: b\r\n" * 1000),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ", b"y" * 10_000),
        (b"GET /", b"y" * 10_000),
    ],
)
def test_a_head_that_goes_on_and_on_is_refused(server: str, begins: bytes, goes_on: bytes) -> None:
    with connected(server) as raw:
        raw.sendall(begins + goes_on * (Connection.largest_head // len(goes_on) + 1))
        # It may be closed so soon that the answer is lost on the way.
        with suppress(ConnectionResetError):
            assert b" 400 " in raw.recv(100)
    assert httpx2.get(f"{server}/healthz").status_code == 200


def test_a_head_that_is_long_but_not_too_long_is_taken(server: str) -> None:
    headers = {"X-Long": "y" * 20_000}
    assert httpx2.get(f"{server}/healthz", headers=headers).status_code == 200


def test_a_connection_that_says_nothing_is_closed(app: Flask) -> None:
    class Hasty(Connection):
        head_takes = 0.1

    with serving(app, Hasty) as address, connected(address) as silent, connected(address) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\n")
        assert silent.recv(1) == b""
        assert slow.recv(1) == b""
        assert httpx2.get(f"{address}/healthz").status_code == 200


def test_clients_that_read_nothing_hold_no_thread(server: str) -> None:
    greedy = f"GET {LARGE} HTTP/1.1\r\nHost: a\r\n\r\n".encode() * 6
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(connected(server, receives=2048)).sendall(greedy)
        assert httpx2.get(f"{server}/healthz").status_code == 200
    for _ in range(10):
        with connected(server, receives=2048) as raw:
            raw.sendall(greedy)
    assert httpx2.get(f"{server}/healthz").status_code == 200


def test_a_grant_opens_ten_streams_and_no_more(server: str, token: Token) -> None:
    mine, bens = token("ada"), token("ben")
    with httpx2.Client() as client, ExitStack() as stack:

        def opened(bearer: str) -> int:
            stream = client.stream("GET", f"{server}/sse", headers=headers_of(bearer))
            return stack.enter_context(stream).status_code

        assert [opened(mine) for _ in range(11)] == [200] * 10 + [429]
        assert opened(bens) == 200


def test_a_client_that_reads_nothing_is_let_go(app: Flask) -> None:
    ended = Event()

    class Hasty(Connection):
        unread_for = 0.1

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            ended.set()

    greedy = f"GET {LARGE} HTTP/1.1\r\nHost: a\r\n\r\n".encode() * 6
    with serving(app, Hasty) as address, connected(address, receives=2048) as raw:
        raw.sendall(greedy)
        assert ended.wait(10)


def test_a_trailer_is_no_header_field(server: str) -> None:
    form = b"grant_type=refresh_token&refresh_token=x&client_id=x"
    head = (
        b"POST /oauth/token HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    trailers = b"Authorization: Basic eDp5\r\nX-Forwarded-For: 6.6.6.6\r\n"
    with connected(server) as raw:
        raw.sendall(head + b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(form), form, trailers))
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    # With the trailer for a header, it would name two ways of authentication.
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"invalid_client" in answer
