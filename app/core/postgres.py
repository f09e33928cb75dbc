"""How PostgreSQL is told who acts: in front of a statement, in the same message.

What is said lasts as long as the transaction, so that it is safe behind a pooler that gives
each transaction another connection; nothing is prepared on the server, for the same reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import psycopg
from psycopg import ClientCursor
from psycopg.abc import Params, Query
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, Engine, ExceptionContext, event
from sqlalchemy.pool import ConnectionPoolEntry

from app.core.errors import Busy, NotReady
from app.core.rows import ACTING, NOBODY, Acting
from app.core.transactions import Purpose, purpose

ENGINE_OPTIONS: Mapping[str, Any] = {
    "connect_args": {"prepare_threshold": None},
    "use_native_hstore": False,
    # The driver begins nothing by itself: a transaction begins with its first statement.
    "isolation_level": "AUTOCOMMIT",
}
_SYSTEM = "set_config('latchkey.system', 'on', true)"
_WHO = ", ".join(
    f"set_config('latchkey.{name}', %(latchkey_{name})s, true)"
    for name in ("user_id", "scopes", "organizations", "managed", "teams")
)
_READ_ONLY = "set_config('transaction_read_only', 'on', true)"
# The server's own work takes turns, as it does on SQLite: what it read stays true.
_ITS_TURN = "pg_advisory_xact_lock(7811883094)"
# Whoever waits for others is told to come again, as on SQLite.
_NOT_FOREVER = "set_config('lock_timeout', '5s', true)"
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

    def connected(connection: "psycopg.Connection[Any]", record: ConnectionPoolEntry) -> None:
        connection.cursor_factory = Speaking
        if guarded:
            _refuse_to_bypass(connection)
            record.info[ACTING] = NOBODY
        Speech.of(connection).info = record.info if guarded else None

    event.listen(engine, "connect", connected)
    # What reads need not begin: its statements are transactions of their own.
    event.listen(engine, "engine_connect", _begin)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "checkin", _be_nobodys)
    event.listen(engine, "handle_error", _refuse_for_now)


class Speech:
    """What one connection says before its next statement."""

    def __init__(self) -> None:
        self.info: Mapping[str, Any] | None = None
        self._purpose: Purpose | None = None
        self._is_due = False

    @classmethod
    def of(cls, connection: "psycopg.Connection[Any]") -> Self:
        """Give the connection's own."""
        found: Self | None = connection.__dict__.get("latchkey_speech")
        if found is None:
            found = connection.__dict__["latchkey_speech"] = cls()
        return found

    def begin(self, purpose: Purpose | None) -> None:
        """Have everything said again: a transaction begins."""
        self._purpose, self._is_due = purpose, True

    def end(self) -> None:
        """Say nothing any more."""
        self._is_due = False

    def take(self) -> tuple[str, dict[str, str]]:
        """Give what stands before the next statement, and its values; mostly nothing."""
        if not self._is_due:
            return "", {}
        # Reading, each statement is a transaction of its own, and hears it anew.
        reads = self._purpose is Purpose.READING
        self._is_due = reads
        said, given = ([_SYSTEM], {}) if self.info is None else _principal(self.info[ACTING])
        if reads:
            return f"SELECT {', '.join([*said, _READ_ONLY])}; ", given
        begin = "BEGIN"
        if self._purpose is Purpose.WRITING:
            if self.info is None:
                said = [_NOT_FOREVER, _ITS_TURN, *said]
            else:
                begin = "BEGIN ISOLATION LEVEL SERIALIZABLE"
        return f"{begin}; SELECT {', '.join(said)}; ", given


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
        said, values = Speech.of(self.connection).take()
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
        super().execute(together, given, prepare=prepare, binary=binary)
        while self.nextset():
            pass
        return self

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


def _principal(acting: Acting) -> tuple[list[str], dict[str, str]]:
    return [_WHO], {
        "latchkey_user_id": "" if acting.user_id is None else str(acting.user_id),
        "latchkey_scopes": " ".join(sorted(acting.scopes)),
        "latchkey_organizations": _array(acting.organizations),
        "latchkey_managed": _array(acting.managed),
        "latchkey_teams": _array(acting.teams),
    }


def _array(ids: frozenset[int]) -> str:
    return "{" + ",".join(map(str, sorted(ids))) + "}"


def _refuse_to_bypass(connection: "psycopg.Connection[Any]") -> None:
    (bypasses,) = connection.execute(f"SELECT {BYPASSES}").fetchone() or (True,)
    if bypasses:
        raise NotReady("The app is not set up yet: its operator finds why at /readyz.")


def _refuse_for_now(context: ExceptionContext) -> None:
    if context.is_disconnect or isinstance(context.original_exception, LockNotAvailable):
        raise Busy("The database is busy. Try again in a moment.")


def _begin(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    Speech.of(driver).begin(purpose(connection))


def _be_nobodys(driver: Any, record: ConnectionPoolEntry) -> None:  # noqa: ANN401 - the driver's
    if driver is not None:
        Speech.of(driver).end()
    record.info[ACTING] = NOBODY
