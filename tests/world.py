"""A database with rows of two people in every table, and engines that stand on a copy of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, RowMapping, func, select, text
from sqlalchemy.orm import Session

from app.core import credentials
from app.core.pipeline import Pipeline
from app.core.principal import Channel, Principal
from app.core.procedure import Catalogue
from app.core.rows import acting_as
from app.core.scopes import BASIC, SCOPES
from app.core.system import acting_as_system
from app.extensions import Model, db
from app.identity import anybody
from app.models.audit import record
from app.models.banned_host import BannedHost
from app.models.client import Client
from app.models.grant import ConsentRequest, DeviceAuthorization, PushedRequest
from app.models.organization import (
    MANAGER,
    Invitation,
    Membership,
    Organization,
    Project,
    Team,
    TeamMember,
)
from app.models.signing import ResourceServer, SigningKey, Switch, UsedJti
from app.models.task import Comment, Task
from app.models.user import Guess, Login
from app.oauth import operator, tokens
from app.oauth.tokens import NewCode
from app.procedures import catalogue
from tests.databases import copied, engines, opened, urls_of
from tests.postgres import Cluster

# Ben never finds this word; it is in all that is Ada's alone, or the system's.
HERS = "hers"
WORDS = {"ada": HERS, "ben": "his"}


@dataclass(frozen=True)
class World:
    """Two engines on one database: of the system, and of the people."""

    system: Engine
    rows: Engine
    ids: dict[str, int]

    def principal(self, name: str, *without: str, channel: Channel = Channel.BROWSER) -> Principal:
        """Give a person with every scope there is, but those."""
        whole = anybody.principal_of(self.system, f"{name}@example.com")
        held = frozenset(SCOPES) - frozenset(without)
        return replace(whole, channel=channel, scopes=held, reach=held)

    def pipeline(self, procedures: Catalogue | None = None) -> Pipeline:
        """Give a road, of the app's own procedures or of others, at the time 1000."""
        return Pipeline(procedures or catalogue(), self.rows, record, now=lambda: 1000)

    def call(self, person: str, name: str, /, **given: object) -> Any:
        """Run a procedure as this person, with every scope there is."""
        return self.pipeline().call(name, self.principal(person), given)

    @contextmanager
    def acting(self, name: str, *scopes: str) -> Iterator[Session]:
        """Give a session in which only this person's rows exist."""
        with (
            Session(self.rows, expire_on_commit=False) as session,
            acting_as(session, self.principal(name), frozenset(scopes)),
        ):
            yield session

    def found(self, table: str, where: str = "1 = 1", **given: object) -> list[RowMapping]:
        """Give the rows that are really there."""
        with self.system.connect() as connection:
            query = f"SELECT * FROM {table} WHERE {where} ORDER BY 1"
            return list(connection.execute(text(query), given).mappings())

    def client_id(self, key: int) -> str:
        """Give the public id of the client with this key."""
        return str(self.found("client", "id = :key", key=key)[0]["client_id"])

    def everything(self) -> dict[str, list[RowMapping]]:
        """Give each row of each table."""
        return {table.name: self.found(table.name) for table in Model.metadata.sorted_tables}


