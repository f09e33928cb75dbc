"""What the authorization server writes into the audit trail."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.audit import ALLOWED, Event
from app.core.principal import Channel, Principal
from app.models.audit import record
from app.models.grant import Family, Grant
from app.oauth.sent import TokenRequest


def note(request: TokenRequest, action: str, family_id: int) -> None:
    """Write down what a client did with a family's code or token, and that it was refused."""
    user_id = request.session.scalar(
        select(Grant.user_id)
        .join(Family, Family.grant_id == Grant.id)
        .where(Family.id == family_id)
    )
    event = Event(
        at=request.now,
        action=action,
        outcome="refused",
        channel=Channel.API,
        user_id=user_id,
        client_id=request.client.client_id,
        subject=f"family {family_id}",
    )
    record(request.session, event)


def note_decision(
    session: Session, principal: Principal, client_id: str, *, allowed: bool, now: int
) -> None:
    """Write down what a person decided about a client's request."""
    event = Event(
        at=now,
        action="oauth.consent",
        outcome=ALLOWED if allowed else "access_denied",
        channel=Channel.BROWSER,
        user_id=principal.user_id,
        client_id=client_id,
        subject=client_id,
    )
    record(session, event)
