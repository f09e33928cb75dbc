"""Row policies as PostgreSQL's own: made by the role that owns the tables, held by the server.

Each table of the application has row-level security enabled and forced. What was made is noted
beside it, so that a database whose policies are not the code's is found out.
"""

import hashlib
from collections.abc import Iterator, Mapping
from operator import attrgetter

from sqlalchemy import Connection, MetaData, text

from app.core import postgres_shares
from app.core.policy import Change, RowPolicy
from app.core.postgres import BYPASSES
from app.core.rule import NEVER, Circle, Shared
from app.core.rule_facts import facts_of

_SYSTEM = "current_setting('latchkey.system', true) = 'on'"
_REFUSE = """
CREATE OR REPLACE FUNCTION latchkey_refuse() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog AS $$
BEGIN
    -- What a foreign key changes by itself runs inside its own trigger.
    IF pg_trigger_depth() = 1 THEN
        RAISE EXCEPTION 'row policy' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN new;
END $$
"""
# What the server holds of each table, in words that it gives for equal things alike, and what
# was noted of it when it was made.
_HELD = text("""
WITH asked AS (
    SELECT oid, relname FROM pg_catalog.pg_class
    WHERE relname = ANY (:names) AND relkind = 'r'
      AND relnamespace = current_schema()::regnamespace
), line(oid, held) AS (
    SELECT polrelid, concat_ws(' ', polname, polcmd, polpermissive, polroles::text,
                               pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    FROM pg_catalog.pg_policy
    UNION ALL
    SELECT tgrelid, concat_ws(' ', pg_get_triggerdef(t.oid), tgenabled, prosrc)
    FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_proc AS f ON f.oid = tgfoid
    WHERE NOT tgisinternal
    UNION ALL
    -- What a policy asks about shares, and whether anybody but whom it was granted may.
    SELECT polrelid, concat_ws(' ', proname, prosecdef, proconfig::text, prosrc,
                               pg_get_function_sqlbody(f.oid), proowner = relowner, EXISTS (
        SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0
    ))
    FROM pg_catalog.pg_policy AS p
    JOIN pg_catalog.pg_class AS c ON c.oid = polrelid
    JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_policy'::regclass
        AND d.objid = p.oid AND refclassid = 'pg_catalog.pg_proc'::regclass
    JOIN pg_catalog.pg_proc AS f ON f.oid = refobjid
    UNION ALL
    SELECT oid, concat_ws(' ', relrowsecurity, relforcerowsecurity) FROM pg_catalog.pg_class
)
SELECT relname, md5(string_agg(held, E'\\n' ORDER BY held)), (
    SELECT obj_description(p.oid, 'pg_policy') FROM pg_catalog.pg_policy AS p
    WHERE polrelid = asked.oid AND polname = 'latchkey_system'
)
FROM asked JOIN line USING (oid) GROUP BY asked.oid, relname
""")
# Before PostgreSQL 16 an empty name is an error to to_regclass, and not NULL.
_POLICIES = text("""
SELECT 'DROP POLICY ' || quote_ident(polname) || ' ON ' || polrelid::regclass
FROM pg_catalog.pg_policy
WHERE polrelid = to_regclass(nullif(:name, '')) OR (:name = '' AND polname LIKE 'latchkey%')
UNION ALL
SELECT 'DROP TRIGGER ' || quote_ident(tgname) || ' ON ' || tgrelid::regclass
FROM pg_catalog.pg_trigger
WHERE tgname LIKE 'latchkey%' AND NOT tgisinternal
  AND (:name = '' OR tgrelid = to_regclass(nullif(:name, '')))
""")
_ROLE = text(f"""
SELECT current_user, {BYPASSES}, EXISTS (
    SELECT FROM pg_catalog.pg_class
    WHERE relname = ANY (:names) AND relkind = 'r' AND pg_has_role(relowner, 'MEMBER')
      AND relnamespace = current_schema()::regnamespace
)
""")  # noqa: S608 - put together of our own words


# What of the schema the role lacks rights to; all that it needs comes with each migration.
_CLOSED = text("""
SELECT relname FROM pg_catalog.pg_class
WHERE relnamespace = current_schema()::regnamespace AND CASE relkind
    WHEN 'r' THEN relname = ANY (:names) AND NOT (
        has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
        AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE')
    )
    WHEN 'S' THEN NOT has_sequence_privilege(oid, 'USAGE')
END
UNION ALL
SELECT proname FROM pg_catalog.pg_proc
WHERE pronamespace = current_schema()::regnamespace AND proname = ANY (:functions)
  AND NOT has_function_privilege(oid, 'EXECUTE')
ORDER BY 1
""")


class _Plain:
    """Who acts, by the settings of the transaction."""

    def user(self) -> str:
        return "nullif(current_setting('latchkey.user_id', true), '')::bigint"

    def holds(self, *scopes: str) -> str:
        asked = ", ".join(f"'{scope}'" for scope in scopes)
        return f"string_to_array(current_setting('latchkey.scopes', true), ' ') && ARRAY[{asked}]"

    def among(self, column: str, circle: Circle) -> str:
        return f"{column} = ANY ({self.ids(circle)})"

    def ids(self, circle: Circle) -> str:
        return f"nullif(current_setting('latchkey.{circle.value}', true), '')::bigint[]"

    def shared(self, column: str, share: Shared) -> str:
        return f"{column} = ANY ({self.keys(share)})"

    def keys(self, share: Shared) -> str:
        return f"{share.source}()"


