"""The client of a protocol request, read by one query and without the ORM."""

import hmac
from dataclasses import dataclass

from authlib.oauth2.rfc6749 import ClientMixin
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import credentials, scopes
from app.core.credentials import Prefix
from app.models import redirect_uri
from app.models.client import Client, ClientSecret, Source
from app.models.user import User

SECRET_METHODS = ("client_secret_basic", "client_secret_post")

_KNOWN = (
    select(
        Client.id,
        Client.client_id,
        Client.name,
        Client.description,
        Client.source,
        Client.is_public,
        Client.token_endpoint_auth_method,
        Client.redirect_uris,
        Client.grant_types,
        Client.scopes,
        User.name,
    )
    .outerjoin(User, User.id == Client.owner_id)
    .where(Client.revoked_at.is_(None))
)


@dataclass(frozen=True, slots=True)
class KnownClient(ClientMixin):
    """A client that is registered and not revoked."""

    key: int
    client_id: str
    name: str
    description: str
    source: Source
    is_public: bool
    auth_method: str
    redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    scopes: frozenset[str]
    publisher: str | None

    def check_redirect_uri(self, redirect_uri_: str) -> bool:
        """Tell whether the browser may be sent there (RFC 9700 §2.1)."""
        return any(redirect_uri.matches(uri, redirect_uri_) for uri in self.redirect_uris)

    def check_grant_type(self, grant_type: str) -> bool:
        """Tell whether the client was registered for a grant type."""
        return grant_type in self.grant_types

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        """Tell whether the client may authenticate so (RFC 7591 §2)."""
        if self.is_public or method not in SECRET_METHODS:
            return self.is_public and method == "none"
        return self.auth_method in ("", method)


def find(session: Session, client_id: str) -> KnownClient | None:
    """Give the client with this id; None where there is none, or it is revoked."""
    row = session.execute(_KNOWN.where(Client.client_id == client_id)).one_or_none()
    if row is None:
        return None
    *plain, uris, grant_types, allowed, publisher = row
    key, public_id, name, description, source, is_public, auth_method = plain
    return KnownClient(
        key=key,
        client_id=public_id,
        name=name,
        description=description,
        source=Source(source),
        is_public=is_public,
        auth_method=auth_method,
        redirect_uris=tuple(uris),
        grant_types=tuple(grant_types),
        scopes=scopes.parse(allowed),
        publisher=publisher,
    )


def is_secret_of(session: Session, client: KnownClient, secret: str) -> bool:
    """Tell whether this is one of the client's secrets; compared in constant time."""
    if not credentials.is_well_formed(secret, Prefix.CLIENT_SECRET):
        return False
    given = credentials.digest(secret)
    known = session.scalars(
        select(ClientSecret.digest).where(ClientSecret.client_key == client.key)
    )
    # Every one is compared, whichever fits.
    return sum(hmac.compare_digest(given, digest) for digest in known) > 0
