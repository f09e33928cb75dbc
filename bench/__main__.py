"""Measure and print ratios: `python -m bench [SECONDS]`, the length of one round."""

import json
import os
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from bench import CONNECTIONS, rows
from bench.load import Round, Server, Target, measure, request
from bench.stage import BARE, CONSTANT
from tests.databases import urls_of
from tests.postgres import Cluster

ROUNDS = 5
RIVAL = "django-oauth-toolkit"
# How many times as many answers as the rival's we aim at, by what is asked.
AIMS = {"client_credentials": 4, "refresh_token, rotated": 10, "introspection": 10}
_RIVALS_PYTHON = Path(__file__).parent.parent / ".venv-rival/bin/python"
_MODERN = "2026-07-28"


@contextmanager
def staged(python: str, module: str, **settings: str) -> Iterator[Server]:
    """Run a server in a process of its own, on an instance of its own."""
    with tempfile.TemporaryDirectory() as instance:
        command = [python, "-m", module, instance]
        named = {f"LATCHKEY_{name.upper()}": value for name, value in settings.items()}
        server = subprocess.Popen(  # noqa: S603 - ours
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, **named}
        )
        try:
            assert server.stdout is not None
            yield Server(**json.loads(server.stdout.readline()))
        finally:
            server.terminate()
            server.wait()


def always(name: str, server: Server, asked: bytes, expected: bytes) -> Target:
    """Give a target that is asked the same thing each time."""
    return Target(name, server, lambda _answer: asked, expected)


def listing(server: Server, name: str = "GET /api/tasks/list, bearer, 20 rows") -> Target:
    """Read 20 rows over HTTP."""
    bearer = {"Authorization": f"Bearer {server.token}"}
    asked = request("GET", "/api/tasks/list?limit=20", bearer)
    return always(name, server, asked, b'"next_cursor":"')


def tool_call(name: str, server: Server, path: str, expected: bytes) -> Target:
    """Call tasks_list by `tools/call`, in the newest protocol version."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": _MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
    }
    params = {"name": "tasks_list", "arguments": {"limit": 20}, "_meta": meta}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {
        "Authorization": f"Bearer {server.token}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": _MODERN,
        "Mcp-Method": "tools/call",
        "Mcp-Name": "tasks_list",
    }
    asked = request("POST", path, headers, json.dumps(message).encode())
    return always(name, server, asked, expected)


def bare(server: Server) -> Target:
    """Ask for a constant."""
    return always("a bare Flask route", server, request("GET", f"{BARE}/"), b"items")


def client_credentials(server: Server, name: str) -> Target:
    """Ask for an access token."""
    asked = _form(server, "/oauth/token", grant_type="client_credentials")
    return always(name, server, asked, b'"access_token"')


def refreshing(server: Server, name: str) -> Target:
    """Use on each connection the refresh token that the answer before gave."""

    def asked(answer: bytes) -> bytes:
        token = json.loads(answer)["refresh_token"]
        return _form(server, "/oauth/token", grant_type="refresh_token", refresh_token=token)

    first = [json.dumps({"refresh_token": token}).encode() for token in server.refresh_tokens]
    return Target(name, server, asked, b'"refresh_token"', first)


def introspection(server: Server, name: str) -> Target:
    """Ask what an access token is good for; only of one that counts the client is told."""
    asked = _form(server, "/oauth/introspect", token=server.token)
    return always(name, server, asked, server.client_id.encode())


def _form(server: Server, path: str, **fields: str) -> bytes:
    pair = f"{server.client_id}:{server.client_secret}"
    headers = {
        "Authorization": f"Basic {b64encode(pair.encode()).decode()}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return request("POST", path, headers, urlencode(fields).encode())


def compare(ours: Target, *others: Target, seconds: float) -> None:
    """Measure targets by turns, and print what they gave and the ratios of it."""
    rounds: dict[Target, list[Round]] = {target: [] for target in (ours, *others)}
    for target in rounds:
        measure(target, seconds / 2)
    for target in [ours, *others] * ROUNDS:
        rounds[target].append(measure(target, seconds))
    middle = {target: _middle(found) for target, found in rounds.items()}
    for target, found in middle.items():
        print(
            f"{target.name:44}{found.rate:7.0f}/s {found.median:7.2f} ms "
            f"{found.p99:7.2f} ms p99 {found.cost:7.3f} ms of processor each"
        )
    for other in others:
        pairs = zip(rounds[ours], rounds[other], strict=True)
        turns = sorted(mine.rate / theirs.rate for mine, theirs in pairs)
        aim = f"; the aim is {AIMS[ours.name]}" if other.name == RIVAL else ""
        print(
            f"  to {other.name}: ratio of rates {median(turns):.2f} "
            f"({turns[0]:.2f} to {turns[-1]:.2f}), "
            f"of processor time {middle[other].cost / middle[ours].cost:.2f}{aim}"
        )
    print(flush=True)


def _middle(rounds: list[Round]) -> Round:
    columns = zip(*(astuple(each) for each in rounds), strict=True)
    return Round(*(median(column) for column in columns))


def main(seconds: float) -> None:
    """Print each comparison."""
    with Cluster.started() as cluster:
        rows.main(cluster)
        cluster.create("stage")
        compare_servers(seconds, urls_of(cluster, "stage"))


def compare_servers(seconds: float, on_postgresql: dict[str, str]) -> None:
    """Print what the servers give under load."""
    print(
        f"{CONNECTIONS} connections, {ROUNDS} rounds of {seconds:g} s by turns, "
        "each server one process on one core\n"
    )
    cores = sorted(os.sched_getaffinity(0))
    # Python's lock lets a process use one core at a time. To wander between several costs both
    # servers something, and each time something else.
    os.sched_setaffinity(0, cores[:1])
    with (
        staged(sys.executable, "bench.stage") as server,
        staged(sys.executable, "bench.stage", **on_postgresql) as other,
        staged(str(_RIVALS_PYTHON), "bench.rival") as rival,
    ):
        os.sched_setaffinity(0, cores[1:] or cores)
        compare(listing(server), bare(server), seconds=seconds)
        compare(listing(other, "the same on PostgreSQL"), bare(other), seconds=seconds)
        compare(
            tool_call("MCP tools/call tasks_list, 20 rows", server, "/mcp", b'"next_cursor":"'),
            tool_call("a tool that gives a constant", server, CONSTANT, b"items"),
            seconds=seconds,
        )
        for name, target in (
            ("client_credentials", client_credentials),
            ("refresh_token, rotated", refreshing),
            ("introspection", introspection),
        ):
            compare(target(server, name), target(rival, RIVAL), bare(server), seconds=seconds)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.5)
