"""`postgres init`: what it makes on a real server, and what it refuses there."""

import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Thread
from urllib.parse import quote

import psycopg
import pytest
from click.testing import Result
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier, Literal
from sqlalchemy import create_engine, make_url, text

from app.blueprints.operator.postgres_server import Server
from app.blueprints.operator.postgres_setup import Names
from tests.blueprints.terminal import Run, refused
from tests.postgres import NEWEST, OLDEST, Cluster
from tests.processes import PROJECT

ODD = """Ann's "role"; DROP é?&#@:/%2F"""
_numbers = count()


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """Give a server that asks everybody but its superuser for a password."""
    with Cluster.started(authentication="scram-sha-256") as cluster:
        yield cluster


@pytest.fixture
def names() -> Names:
    """Give names that no other test has used."""
    number = next(_numbers)
    return Names(f"database{number}", f"owner{number}", f"app{number}")


def said(names: Names) -> list[str]:
    return ["--database", names.database, "--owner", names.owner, "--app", names.app]


def settings(result: Result) -> list[str]:
    """Give both URLs, the app's first."""
    assert result.exit_code == 0, result.output
    told = [line.partition("=") for line in result.stdout.splitlines()]
    assert [name for name, *_ in told] == ["LATCHKEY_DATABASE_URL", "LATCHKEY_MIGRATION_URL"]
    return [url for *_, url in told]


def made(run: Run, cluster: Cluster, names: Names, *options: str) -> list[str]:
    words = ("postgres", "init", "--admin-url", cluster.admin_url)
    return settings(run(*words, *said(names), *options))


def connected(url: str) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(url, autocommit=True)


def who(url: str) -> tuple[object, ...]:
    """Give who one is in which database by a URL; both readers of it agree."""
    engine = create_engine(url)
    query = "SELECT current_user, current_database()"
    with engine.connect() as connection, connected(url) as direct:
        found = tuple(connection.execute(text(query)).one())
        assert direct.execute(query).fetchone() == found
    engine.dispose()
    return found


def is_refused(url: str, statement: str) -> bool:
    with connected(url) as connection:
        try:
            connection.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            return True
    return False


def exists(cluster: Cluster, names: Names) -> list[str]:
    query = "SELECT rolname FROM pg_roles UNION ALL SELECT datname FROM pg_database"
    with connected(cluster.admin_url) as connection:
        found = {str(name) for [name] in connection.execute(query)}
    return [name for name in (names.database, names.owner, names.app) if name in found]


def test_the_settings_lead_to_a_new_database(run: Run, server: Cluster) -> None:
    result = run("postgres", "init", "--admin-url", server.admin_url)
    app, owner = settings(result)
    assert who(app) == ("latchkey_app", "latchkey")
    assert who(owner) == ("latchkey_owner", "latchkey")
    assert result.stderr.splitlines() == [
        "The database 'latchkey' is new.",
        "The role 'latchkey_owner' is new.",
        "The role 'latchkey_app' is new.",
    ]


def test_nobody_gets_in_without_the_password(run: Run, server: Cluster, names: Names) -> None:
    for url in made(run, server, names):
        password = str(make_url(url).password)
        assert len(password) >= 43
        for wrong in ("", ":guess"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(url.replace(f":{password}", wrong))


def test_only_the_two_roles_may_connect(run: Run, server: Cluster, names: Names) -> None:
    made(run, server, names)
    theirs = limited(server, "").replace("/postgres?", f"/{names.database}?")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(theirs)


def test_the_app_works_with_the_owners_rows(run: Run, server: Cluster, names: Names) -> None:
    app, owner = made(run, server, names)
    with connected(owner) as connection:
        connection.execute("CREATE TABLE word (id serial PRIMARY KEY, word text)")
    with connected(app) as connection:
        connection.execute("INSERT INTO word (word) VALUES ('Z'), ('a'), ('É'), ('b')")
        connection.execute("UPDATE word SET word = 'c' WHERE word = 'b'")
        connection.execute("DELETE FROM word WHERE word = 'a'")
        found = connection.execute("SELECT word FROM word ORDER BY word").fetchall()
    assert found == [("Z",), ("c",), ("É",)]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine ()",
        "CREATE TEMP TABLE word (word text)",
        "CREATE SCHEMA mine",
        "CREATE INDEX ON word (word)",
        "ALTER TABLE word DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY mine ON word USING (true)",
        "CREATE TABLE mine (id int REFERENCES word)",
        "TRUNCATE word",
        "DROP TABLE word",
        "SELECT setval('word_id_seq', 1)",
        "SELECT answer()",
        "SET ROLE {owner}",
        "SET SESSION AUTHORIZATION {owner}",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "ALTER ROLE {app} BYPASSRLS",
        "GRANT {owner} TO {app}",
        "DROP DATABASE {database}",
    ],
)
def test_the_app_may_do_nothing_else(
    run: Run, server: Cluster, names: Names, statement: str
) -> None:
    app, owner = made(run, server, names)
    with connected(owner) as connection:
        connection.execute("CREATE TABLE word (id serial PRIMARY KEY, word text)")
        connection.execute("CREATE FUNCTION answer() RETURNS int LANGUAGE sql RETURN 42")
    given = {"database": names.database, "owner": names.owner, "app": names.app}
    assert is_refused(app, statement.format(**given))


