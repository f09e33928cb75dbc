"""Which apps have a name to protect, and which clients carry a name like theirs."""

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from app.core.statement import Statement, Transaction
from app.models import client_name
from app.models.client import Client, Source
from app.models.client_name import TrustedApp
from app.oauth.client import KnownClient
from app.oauth.client_metadata import ClientMetadata
from app.oauth.errors import InvalidClientMetadata

_TRUSTED = Statement(
    select(Client.name, Client.redirect_uris, Client.is_public).where(
        or_(Client.is_verified, Client.source == bindparam("built_in")),
        Client.revoked_at.is_(None),
        Client.client_id != bindparam("client_id"),
    )
)


def check_name(session: Session, metadata: ClientMetadata, client: Client | None) -> None:
    """Check the name that a client gives itself; `client` is the one that is registered already.

    A name that a client has had since before another app was verified stays: the consent page
    warns of it.

    Raises:
        InvalidClientMetadata: people would take it for an app that somebody checked.
    """
    name = metadata.client_name
    if not name or (client is not None and client.name == name):
        return
    try:
        client_name.check(name)
    except ValueError as fault:
        raise InvalidClientMetadata(f"client_name: {fault}") from fault
    own_id = client.client_id if client is not None else ""
    if client_name.imitates(name, metadata.redirect_uris, _trusted_apps(session, own_id)):
        raise InvalidClientMetadata(
            "client_name: A verified app has this name or one that looks like it. "
            "Choose another name."
        )


def is_misleading(session: Transaction, client: KnownClient) -> bool:
    """Whether a client that nobody vouches for has a name that people would trust."""
    if client.is_verified or client.is_first_party or client.source in _BY_ADMINS:
        return False
    apps = _trusted_apps(session, client.client_id)
    return client_name.is_misleading(client.name, client.redirect_uris, apps)


_BY_ADMINS = frozenset({Source.ADMIN, Source.BUILT_IN})


def _trusted_apps(session: Transaction, except_client_id: str) -> list[TrustedApp]:
    rows = _TRUSTED.rows(session, built_in=Source.BUILT_IN, client_id=except_client_id)
    return [TrustedApp(*row) for row in rows]
