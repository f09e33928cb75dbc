"""Flask on the event loop: what is long, what is not wanted to its end, and what fails."""

import asyncio
from collections.abc import Iterator
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from starlette.types import Message

from app.mcp.answers import Disconnected
from app.mcp.bridge import Bridge
from app.mcp.threads import Threads

MEGABYTE = 1024 * 1024
SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/a b",
    "query_string": b"q=1",
    "http_version": "1.1",
    "scheme": "http",
    "server": ("127.0.0.1", 8000),
    "client": ("127.0.0.1", 50000),
    "headers": [
        (b"x-one", b"a"),
        (b"x-one", b"b"),
        (b"x_one", b"c"),
        (b"content-type", b"text/plain"),
    ],
}


class Long:
    """A WSGI application with a long answer, which notes how much of it was made."""

    def __init__(self, megabytes: int) -> None:
        self.megabytes = megabytes
        self.made = 0
        self.is_closed = False
        self.environ: WSGIEnvironment = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> "Long":
        """Begin the answer."""
        self.environ = environ
        start_response("200 OK", [("Content-Type", "text/plain")])
        return self

    def __iter__(self) -> Iterator[bytes]:
        """Give a megabyte at a time."""
        for _ in range(self.megabytes):
            self.made += 1
            yield b"x" * MEGABYTE

    def close(self) -> None:
        """Note that the server has done with it."""
        self.is_closed = True


class Client:
    """Takes messages, up to so many."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken: list[Message] = []

    async def send(self, message: Message) -> None:
        """Take a message.

        Raises:
            Disconnected: it was one too many.
        """
        if len(self.taken) == self.most:
            raise Disconnected
        self.taken.append(message)


def serve(app: Long, client: Client, body: bytes = b"") -> None:
    asyncio.run(Bridge(app, Threads(1, 1)).serve(SCOPE, body, client.send))


def test_what_is_long_goes_out_in_pieces() -> None:
    app, client = Long(3), Client(9)
    serve(app, client)
    start, *pieces = client.taken
    assert (start["status"], start["headers"]) == (200, [(b"content-type", b"text/plain")])
    assert [len(piece["body"]) for piece in pieces] == [MEGABYTE] * 3 + [0]
    assert [piece.get("more_body", False) for piece in pieces] == [True, True, True, False]
    assert app.is_closed


def test_nothing_is_made_for_a_client_that_has_gone() -> None:
    app = Long(9)
    with pytest.raises(Disconnected):
        serve(app, Client(2))
    assert (app.made, app.is_closed) == (2, True)


def test_a_failure_comes_out_where_the_answer_is_awaited() -> None:
    class Failure(Exception):
        pass

    def app(_environ: WSGIEnvironment, _start: StartResponse) -> list[bytes]:
        raise Failure

    with pytest.raises(Failure):
        asyncio.run(Bridge(app, Threads(1, 1)).serve(SCOPE, b"", Client(9).send))


def test_the_request_is_whole_in_the_environment() -> None:
    app = Long(0)
    serve(app, Client(9), b"a body")
    environ = app.environ
    assert environ["wsgi.input"].read() == b"a body"
    assert (environ["CONTENT_LENGTH"], environ["CONTENT_TYPE"]) == ("6", "text/plain")
    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == ("/a b", "q=1")
    # `x_one` is no way to say what only a proxy may say in `x-one`.
    assert environ["HTTP_X_ONE"] == "a,b"
