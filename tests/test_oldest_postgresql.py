"""The oldest PostgreSQL that is supported: what the product does there with a server.

Everything else runs on the newest; a whole run on the oldest is
`make test POSTGRESQL=15 ARGS="--engine postgresql"`.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import inspect

from app.core import scopes
from app.extensions import Model, db
from app.identity import accounts
from app.models import ROW_POLICIES
from app.oauth import operator
from app.procedures.clients import NewClient
from tests.databases import engines, opened, urls_of
from tests.postgres import OLDEST, Cluster
from tests.security import proof
from tests.security.town import made
from tests.security.twins import Twin


@pytest.fixture(scope="module")
def oldest() -> Iterator[Cluster]:
    """Return a running server of the oldest release."""
    with Cluster.started(OLDEST) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def migrated(oldest: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the name of a migrated database, to be copied."""
    oldest.create("migrated")
    with opened(tmp_path_factory.mktemp("migrated"), **urls_of(oldest, "migrated")):
        upgrade()
    return "migrated"


@pytest.fixture(scope="module")
def twin(oldest: Cluster, migrated: str) -> Iterator[Twin]:
    """Return both engines of a copy."""
    with (
        oldest.copy(migrated) as name,
        engines(urls_of(oldest, name)["database_url"]) as both,
    ):
        yield Twin(*both)


def test_the_server_is_of_the_oldest_release(oldest: Cluster) -> None:
    with psycopg.connect(oldest.admin_url) as admin:
        assert admin.info.server_version // 10000 == OLDEST


def test_each_migration_can_be_done_undone_and_done_again(oldest: Cluster, tmp_path: Path) -> None:
    oldest.create("empty")
    with opened(tmp_path, **urls_of(oldest, "empty")) as app:
        upgrade()
        check()
        assert app.extensions["readiness"].fault() is None
        downgrade(revision="base")
        assert set(inspect(db.engine).get_table_names()) == {"alembic_version"}
        upgrade()
        assert set(Model.metadata.tables) < set(inspect(db.engine).get_table_names())
        assert app.extensions["readiness"].fault() is None


@pytest.mark.parametrize("name", ROW_POLICIES)
def test_whatever_one_tries_on_a_table_ends_as_the_model_says(twin: Twin, name: str) -> None:
    town = made()
    twin.fill(town)
    assert list(proof.disagreements(twin, town, name, ROW_POLICIES[name])) == []


def test_a_token_calls_each_way_and_finds_its_persons_rows(
    oldest: Cluster, migrated: str, tmp_path: Path
) -> None:
    with oldest.copy(migrated) as name, opened(tmp_path, **urls_of(oldest, name)) as app:
        ada, ben = (_bearer(name) for name in ("ada", "ben"))
        program = app.test_client()
        task = program.post("/api/tasks/create", headers=ada, json={"title": "hers"}).json
        assert task
        listed = program.get("/api/tasks/list?q=HERS", headers=ada).json
        assert listed == {"items": [task], "next_cursor": None}
        change = {"task_id": task["id"], "title": "his"}
        assert program.post("/api/tasks/update", headers=ben, json=change).status_code == 404
        assert program.post("/api/tasks/update", headers=ada, json=change).status_code == 200


def _bearer(name: str) -> dict[str, str]:
    """Return the headers of a client of its own that acts for a new person."""
    now, email = int(time.time()), f"{name}@example.com"
    accounts.create(
        db.engine, email=email, name=name, password="a long password", role="Member", now=now
    )
    new = NewClient(name="Script", redirect_uris=["http://127.0.0.1/cb"])
    client = operator.create_client(db.engine, new, allowed=frozenset(), owner=email, now=now)
    answer = operator.mint_token(
        db.engine,
        client_id=client["client_id"],
        email=email,
        granted=frozenset(scopes.BASIC),
        now=now,
    )
    return {"Authorization": f"Bearer {answer['access_token']}"}
