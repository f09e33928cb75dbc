"""How policies on PostgreSQL read a share table without its own policy.

What a policy asks of another table is subject to that table's policy, as whoever asks. So a
function of the tables' owner reads the share table, by a policy that holds for the owner alone,
and returns the keys of the rows that are shared with the acting user, and of no one else.
"""

from collections.abc import Collection, Iterable, Iterator

from sqlalchemy import Connection, text

from app.core.rule import SHARED, Shared

# As in the policies: the setting of the transaction, and NULL for nobody.
_USER = "nullif(current_setting('latchkey.user_id', true), '')::bigint"
_FUNCTIONS = text("""
SELECT quote_ident(proname) FROM pg_catalog.pg_proc
WHERE pronamespace = current_schema()::regnamespace AND starts_with(proname, :prefix)
ORDER BY proname
""")


def statements(shares: Iterable[Shared]) -> Iterator[str]:
    """Yield what makes the functions."""
    for share in shares:
        # Its body is read when it is made: no search path can put another table there.
        yield (
            f"CREATE OR REPLACE FUNCTION {share.source}() RETURNS bigint[] LANGUAGE sql STABLE "  # noqa: S608 - names from declarations only
            "SECURITY DEFINER SET search_path = pg_catalog, pg_temp "
            f"BEGIN ATOMIC SELECT array_agg({share.row_column}) FROM {share.table} "
            f"WHERE {share.user_column} = {_USER}; END"
        )
        # Any role of the cluster could say that it acts for somebody.
        yield f"REVOKE ALL ON FUNCTION {share.source}() FROM PUBLIC"


def policies(name: str, shares: Iterable[Shared]) -> Iterator[str]:
    """Yield the policy by which the owner's functions read a table, if it is a share table."""
    if any(share.table == name for share in shares):
        owner = f"SELECT relowner FROM pg_catalog.pg_class WHERE oid = '{name}'::regclass"  # noqa: S608 - the same
        yield (
            f"CREATE POLICY latchkey_shares ON {name} FOR SELECT "
            f"USING ((SELECT current_user = pg_catalog.pg_get_userbyid(({owner}))))"
        )


def make(connection: Connection, shares: Iterable[Shared]) -> None:
    """Make the functions; those that are there are replaced, and keep who may call them."""
    for statement in statements(shares):
        connection.exec_driver_sql(statement)


def drop(connection: Connection, *, besides: Collection[Shared] = ()) -> None:
    """Drop the functions that no policy needs any more."""
    needed = {share.source for share in besides}
    for function in connection.scalars(_FUNCTIONS, {"prefix": SHARED}).all():
        if function not in needed:
            connection.exec_driver_sql(f"DROP FUNCTION {function}")


def let_in(connection: Connection, quoted_role: str) -> None:
    """Let a role call the functions: it does so wherever a policy asks about shares."""
    for function in connection.scalars(_FUNCTIONS, {"prefix": SHARED}).all():
        connection.exec_driver_sql(f"GRANT EXECUTE ON FUNCTION {function} TO {quoted_role}")
