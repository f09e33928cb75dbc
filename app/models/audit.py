"""The audit trail: written by the road, changed by nobody."""

from sqlalchemy import BigInteger, Connection, String, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.audit import Event
from app.core.policy import rows
from app.core.rule import Own
from app.extensions import Model


class AuditEvent(Model):
    """One event. It names people and clients by id and outlives them."""

    __tablename__ = "audit_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger, index=True)
    action: Mapped[str] = mapped_column(String(80))
    outcome: Mapped[str] = mapped_column(String(40))
    channel: Mapped[str] = mapped_column(String(10))
    user_id: Mapped[int | None] = mapped_column(index=True)
    client_id: Mapped[str | None] = mapped_column(String(500), index=True)
    subject: Mapped[str | None] = mapped_column(String(500))


# Whoever acts leaves a trace in their own name; no procedure reads the trail.
AUDIT_ROWS = rows(insert=Own("user_id"))


def record(within: Session | Connection, event: Event) -> None:
    """Add an event to the trail, within a transaction."""
    within.execute(
        # Inline: what is written need not be seen by who wrote it.
        insert(AuditEvent)
        .inline()
        .values(
            at=event.at,
            action=event.action,
            outcome=event.outcome,
            channel=event.channel,
            user_id=event.user_id,
            client_id=event.client_id,
            subject=event.subject,
        )
    )
