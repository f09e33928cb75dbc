"""Row-level security: binding a database session to a principal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from sqlalchemy.orm import Session

from app.core.principal import Principal
from app.core.rule import Circle

ACTING = "latchkey_acting"


@dataclass(frozen=True, slots=True)
class Acting:
    """The principal as the database sees it: a user, their circles, and the call's scopes."""

    user_id: int | None = None
    scopes: frozenset[str] = frozenset()
    organizations: frozenset[int] = frozenset()
    managed: frozenset[int] = frozenset()
    teams: frozenset[int] = frozenset()

    @classmethod
    def of(cls, principal: Principal, scopes: frozenset[str]) -> Self:
        """Give a principal as they call a procedure that names these scopes."""
        return cls(
            principal.user_id,
            scopes & principal.scopes,
            principal.organizations,
            principal.managed,
            principal.teams,
        )

    def circle(self, circle: Circle) -> frozenset[int]:
        """Give the ids of what the principal belongs to."""
        ids: frozenset[int] = getattr(self, circle.value)
        return ids


NOBODY = Acting()


@contextmanager
def acting_as(session: Session, principal: Principal, scopes: frozenset[str]) -> Iterator[None]:
    """Run a transaction in which only the principal's rows exist.

    `scopes` are those that the procedure names: holding `tasks:viewAll` opens every row to the
    procedure that asks for it, and to no other.
    """
    with session.begin():
        info = session.connection().info
        info[ACTING] = acting = Acting.of(principal, scopes)
        try:
            yield
            # Changes are flushed while the principal still stands, not by the commit after it.
            session.flush()
        finally:
            # A session that was closed early has given its connection to somebody else by now.
            if info.get(ACTING) is acting:
                info[ACTING] = NOBODY
