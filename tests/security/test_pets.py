"""Rows that are shared, and rows that everyone reads: proved on both engines."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from pydantic import BaseModel
from sqlalchemy import Engine, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError

from app.core import in_words, postgres, postgres_shares, sqlite
from app.core.counting import Counting
from app.core.declarations import Declarations
from app.core.errors import Misdeclared
from app.core.in_words import Caller
from app.core.pipeline import Pipeline
from app.core.policy import Bypass, Everyone, Owner, RowPolicy, SharedWith, Via, rows
from app.core.postgres_rows import ServerPolicies, let_in
from app.core.procedure import Call, Catalogue, procedure
from app.core.rows import Acting
from app.core.rule import Shared
from app.core.sqlite_guard import RowGuard
from app.models.audit import record
from app.procedures.shapes import Listing, Nothing, PageOf
from tests.databases import urls_of
from tests.postgres import ADMIN, APP, Cluster
from tests.security import pets
from tests.security.pets import (
    FRIEND,
    METADATA,
    PET_ROWS,
    POLICIES,
    STRANGER,
    Notice,
    Pet,
    PetShare,
    Practice,
    Visit,
    disagreements,
)


class Counts(BaseModel):
    """How many rows a caller can read."""

    notices: int
    pets: int


SHARE = Shared("pet_share", "pet_id", "user_id")
DATABASE = "pets"
_FORGED = (
    f"CREATE OR REPLACE FUNCTION {SHARE.source}() RETURNS bigint[] LANGUAGE sql STABLE "
    "SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
)


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    url = f"sqlite:///{tmp_path_factory.mktemp('pets') / 'pets.sqlite3'}"
    system = create_engine(url)
    sqlite.prepare(system)
    METADATA.create_all(system)
    with guarded(system, RowGuard(METADATA, POLICIES)) as practice:
        practice.fill()
        yield practice
    system.dispose()


@contextmanager
def guarded(system: Engine, guard: RowGuard) -> Iterator[Practice]:
    """Return the toy's SQLite database with a guard."""
    engine = create_engine(system.url)
    sqlite.prepare(engine)
    guard.watch(engine)
    yield Practice(system, engine)
    engine.dispose()


@pytest.fixture(scope="module")
def owner(cluster: Cluster) -> Iterator[Engine]:
    """Return the engine of the role that owns the toy's tables on PostgreSQL."""
    cluster.create(DATABASE)
    engine = create_engine(urls_of(cluster, DATABASE)["migration_url"])
    with engine.begin() as connection:
        METADATA.create_all(connection)
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num text)")
        ServerPolicies(METADATA, POLICIES).make(connection)
        let_in(connection, APP)
    yield engine
    engine.dispose()
    cluster.drop(DATABASE)


@pytest.fixture(scope="module")
def on_postgresql(cluster: Cluster, owner: Engine) -> Iterator[Practice]:
    url = urls_of(cluster, DATABASE)["database_url"]
    system, guarded_engine = (create_engine(url, **postgres.ENGINE_OPTIONS) for _ in range(2))
    postgres.prepare(system, guarded=False)
    postgres.prepare(guarded_engine, guarded=True)
    practice = Practice(system, guarded_engine)
    practice.fill()
    yield practice
    system.dispose()
    guarded_engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def practice(request: pytest.FixtureRequest) -> Practice:
    """Return the toy's database on each engine in turn."""
    found: Practice = request.getfixturevalue(f"on_{request.param}")
    return found


def test_whatever_one_tries_ends_as_plain_python_says(practice: Practice) -> None:
    assert list(disagreements(practice)) == []


def test_a_share_that_ends_closes_the_pet_from_the_next_statement_on(practice: Practice) -> None:
    with practice.acting(pets.OWNER) as session:
        session.execute(text("DELETE FROM pet_share WHERE user_id = 2"))
        assert session.scalars(select(PetShare.id).order_by(PetShare.id)).all() == [12, 13]
    with practice.acting(FRIEND) as session:
        assert session.scalars(select(Pet.id)).all() == [1]


