"""Declaring procedures and collecting them."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.core.errors import Misdeclared, NotFound
from app.core.post import Post
from app.core.principal import Channel, Principal
from app.core.scopes import SCOPES
from app.core.signatures import Signature, faults_of_sequences, query_lists

In = TypeVar("In", bound=BaseModel)
Out = TypeVar("Out", bound=BaseModel)
Row = TypeVar("Row")

EVERYWHERE = frozenset(Channel)
PAGES_ONLY = frozenset({Channel.BROWSER})
_NAME = re.compile(r"[a-z][a-z_]*\.[a-z][a-z_]*")
LARGEST_KEY = 2**63 - 1
_MOST_DIGITS = len(str(LARGEST_KEY))


@dataclass(frozen=True, slots=True)
class Call:
    """What a procedure may touch: who asks, a session that sees only their rows, and the time.

    `now` is in seconds since the epoch. What is to be done once everything is kept, such as
    sending a letter, goes to `afterwards`: a call whose transaction failed has done none of it.
    `catalogue` is what it was called from, for a procedure that is about procedures.
    `is_sign_up_open` is what the operator says, for as long as no admin has decided.
    """

    principal: Principal
    session: Session
    now: int
    post: Post = field(default_factory=Post)
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    catalogue: "Catalogue" = field(default_factory=lambda: Catalogue([]))
    is_sign_up_open: bool = False

    @property
    def user_id(self) -> int:
        """The caller's user id; a procedure that is not public always has one."""
        if self.principal.user_id is None:
            raise NotFound("Nobody is signed in.")
        return self.principal.user_id

    def get(self, model: type[Row], key: str) -> Row:
        """Give the caller's row with this id.

        Raises:
            NotFound: there is no such row, or not for this caller.
        """
        row = self.session.get(model, int(key)) if is_row_key(key) else None
        if row is None:
            raise NotFound(f"There is no {model.__name__.lower()} {key!r}.")
        return row


def is_row_key(key: str) -> bool:
    """Tell whether a public id could be a row's key at all."""
    return len(key) <= _MOST_DIGITS and key.isascii() and key.isdigit() and int(key) <= LARGEST_KEY


@dataclass(frozen=True, slots=True)
class Procedure(Generic[In, Out]):
    """One typed operation; HTTP route, OpenAPI entry and MCP tool are derived from it."""

    name: str
    run: Callable[[Call, In], Out]
    input: type[In]
    output: type[Out]
    scopes: tuple[str, ...]
    any_scope: bool
    channels: frozenset[Channel]
    writes: bool
    destructive: bool
    idempotent: bool
    public: bool
    touches: tuple[str, ...]
    # The fields of a query that hold a list: their parameters may be repeated.
    repeatable: frozenset[str] = frozenset()
    # What is wrong with the declaration, found when it was made.
    faults: tuple[str, ...] = ()
    summary: str = field(init=False)
    description: str = field(init=False)

    def __post_init__(self) -> None:
        """Take summary and description from the docstring."""
        lines = [line.strip() for line in (self.run.__doc__ or "").strip().splitlines()]
        object.__setattr__(self, "summary", lines[0].rstrip(".") if lines else "")
        object.__setattr__(self, "description", "\n".join(lines))

    @property
    def noun(self) -> str:
        """What the procedure is about."""
        return self.name.partition(".")[0]

    @property
    def path(self) -> str:
        """Its path below the application's root."""
        return "/api/" + self.name.replace(".", "/")

    @property
    def method(self) -> str:
        """The HTTP method: GET for a query, POST for a mutation."""
        return "POST" if self.writes else "GET"

    @property
    def tool_name(self) -> str:
        """Its name as an MCP tool."""
        return self.name.replace(".", "_")

    def is_open_to(self, scopes: frozenset[str]) -> bool:
        """Tell whether these scopes suffice."""
        if self.any_scope:
            return not scopes.isdisjoint(self.scopes)
        return scopes.issuperset(self.scopes)


AnyProcedure = Procedure[Any, Any]


def procedure(  # noqa: PLR0913 - each keyword is one public fact of the declaration
    name: str,
    *,
    scopes: Sequence[str] = (),
    any_scope: Sequence[str] = (),
    channels: frozenset[Channel] = EVERYWHERE,
    writes: bool = False,
    destructive: bool | None = None,
    idempotent: bool = False,
    public: bool = False,
    touches: Sequence[str] = (),
) -> Callable[[Callable[[Call, In], Out]], Procedure[In, Out]]:
    """Turn a function into a `Procedure`.

    Give `scopes` where all of them are needed, `any_scope` where one is enough; `touches` are the
    tables that its statements name. One that writes is destructive (MCP, ToolAnnotations): it may
    overwrite or remove something. Say `destructive=False` where it only adds. Input and output
    models are the function's own annotations; its docstring is the public description.
    """

    def declare(run: Callable[[Call, In], Out]) -> Procedure[In, Out]:
        signature = Signature(run)
        faults = [*signature.faults]
        # Not raised here: a fault at import would be a traceback, and not one line.
        faults += faults_of_sequences(scopes=scopes, any_scope=any_scope, touches=touches)
        faults += faults_of_sequences(channels=channels)
        if scopes and any_scope:
            faults.append("names scopes and any_scope: give one of them")
        lists, faults_of_query = (frozenset(), ()) if writes else query_lists(signature.input)
        return Procedure(
            name=name,
            run=run,
            input=cast("type[In]", signature.input),
            output=cast("type[Out]", signature.output),
            scopes=tuple(scopes or any_scope),
            any_scope=bool(any_scope),
            channels=channels,
            writes=writes,
            destructive=writes if destructive is None else destructive,
            idempotent=idempotent or not writes,
            public=public,
            touches=tuple(touches),
            repeatable=lists,
            faults=(*faults, *faults_of_query),
        )

    return declare


class Catalogue:
    """The procedures of one application, by name, in declaration order.

    Raises:
        Misdeclared: a procedure is declared twice, or one is incomplete.
    """

    def __init__(self, procedures: Iterable[AnyProcedure]) -> None:
        self._by_name: dict[str, AnyProcedure] = {}
        for item in procedures:
            _refuse_misdeclared(item)
            if item.name in self._by_name:
                raise Misdeclared(f"procedure {item.name!r} is declared twice")
            self._by_name[item.name] = item

    def __iter__(self) -> Iterator[AnyProcedure]:
        """Give each procedure in declaration order."""
        return iter(self._by_name.values())

    def get(self, name: str) -> AnyProcedure | None:
        """Give the procedure called `name`, if there is one."""
        return self._by_name.get(name)

    def on(self, channel: Channel) -> list[AnyProcedure]:
        """Give the procedures offered on a channel."""
        return [item for item in self if channel in item.channels]


def _refuse_misdeclared(item: AnyProcedure) -> None:
    for fault in _faults(item):
        raise Misdeclared(f"procedure {item.name!r} {fault}")


def _faults(item: AnyProcedure) -> Iterator[str]:
    yield from item.faults
    if not _NAME.fullmatch(item.name):
        yield "is not named noun.verb in lower case"
    if not item.summary:
        yield "has no description: write a docstring for its callers"
    if item.public == bool(item.scopes):
        yield "must either name scopes or be public"
    for scope in item.scopes:
        if scope not in SCOPES:
            yield f"names the unknown scope {scope!r}: declare it in app/core/scopes.py"
    if item.destructive and not item.writes:
        yield "is destructive but does not write"
    if not item.channels:
        yield "is offered on no channel"
