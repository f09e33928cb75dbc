"""Measure and print ratios: `python -m bench [SECONDS]`, the length of one round."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from statistics import median

from bench.load import CONNECTIONS, Round, Server, Target, measure, request
from bench.stage import BARE, CONSTANT

ROUNDS = 5
_MODERN = "2026-07-28"


@contextmanager
def staged() -> Iterator[Server]:
    """Run the server in a process of its own, on an instance of its own."""
    with tempfile.TemporaryDirectory() as instance:
        command = [sys.executable, "-m", "bench.stage", instance]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ours
        try:
            assert server.stdout is not None
            yield Server(**json.loads(server.stdout.readline()))
        finally:
            server.terminate()
            server.wait()


def tool_call(path: str, token: str) -> bytes:
    """Give the request of a `tools/call` of tasks_list, in the newest protocol version."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": _MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
    }
    params = {"name": "tasks_list", "arguments": {"limit": 20}, "_meta": meta}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": _MODERN,
        "Mcp-Method": "tools/call",
        "Mcp-Name": "tasks_list",
    }
    return request("POST", path, headers, json.dumps(message).encode())


def compare(server: Server, ours: Target, theirs: Target, seconds: float) -> None:
    """Measure two targets by turns, and print what they gave and the ratios of it."""
    rounds: dict[Target, list[Round]] = {ours: [], theirs: []}
    for target in rounds:
        measure(server, target, seconds / 2)
    for target in [ours, theirs] * ROUNDS:
        rounds[target].append(measure(server, target, seconds))
    middle = {target: _middle(found) for target, found in rounds.items()}
    for target, found in middle.items():
        print(
            f"{target.name:44}{found.rate:7.0f}/s {found.median:7.2f} ms "
            f"{found.p99:7.2f} ms p99 {found.cost:7.3f} ms of processor each"
        )
    turns = sorted(a.rate / b.rate for a, b in zip(rounds[ours], rounds[theirs], strict=True))
    print(
        f"  ratio of rates {median(turns):.2f} ({turns[0]:.2f} to {turns[-1]:.2f}), "
        f"of processor time {middle[theirs].cost / middle[ours].cost:.2f}\n"
    )


def _middle(rounds: list[Round]) -> Round:
    columns = zip(*(astuple(each) for each in rounds), strict=True)
    return Round(*(median(column) for column in columns))


def main(seconds: float) -> None:
    """Print each comparison."""
    print(f"{CONNECTIONS} connections, {ROUNDS} rounds of {seconds:g} s by turns, one worker\n")
    with staged() as server:
        bearer = {"Authorization": f"Bearer {server.token}"}
        compare(
            server,
            Target(
                "GET /api/tasks/list, bearer, 20 rows",
                request("GET", "/api/tasks/list?limit=20", bearer),
                b'"next_cursor":"',
            ),
            Target("a bare Flask route", request("GET", f"{BARE}/"), b"items"),
            seconds,
        )
        compare(
            server,
            Target(
                "MCP tools/call tasks_list, bearer, 20 rows",
                tool_call("/mcp", server.token),
                b'"next_cursor":"',
            ),
            Target("a tool that gives a constant", tool_call(CONSTANT, server.token), b"items"),
            seconds,
        )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 2)
