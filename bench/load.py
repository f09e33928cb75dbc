"""A small load generator: keep-alive connections that ask one thing over and over."""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from bench import CONNECTIONS


@dataclass(frozen=True, slots=True)
class Server:
    """A server under load, with what it takes: a client, and what that client was issued.

    There is a refresh token for each connection.
    """

    port: int
    process: int
    client_id: str
    client_secret: str
    token: str
    refresh_tokens: list[str]

    def processor_time(self) -> float:
        """Give the seconds of processor time that it has used, from Linux's /proc."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Target:
    """One thing to ask of a server, and a piece of every right answer.

    `request` gives what to ask from what a connection was answered last; `answers` holds that,
    from one round to the next, and `first` is what each connection begins with.
    """

    def __init__(
        self,
        name: str,
        server: Server,
        request: Callable[[bytes], bytes],
        expected: bytes,
        first: list[bytes] | None = None,
    ) -> None:
        self.name = name
        self.server = server
        self.request = request
        self.expected = expected
        self.answers = first or [b""] * CONNECTIONS


@dataclass(frozen=True, slots=True)
class Round:
    """What one round gave: answers per second, latencies and processor time in milliseconds."""

    rate: float
    median: float
    p99: float
    cost: float


def request(
    method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> bytes:
    """Give the bytes of an HTTP request."""
    given = {"Host": "bench", **(headers or {}), "Content-Length": str(len(body))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def measure(target: Target, seconds: float) -> Round:
    """Ask for some seconds, over several connections at once."""
    spent, started = target.server.processor_time(), time.perf_counter()
    taken = asyncio.run(_ask(target, started + seconds))
    lasted = time.perf_counter() - started
    return Round(
        rate=len(taken) / lasted,
        median=taken[len(taken) // 2] * 1000,
        p99=taken[len(taken) * 99 // 100] * 1000,
        cost=(target.server.processor_time() - spent) / len(taken) * 1000,
    )


async def _ask(target: Target, end: float) -> list[float]:
    asking = (_ask_until(end, target, connection) for connection in range(CONNECTIONS))
    return sorted(chain.from_iterable(await asyncio.gather(*asking)))


async def _ask_until(end: float, target: Target, connection: int) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", target.server.port)
    taken = []
    while time.perf_counter() < end:
        asked = target.request(target.answers[connection])
        start = time.perf_counter()
        writer.write(asked)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        body = await reader.readexactly(length)
        taken.append(time.perf_counter() - start)
        # A server that refuses is a fast one.
        assert head.startswith(b"HTTP/1.1 200 "), head
        assert target.expected in body, body
        target.answers[connection] = body
    writer.close()
    await writer.wait_closed()
    return taken