@pytest.mark.parametrize("model", [Pet, PetShare, Visit, Notice])
def test_pages_and_counts_hold_what_the_policy_shows(
    practice: Practice, model: type[pets.Toy]
) -> None:
    table = model.__table__
    key = model.id  # type: ignore[attr-defined] # each of them has one
    listing = Listing(key, policies=POLICIES)
    policy, counting = POLICIES[table.name], Counting(practice.rows)  # type: ignore[attr-defined] # a table's
    for who in pets.PEOPLE:
        for scopes in pets.SCOPES:
            expected = sorted(pets.sees(who, scopes, table.name), reverse=True)  # type: ignore[attr-defined] # the same
            with practice.acting(who, scopes) as session:
                page = listing.page(session, PageOf(limit=2))
                found = [item["id"] for item in page["items"]]
                if page["next_cursor"]:
                    rest = listing.page(session, PageOf(limit=2, cursor=page["next_cursor"]))
                    found += [item["id"] for item in rest["items"]]
                assert found == expected
            caller = pets.principal(who, scopes)
            counted = counting.found(caller, scopes, table, policy)  # type: ignore[arg-type] # the same
            assert counted == len(expected)


def test_each_way_is_counted_by_itself_and_has_words(practice: Practice) -> None:
    counting, friend = Counting(practice.rows), pets.principal(FRIEND)
    caller = Caller(Acting(FRIEND), frozenset(), {})
    told = [
        (in_words.words(rule, caller), counting.opened(friend, frozenset(), Pet.__table__, rule))  # type: ignore[arg-type] # a table
        for rule in in_words.ways(PET_ROWS)
    ]
    assert told == [
        ("rows that the person owns (owner_id)", 0),
        ("rows that are shared with the person (pet_share.user_id)", 1),
        ("every row, with tasks:viewAll: not named by this procedure", 0),
    ]
    [everyone, owner] = reversed([*in_words.ways(POLICIES["notice"])])
    assert in_words.words(everyone, caller) == "every row"
    assert counting.opened(friend, frozenset(), Notice.__table__, everyone) == 2  # type: ignore[arg-type] # a table
    assert counting.opened(friend, frozenset(), Notice.__table__, owner) == 0  # type: ignore[arg-type] # a table


@procedure("notices.count", public=True, touches=("notice", "pet"))
def count_notices(call: Call, given: Nothing) -> Counts:
    """Count what the caller can read."""

    def read(key: Any) -> int:
        return call.session.scalars(select(func.count(key))).one()

    return Counts(notices=read(Notice.id), pets=read(Pet.id))


def test_a_public_procedure_reads_what_everyone_may_and_nothing_else(practice: Practice) -> None:
    road = Pipeline(Catalogue([count_notices]), practice.rows, record)
    for caller in (pets.principal(None), pets.principal(STRANGER)):
        counts = road.call("notices.count", caller, {})
        assert counts == Counts(notices=2, pets=0 if caller.user_id is None else 1)
    declared = Declarations(road.catalogue, POLICIES, frozenset())
    with pytest.raises(Misdeclared, match="anonymous callers can't read pet"):
        declared.check()


def test_shared_rows_are_found_by_an_index(practice: Practice) -> None:
    """A user's page costs what they see, not what there is."""
    with practice.acting(FRIEND) as session:
        if practice.rows.dialect.name == "sqlite":
            plan = session.execute(
                text("EXPLAIN QUERY PLAN SELECT id FROM pet ORDER BY id DESC LIMIT 20")
            )
            steps = [row[3] for row in plan]
            assert "SEARCH main.pet USING INTEGER PRIMARY KEY (rowid=?)" in steps
            assert any("COVERING INDEX ix_pet_share_user_id_pet_id" in step for step in steps)
        else:
            session.execute(text("SET LOCAL enable_seqscan = off"))
            plan = session.execute(
                text(f"EXPLAIN SELECT * FROM pet WHERE id = ANY ({SHARE.source}())")
            )
            assert "Index" in "\n".join(plan.scalars())


LESS: dict[str, dict[str, RowPolicy]] = {
    "no owner": {"pet": rows(*PET_ROWS.patterns[1:], fixed=["owner_id"])},
    "no share": {"pet": rows(Owner(), Bypass(reads="tasks:viewAll"), fixed=["owner_id"])},
    "no bypass": {"pet": rows(*PET_ROWS.patterns[:2], fixed=["owner_id"])},
    "not fixed": {"visit": rows(Via("pet", "pet_id", PET_ROWS))},
    "another column": {
        "pet": rows(
            Owner(),
            SharedWith("pet_share", "id", "user_id"),
            Bypass(reads="tasks:viewAll"),
            fixed=["owner_id"],
        )
    },
    "another user": {
        "pet": rows(
            Owner(),
            SharedWith("pet_share", "pet_id", "id"),
            Bypass(reads="tasks:viewAll"),
            fixed=["owner_id"],
        )
    },
    "no writing by the parent": {"pet_share": rows(Via("pet", "pet_id"), fixed=["pet_id"])},
    "no reading for everyone": {
        "notice": rows(Everyone(reads=False), Owner(), fixed=["owner_id"])
    },
    "nobody's notices are everyone's": {
        "notice": replace(POLICIES["notice"], update=Everyone().reading())
    },
}


