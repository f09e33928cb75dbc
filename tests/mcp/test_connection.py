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


def is_page(answer: httpx2.Response, heading: str) -> bool:
    """Whether an answer is a page of ours with this heading, guarded as pages are."""
    policy = answer.headers.get("Content-Security-Policy", "")
    return (
        answer.headers["Content-Type"] == "text/html; charset=utf-8"
        and f'<h1 class="text-2xl font-bold mb-2">{heading}</h1>' in answer.text
        and 'href="/static/app.css"' in answer.text
        and policy.startswith("default-src 'none'; ")
        and answer.headers["Cache-Control"] == "no-store"
    )


def test_what_is_refused_before_flask_sees_it_is_a_page_for_people(server: str) -> None:
    large = httpx2.post(f"{server}/tasks", content=b"x" * 1_100_000)
    assert large.status_code == 413
    assert is_page(large, "Bad request")
    assert "at most 1 MB" in large.text
    htmx = {"HX-Request": "true"}
    notice = httpx2.post(f"{server}/tasks", content=b"x" * 1_100_000, headers=htmx)
    assert notice.status_code == 413
    assert notice.headers["HX-Reswap"] == "none"
    assert notice.text.startswith('<hx-partial hx-target="#status"')
    program = httpx2.post(f"{server}/api/tasks/create", content=b"x" * 1_100_000)
    assert program.headers["Content-Type"] == "application/problem+json"


def test_what_cannot_be_read_is_answered_by_a_page(server: str) -> None:
    with connected(server) as raw:
        raw.sendall(b"GET / HTTP/nonsense\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\nCache-Control: no-store")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b">Bad request</h1>" in body
    assert b"Invalid HTTP" not in answer


def test_too_many_connections_are_told_to_come_back_in_their_own_terms(app: Flask) -> None:
    class Crowded(Connection):
        most_connections = 0

    with serving(app, Crowded) as address:
        person = httpx2.get(f"{address}/tasks")
        program = httpx2.get(f"{address}/api/tasks/list")
        client = httpx2.post(f"{address}/oauth/token")
    for answer in (person, program, client):
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "1"
    assert is_page(person, "Something went wrong")
    assert program.headers["Content-Type"] == "application/problem+json"
    assert client.json()["error"] == "temporarily_unavailable"
