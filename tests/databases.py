"""Databases of a test's own, on either engine: copies of a template that is made once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine

import config
from app import create_app
from app.core import postgres, sqlite
from app.core.sqlite_guard import RowGuard
from app.extensions import Model, db
from app.models import ROW_POLICIES
from tests.postgres import APP, OWNER, Cluster

SECRET = "of the tests"

# For a module or a test that is to run on either engine.
on_both_engines = pytest.mark.both_engines


def urls_of(cluster: Cluster, database: str) -> dict[str, str]:
    """Give the settings for a database of the cluster."""
    return {
        "database_url": cluster.url(database, APP),
        "migration_url": cluster.url(database, OWNER),
    }


@contextmanager
def copied(
    request: pytest.FixtureRequest, engine: str, folder: Path, template: str
) -> Iterator[dict[str, str]]:
    """Give the settings for a copy of a template, on the test's engine."""
    made = request.getfixturevalue(f"{engine}_{template}")
    if engine == "sqlite":
        copy = folder / "latchkey.sqlite3"
        copy.write_bytes(made.read_bytes())
        yield {"database_url": f"sqlite:///{copy}"}
    else:
        cluster: Cluster = request.getfixturevalue("cluster")
        with cluster.copy(made) as name:
            yield urls_of(cluster, name)


@contextmanager
def engines(url: str) -> Iterator[tuple[Engine, Engine]]:
    """Give a database's two engines as an app has them: of the system, and of the people."""
    options = postgres.ENGINE_OPTIONS if url.startswith("postgresql") else {}
    system, rows = create_engine(url, **options), create_engine(url, **options)
    for engine in (system, rows):
        sqlite.prepare(engine)
        postgres.prepare(engine, guarded=engine is rows)
    RowGuard(Model.metadata, ROW_POLICIES).watch(rows)
    yield system, rows
    for engine in (system, rows):
        engine.dispose()


@contextmanager
def opened(folder: Path, **settings: object) -> Iterator[Flask]:
    """Give an app within its context, whose connections are closed at the end."""
    app = create_app(config.load(instance=folder, secret_key=SECRET, **settings))
    with app.app_context():
        try:
            yield app
        finally:
            for engine in db.engines.values():
                engine.dispose()