@pytest.fixture(scope="session")
def sqlite_populated(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a SQLite database in which Ada and Ben own rows of each kind, to be copied."""
    folder = tmp_path_factory.mktemp("populated")
    (folder / "latchkey.sqlite3").write_bytes(sqlite_template.read_bytes())
    with opened(folder) as app:
        _populate(app.extensions["pipeline"], db.engine)
    return folder / "latchkey.sqlite3"


@pytest.fixture(scope="session")
def postgresql_populated(
    cluster: Cluster, postgresql_template: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Give the name of the same on PostgreSQL."""
    cluster.create("populated", postgresql_template)
    folder = tmp_path_factory.mktemp("populated")
    with opened(folder, **urls_of(cluster, "populated")) as app:
        _populate(app.extensions["pipeline"], db.engine)
    return "populated"


@pytest.fixture
def world(request: pytest.FixtureRequest, engine_name: str, tmp_path: Path) -> Iterator[World]:
    """Give a world of the test's own."""
    with (
        copied(request, engine_name, tmp_path, "populated") as urls,
        engines(urls["database_url"]) as (system, rows),
    ):
        yield World(system, rows, ids=_ids(system))


def _ids(system: Engine) -> dict[str, int]:
    with system.connect() as connection:
        found = connection.exec_driver_sql("SELECT email, id FROM user_account").all()
    return {email.partition("@")[0]: key for email, key in found}


def _populate(pipeline: Pipeline, system: Engine) -> None:
    ids = _ids(system)
    clients = {name: _of_one(pipeline, ids[name], word) for name, word in WORDS.items()}
    # Each has connected the other's app.
    for name, client in (("ada", "ben"), ("ben", "ada")):
        operator.mint_token(
            system,
            client_id=clients[client],
            email=f"{name}@example.com",
            granted=frozenset(BASIC),
            now=int(time.time()),
        )
    with acting_as_system(system, "what no procedure makes") as session:
        _add_what_no_procedure_makes(session, ids)


def _of_one(pipeline: Pipeline, user_id: int, word: str) -> str:
    who = Principal(Channel.BROWSER, user_id, frozenset(SCOPES), frozenset(SCOPES))

    def call(name: str, /, **given: object) -> Any:
        return pipeline.call(name, who, given)

    task = call("tasks.create", title=f"{word}: plan", notes=word)
    call("tasks.create", title=f"{word}: other")
    call("comments.add", task_id=task.id, body=f"{word}: remark")
    call("oauth_apps.create", name=f"{word}: idle", redirect_uris=["http://127.0.0.1/idle"])
    made = call("oauth_apps.create", name="connected", redirect_uris=["http://127.0.0.1/cb"])
    return str(made.app.client_id)


def _add_what_no_procedure_makes(session: Session, ids: dict[str, int]) -> None:
    now = int(time.time())
    session.add(
        Client(
            client_id=credentials.identifier(),
            name=f"{HERS}: registered by a program, of nobody",
            description="",
            source="registration",
            owner_id=None,
            token_endpoint_auth_method="",
            redirect_uris=["http://127.0.0.1/registered"],
            grant_types=[],
            chosen_scopes="",
            created_at=1,
        )
    )
    # Written while the tasks were still open to the other.
    tasks = {n: select(func.min(Task.id)).where(Task.owner_id == ids[n]) for n in WORDS}
    for owner, author, body in (("ada", "ben", f"{HERS} now, too"), ("ben", "ada", "on his")):
        key = session.scalars(tasks[owner]).one()
        session.add(Comment(task_id=key, author_id=ids[author], body=body, created_at=1))
    for family, name in enumerate(WORDS, start=1):
        session.add(
            Login(
                digest=credentials.digest(name),
                user_id=ids[name],
                created_at=now,
                expires_at=now + 3600,
                user_agent=HERS,
                address="127.0.0.1",
            )
        )
        asked = {"of": HERS}
        session.add(
            ConsentRequest(id=name, user_id=ids[name], parameters=asked, expires_at=now + 3600)
        )
        tokens.issue_refresh_token(session, family, expires_at=now + 3600, now=now)
        code = NewCode(redirect_uri=None, code_challenge=HERS, nonce=None, jkt=None, lasts=60)
        tokens.issue_code(session, family, code, now)
    session.add(Guess(subject=HERS, at=1))
    _add_organizations(session, ids)
    _add_what_the_server_keeps(session, now)


def _add_organizations(session: Session, ids: dict[str, int]) -> None:
    """Give each an organization that they look after, with everything that one can have."""
    for key, (name, word) in enumerate(WORDS.items(), start=1):
        session.add(Organization(name=word, created_at=1))
        session.flush()
        mine = {"organization_id": key, "created_at": 1}
        session.add(Membership(user_id=ids[name], standing=MANAGER, **mine))
        session.add(Team(name=word, **mine))
        session.flush()
        session.add(TeamMember(team_id=key, user_id=ids[name], **mine))
        session.add(Project(name=word, **mine))
        session.add(
            Invitation(
                email=f"{word}@example.org",
                standing="member",
                digest=credentials.digest(f"invitation of {name}"),
                created_by=ids[name],
                expires_at=2**40,
                **mine,
            )
        )


def _add_what_the_server_keeps(session: Session, now: int) -> None:
    secret = credentials.digest(HERS)
    session.add_all(
        [
            PushedRequest(digest=secret, client_key=1, parameters={"of": HERS}, expires_at=now),
            DeviceAuthorization(
                digest=secret,
                user_code_digest=secret,
                client_key=1,
                scopes=HERS,
                expires_at=now,
                interval=5,
            ),
            SigningKey(kid=HERS, alg="ES256", sealed=b"", public={"of": HERS}, created_at=now),
            UsedJti(digest=secret, expires_at=now),
            ResourceServer(identifier=f"https://{HERS}.example", name=HERS, created_at=now),
            Switch(name=HERS, is_on=True),
            BannedHost(host=f"{HERS}.example", created_at=now),
        ]
    )
