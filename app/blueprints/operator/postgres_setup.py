"""The PostgreSQL database and its two roles: made, or found to be as they must."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import Any

import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal

from app.blueprints.operator.postgres_server import (
    CONNECT_TIMEOUT_SECONDS,
    Connection,
    Server,
    Unfit,
)

# Row security as it is used here; below it, PUBLIC may also make tables in every database.
_OLDEST = 15
# From here on a grant says whether one has the role's rights, and whether one may become it.
_GRANTS_HAVE_OPTIONS = 16
# Bytes: a longer name is cut off without an error.
_LONGEST_NAME = 63
_HOW_TO_GET_ONE = "put it into the URL, or have new ones made by --renew-passwords."

_IS_THERE = "SELECT 1 FROM pg_roles WHERE rolname = %s"
_ADMIN = """
SELECT rolsuper OR rolcreaterole, rolsuper OR rolcreatedb, rolsuper
FROM pg_roles WHERE rolname = current_user"""
_DATABASE = """
SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding)
FROM pg_database WHERE datname = %s"""
# A role may become what it is a member of.
_FAULT = """
SELECT other.rolname, CASE
    WHEN other.rolsuper THEN 'is a superuser'
    WHEN other.rolbypassrls THEN 'passes row policies by'
    WHEN other.rolcreaterole THEN 'may make roles'
    WHEN other.rolcreatedb THEN 'may make databases'
    WHEN other.rolreplication THEN 'may replicate'
    WHEN other.oid = role.oid AND NOT role.rolcanlogin THEN 'may not log in'
    WHEN %(owner)s = %(role)s THEN NULL
    WHEN other.rolname = %(owner)s THEN 'owns the tables'
    WHEN starts_with(other.rolname, 'pg_') THEN 'is one of the server''s own'
    WHEN EXISTS (SELECT FROM pg_shdepend WHERE deptype = 'o' AND refobjid = other.oid
        AND refclassid = 'pg_authid'::regclass) THEN 'owns things'
END
FROM pg_roles AS role JOIN pg_roles AS other ON pg_has_role(role.oid, other.oid, 'MEMBER')
WHERE role.rolname = %(role)s ORDER BY other.oid <> role.oid, NOT other.rolsuper, 1"""
_ROLE = """
CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION {inherits}
PASSWORD {password}"""
# The order of texts is then the same everywhere, and does not change with the system's library.
_NEW_DATABASE = """
CREATE DATABASE {database} OWNER {owner}
TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C'"""
_RIGHTS = """
SET LOCAL ROLE {owner};
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO {app};
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {app};
ALTER DEFAULT PRIVILEGES IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {app};
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC"""
_LET_ADMIN_CONNECT = "GRANT CONNECT ON DATABASE {database} TO SESSION_USER"
_ARE_RIGHT = """
SELECT has_schema_privilege(%(owner)s, 'public', 'CREATE')
AND has_schema_privilege(%(app)s, 'public', 'USAGE')
AND NOT has_schema_privilege(%(app)s, 'public', 'CREATE')"""


@dataclass(frozen=True, slots=True)
class Names:
    """What the database and its two roles are called."""

    database: str = "latchkey"
    owner: str = "latchkey_owner"
    app: str = "latchkey_app"


@dataclass(frozen=True, slots=True)
class Role:
    """A role as it was made or found; the password, where it is new."""

    remark: str
    password: str | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """What is there now: both URLs, and what of it was there before."""

    database_url: str
    migration_url: str
    remarks: tuple[str, ...]


def set_up(server: Server, names: Names, *, renew_passwords: bool = False) -> Ready:
    """Make what is missing of the database and its roles, and set who may do what in it.

    Raises:
        Unfit: what is there cannot be used.
        psycopg.Error: the server refused.
    """
    _refuse_odd(names)
    with server.connect() as admin:
        is_there = _check(admin, names)
        owner = _ensure_role(admin, names, names.owner, renew_passwords=renew_passwords)
        app = _ensure_role(admin, names, names.app, renew_passwords=renew_passwords)
        _join(admin, names.owner)
        if not is_there:
            admin.execute(_filled(_NEW_DATABASE, names))
        with server.connect(names.database) as inside:
            _set_rights(inside, names)
        urls = (
            server.url(admin, names.app, app.password, names.database),
            server.url(admin, names.owner, owner.password, names.database),
        )
        remarks = [_remark("database", names.database, is_there=is_there)]
        remarks += [owner.remark, app.remark, *(_refusal_of(urls[0]) if app.password else ())]
        return Ready(*urls, tuple(remarks))


