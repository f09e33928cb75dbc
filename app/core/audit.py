"""What the road writes down about a call."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core.principal import Channel

ALLOWED = "allowed"


@dataclass(frozen=True, slots=True)
class Event:
    """Who did what, through which client, to which row, and with what outcome.

    `at` is in seconds since the epoch; `outcome` is "allowed" or the code of the refusal.
    """

    at: int
    action: str
    outcome: str
    channel: Channel
    user_id: int | None
    client_id: str | None
    subject: str | None = None


Record = Callable[[Session, Event], None]
