"""A toy schema with the patterns that no table of the product has, on either engine.

A pet is shared with the users whom a share names, and its owner manages the shares. Visits
follow the pet. Everyone reads the notices.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import product
from typing import Any

from sqlalchemy import (
    Engine,
    ForeignKey,
    FromClause,
    Index,
    Table,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.sql import Executable

from app.core.policy import Bypass, Everyone, Owner, RowPolicy, SharedWith, Via, rows
from app.core.principal import Channel, Principal
from app.core.rows import acting_as

OWNER, FRIEND, STRANGER = 1, 2, 3
PEOPLE = (OWNER, FRIEND, STRANGER, None)
SCOPES: tuple[frozenset[str], ...] = (frozenset(), frozenset({"tasks:viewAll"}))


class _Undone(Exception):
    """What a session did is to be undone."""


class Toy(DeclarativeBase):
    """The base of the toy's tables."""


class Pet(Toy):
    """A pet; 1 and 2 are the owner's, 3 the stranger's."""

    __tablename__ = "pet"
    __table_args__ = (Index("ix_pet_owner_id_id", "owner_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int]
    name: Mapped[str] = mapped_column(server_default="")


class PetShare(Toy):
    """A user with whom a pet is shared."""

    __tablename__ = "pet_share"
    __table_args__ = (Index("ix_pet_share_user_id_pet_id", "user_id", "pet_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    pet_id: Mapped[int] = mapped_column(ForeignKey("pet.id", ondelete="CASCADE"))
    user_id: Mapped[int | None]


class Visit(Toy):
    """A visit of a pet to the vet."""

    __tablename__ = "visit"
    id: Mapped[int] = mapped_column(primary_key=True)
    pet_id: Mapped[int] = mapped_column(ForeignKey("pet.id", ondelete="CASCADE"))


class Notice(Toy):
    """What hangs at the door of the practice; 1 is the owner's, 2 nobody's."""

    __tablename__ = "notice"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int | None]


METADATA = Toy.metadata
PET_ROWS = rows(
    Owner(),
    SharedWith("pet_share", row_column="pet_id", user_column="user_id"),
    Bypass(reads="tasks:viewAll"),
    fixed=["owner_id"],
)
POLICIES: dict[str, RowPolicy] = {
    "pet": PET_ROWS,
    "pet_share": rows(Via("pet", "pet_id", PET_ROWS), fixed=["pet_id"]),
    "visit": rows(Via("pet", "pet_id", PET_ROWS), fixed=["pet_id"]),
    "notice": rows(Everyone(reads=True), Owner(), fixed=["owner_id"]),
}
ROWS: dict[type[Toy], list[dict[str, Any]]] = {
    Pet: [{"id": 1, "owner_id": OWNER}, {"id": 2, "owner_id": OWNER}, {"id": 3, "owner_id": 3}],
    PetShare: [
        {"id": 11, "pet_id": 1, "user_id": FRIEND},
        {"id": 12, "pet_id": 2, "user_id": None},
        {"id": 13, "pet_id": 1, "user_id": 9},
    ],
    Visit: [{"id": key, "pet_id": key} for key in (1, 2, 3)],
    Notice: [{"id": 1, "owner_id": OWNER}, {"id": 2, "owner_id": None}],
}
OWNERS = {1: OWNER, 2: OWNER, 3: STRANGER}
# The pet of each share.
SHARES = {11: 1, 12: 2, 13: 1}


def sees(who: int | None, scopes: frozenset[str], table: str) -> set[int]:
    """Return the keys of the rows of a table that a user sees, told in plain Python."""
    pets = {key for key, owner in OWNERS.items() if owner == who}
    pets |= {1} if who == FRIEND else set()
    pets |= set(OWNERS) if "tasks:viewAll" in scopes else set()
    return {
        "pet": pets,
        "pet_share": {key for key, pet in SHARES.items() if pet in pets},
        "visit": pets,
        "notice": {1, 2},
    }[table]


def writes(who: int | None, table: str) -> set[int]:
    """Return the keys of the rows of a table that a user may write, told in plain Python."""
    pets = {key for key, owner in OWNERS.items() if owner == who}
    return {
        "pet": pets,
        "pet_share": {key for key, pet in SHARES.items() if pet in pets},
        "visit": pets,
        "notice": {1} if who == OWNER else set(),
    }[table]


def principal(who: int | None, scopes: frozenset[str] = frozenset()) -> Principal:
    """Return the principal of a user, or of nobody."""
    return Principal(Channel.API, who, scopes)


@dataclass(frozen=True, slots=True)
class Practice:
    """The toy's database: the engine of the system, and the guarded one."""

    system: Engine
    rows: Engine

    def fill(self) -> None:
        """Insert the rows."""
        with self.system.begin() as connection:
            for model, values in ROWS.items():
                connection.execute(insert(model), values)

    @contextmanager
    def acting(self, who: int | None, scopes: frozenset[str] = frozenset()) -> Iterator[Session]:
        """Return a session in which a user acts; nothing that it does is stored."""
        with (
            suppress(_Undone),
            Session(self.rows) as session,
            acting_as(session, principal(who, scopes), scopes),
        ):
            yield session
            raise _Undone

    def attempt(self, session: Session, statement: Executable) -> set[int] | None:
        """Return the keys of the rows that a statement returns; None where it is refused."""
        session.connection().exec_driver_sql("SAVEPOINT attempt")
        try:
            return set(session.connection().execute(statement).scalars())
        except DBAPIError:
            return None
        finally:
            session.connection().exec_driver_sql("ROLLBACK TO attempt")


def disagreements(practice: Practice) -> Iterator[str]:
    """Yield where the database and plain Python answer differently, for whatever one can try."""
    for who, scopes in product(PEOPLE, SCOPES):
        with practice.acting(who, scopes) as session:
            for table, values in ((model.__table__, ROWS[model]) for model in ROWS):
                for tried, statement, expected in _trials(table, values, who, scopes):
                    found = practice.attempt(session, statement)
                    if found != expected:
                        yield f"{who} with {set(scopes)}: {tried}: {found}, not {expected}"


def _trials(
    table: FromClause, values: list[dict[str, Any]], who: int | None, scopes: frozenset[str]
) -> Iterator[tuple[str, Executable, set[int] | None]]:
    """Yield what one can try on a table, and the keys of the rows that it returns."""
    assert isinstance(table, Table)
    name, key, last = table.name, table.c.id, table.columns.values()[-1]
    seen, written = sees(who, scopes, name), writes(who, name)
    yield f"see {name}", select(key), seen
    yield f"touch {name}", update(table).values({last: last}).returning(key), seen & written
    yield f"delete {name}", delete(table).returning(key), seen & written
    fixed = POLICIES[name].changes[0].column
    # A pet of the same owner's, or another owner.
    other = 2 if fixed == "pet_id" else STRANGER
    for row in values:
        one = insert(table).values({**row, "id": 50}).returning(key)
        yield f"add to {name} like {row}", one, {50} if row["id"] in written else None
        # Not even its owner moves a row, or gives it away.
        gift = update(table).where(key == row["id"]).values({fixed: other}).returning(key)
        is_kept = row[fixed] == other or row["id"] not in seen & written
        expected = seen & written & {row["id"]} if is_kept else None
        yield f"give {name} {row['id']} away", gift, expected