def _refusal_of(app_url: str) -> Iterator[str]:
    """Yield why the server does not let the application's new role in, if it does not.

    The administrator may come over a socket, where Debian's pg_hba.conf asks for no password but
    for a system account of the role's name.
    """
    try:
        psycopg.connect(app_url, connect_timeout=CONNECT_TIMEOUT_SECONDS).close()
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        yield (
            f"Latchkey's role cannot sign in yet: {reason}. Give an --admin-url with a host, such "
            "as @localhost, or let both roles in by scram-sha-256 in pg_hba.conf."
        )


def _refuse_odd(names: Names) -> None:
    for name in astuple(names):
        try:
            fits = 0 < len(name.encode()) <= _LONGEST_NAME and "\0" not in name
        except UnicodeError:
            fits = False
        if not fits:
            raise Unfit(f"{name!r} is no name: give one of 1 to {_LONGEST_NAME} bytes of UTF-8.")
    if names.owner == names.app:
        raise Unfit("--owner and --app: the role that serves must not own the tables; name two.")


def _check(admin: Connection, names: Names) -> bool:
    """Refuse what cannot be used, before any change; tell whether the database is there."""
    release = admin.info.server_version // 10000
    if release < _OLDEST:
        raise Unfit(f"The server is PostgreSQL {release}: Latchkey needs {_OLDEST} or newer.")
    makes_roles, makes_databases, _ = _one(admin, _ADMIN)
    if not makes_roles:
        raise Unfit("--admin-url: its role may not make roles; it needs CREATEROLE and CREATEDB.")
    for role in (names.owner, names.app):
        _refuse_powerful(admin, role, names.owner)
    found = admin.execute(_DATABASE, (names.database,)).fetchone()
    if not found and not makes_databases:
        raise Unfit("--admin-url: its role may not make databases; it needs CREATEDB.")
    if found and found != (names.owner, "UTF8"):
        raise Unfit(
            f"The database {names.database!r} is {found[0]!r}'s and in {found[1]}: it must be "
            f"{names.owner!r}'s and in UTF8. Name another by --database."
        )
    return bool(found)


def _refuse_powerful(admin: Connection, role: str, owner: str) -> None:
    for other, fault in admin.execute(_FAULT, {"role": role, "owner": owner}):
        if fault:
            it = "it" if other == role else f"it is a member of {other!r}, which"
            raise Unfit(f"The role {role!r} cannot be used: {it} {fault}.")


def _ensure_role(admin: Connection, names: Names, role: str, *, renew_passwords: bool) -> Role:
    is_there = bool(admin.execute(_IS_THERE, (role,)).fetchone())
    remark = _remark("role", role, is_there=is_there)
    if is_there and not renew_passwords:
        return Role(f"{remark} Its password is not known here: {_HOW_TO_GET_ONE}")
    password = secrets.token_urlsafe(32)
    # The server, and so its log, sees no more of it than what it keeps.
    kept = admin.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    statement = "ALTER ROLE {role} PASSWORD {password}" if is_there else _ROLE
    inherits = SQL("INHERIT" if role == names.owner else "NOINHERIT")
    given = {"role": Identifier(role), "password": Literal(kept.decode())}
    admin.execute(SQL(statement).format(**given, inherits=inherits))
    return Role(f"{remark} Its password is new." if is_there else remark, password)


def _join(admin: Connection, owner: str) -> None:
    """Let an administrator who is no superuser act for the owner."""
    *_, is_superuser = _one(admin, _ADMIN)
    if is_superuser:
        return
    has_options = admin.info.server_version // 10000 >= _GRANTS_HAVE_OPTIONS
    options = " WITH INHERIT TRUE, SET TRUE" if has_options else ""
    admin.execute(SQL("GRANT {} TO CURRENT_USER" + options).format(Identifier(owner)))


def _set_rights(inside: Connection, names: Names) -> None:
    with inside.transaction():
        *_, is_superuser = _one(inside, _ADMIN)
        inside.execute(_filled(_RIGHTS, names))
        if not is_superuser and inside.info.server_version // 10000 < _GRANTS_HAVE_OPTIONS:
            # There an administrator who inherits nothing has no other way back in.
            inside.execute(_filled(_LET_ADMIN_CONNECT, names))
        [are_right] = _one(inside, _ARE_RIGHT, {"owner": names.owner, "app": names.app})
        if not are_right:
            raise Unfit(
                f"The schema public of {names.database!r} is not its owner's: "
                "run ALTER SCHEMA public OWNER TO pg_database_owner in it."
            )


def _remark(kind: str, name: str, *, is_there: bool) -> str:
    return f"The {kind} {name!r} {'was there already.' if is_there else 'is new.'}"


def _filled(statement: str, names: Names) -> Composed:
    return SQL(statement).format(
        database=Identifier(names.database),
        owner=Identifier(names.owner),
        app=Identifier(names.app),
    )


def _one(connection: Connection, query: str, given: Mapping[str, str] | None = None) -> list[Any]:
    found = connection.execute(query, given).fetchone()
    return list(found or ())