def test_twice_is_no_error_and_changes_no_password(
    run: Run, server: Cluster, names: Names
) -> None:
    first = made(run, server, names)
    result = run("postgres", "init", "--admin-url", server.admin_url, *said(names))
    for before, after in zip(first, settings(result), strict=True):
        assert make_url(after) == make_url(before)._replace(password=None)
        assert who(before)
    assert [line.partition(" was there already.")[0] for line in result.stderr.splitlines()] == [
        f"The database {names.database!r}",
        f"The role {names.owner!r}",
        f"The role {names.app!r}",
    ]
    assert result.stderr.count("--renew-passwords") == 2


def test_a_role_that_is_missing_is_made_again(run: Run, server: Cluster, names: Names) -> None:
    made(run, server, names)
    other = Names(names.database, names.owner, f"{names.app} two")
    app, owner = made(run, server, other)
    assert who(app) == (other.app, names.database)
    assert make_url(owner).password is None


def test_renewed_passwords_take_the_place_of_the_old(
    run: Run, server: Cluster, names: Names
) -> None:
    first = made(run, server, names)
    for old, new in zip(first, made(run, server, names, "--renew-passwords"), strict=True):
        assert who(new)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(old)


def test_what_the_admin_says_of_itself_changes_nothing(
    run: Run, server: Cluster, names: Names
) -> None:
    admin_url = f"{server.admin_url}&client_encoding=latin1&application_name=me"
    app, _ = settings(run("postgres", "init", "--admin-url", admin_url, *said(names)))
    assert who(app) == (names.app, names.database)
    assert list(make_url(app).query) == ["host"]


def test_names_come_out_right_whatever_is_in_them(run: Run, server: Cluster) -> None:
    names = Names(f"d {ODD}", f"o {ODD}", f"a {ODD}")
    app, owner = made(run, server, names)
    assert who(app) == (names.app, names.database)
    assert who(owner) == (names.owner, names.database)
    made(run, server, names)


@pytest.mark.parametrize("inherits", ["INHERIT", "NOINHERIT"])
@pytest.mark.parametrize("release", [OLDEST, 16, NEWEST])
def test_an_admin_who_is_no_superuser_is_enough(run: Run, release: int, inherits: str) -> None:
    with Cluster.started(release, authentication="scram-sha-256") as cluster:
        url = limited(cluster, f"CREATEROLE CREATEDB {inherits}")
        app, owner = settings(run("postgres", "init", "--admin-url", url))
        assert who(owner) == ("latchkey_owner", "latchkey")
        assert is_refused(app, "CREATE TABLE mine ()")
        again = run("postgres", "init", "--admin-url", url, "--renew-passwords")
        assert who(settings(again)[0]) == ("latchkey_app", "latchkey")
        assert "of the admin" not in again.output


def test_a_role_that_the_server_does_not_let_in_is_told_of_with_what_to_do(run: Run) -> None:
    # As Debian's pg_hba.conf has it: over the socket nobody comes in by a password.
    with Cluster.started(authentication="peer") as cluster:
        done = run("postgres", "init", "--admin-url", cluster.admin_url)
    assert len(settings(done)) == 2
    [fault] = [line for line in done.stderr.splitlines() if "cannot sign in yet" in line]
    assert "Peer authentication failed" in fault
    assert "@localhost" in fault


def limited(cluster: Cluster, powers: str) -> str:
    """Give the URL of an admin of these powers."""
    name = f"admin{next(_numbers)}"
    statement = SQL("CREATE ROLE {} LOGIN PASSWORD 'of the admin' " + powers)
    cluster.execute(statement.format(Identifier(name)))
    return cluster.admin_url.replace("//postgres@", f"//{name}:{quote('of the admin')}@")


