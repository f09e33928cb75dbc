"""Too much at once: everybody gets an answer, and is told when to come back."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Barrier, Thread

import pytest
from flask import Flask
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.core.errors import Busy
from app.identity import passwords

Token = Callable[..., str]


@pytest.fixture
def locked(app: Flask, token: Token) -> Iterator[dict[str, str]]:
    """Give the headers of a program, while somebody else keeps the database from changing."""
    headers = {"Authorization": f"Bearer {token('ada')}"}
    assert app.test_client().get("/api/tasks/list", headers=headers).status_code == 200
    database = Path(app.extensions["settings"].instance) / "latchkey.sqlite3"
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield headers
        other.execute("ROLLBACK")


def test_a_change_is_told_to_come_back(app: Flask, locked: dict[str, str]) -> None:
    program = app.test_client()
    answer = program.post("/api/tasks/create", headers=locked, json={"title": "Later"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"
    assert answer.json is not None
    assert answer.json["code"] == "busy"


def test_what_only_reads_waits_for_nobody(app: Flask, locked: dict[str, str]) -> None:
    program = app.test_client()
    assert program.get("/api/tasks/list", headers=locked).status_code == 200
    assert program.get("/oauth/authorize?client_id=nobody").status_code == 400
    garbage = {"grant_type": "refresh_token", "client_id": "nobody"}
    assert program.post("/oauth/token", data=garbage).status_code == 401


def test_a_flood_of_passwords_holds_a_few_threads_only(app: Flask) -> None:
    start, busy = Barrier(12), []
    # The tests' own hashes are too quick to be waited for.
    slow = PasswordHash((Argon2Hasher(),)).hash("another password")

    def guess() -> None:
        start.wait()
        try:
            passwords.is_right("a wrong password", slow)
        except Busy as refusal:
            busy.append(refusal)

    threads = [Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(busy) >= 1
    assert not passwords.is_right("a wrong password", None)
