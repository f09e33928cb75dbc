"""A small load generator: keep-alive connections that ask one thing over and over."""

import asyncio
import os
import time
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Server:
    """A server under load, with a token that it takes."""

    port: int
    token: str
    process: int

    def processor_time(self) -> float:
        """Give the seconds of processor time that it has used, from Linux's /proc."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to ask, and a piece of every right answer."""

    name: str
    request: bytes
    expected: bytes


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


def measure(server: Server, target: Target, seconds: float) -> Round:
    """Ask for some seconds, over several connections at once."""
    spent = server.processor_time()
    taken = asyncio.run(_ask(server.port, target, seconds))
    return Round(
        rate=len(taken) / seconds,
        median=taken[len(taken) // 2] * 1000,
        p99=taken[len(taken) * 99 // 100] * 1000,
        cost=(server.processor_time() - spent) / len(taken) * 1000,
    )


async def _ask(port: int, target: Target, seconds: float) -> list[float]:
    end = time.perf_counter() + seconds
    asking = (_ask_until(end, port, target) for _ in range(CONNECTIONS))
    return sorted(chain.from_iterable(await asyncio.gather(*asking)))


async def _ask_until(end: float, port: int, target: Target) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    taken = []
    while (start := time.perf_counter()) < end:
        writer.write(target.request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        body = await reader.readexactly(length)
        taken.append(time.perf_counter() - start)
        # A server that refuses is a fast one.
        assert head.startswith(b"HTTP/1.1 200 ")
        assert target.expected in body
    writer.close()
    await writer.wait_closed()
    return taken