class _Once(_Plain):
    """The same, asked once for each statement: a sub-select is not evaluated for each row."""

    def user(self) -> str:
        return f"(SELECT {super().user()})"

    def holds(self, *scopes: str) -> str:
        return f"(SELECT {super().holds(*scopes)})"

    def ids(self, circle: Circle) -> str:
        return f"(SELECT {super().ids(circle)})::bigint[]"

    def keys(self, share: Shared) -> str:
        return f"(SELECT {super().keys(share)})::bigint[]"


class ServerPolicies:
    """The policies of one application's tables, compiled for PostgreSQL."""

    def __init__(self, metadata: MetaData, policies: Mapping[str, RowPolicy]) -> None:
        shares = facts_of(rule for policy in policies.values() for rule in policy.rules).shares
        self._shares = sorted(shares, key=attrgetter("source"))
        self._statements = {
            table.name: (
                *_statements(table.name, policies.get(table.name, RowPolicy())),
                *postgres_shares.policies(table.name, self._shares),
            )
            for table in metadata.sorted_tables
        }

    def make(self, connection: Connection) -> None:
        """Make what the server does not hold yet, and take away what is not the code's."""
        # A table that is not there has had its revision stamped, and nothing made.
        found = self._held(connection, list(self._statements))
        stale = [name for name in found if not self._is_current(name, found)]
        if stale:
            connection.exec_driver_sql(_REFUSE)
            postgres_shares.make(connection, self._shares)
        for name in stale:
            drop(connection, name)
            for statement in self._statements[name]:
                connection.exec_driver_sql(statement.replace("%", "%%"))
        for name, (held, _) in self._held(connection, stale).items():
            note = f"{self._digest(name)} {held}"
            connection.exec_driver_sql(f"COMMENT ON POLICY latchkey_system ON {name} IS '{note}'")
        postgres_shares.drop(connection, besides=self._shares)

    def faults(self, connection: Connection) -> Iterator[str]:
        """Give what keeps the server from holding the policies, a line each."""
        functions = [share.source for share in self._shares]
        names = {"names": list(self._statements), "functions": functions}
        role, bypasses, owns = connection.execute(_ROLE, names).one()
        if bypasses:
            yield f"role {role}: it passes row policies by; connect as one that cannot"
        elif owns:
            yield f"role {role}: it owns the tables; let LATCHKEY_MIGRATION_URL name the owner"
        for name in connection.scalars(_CLOSED, names):
            yield f"role {role}: it has no rights to {name}; run flask --app wsgi db upgrade"
        for name in self._stale(connection):
            yield f"table {name}: its row policies in the database are not the code's"

    def _stale(self, connection: Connection) -> list[str]:
        found = self._held(connection, list(self._statements))
        return [name for name in self._statements if not self._is_current(name, found)]

    def _is_current(self, name: str, found: dict[str, tuple[str, str | None]]) -> bool:
        held, noted = found.get(name, ("", None))
        return noted == f"{self._digest(name)} {held}"

    def _held(self, connection: Connection, names: list[str]) -> dict[str, tuple[str, str | None]]:
        rows = connection.execute(_HELD, {"names": names})
        return {name: (held, noted) for name, held, noted in rows}

    def _digest(self, name: str) -> str:
        functions = postgres_shares.statements(self._shares)
        declared = "\n".join((_REFUSE, *functions, *self._statements[name]))
        return hashlib.sha256(declared.encode()).hexdigest()


def drop(connection: Connection, name: str = "") -> None:
    """Take a table's policies away, or all of ours; without any, nobody finds a row in it."""
    for statement in list(connection.scalars(_POLICIES, {"name": name})):
        connection.exec_driver_sql(statement.replace("%", "%%"))
    if not name:
        postgres_shares.drop(connection)


def _statements(name: str, policy: RowPolicy) -> Iterator[str]:
    words = _Once()
    yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY"
    yield (
        f"CREATE POLICY latchkey_system ON {name} "
        f"USING ((SELECT {_SYSTEM})) WITH CHECK ((SELECT {_SYSTEM}))"
    )
    for action, using, check in (
        ("SELECT", policy.select, NEVER),
        ("INSERT", NEVER, policy.insert),
        ("UPDATE", policy.update, policy.update),
        ("DELETE", policy.delete, NEVER),
    ):
        clauses = [
            f"{clause} ({rule.sql(name, words)})"
            for clause, rule in (("USING", using), ("WITH CHECK", check))
            if rule is not NEVER
        ]
        if clauses:
            made = f"CREATE POLICY latchkey_{action.lower()} ON {name} FOR {action}"
            yield f"{made} {' '.join(clauses)}"
    if policy.changes:
        refused = " OR ".join(map(_refused, policy.changes))
        yield (
            f"CREATE TRIGGER latchkey_change BEFORE UPDATE ON {name} FOR EACH ROW "
            f"WHEN (({refused}) AND ({_SYSTEM}) IS NOT TRUE) EXECUTE FUNCTION latchkey_refuse()"
        )


def _refused(change: Change) -> str:
    is_changed = f"old.{change.column} IS DISTINCT FROM new.{change.column}"
    # The condition of a trigger takes no sub-select.
    before, after = change.before.sql("old", _Plain()), change.after.sql("new", _Plain())
    return f"({is_changed} AND ({before} AND {after}) IS NOT TRUE)"


def let_in(connection: Connection, role: str) -> None:
    """Let the application's role, where it is another than the owner, read and write rows."""
    if role == connection.scalar(text("SELECT current_user")):
        return
    quoted = connection.dialect.identifier_preparer.quote_identifier(role)
    for statement in (
        f"GRANT USAGE ON SCHEMA public TO {quoted}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {quoted}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {quoted}",
        f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {quoted}",
    ):
        connection.exec_driver_sql(statement.replace("%", "%%"))
    postgres_shares.let_in(connection, quoted)