@pytest.mark.parametrize("name", LESS)
def test_a_policy_without_a_line_is_found_out(on_sqlite: Practice, name: str) -> None:
    guard = RowGuard(METADATA, {**POLICIES, **LESS[name]})
    with guarded(on_sqlite.system, guard) as practice:
        assert any(disagreements(practice))


def test_a_guard_without_one_of_its_statements_is_found_out(on_sqlite: Practice) -> None:
    guard = RowGuard(METADATA, POLICIES)
    whole = guard._script.rstrip(";").split(";\n")
    for place, statement in enumerate(whole):
        # One view is for whoever counts; of a gift of one's own row two triggers know.
        if any(part in statement for part in (f"VIEW {SHARE.source}", "UPDATE_ABORT", "CHANGE_o")):
            continue
        guard._script = ";\n".join([*whole[:place], *whole[place + 1 :]]) + ";"
        with guarded(on_sqlite.system, guard) as practice:
            try:
                assert any(disagreements(practice)), statement
            except DBAPIError:
                continue


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pet_id FROM main.pet_share",
        f"WITH {SHARE.source} AS (SELECT id FROM main.pet_share) SELECT * FROM {SHARE.source}",
        f"SELECT key FROM (SELECT pet_id AS key FROM main.pet_share) AS {SHARE.source}",
        f"DROP VIEW {SHARE.source}",
        f"CREATE TEMP VIEW mine AS SELECT * FROM {SHARE.source}",
        f"INSERT INTO {SHARE.source} VALUES (3)",
    ],
)
def test_what_would_go_round_the_guard_of_shares_is_refused(
    on_sqlite: Practice, statement: str
) -> None:
    with on_sqlite.acting(STRANGER) as session:
        assert on_sqlite.attempt(session, text(statement)) is None


@pytest.mark.parametrize(
    "statement",
    [
        f"SELECT key FROM {SHARE.source}",
        f"SELECT count(*) FROM {SHARE.source}",
        # A table expression of the same name does not take the place of what a policy reads.
        f"WITH {SHARE.source} AS (SELECT 3 AS key) SELECT id FROM pet",
        "WITH pet_share AS (SELECT 3 AS pet_id, 2 AS user_id) SELECT id FROM pet",
    ],
)
def test_a_user_learns_of_the_shares_with_themselves_alone(
    on_sqlite: Practice, statement: str
) -> None:
    with on_sqlite.acting(FRIEND) as session:
        assert on_sqlite.attempt(session, text(statement)) == {1}


Bare = psycopg.Connection[tuple[object, ...]]


@contextmanager
def as_role(cluster: Cluster, role: str) -> Iterator[Bare]:
    """Return a connection such as psql has."""
    with psycopg.connect(cluster.url(DATABASE, role), autocommit=True) as connection:
        yield connection


