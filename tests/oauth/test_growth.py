"""What has expired goes: a little at each issue, the rest by the purge."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from flask import Flask
from sqlalchemy import Connection, event, func, insert, select

from app.core import credentials
from app.core.system import acting_as_system
from app.extensions import db
from app.models.client import Client
from app.models.grant import AccessToken, Family, RefreshToken
from app.oauth.purge import KEPT, purge
from tests.conftest import change
from tests.oauth.conftest import Flow
from tests.oauth.test_client_credentials import issued
from tests.processes import PROJECT, environment


def count(table: type[AccessToken | RefreshToken | Family | Client]) -> int:
    with db.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def expire(family_id: int, how_many: int) -> None:
    """Add so many access and refresh tokens that expired long ago."""
    then = int(time.time()) - KEPT - 60
    with acting_as_system(db.engine, "a test") as session:
        for number in range(how_many):
            digest = credentials.digest(f"{family_id} {number}")
            kept = {"digest": digest, "family_id": family_id, "issued_at": 1, "expires_at": then}
            session.execute(insert(AccessToken).values(scopes="", **kept))
            session.execute(insert(RefreshToken).values(**kept))


def test_each_issue_removes_two_expired_rows_at_the_most(flow: Flow) -> None:
    body = flow.tokens()
    expire(1, 10)
    before = count(AccessToken), count(RefreshToken)
    issued(flow)
    assert (count(AccessToken), count(RefreshToken)) == (before[0] + 1 - 2, before[1])
    flow.refresh(body["refresh_token"])
    assert (count(AccessToken), count(RefreshToken)) == (before[0] - 1, before[1])


def test_what_expired_lately_is_kept_to_recognise_a_replay(flow: Flow) -> None:
    body = flow.tokens()
    flow.refresh(body["refresh_token"])
    change("UPDATE refresh_token SET expires_at = :now", now=int(time.time()) - 60)
    purge(db.engine, int(time.time()))
    assert count(RefreshToken) == 2


def test_families_that_led_to_nothing_go_and_a_clients_own_stays(flow: Flow) -> None:
    flow.tokens()
    issued(flow)
    assert count(Family) == 2
    later = int(time.time()) + 400 * 24 * 3600
    purge(db.engine, later)
    assert (count(AccessToken), count(RefreshToken), count(Family)) == (0, 0, 1)
    assert issued(flow)["access_token"]


def test_several_purges_at_once_remove_each_row_once(app: Flask, flow: Flow) -> None:
    flow.tokens()
    expire(1, 600)
    now = int(time.time())

    def run(_: int) -> int:
        with app.app_context():
            return purge(db.engine, now)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(4))) == 1200
    assert (count(AccessToken), count(RefreshToken)) == (1, 1)


@contextmanager
def committed() -> Iterator[list[int]]:
    """Give how many rows each transaction has changed, those that foreign keys take along too."""
    changed: list[int] = []
    before: dict[int, int] = {}

    def begin(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        before[id(driver)] = driver.total_changes if driver else 0

    def commit(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert driver
        changed.append(driver.total_changes - before[id(driver)])

    event.listen(db.engine, "begin", begin)
    event.listen(db.engine, "commit", commit)
    try:
        yield changed
    finally:
        event.remove(db.engine, "begin", begin)
        event.remove(db.engine, "commit", commit)


def test_a_purge_keeps_writers_waiting_for_250_rows_at_the_most(flow: Flow) -> None:
    flow.tokens()
    expire(1, 600)
    with committed() as changed:
        assert purge(db.engine, int(time.time())) == 1200
    assert [rows for rows in changed if rows] == [250, 250, 100] * 2


def purging(app: Flask) -> subprocess.Popen[str]:
    """Start a process that purges an app's database when it is told to."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.oauth.purging"],
        cwd=PROJECT,
        env=environment(app.extensions["settings"]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_that_purge_at_once_remove_each_row_once(app: Flask, flow: Flow) -> None:
    flow.tokens()
    expire(1, 2000)
    with ExitStack() as running:
        processes = [running.enter_context(purging(app)) for _ in range(2)]
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert [errors for _, errors in said] == ["", ""]
    assert sum(int(removed) for removed, _ in said) == 4000
    assert (count(AccessToken), count(RefreshToken)) == (1, 1)
