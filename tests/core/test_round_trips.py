"""How often PostgreSQL is asked: each message is waited for."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine

from app.core.principal import Channel
from app.extensions import ROWS, db
from tests.conftest import Call, Person

pytestmark = pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True, scope="module")


@contextmanager
def asked(engine: Engine, folder: Path) -> Iterator[list[str]]:
    """Give what is sent by the connection that was used last, and will be next."""
    messages: list[str] = []
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
    trace = folder / "trace"
    with trace.open("w") as file:
        driver.pgconn.trace(file.fileno())
        yield messages
        driver.pgconn.untrace()
    messages += re.findall(r"\tF\t\d+\t(\w+)", trace.read_text())


def test_a_page_is_one_message(app: Flask, call: Call, person: Person, tmp_path: Path) -> None:
    ada = person("ada")
    call("tasks.list", ada)
    with asked(db.engines[ROWS], tmp_path) as messages:
        call("tasks.list", ada)
    assert messages == ["Query"]


def test_an_access_token_is_looked_up_by_one_message(
    app: Flask, token: Callable[..., str], tmp_path: Path
) -> None:
    bearer, presented = app.extensions["bearer"], token("ada")
    entrance = f"{app.extensions['settings'].public_url}/api"
    bearer.principal(presented, Channel.API, entrance)
    with asked(db.engine, tmp_path) as messages:
        assert bearer.principal(presented, Channel.API, entrance).user_id == 1
    assert messages == ["Query"]
