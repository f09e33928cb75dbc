"""What docs/postgresql.md says is so."""

import re
from pathlib import Path

import psycopg

from app.blueprints.operator.postgres_server import Server
from app.blueprints.operator.postgres_setup import Names, set_up
from tests.postgres import ADMIN, Cluster

DOCS = (Path(__file__).parent.parent / "docs" / "postgresql.md").read_text()
# What the server notes of a database, of its roles, and of the rights in it.
NOTED = """
SELECT to_jsonb(pg_database) - '{oid,datname,datdba,datfrozenxid,datminmxid}'::text[]
    || jsonb_build_object('owner', pg_get_userbyid(datdba))
FROM pg_database WHERE datname = current_database()
UNION ALL
SELECT to_jsonb(pg_roles) - 'oid' FROM pg_roles WHERE rolname IN (%(owner)s, %(app)s)
UNION ALL
SELECT to_jsonb(nspacl::text) FROM pg_namespace WHERE nspname = 'public'
UNION ALL
SELECT jsonb_build_array(defaclobjtype, defaclnamespace::regnamespace, defaclacl::text)
FROM pg_default_acl
"""


def noted(cluster: Cluster, names: Names) -> list[str]:
    """Give what the server notes, in the same words whatever the names are."""
    roles = {"owner": names.owner, "app": names.app}
    with psycopg.connect(cluster.url(names.database, ADMIN)) as admin:
        rows = [str(row) for [row] in admin.execute(NOTED, roles)]
    return sorted(row.replace(names.owner, "OWNER").replace(names.app, "APP") for row in rows)


def test_what_one_types_by_hand_makes_what_the_command_makes() -> None:
    [typed] = re.findall(r"```sql\n(.*?)```", DOCS, re.DOTALL)
    outside, inside = re.sub(r"--.*|\\password.*", "", typed).split("\\connect latchkey\n")
    other = Names("other", "other_owner", "other_app")
    with Cluster.started() as cluster:
        for database, statements in (("postgres", outside), ("latchkey", inside)):
            with psycopg.connect(cluster.url(database, ADMIN), autocommit=True) as admin:
                for statement in filter(str.strip, statements.split(";")):
                    admin.execute(statement)
        set_up(Server(cluster.admin_url), other)
        assert len(noted(cluster, other)) == 7
        assert noted(cluster, Names()) == noted(cluster, other)
