"""Row-level security: binding a database session to a principal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core.principal import Principal

ACTING = "latchkey_acting"


@dataclass(frozen=True, slots=True)
class Acting:
    """The principal as the database sees it: a user, and the scopes that this call acts with."""

    user_id: int | None = None
    scopes: frozenset[str] = frozenset()


NOBODY = Acting()


@contextmanager
def acting_as(session: Session, principal: Principal, scopes: frozenset[str]) -> Iterator[None]:
    """Run a transaction in which only the principal's rows exist.

    `scopes` are those that the procedure names: holding `tasks:viewAll` opens every row to the
    procedure that asks for it, and to no other.
    """
    with session.begin():
        info = session.connection().info
        info[ACTING] = acting = Acting(principal.user_id, scopes & principal.scopes)
        try:
            yield
            # Changes are flushed while the principal still stands, not by the commit after it.
            session.flush()
        finally:
            # A session that was closed early has given its connection to somebody else by now.
            if info.get(ACTING) is acting:
                info[ACTING] = NOBODY
