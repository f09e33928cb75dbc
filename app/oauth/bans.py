"""Refusing clients whose host an admin has banned, before they are registered or authorized."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.statement import Transaction
from app.models.banned_host import BannedHost, candidates, hosts_of
from app.models.client import SELF_DESCRIBED
from app.oauth.client import KnownClient


def banned_host(
    session: Transaction, redirect_uris: Iterable[str], client_id: str = ""
) -> str | None:
    """Return the banned host that a client belongs to, if there is one."""
    names = candidates(hosts_of(client_id, redirect_uris))
    if not names:
        return None
    host = session.scalar(select(BannedHost.host).where(BannedHost.host.in_(names)).limit(1))
    return None if host is None else str(host)


def is_banned(session: Session, client: KnownClient) -> bool:
    """Whether a ban applies to a client that has no mark of it.

    A registration and a ban that commit at the same moment do not see each other.
    """
    return client.source in SELF_DESCRIBED and (
        banned_host(session, client.redirect_uris, client.client_id) is not None
    )
