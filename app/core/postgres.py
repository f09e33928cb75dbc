"""How PostgreSQL is told who acts: in front of a statement, in the same message.

What is said lasts as long as the transaction, so that it is safe behind a pooler that gives
each transaction another connection; nothing is prepared on the server, for the same reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Self

import psycopg
from psycopg import ClientCursor
from psycopg.abc import Params, Query
from psycopg.errors import LockNotAvailable
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, ExceptionContext, event
from sqlalchemy.pool import ConnectionPoolEntry

from app.core.errors import Busy, Lost, NotReady
from app.core.outages import outage_of
from app.core.rows import ACTING, NOBODY, Acting
from app.core.transactions import Purpose, has_clashed, purpose

ENGINE_OPTIONS: Mapping[str, Any] = {
    "connect_args": {"prepare_threshold": None, "autocommit": True},
    "use_native_hstore": False,
    # The driver begins nothing by itself: a transaction begins with its first statement.
    "isolation_level": "AUTOCOMMIT",
}
_WHO = ", ".join(
    f"set_config('latchkey.{name}', %(latchkey_{name})s, true)"
    for name in ("user_id", "scopes", "organizations", "managed", "teams")
)
_SYSTEM = "set_config('latchkey.system', 'on', true)"
_READ_ONLY = "set_config('transaction_read_only', 'on', true)"
# The server's own work takes turns, as it does on SQLite: what it read stays true. Whoever waits
# too long for others is told to come again.
_ITS_TURN = "set_config('lock_timeout', '5s', true), pg_advisory_xact_lock(7811883094)"
# What stands before the statements of a person, and of the system, by what they are for.
_OF_PERSON = {
    Purpose.READING: f"SELECT {_WHO}, {_READ_ONLY}; ",
    Purpose.WRITING: f"BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT {_WHO}; ",
    None: f"BEGIN; SELECT {_WHO}; ",
}
_OF_SYSTEM = {
    Purpose.READING: f"SELECT {_SYSTEM}, {_READ_ONLY}; ",
    Purpose.WRITING: f"BEGIN; SELECT {_ITS_TURN}, {_SYSTEM}; ",
    None: f"BEGIN; SELECT {_SYSTEM}; ",
}
# Whether policies do not hold for the role; it may become what it is a member of.
BYPASSES = (
    "EXISTS (SELECT FROM pg_catalog.pg_roles "
    "WHERE (rolsuper OR rolbypassrls) AND pg_has_role(current_user, oid, 'MEMBER'))"
)


def prepare(engine: Engine, *, guarded: bool) -> None:
    """Let each new connection of a PostgreSQL engine say who acts: a principal, or the system.

    Other engines are left alone.
    """
    if engine.dialect.name != "postgresql":
        return

    def dialled(_dialect: object, record: ConnectionPoolEntry, given: Any, named: Any) -> Line:  # noqa: ANN401 - the driver's
        line = Line.connect(*given, **named)
        if guarded:
            _refuse_to_bypass(line)
            record.info[ACTING] = NOBODY
            line.acting = record.info
        return line

    event.listen(engine, "do_connect", dialled)
    # What reads need not begin: its statements are transactions of their own.
    event.listen(engine, "engine_connect", _begin)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "checkin", _be_nobodys)
    event.listen(engine, "handle_error", partial(_report_outage, retried=guarded))


class Line(psycopg.Connection[Any]):
    """A connection that says who acts before its next statement, where a transaction begins.

    `acting` holds the principal; a connection without it is the system's.
    """

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.cursor_factory = Speaking
        self.acting: Mapping[str, Any] | None = None
        self._purpose: Purpose | None = None
        self._is_due = False

    def begin(self, purpose: Purpose | None) -> None:
        """Have everything said again: a transaction begins."""
        self._purpose, self._is_due = purpose, True

    def be_quiet(self) -> None:
        """Say nothing any more."""
        self._is_due = False

    def said(self) -> tuple[str, dict[str, str]]:
        """Give what stands before the next statement, and its values; mostly nothing."""
        if not self._is_due:
            return "", {}
        # Reading, each statement is a transaction of its own, and hears it anew.
        self._is_due = self._purpose is Purpose.READING
        if self.acting is None:
            return _OF_SYSTEM[self._purpose], {}
        return _OF_PERSON[self._purpose], _principal(self.acting[ACTING])

    # The driver would ask itself at length whether there is anything to end.
    def commit(self) -> None:
        """End the transaction, if there is one."""
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            super().commit()

    def rollback(self) -> None:
        """Undo the transaction, if there is one."""
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            super().rollback()


class Speaking(ClientCursor[Any]):
    """A cursor whose statements follow what its connection has to say."""

    def execute(
        self,
        query: Query,
        params: Params | None = None,
        *,
        prepare: bool | None = None,
        binary: bool | None = None,
    ) -> Self:
        """Run a statement; its results are those of the statement alone."""
        line = self.connection
        said, values = line.said() if isinstance(line, Line) else ("", {})
        if not said:
            return super().execute(query, params, prepare=prepare, binary=binary)  # type: ignore[arg-type, misc] # one of its overloads
        if not isinstance(query, str) or isinstance(params, Sequence):
            raise TypeError(
                "Give text and name its parameters: what is said before has some, too."
            )
        text: str = query
        if params is None:
            text = text.replace("%", "%%")
        # A literal to the driver: what is said is ours, the statement the caller's.
        together: Any = said + text
        given = {**values, **(params or {})}
        try:
            super().execute(together, given, prepare=prepare, binary=binary)
        except LockNotAvailable as waited:
            raise Busy("Too many changes at once. Try again in a moment.") from waited
        return self.set_result(-1)

    def executemany(
        self,
        query: Query,
        params_seq: Iterable[Params],
        *,
        returning: bool = False,  # noqa: ARG002 - the driver's signature
    ) -> None:
        """Run a statement for each of the parameters; the driver would in a mode of its own."""
        count = 0
        for params in params_seq:
            self.execute(query, params)
            count += self.rowcount
        self._rowcount = count


def _principal(acting: Acting) -> dict[str, str]:
    return {
        "latchkey_user_id": "" if acting.user_id is None else str(acting.user_id),
        "latchkey_scopes": " ".join(sorted(acting.scopes)),
        "latchkey_organizations": _array(acting.organizations),
        "latchkey_managed": _array(acting.managed),
        "latchkey_teams": _array(acting.teams),
    }


def _array(ids: frozenset[int]) -> str:
    return "{" + ",".join(map(str, sorted(ids))) + "}"


def _refuse_to_bypass(line: Line) -> None:
    (bypasses,) = line.execute(f"SELECT {BYPASSES}").fetchone() or (True,)
    if bypasses:
        line.close()
        raise NotReady("The app is not set up yet: its operator finds why at /readyz.")


def _report_outage(context: ExceptionContext, *, retried: bool) -> None:
    if retried and has_clashed(context.original_exception):
        return  # the pipeline runs the call again
    reads = context.connection is not None and purpose(context.connection) is Purpose.READING
    if refusal := outage_of(context.original_exception, reads=reads):
        raise refusal from context.original_exception
    if context.is_disconnect:
        raise Lost


def _begin(connection: Connection) -> None:
    _line(connection.connection.driver_connection).begin(purpose(connection))


def _be_nobodys(line: Line | None, record: ConnectionPoolEntry) -> None:
    if line is not None:
        _line(line).be_quiet()
    record.info[ACTING] = NOBODY


def _line(connection: object) -> Line:
    if not isinstance(connection, Line):
        raise TypeError("Only a connection of this engine's own says who acts.")
    return connection
