"""What waits for a person's decision, between the page that asks and the form that answers."""

from typing import Any

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from app.core import credentials
from app.core.errors import Conflict
from app.core.principal import Principal
from app.models.grant import ConsentRequest

# Seconds.
LASTS = 600


def keep(session: Session, principal: Principal, kind: str, what: Any, now: int) -> str:  # noqa: ANN401 - any JSON
    """Give the id under which something of this kind waits for the person."""
    consent_id = credentials.identifier()
    mine = ConsentRequest.user_id == principal.user_id
    session.execute(delete(ConsentRequest).where(mine, ConsentRequest.expires_at <= now))
    session.execute(
        insert(ConsentRequest).values(
            id=consent_id,
            user_id=principal.user_id,
            parameters={kind: what},
            expires_at=now + LASTS,
        )
    )
    return consent_id


def take(session: Session, consent_id: str, principal: Principal, kind: str, now: int) -> Any:  # noqa: ANN401 - any JSON
    """Give what waited under an id; it does so once.

    Raises:
        Conflict: it is over, decided, of another kind, or another person's.
    """
    kept = session.scalar(
        update(ConsentRequest)
        .where(
            ConsentRequest.id == consent_id,
            ConsentRequest.user_id == principal.user_id,
            ConsentRequest.decided_at.is_(None),
            ConsentRequest.expires_at > now,
        )
        .values(decided_at=now)
        .returning(ConsentRequest.parameters)
    )
    if kept is None or kind not in kept:
        raise Conflict("This was decided already, or is too old. Start again from the app.")
    return kept[kind]