@pytest.mark.parametrize(
    ("powers", "missing"),
    [("", "CREATEROLE"), ("CREATEDB", "CREATEROLE"), ("CREATEROLE", "CREATEDB")],
)
def test_an_admin_who_cannot_make_them_is_refused(
    run: Run, server: Cluster, names: Names, powers: str, missing: str
) -> None:
    url = limited(server, powers)
    assert missing in refused(run("postgres", "init", "--admin-url", url, *said(names)))
    assert exists(server, names) == []


@pytest.mark.parametrize(
    ("admin_url", "told"),
    [
        ("", "--admin-url"),
        ("admin:hush@db", "--admin-url"),
        ("sqlite:///hush", "--admin-url"),
        ("postgresql+psycopg://admin:hush@db/postgres", "--admin-url"),
        ("postgresql://admin:hush%@db/postgres", "--admin-url"),
        ("postgresql://admin:hush@db/\udcff", "--admin-url"),
        ("postgresql://admin:hush@db/postgres?colour=red", "--admin-url"),
        ("postgresql://admin:hush@127.0.0.1:1/postgres", "127.0.0.1"),
        ("postgresql://admin:hush@127.0.0.1:65536/postgres", "port"),
        ("postgresql://admin:hush@%00/postgres", "--admin-url"),
        ("postgresql://admin:hush@/postgres?host=/nowhere", "/nowhere"),
        ("{}&user=nobody&password=hush", "nobody"),
        ("{}&dbname=nowhere", "nowhere"),
    ],
)
def test_an_admin_url_that_leads_nowhere_is_refused_in_one_line(
    run: Run, server: Cluster, admin_url: str, told: str
) -> None:
    result = run("postgres", "init", "--admin-url", admin_url.format(server.admin_url))
    assert told in refused(result)
    assert "hush" not in result.output
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("db.example/postgres", {"host": "db.example", "port": "5432"}),
        ("db.example:6543/", {"host": "db.example", "port": "6543"}),
        ("[2001:db8::1]:6543", {"host": "2001:db8::1", "port": "6543"}),
        ("/postgres?host=/run/pg%20sql", {"host": "/run/pg sql"}),
        ("/postgres?host=/run&port=6543", {"host": "/run", "port": "6543"}),
        ("one:1,two:2/postgres", {"host": "one,two", "port": "1,2"}),
        (
            "db?sslmode=verify-full&sslrootcert=/my%20ca.pem&sslkey=/k&options=-c%20role%3Dme",
            {"host": "db", "port": "5432", "sslmode": "verify-full", "sslrootcert": "/my ca.pem"},
        ),
    ],
)
def test_the_settings_lead_where_the_admin_url_does(
    server: Cluster, given: str, read: dict[str, str]
) -> None:
    admin_url = f"postgresql://admin:hush@{given}"
    with connected(server.admin_url) as connection:
        url = Server(admin_url).url(connection, "an app", "p@ss", "d/b")
    expected = {"user": "an app", "password": "p@ss", "dbname": "d/b", **read}
    assert conninfo_to_dict(url) == expected
    _, also = create_engine(url).dialect.create_connect_args(make_url(url))
    assert {name: str(also[name]) for name in also if name != "context"} == expected


