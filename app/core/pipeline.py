"""The one road every call takes: procedure, channel, scopes, input, rows, run, result."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from pydantic import BaseModel, ValidationError
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from app.core.arguments import Notation, arguments_of
from app.core.audit import ALLOWED, Event, Record
from app.core.errors import (
    Busy,
    CallError,
    ChannelRefused,
    Conflict,
    InvalidInput,
    NotFound,
    NotSignedIn,
    ScopeMissing,
    UndeclaredWrite,
)
from app.core.post import Post
from app.core.principal import Channel, Principal
from app.core.procedure import AnyProcedure, Call, Catalogue
from app.core.read_only import ReadOnly, changed_table
from app.core.rows import acting_as
from app.core.transactions import for_reading, for_writing, has_clashed
from app.core.wording import sentence, unknown_argument

log = logging.getLogger(__name__)

# How often a call is run whose transaction clashed with others.
_TRIES = 5
# PostgreSQL, Appendix A: read_only_sql_transaction.
_READ_ONLY_SQL_TRANSACTION = "25006"


class Pipeline:
    """Runs the procedures of one catalogue on the guarded engine."""

    def __init__(  # noqa: PLR0913 - the composition root names each
        self,
        catalogue: Catalogue,
        rows: Engine,
        record: Record,
        now: Callable[[], float] = time.time,
        post: Post | None = None,
        *,
        is_sign_up_open: bool = False,
        context: Mapping[str, object] | None = None,
    ) -> None:
        self.catalogue = catalogue
        self._rows = rows
        self._record = record
        self._now = now
        self._post = post or Post()
        self._is_sign_up_open = is_sign_up_open
        # What validators of inputs depend on in this deployment.
        self.context = context

    def call(self, name: str, principal: Principal, arguments: Mapping[str, Any]) -> BaseModel:
        """Run one procedure for one principal.

        Raises:
            CallError: the caller asked for something that they cannot have.
        """
        procedure = self.find(name)
        with self._refusals_recorded(procedure, principal, arguments):
            check_channel(procedure, principal)
            check_scopes(procedure, principal)
            given = parse(procedure, arguments, self.context, principal.channel)
            return self._run(procedure, principal, given)

    def check(self, name: str, principal: Principal, arguments: Mapping[str, Any]) -> None:
        """Refuse now what a call would be refused for its channel or its scopes, and run nothing.

        Raises:
            CallError: the procedure is not open to the caller.
        """
        procedure = self.find(name)
        with self._refusals_recorded(procedure, principal, arguments):
            check_channel(procedure, principal)
            check_scopes(procedure, principal)

    def at(self, moment: int) -> "Pipeline":
        """Give the same road at another time, in seconds since the epoch."""
        return Pipeline(
            self.catalogue,
            self._rows,
            self._record,
            lambda: moment,
            self._post,
            is_sign_up_open=self._is_sign_up_open,
            context=self.context,
        )

    def find(self, name: str) -> AnyProcedure:
        """Give the procedure of this name.

        Raises:
            NotFound: there is none.
        """
        found = self.catalogue.get(name)
        if found is None:
            raise NotFound(f"There is no procedure {name!r}.")
        return found

    def _run(self, procedure: AnyProcedure, principal: Principal, given: BaseModel) -> BaseModel:
        for _ in range(_TRIES):
            try:
                return self._run_once(procedure, principal, given)
            except ReadOnly as error:
                raise UndeclaredWrite(procedure.name, error.table) from error
            except (DBAPIError, psycopg.Error) as error:
                original = error.orig if isinstance(error, DBAPIError) else error
                if _is_read_only(original):
                    statement = error.statement if isinstance(error, DBAPIError) else None
                    table = changed_table(statement or "") or "a table"
                    raise UndeclaredWrite(procedure.name, table) from error
                if has_clashed(original):
                    continue
                if isinstance(error, DBAPIError) and (refusal := _refusal_of(error)):
                    raise refusal from error
                raise
            except StaleDataError as error:
                # The row may be seen, not changed: its trigger let the change touch nothing.
                raise NotFound("There is no such row for you to change.") from error
        raise Busy("Too many changes at once. Try again in a moment.")

    def _run_once(
        self, procedure: AnyProcedure, principal: Principal, given: BaseModel
    ) -> BaseModel:
        engine = for_writing(self._rows) if procedure.writes else for_reading(self._rows)
        now = int(self._now())
        with (
            Session(engine, expire_on_commit=False) as session,
            acting_as(session, principal, frozenset(procedure.scopes)),
        ):
            call = Call(
                principal,
                session,
                now,
                self._post,
                catalogue=self.catalogue,
                is_sign_up_open=self._is_sign_up_open,
            )
            result: BaseModel = procedure.run(call, given)
            if procedure.writes:
                subject = _subject(given.model_dump()) or _subject_made(result.model_dump())
                event = _event(now, procedure, principal, outcome=ALLOWED, subject=subject)
                self._record(session, event)
        for effect in call.afterwards:
            try:
                effect()
            except Exception:
                # The call is committed: its caller must not believe that it failed.
                log.exception("%s is done, but what was to follow it failed", procedure.name)
        return result

    @contextmanager
    def _refusals_recorded(
        self, procedure: AnyProcedure, principal: Principal, arguments: Mapping[str, Any]
    ) -> Iterator[None]:
        try:
            yield
        except CallError as refusal:
            tells = procedure.writes or isinstance(refusal, ScopeMissing)
            # A database that could not take the change would keep the caller waiting once more.
            tells = tells and not isinstance(refusal, Busy)
            if tells and not principal.is_nobody:
                self._record_refusal(procedure, principal, arguments, refusal)
            raise

    def _record_refusal(
        self,
        procedure: AnyProcedure,
        principal: Principal,
        arguments: Mapping[str, Any],
        refusal: CallError,
    ) -> None:
        now, subject = int(self._now()), _subject(arguments)
        event = _event(now, procedure, principal, outcome=refusal.code, subject=subject)
        with (
            Session(for_writing(self._rows)) as session,
            acting_as(session, principal, frozenset()),
        ):
            self._record(session, event)


def check_channel(procedure: AnyProcedure, principal: Principal) -> None:
    """Refuse a call through a channel that the procedure does not offer.

    Raises:
        ChannelRefused: it is not offered there.
    """
    if principal.channel not in procedure.channels:
        raise ChannelRefused(f"{procedure.name} is not offered over {principal.channel}.")


def check_scopes(procedure: AnyProcedure, principal: Principal) -> None:
    """Refuse a call that the principal's scopes do not cover.

    Raises:
        NotSignedIn: nobody is calling.
        ScopeMissing: the caller's scopes do not suffice.
    """
    if procedure.public:
        return
    if principal.is_nobody:
        raise NotSignedIn(f"{procedure.name} acts for a person: sign in, or send a token.")
    if not procedure.is_open_to(principal.scopes):
        raise ScopeMissing(procedure.name, procedure.scopes)


def parse(
    procedure: AnyProcedure,
    arguments: Mapping[str, Any],
    context: Mapping[str, object] | None = None,
    channel: Channel = Channel.BROWSER,
) -> BaseModel:
    """Give the procedure's input; its validators see the context.

    Forms send text alone, and pages convert as pydantic does; the API and MCP are held to the
    schema that they publish.

    Raises:
        InvalidInput: the arguments do not fit; its fields say where and why.
    """
    faults: dict[str, str] = {}
    if channel is not Channel.BROWSER:
        model: type[BaseModel] = procedure.input
        arguments, faults = arguments_of(model).read(arguments, _notation(procedure, channel))
    try:
        given: BaseModel = procedure.input.model_validate(arguments, context=context)
    except ValidationError as error:
        faults |= {
            ".".join(map(str, e["loc"])): unknown_argument(e, procedure.input) or sentence(e)
            for e in error.errors()
        }
        raise InvalidInput("Some fields need attention.", fields=faults) from error
    if faults:
        raise InvalidInput("Some fields need attention.", fields=faults)
    return given


def _notation(procedure: AnyProcedure, channel: Channel) -> Notation:
    if channel is Channel.MCP:
        return Notation.TOOL
    return Notation.JSON if procedure.writes else Notation.QUERY


def _is_read_only(error: BaseException | None) -> bool:
    """Whether PostgreSQL refused a change in a transaction that reads."""
    return getattr(error, "sqlstate", None) == _READ_ONLY_SQL_TRANSACTION


def _refusal_of(error: DBAPIError) -> CallError | None:
    if _is_forbidden(error):
        return NotFound("There is no such row.")
    if isinstance(error, IntegrityError):
        return Conflict("This clashes with something that is there already.")
    return None


def _is_forbidden(error: DBAPIError) -> bool:
    """Tell whether a row policy forbids it: in words of ours, or by PostgreSQL itself."""
    # It speaks the language of its server; its routine has the same name in all of them.
    routine = getattr(getattr(error.orig, "diag", None), "source_function", None)
    return "row policy" in str(error.orig) or routine == "ExecWithCheckOptions"


def _event(
    now: int, procedure: AnyProcedure, principal: Principal, *, outcome: str, subject: str | None
) -> Event:
    return Event(
        at=now,
        action=procedure.name,
        outcome=outcome,
        channel=principal.channel,
        user_id=principal.user_id,
        client_id=principal.client_id,
        subject=subject,
    )


def _subject(values: Mapping[str, Any]) -> str | None:
    """Give the id that a call was about: its first argument or result called `id` or `…_id`."""
    for name, value in values.items():
        if (name == "id" or name.endswith("_id")) and type(value) in (str, int):
            # Half of a surrogate pair comes through JSON, and no database takes it; nor does
            # PostgreSQL take a NUL.
            return str(value)[:100].encode(errors="replace").decode().replace("\0", "?")
    return None


def _subject_made(result: Mapping[str, Any]) -> str | None:
    """Give the id of what a call made: in its result, or in a part of it."""
    parts = (result, *(part for part in result.values() if isinstance(part, Mapping)))
    return next((found for part in parts if (found := _subject(part))), None)