@pytest.mark.usefixtures("on_postgresql")
def test_the_application_role_learns_nothing_more_by_the_function(cluster: Cluster) -> None:
    with as_role(cluster, APP) as bare:
        assert bare.execute(f"SELECT {SHARE.source}()").fetchone() == (None,)
        assert bare.execute("SELECT * FROM pet_share").fetchall() == []
        with bare.transaction():
            bare.execute("SELECT set_config('latchkey.user_id', '2', true)")
            assert bare.execute(f"SELECT {SHARE.source}()").fetchone() == ([1],)
            # A search path of the caller's own leads the function nowhere else.
            bare.execute("SET LOCAL search_path = pg_temp, public")
            assert bare.execute(f"SELECT public.{SHARE.source}()").fetchone() == ([1],)
        for statement in (
            f"ALTER FUNCTION {SHARE.source}() RESET ALL",
            f"DROP FUNCTION {SHARE.source}()",
            f"{_FORGED} AS 'SELECT ARRAY[3::bigint]'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                bare.execute(statement)


@pytest.mark.usefixtures("on_postgresql")
def test_another_role_of_the_cluster_may_not_call_the_function(cluster: Cluster) -> None:
    with as_role(cluster, ADMIN) as admin:
        admin.execute("CREATE ROLE passer_by LOGIN")
        try:
            admin.execute(f"GRANT CONNECT ON DATABASE {DATABASE} TO passer_by")
            admin.execute("GRANT USAGE ON SCHEMA public TO passer_by")
            with as_role(cluster, "passer_by") as bare:
                bare.execute("SELECT set_config('latchkey.user_id', '2', false)")
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    bare.execute(f"SELECT {SHARE.source}()")
        finally:
            admin.execute("DROP OWNED BY passer_by; DROP ROLE passer_by")


TAMPERED = [
    f"GRANT EXECUTE ON FUNCTION {SHARE.source}() TO PUBLIC",
    f"ALTER FUNCTION {SHARE.source}() SECURITY INVOKER",
    f"ALTER FUNCTION {SHARE.source}() RESET search_path",
    f"{_FORGED} AS 'SELECT array_agg(pet_id::bigint) FROM public.pet_share'",
]


@pytest.mark.parametrize("statement", TAMPERED)
def test_a_function_that_is_not_the_codes_is_found_out_and_mended(
    on_postgresql: Practice, owner: Engine, statement: str
) -> None:
    policies = ServerPolicies(METADATA, POLICIES)
    with owner.begin() as connection:
        connection.exec_driver_sql(statement)
    with on_postgresql.system.connect() as connection:
        assert list(policies.faults(connection)) == [
            "table pet: its row policies in the database are not the code's"
        ]
    with owner.begin() as connection:
        policies.make(connection)
    with on_postgresql.system.connect() as connection:
        assert list(policies.faults(connection)) == []


def test_a_role_that_may_not_call_the_function_is_not_ready_until_it_is_let_in(
    on_postgresql: Practice, owner: Engine
) -> None:
    policies = ServerPolicies(METADATA, POLICIES)
    with owner.begin() as connection:
        connection.exec_driver_sql(f"REVOKE EXECUTE ON FUNCTION {SHARE.source}() FROM {APP}")
    with on_postgresql.system.connect() as connection:
        [fault] = policies.faults(connection)
        assert fault.startswith(f"role {APP}: it has no rights to {SHARE.source}; run flask")
    with owner.begin() as connection:
        let_in(connection, APP)
    with on_postgresql.system.connect() as connection:
        assert list(policies.faults(connection)) == []


def test_a_server_that_lacks_one_thing_about_shares_is_found_out(
    on_postgresql: Practice, owner: Engine
) -> None:
    policies = ServerPolicies(METADATA, POLICIES)
    for statement in (
        "DROP POLICY latchkey_shares ON pet_share",
        "DROP POLICY latchkey_select ON pet",
        "DROP POLICY latchkey_select ON notice",
        "DROP TRIGGER latchkey_change ON pet_share",
        "ALTER TABLE pet_share DISABLE ROW LEVEL SECURITY",
    ):
        with owner.begin() as connection:
            connection.exec_driver_sql(statement)
        assert any(disagreements(on_postgresql)), statement
        with owner.begin() as connection:
            policies.make(connection)
    with on_postgresql.system.connect() as connection:
        assert list(policies.faults(connection)) == []


def test_functions_go_with_the_policies_that_need_them(owner: Engine) -> None:
    count = select(func.count()).select_from(text("pg_proc WHERE proname LIKE 'latchkey_shared%'"))
    unshared = {**POLICIES, **LESS["no share"]}
    with owner.connect() as connection, ExitStack() as undone:
        undone.callback(connection.rollback)
        assert connection.scalar(count) == 1
        ServerPolicies(METADATA, unshared).make(connection)
        assert connection.scalar(count) == 0
        ServerPolicies(METADATA, POLICIES).make(connection)
        assert connection.scalar(count) == 1
        postgres_shares.let_in(connection, APP)


def test_the_views_of_shares_are_made_once_for_all_policies_that_ask() -> None:
    guard = RowGuard(
        METADATA, {**POLICIES, "visit": rows(SharedWith("pet_share", "pet_id", "user_id"))}
    )
    assert guard._script.count(f"CREATE TEMP VIEW {SHARE.source} ") == 1
