"""Databases of a test's own, on either engine: copies of a template that is made once."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import Engine, create_engine

import config
from app import build_services, create_app
from app.core import postgres, sqlite
from app.core.sqlite_guard import RowGuard
from app.extensions import Model, db
from app.models import ROW_POLICIES
from tests.postgres import APP, OWNER, Cluster

SECRET = "of the tests"
Key = TypeVar("Key")

_POOL_SIZE = 8

# For a module or a test that is to run on either engine.
on_both_engines = pytest.mark.both_engines


def pooled(generate: Callable[..., Key]) -> Callable[..., Key]:
    """Return a function that generates a few keys, and then returns them in turn."""
    keys: list[Key] = []
    turns = count()

    def take(*arguments: Any, **options: Any) -> Key:
        turn = next(turns)
        if turn < _POOL_SIZE:
            keys.append(generate(*arguments, **options))
            return keys[-1]
        return keys[turn % len(keys)]

    return take


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
    _row_guard().watch(rows)
    yield system, rows
    for engine in (system, rows):
        engine.dispose()


@contextmanager
def opened(folder: Path, **settings: object) -> Iterator[Flask]:
    """Give an app within its context, whose connections are closed at the end."""
    app = create_app(config.load(instance=folder, secret_key=SECRET, **settings))
    app.jinja_env.bytecode_cache = _bytecode_cache()
    with app.app_context():
        try:
            yield app
        finally:
            _close_connections()


@contextmanager
def reusable(
    request: pytest.FixtureRequest, engine: str, folder: Path, **settings: object
) -> Iterator["ReusableApp"]:
    """Build an app once, to be used by test after test: each on a fresh copy of the template."""
    template = request.getfixturevalue(f"{engine}_template")
    if engine == "sqlite":
        database = folder / "latchkey.sqlite3"
        with opened(folder, database_url=f"sqlite:///{database}", **settings) as app:
            pass
        yield ReusableApp(app, lambda: _replace_file(database, template))
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    with cluster.copy(template) as name:
        with opened(folder, **urls_of(cluster, name), **settings) as app:
            pass
        yield ReusableApp(app, lambda: cluster.replace(name, template))


class ReusableApp:
    """An app that is built once; building one takes as long as many a test."""

    def __init__(self, app: Flask, replace_database: Callable[[], None]) -> None:
        self._app = app
        self._replace_database = replace_database
        self._config, self._extensions = dict(app.config), dict(app.extensions)

    @contextmanager
    def renewed(self) -> Iterator[Flask]:
        """Yield the app inside its context as if it were new.

        Its database is a fresh copy; settings, counters and caches are as at the start.
        """
        app = self._app
        self._replace_database()
        app.config.clear()
        app.config.update(self._config)
        app.extensions.clear()
        app.extensions.update(self._extensions)
        with app.app_context():
            try:
                build_services(app, app.extensions["settings"])
                yield app
            finally:
                _close_connections()


def _close_connections() -> None:
    for engine in db.engines.values():
        engine.dispose()


def _replace_file(database: Path, template: Path) -> None:
    # A new file, not new content: a connection that a test left open keeps the old one.
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    database.write_bytes(template.read_bytes())


@cache
def _row_guard() -> RowGuard:
    return RowGuard(Model.metadata, ROW_POLICIES)


@cache
def _bytecode_cache() -> FileSystemBytecodeCache:
    return FileSystemBytecodeCache(tempfile.mkdtemp(prefix="templates-"))
