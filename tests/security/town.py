"""A town in plain Python: rows of every guarded table, in each relation to its people.

Ada looks after Acme and is in its team, Ben is in both, Cat is in Acme, and looks after Globex
and its team; Dan is nowhere.
"""

from itertools import product
from typing import Any

from sqlalchemy import JSON, Boolean, Column, LargeBinary, String

from app.extensions import Model
from app.models import ROW_POLICIES
from tests.security.tables import SCHEMA, Row, Tables

ADA, BEN, CAT, DAN = PEOPLE = (1, 2, 3, 4)
ACME, GLOBEX = 1, 2
DESIGN, OPERATIONS = 1, 3
# Of clients.
OWNERS = (ADA, BEN, None, DAN)


def row(name: str, /, **given: Any) -> Row:
    """Give a whole row of a table; what is left out is as little as can be."""
    return {c.name: given[c.name] if c.name in given else least(c) for c in SCHEMA[name].columns}


def least(column: Column[Any]) -> Any:
    """Give the least value that a column holds."""
    if column.nullable:
        return None
    match column.type:
        case JSON():
            return []
        case Boolean():
            return False
        case LargeBinary():
            return b""
        case String():
            return ""
        case _:
            return 1


def made() -> Tables:
    """Give the town."""
    town = Tables()
    for name, rows in _rows().items():
        town.add(name, [row(name, **each) for each in rows])
    for table in Model.metadata.sorted_tables:
        if table.name not in ROW_POLICIES:
            # The least is 1, and refers to the first of its kind.
            town.add(table.name, [row(table.name)])
    return town


def _rows() -> dict[str, list[dict[str, Any]]]:
    """Give what tells the rows apart."""
    owned = list(product(PEOPLE, (None, DESIGN, OPERATIONS)))
    return {
        "user_account": _each("id email", *((each, f"{each}@example.com") for each in PEOPLE)),
        "login": _each("digest user_id", (b"a", ADA), (b"b", BEN), (b"d", DAN)),
        "role": _each("name", "one", "two"),
        "role_scope": _each("role_id scope", (1, "tasks:view"), (2, "tasks:view")),
        "user_role": _each("user_id role_id", (ADA, 1), (BEN, 1), (CAT, 2)),
        "organization": _each("domain", "acme.example", None),
        "membership": _each(
            "organization_id user_id standing",
            (ACME, ADA, "manager"),
            (ACME, BEN, "member"),
            (ACME, CAT, "member"),
            (GLOBEX, CAT, "manager"),
        ),
        "team": _each("organization_id name", (ACME, "design"), (ACME, "sales"), (GLOBEX, "x")),
        "team_member": _each(
            "team_id organization_id user_id",
            (DESIGN, ACME, ADA),
            (DESIGN, ACME, BEN),
            (OPERATIONS, GLOBEX, CAT),
        ),
        "project": _each("organization_id", ACME, GLOBEX),
        "invitation": _each(
            "organization_id digest created_by",
            (ACME, b"a", ADA),
            (GLOBEX, b"g", CAT),
            (None, b"w", None),
        ),
        "task": _each("owner_id team_id", *owned),
        "comment": _each("task_id author_id", *product(range(1, 7), (ADA, BEN))),
        "client": _each("owner_id client_id", *((owner, f"of {owner}") for owner in OWNERS)),
        "client_secret": _each("client_key", 1, 2, 3),
        "oauth_grant": _each("user_id client_key", (ADA, 2), (BEN, 1), (CAT, 3), (DAN, 3)),
        "resource_server": _each("identifier client_key", ("a", None), ("b", 1)),
        "switch": _each("name", "a", "b"),
        "banned_host": _each("host", "a.example", "b.example"),
        "workspace": _each("name", "Town"),
        "access_setting": _each("access", None),
        "audit_event": _each("user_id", ADA, BEN, None),
    }


def _each(columns: str, *rows: Any) -> list[dict[str, Any]]:
    """Give rows by the values of some columns; those with a number have one, from 1 on."""
    names = columns.split()
    values = [values if isinstance(values, tuple) else (values,) for values in rows]
    return [
        {"id": place, **dict(zip(names, each, strict=True))}
        for place, each in enumerate(values, start=1)
    ]