@pytest.mark.parametrize(
    ("database", "owner", "serving", "told"),
    [
        ("", "o", "a", "is no name"),
        ("d" * 64, "o", "a", "is no name"),
        ("d", "é" * 32, "a", "is no name"),
        ("d", "o", "a\0", "is no name"),
        ("d", "o", "\udcff", "is no name"),
        ("d", "both", "both", "two"),
        ("d", "o", "pg_app", "reserved"),
        ("d", "public", "a", "reserved"),
        ("d", "postgres", "a", "is a superuser"),
        ("d", "o", "postgres", "is a superuser"),
        ("d", "o", "pg_monitor", "may not log in"),
        ("postgres", "o", "a", "'postgres'"),
        ("template1", "o", "a", "'postgres'"),
    ],
)
def test_a_name_that_cannot_be_is_refused_in_one_line(
    run: Run, server: Cluster, database: str, owner: str, serving: str, told: str
) -> None:
    words = ("--database", database, "--owner", owner, "--app", serving)
    assert told in refused(run("postgres", "init", "--admin-url", server.admin_url, *words))
    assert "d" not in exists(server, Names("d", "o", "a"))


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("CREATE ROLE {app} LOGIN BYPASSRLS", "passes row policies by"),
        ("CREATE ROLE {owner} LOGIN BYPASSRLS", "passes row policies by"),
        ("CREATE ROLE {app} LOGIN CREATEROLE", "may make roles"),
        ("CREATE ROLE {app} LOGIN CREATEDB", "may make databases"),
        ("CREATE ROLE {app} LOGIN REPLICATION", "may replicate"),
        ("CREATE ROLE {app}", "may not log in"),
        ("CREATE ROLE {app} LOGIN IN ROLE pg_read_all_data", "'pg_read_all_data'"),
        ("CREATE ROLE {owner} LOGIN; CREATE ROLE {app} LOGIN IN ROLE {owner}", "owns the tables"),
        (
            "CREATE ROLE {app}s IN ROLE postgres; CREATE ROLE {app} LOGIN IN ROLE {app}s",
            "which is a superuser",
        ),
        ("CREATE ROLE {app} LOGIN; CREATE SCHEMA AUTHORIZATION {app}", "owns things"),
    ],
)
def test_a_role_that_may_do_too_much_is_refused(
    run: Run, server: Cluster, names: Names, before: str, told: str
) -> None:
    server.execute(SQL(before.format(owner=names.owner, app=names.app)).format())
    there = exists(server, names)
    result = run("postgres", "init", "--admin-url", server.admin_url, *said(names))
    assert told in refused(result)
    assert exists(server, names) == there


def test_an_owner_may_have_things_already(run: Run, server: Cluster, names: Names) -> None:
    role, database = Identifier(names.owner), Identifier(names.database)
    server.execute(SQL("CREATE ROLE {} LOGIN").format(role))
    server.execute(SQL("CREATE DATABASE {} OWNER {}").format(database, role))
    app, _ = made(run, server, names)
    assert who(app) == (names.app, names.database)
    assert is_refused(app, "CREATE TEMP TABLE mine ()")


@pytest.mark.parametrize(
    "before",
    [
        "ALTER SCHEMA public OWNER TO postgres",
        "ALTER SCHEMA public OWNER TO postgres; GRANT CREATE ON SCHEMA public TO PUBLIC",
        "DROP SCHEMA public",
    ],
)
def test_a_schema_that_the_owner_has_no_say_in_is_refused(
    run: Run, server: Cluster, names: Names, before: str
) -> None:
    made(run, server, names)
    with connected(server.url(names.database, "postgres")) as admin:
        admin.execute(before)
    result = run("postgres", "init", "--admin-url", server.admin_url, *said(names))
    assert "schema" in refused(result)


def test_a_database_in_another_encoding_is_refused(
    run: Run, server: Cluster, names: Names
) -> None:
    server.execute(SQL("CREATE ROLE {} LOGIN").format(Identifier(names.owner)))
    statement = "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING {}"
    named = (Identifier(names.database), Identifier(names.owner), Literal("LATIN1"))
    server.execute(SQL(statement).format(*named))
    result = run("postgres", "init", "--admin-url", server.admin_url, *said(names))
    assert "LATIN1" in refused(result)


@pytest.mark.parametrize("release", ["9.6.24", "14.19"])
def test_a_server_that_is_too_old_is_refused(run: Run, release: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=greet_as, args=(listener, release))
        thread.start()
        address = "127.0.0.1:{1}".format(*listener.getsockname())
        url = f"postgresql://admin@{address}/postgres?sslmode=disable&gssencmode=disable"
        line = refused(run("postgres", "init", "--admin-url", url))
        thread.join()
    assert f"PostgreSQL {release.partition('.')[0]}:" in line


def greet_as(listener: socket.socket, release: str) -> None:
    """Let one client in, as a server of some release does."""

    def message(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("!i", len(body) + 4) + body

    with listener.accept()[0] as line:
        line.recv(4096)
        line.sendall(
            message(b"R", struct.pack("!i", 0))
            + message(b"S", b"server_version\0" + release.encode() + b"\0")
            + message(b"S", b"client_encoding\0UTF8\0")
            + message(b"Z", b"I")
        )
        line.recv(4096)


def test_it_needs_no_database_of_the_app(server: Cluster, names: Names, tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if "LATCHKEY" not in name}
    words = ("postgres", "init", "--admin-url", server.admin_url, *said(names))
    told = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "flask", "--app", "wsgi", *words],
        cwd=PROJECT,
        env={**kept, "LATCHKEY_INSTANCE": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert len(told.stdout.splitlines()) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
