"""Streams over HTTP+SSE: how many there may be, how long they live, and where there are none."""

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import TaskGroup
from flask import Flask
from starlette.types import Message

from app.core import credentials
from app.core.principal import Channel, Principal
from app.mcp.answers import Refused
from app.mcp.connection import MAX_CONNECTIONS
from app.mcp.mount import Mount
from app.mcp.streams import MAX_STREAMS, MAX_STREAMS_PER_USER, Streams
from tests.conftest import change
from tests.databases import copied, opened
from tests.mcp.conftest import asking, headers_of, message
from tests.requirements import requirement

Token = Callable[..., str]


class Listener:
    """A client that holds a stream open, by ASGI itself."""

    def __init__(self, mount: Mount, token: str) -> None:
        self.status = 0
        self.address = ""
        self.is_complete = False
        self.opened = anyio.Event()
        self.closed = anyio.Event()
        self.leaves = anyio.Event()
        self._news = anyio.Event()
        self._ids: list[Any] = []
        self._mount = mount
        self._token = token

    async def listen(self) -> None:
        """Open the stream, and read it to its end."""
        await self._mount(scope_of("GET", "/sse", self._token), self._receive, self._send)
        self.closed.set()

    async def answers(self, count: int) -> list[Any]:
        """Return the ids that the stream has answered, once they are so many."""
        while len(self._ids) < count:
            self._news = anyio.Event()
            await self._news.wait()
        return self._ids

    async def post(self, token: str, content: object = None) -> int:
        """Send a message to the stream with a token; return the status."""
        path, _, query = self.address.partition("?")
        scope = {**scope_of("POST", path, token), "query_string": query.encode()}
        statuses: list[int] = []

        async def receive() -> Message:
            body = json.dumps(content or message("ping")).encode()
            return {"type": "http.request", "body": body}

        async def send(part: Message) -> None:
            statuses.append(part.get("status", 0))

        await self._mount(scope, receive, send)
        return statuses[0]

    async def _receive(self) -> Message:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def _send(self, part: Message) -> None:
        self.status = part.get("status", self.status)
        body = part.get("body", b"").decode()
        if "event: endpoint" in body:
            self.address = body.partition("data: ")[2].split()[0]
            self.opened.set()
        if "event: message" in body:
            self._ids.append(json.loads(body.partition("data: ")[2])["id"])
            self._news.set()
        self.is_complete = not part.get("more_body", True)


def scope_of(method: str, path: str, token: str) -> dict[str, Any]:
    headers = [(k.lower().encode(), v.encode()) for k, v in headers_of(token).items()]
    return {
        "type": "http",
        "method": method,
        "path": path,
        "headers": headers,
        "query_string": b"",
        "client": None,
        "server": None,
        "scheme": "http",
        "http_version": "1.1",
        "asgi": {"version": "3.0"},
    }


Steps = Callable[[Callable[[str], Awaitable[Listener]]], Awaitable[None]]


def run(app: Flask, steps: Steps) -> None:
    """Take some steps with streams whose tokens are checked all the time."""

    async def main() -> None:
        mount = Mount(app, check_streams_every_seconds=0.01)

        listeners: list[Listener] = []

        async def open_stream(tasks: TaskGroup, token: str) -> Listener:
            listeners.append(Listener(mount, token))
            tasks.start_soon(listeners[-1].listen)
            await listeners[-1].opened.wait()
            return listeners[-1]

        with anyio.fail_after(20):
            async with mount.running(), anyio.create_task_group() as tasks:
                await steps(lambda token: open_stream(tasks, token))
                for listener in listeners:
                    listener.leaves.set()

    anyio.run(main)


_OF_ADA = "user_id = (SELECT id FROM user_account WHERE email = 'ada@example.com')"
_GRANT = f"(SELECT id FROM oauth_grant WHERE {_OF_ADA})"
_FAMILY = f"(SELECT id FROM token_family WHERE grant_id = {_GRANT})"
# What ends the tokens of Ada, and what makes new ones count again.
ENDINGS = [
    (f"DELETE FROM access_token WHERE family_id IN {_FAMILY}", None),
    (f"UPDATE access_token SET expires_at = 1 WHERE family_id IN {_FAMILY}", None),
    (f"UPDATE token_family SET revoked_at = 1 WHERE grant_id = {_GRANT}", None),
    ("UPDATE user_account SET suspended_at = 1 WHERE name = 'Ada'", "suspended_at = NULL"),
    (f"UPDATE oauth_grant SET revoked_at = 1 WHERE {_OF_ADA}", None),
]


