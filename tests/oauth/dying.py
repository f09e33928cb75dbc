"""A program that answers requests in child processes, and lets one die at a chosen moment.

`python -m tests.oauth.dying` reads a line of JSON per request and writes one per answer.
It has one thread and no open connection when it forks: SQLite's must not be carried across.
"""

import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event

from app import create_app
from app.extensions import db

# Moments at which a request does not die: in no child at all, and beyond its last statement.
HERE, NEVER = 0, 1_000

Answer = dict[str, Any]


class Life:
    """Ends a process without a word, right before one of the things that it does to a database."""

    def __init__(self, ends_before: int) -> None:
        self._left = ends_before

    def watch(self, engine: Engine) -> None:
        """Count an engine's statements, COMMIT among them, and the moments after it."""
        event.listen(engine, "connect", self._trace)
        event.listen(engine.pool, "reset", self._one_more)

    def _trace(self, connection: sqlite3.Connection, _record: object) -> None:
        # SQLite's own word for what begins to run, whoever sends it.
        connection.set_trace_callback(self._one_more)

    def _one_more(self, *_given: object) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _in_a_child(run: Callable[[], Answer]) -> Answer | None:
    """Give what a child process gives; None where it died before."""
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(told, json.dumps(run()).encode())
        os._exit(0)
    os.close(told)
    with os.fdopen(heard, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if status not in (0, signal.SIGKILL):
        sys.exit(f"The child ended with {status}.")
    return dict(json.loads(said)) if status == 0 else None


def main() -> None:
    """Answer requests until there are no more."""
    app = create_app()
    with app.app_context():
        engines = list(db.engines.values())

    def answered(ask: dict[str, Any]) -> Answer:
        said = app.test_client(use_cookies=False).open(**ask)
        return {"status": said.status_code, "headers": dict(said.headers), "body": said.text}

    def until(ends_before: int, ask: dict[str, Any]) -> Answer:
        life = Life(ends_before)
        for engine in engines:
            life.watch(engine)
        return answered(ask)

    for line in sys.stdin:
        ends_before, ask = json.loads(line)
        if ends_before == HERE:
            said: Answer | None = answered(ask)
            for engine in engines:
                engine.dispose()
        else:
            said = _in_a_child(lambda: until(ends_before, ask))  # noqa: B023 - it runs at once
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
