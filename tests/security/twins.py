"""The same tables in SQLite and in PostgreSQL, and what becomes of a statement in each."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.core.errors import Conflict, NotFound
from app.core.pipeline import _refusal_of
from app.core.principal import Channel, Principal
from app.core.rows import acting_as
from app.core.transactions import for_writing
from app.extensions import Model
from app.identity import held
from app.models.user import User
from app.procedures.shapes import Listing, PageOf
from tests.security.fates import Clashed, Done, Fate, Refused, Statement
from tests.security.lines import every_row
from tests.security.model import POLICIES
from tests.security.tables import NUMBERED, SCHEMA, Key, Tables
from tests.security.who import Policy, Who

_KEYS = {name: select(*table.primary_key) for name, table in SCHEMA.items()}
_LISTINGS = {
    mapper.class_.__tablename__: Listing(mapper.class_.id)
    for mapper in Model.registry.mappers
    if mapper.class_.__tablename__ in NUMBERED
}
_PAGE = 5
_IN_ORDER = Model.metadata.sorted_tables


class _Undone(Exception):
    """What was done is to be undone."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, or nobody, and the scopes with which they act."""

    user: int | None
    scopes: frozenset[str] = frozenset()
    laws: Mapping[str, Policy] = field(default_factory=lambda: POLICIES, repr=False)

    def among(self, tables: Tables) -> Who:
        """Give who this is to the model, at the beginning of a call."""
        return Who(self.user, self.scopes, tables, tables, self.laws)


@dataclass(frozen=True, slots=True)
class Visit:
    """A transaction in which somebody acts."""

    session: Session

    def seen(self, name: str) -> set[Key]:
        """Give the keys of the rows of a table that they see."""
        return {tuple(row) for row in self.session.connection().execute(_KEYS[name])}

    def listed(self, name: str) -> list[Key]:
        """Give the keys of what they see as a list has them, from page to page."""
        found: list[Key] = []
        cursor = None
        while True:
            page = _LISTINGS[name].page(self.session, PageOf(limit=_PAGE, cursor=cursor))
            found += [(item["id"],) for item in page["items"]]
            if (cursor := page["next_cursor"]) is None:
                return found

    def contents(self) -> set[str]:
        """Give what they see, a line for each row."""
        return set(self.session.scalars(every_row(self.session.get_bind().dialect.name)))

    def run(self, statement: Statement) -> Fate:
        """Run a statement; a fate that is bad ends the transaction."""
        return _run(self.session.connection(), statement)

    def tried(self, statement: Statement) -> Fate:
        """Give what becomes of a statement, and undo it."""
        connection = self.session.connection()
        try:
            return _run(connection, statement)
        except DBAPIError as error:
            return _fate(error)
        finally:
            connection.exec_driver_sql("ROLLBACK TO before_it")


@dataclass(frozen=True, slots=True)
class Twin:
    """One of the databases: the engine of the system, and that of people."""

    system: Engine
    rows: Engine

    def fill(self, tables: Tables) -> None:
        """Have these rows there, and no others."""
        with for_writing(self.system).begin() as connection:
            for table in reversed(_IN_ORDER):
                connection.execute(delete(table))
            for table in _IN_ORDER:
                if rows := [dict(row) for row in tables[table.name].values()]:
                    connection.execute(insert(table).inline().values(rows))

    def contents(self) -> set[str]:
        """Give what is really there, a line for each row."""
        with self.system.connect() as connection:
            return set(connection.scalars(every_row(connection.dialect.name)))

    def in_reach_of_the_system(self, name: str) -> set[Key]:
        """Give the keys of the rows of a table that the system finds and changes."""
        table = SCHEMA[name]
        column = table.columns.values()[-1]
        touch = update(table).values({column: column}).returning(*table.primary_key)
        with for_writing(self.system).begin() as connection:
            return {tuple(row) for row in connection.execute(touch)}

    def run_as_system(self, statement: Statement) -> Fate:
        """Run a statement of the system's."""
        try:
            with for_writing(self.system).begin() as connection:
                return _run(connection, statement)
        except DBAPIError as error:
            return _fate(error)

    @contextmanager
    def visit(self, actor: Actor) -> Iterator[Visit]:
        """Let somebody act, as the road does."""
        with (
            Session(for_writing(self.rows)) as session,
            acting_as(session, self._principal(actor), actor.scopes),
        ):
            yield Visit(session)

    @contextmanager
    def visit_in_vain(self, actor: Actor) -> Iterator[Visit]:
        """Let somebody act, and undo it."""
        with suppress(_Undone), self.visit(actor) as visit:
            visit.session.connection().exec_driver_sql("SAVEPOINT before_it")
            yield visit
            raise _Undone

    def act(self, actor: Actor, call: Sequence[Statement]) -> list[tuple[set[str], Fate]]:
        """Let somebody look round before each statement of a call, to the first that is bad.

        Give what they saw, and each fate.
        """
        happened: list[tuple[set[str], Fate]] = []
        found = set[str]()
        try:
            with self.visit(actor) as visit:
                for statement in call:
                    found = visit.contents()
                    happened.append((found, visit.run(statement)))
        except DBAPIError as error:
            happened.append((found, _fate(error)))
        return happened

    def _principal(self, actor: Actor) -> Principal:
        """Give the principal that the app makes of somebody, with other scopes."""
        if actor.user is None:
            return Principal(Channel.API, None, actor.scopes)
        with self.system.connect() as connection:
            found = connection.execute(select(*held.HELD).where(User.id == actor.user)).one()
        return Principal(Channel.API, actor.user, actor.scopes, **held.circles(found[1:]))


def _run(connection: Connection, statement: Statement) -> Done:
    # Of an insert SQLAlchemy keeps the count where it is told to.
    told = {"preserve_rowcount": True}
    return Done(connection.execute(statement.sql(), execution_options=told).rowcount)


def _fate(error: DBAPIError) -> Fate:
    match _refusal_of(error):
        case NotFound():
            return Refused()
        case Conflict():
            return Clashed()
    raise error