@requirement("mcp:each-request-authorized")
def test_a_stream_ends_with_its_token_and_no_other_stream_with_it(
    app: Flask, token: Token
) -> None:
    async def steps(open_stream: Callable[[str], Awaitable[Listener]]) -> None:
        bens = await open_stream(token("ben"))
        for ending, undo in ENDINGS:
            adas = await open_stream(token("ada"))
            change(ending)
            await adas.closed.wait()
            assert adas.is_complete, "its end is a proper one"
            if undo:
                change(f"UPDATE user_account SET {undo}")
        assert not bens.closed.is_set()
        change("UPDATE client SET revoked_at = 1 WHERE name = 'Reporter'")
        await bens.closed.wait()

    run(app, steps)


def test_a_stream_stays_open_for_a_client_that_refreshed_its_token(
    app: Flask, token: Token
) -> None:
    async def steps(open_stream: Callable[[str], Awaitable[Listener]]) -> None:
        old, new = token("ada"), token("ada")
        adas = await open_stream(old)
        bens = await open_stream(token("ben"))
        assert await adas.post(new) == 202
        assert await bens.post(new) == 404, "a stream takes its own person's tokens"
        digest = credentials.digest(new)
        change("UPDATE access_token SET expires_at = 1 WHERE digest <> :digest", digest=digest)
        await bens.closed.wait()
        assert not adas.closed.is_set()
        assert await adas.post(new) == 202

    run(app, steps)


def test_a_stream_takes_a_batch_and_answers_each_of_its_requests(app: Flask, token: Token) -> None:
    async def steps(open_stream: Callable[[str], Awaitable[Listener]]) -> None:
        bearer = token("ada")
        adas = await open_stream(bearer)
        listing = [{**message("tools/list"), "id": number} for number in (1, 2)]
        assert await adas.post(bearer, listing) == 202
        assert sorted(await adas.answers(2)) == [1, 2]
        assert await adas.post(token("ben"), listing) == 404

    run(app, steps)


def _principal(user_id: int, grant_id: int) -> Principal:
    return Principal(Channel.MCP, user_id, client_id="c", grant_id=grant_id)


def _refusal(streams: Streams, principal: Principal) -> Refused:
    with pytest.raises(Refused) as refused, streams.opened(principal, b""):
        pass
    assert int(refused.value.headers["Retry-After"]) > 0
    return refused.value


def test_a_person_opens_some_streams_and_no_more_however_many_clients_they_have() -> None:
    async def main() -> None:
        streams = Streams(lambda digests: digests)
        with ExitStack() as stack:
            for grant_id in range(MAX_STREAMS_PER_USER):
                stack.enter_context(streams.opened(_principal(1, grant_id), b""))
            assert _refusal(streams, _principal(1, 99)).status == 429
            stack.enter_context(streams.opened(_principal(2, 100), b""))
        stack.enter_context(streams.opened(_principal(1, 99), b""))

    anyio.run(main)


def test_streams_hold_half_of_all_connections_at_most() -> None:
    async def main() -> None:
        streams = Streams(lambda digests: digests)
        with ExitStack() as stack:
            for user_id in range(MAX_STREAMS):
                stack.enter_context(streams.opened(_principal(user_id, 1), b""))
            assert _refusal(streams, _principal(MAX_STREAMS, 1)).status == 503
        assert MAX_STREAMS <= MAX_CONNECTIONS // 2

    anyio.run(main)


def test_a_check_that_fails_ends_neither_the_streams_nor_the_checks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    checks: list[frozenset[bytes]] = []

    def find_valid(digests: frozenset[bytes]) -> frozenset[bytes]:
        checks.append(digests)
        if len(checks) == 1:
            raise RuntimeError
        return frozenset()

    async def main() -> None:
        streams = Streams(find_valid, interval_seconds=0.01)
        with anyio.fail_after(10), streams.opened(_principal(1, 1), b"x") as stream:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(streams.close_invalid)
                await stream.invalid.wait()
                tasks.cancel_scope.cancel()

    anyio.run(main)
    assert len(checks) == 2
    assert "could not check" in caplog.text


@pytest.fixture
def with_two_workers(
    request: pytest.FixtureRequest, engine_name: str, tmp_path: Path
) -> Iterator[Flask]:
    """Give an app that two processes would serve."""
    with (
        copied(request, engine_name, tmp_path, "template") as urls,
        opened(tmp_path, workers=2, **urls) as app,
    ):
        yield app


def test_where_several_workers_serve_a_stream_is_refused_with_the_reason(
    with_two_workers: Flask,
) -> None:
    with asking(with_two_workers) as ask:
        for method, path in (("GET", "/sse"), ("POST", "/messages/?session_id=0")):
            answer = ask(method, path)
            assert answer.status_code == 501
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert "http://127.0.0.1:8000/mcp" in answer.json()["detail"]
        assert ask("POST", "/mcp").status_code == 401
        assert list(ask("GET", "/api").json()["mcp"]) == ["streamable_http"]
        metadata = "/.well-known/oauth-protected-resource"
        assert ask("GET", f"{metadata}/sse").status_code == 404
        assert ask("GET", f"{metadata}/mcp").status_code == 200
