"""Two databases side by side, one of each engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import engines, urls_of
from tests.postgres import Cluster
from tests.security.twins import Twin


@pytest.fixture(scope="module")
def sqlite_twin(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    """Give the one on SQLite."""
    copy = tmp_path_factory.mktemp("twin") / "twin.sqlite3"
    copy.write_bytes(sqlite_template.read_bytes())
    with engines(f"sqlite:///{copy}") as both:
        yield Twin(*both)


@pytest.fixture(scope="module")
def postgresql_twin(cluster: Cluster, postgresql_template: str) -> Iterator[Twin]:
    """Give the one on PostgreSQL."""
    with (
        cluster.copy(postgresql_template) as name,
        engines(urls_of(cluster, name)["database_url"]) as both,
    ):
        yield Twin(*both)


@pytest.fixture(scope="module")
def twins(sqlite_twin: Twin, postgresql_twin: Twin) -> tuple[Twin, Twin]:
    """Give both."""
    return sqlite_twin, postgresql_twin


@pytest.fixture(params=["sqlite", "postgresql"])
def twin(request: pytest.FixtureRequest) -> Twin:
    """Give each in turn."""
    found: Twin = request.getfixturevalue(f"{request.param}_twin")
    return found
