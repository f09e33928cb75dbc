"""The client of a protocol request, read by one query and without the ORM."""

import hmac
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin
from sqlalchemy import bindparam, or_, select, update

from app.core import credentials, scopes
from app.core.credentials import Prefix
from app.core.statement import Found, Statement, Transaction
from app.models import redirect_uri
from app.models.client import SELF_DESCRIBED, Client, ClientSecret, Source
from app.models.user import User
from app.oauth import lifetimes
from app.oauth.lifetimes import Lifetimes

PRIVATE_KEY_JWT = "private_key_jwt"
# Where users register an app of their own.
NEW_APP_PATH = "/settings/oauth-apps/new"
SECRET_METHODS = ("client_secret_basic", "client_secret_post")
ABOUT_TOKENS = frozenset({"revocation", "introspection"})
# Seconds.
_NOTED_EVERY = 60

_KNOWN = Statement(
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
        Client.chosen_scopes.label("chosen_scopes"),
        Client.scope_bound,
        Client.is_trusted,
        Client.default_scopes,
        User.name.label("publisher"),
        Client.owner_id,
        Client.client_uri,
        Client.jwks,
        Client.jwks_uri,
        Client.post_logout_redirect_uris,
        Client.required_scopes,
        Client.is_first_party,
        Client.is_verified,
        Client.is_pkce_exempt,
        Client.id_token_signed_response_alg,
        Client.dpop_bound_access_tokens,
        Client.access_token_lasts,
        Client.refresh_token_idles,
        Client.refresh_token_lasts,
        Client.code_lasts,
        Client.device_code_lasts,
    )
    .outerjoin(User, User.id == Client.owner_id)
    .where(
        Client.client_id == bindparam("client_id"),
        Client.revoked_at.is_(None),
        Client.banned_at.is_(None),
    )
)
_SECRETS = Statement(
    select(ClientSecret.id, ClientSecret.last_used_at, ClientSecret.digest).where(
        ClientSecret.client_key == bindparam("client_key"),
        or_(ClientSecret.expires_at.is_(None), ClientSecret.expires_at > bindparam("now")),
    )
)


@dataclass(frozen=True, slots=True)
class KnownClient(ClientMixin):
    """A client that is registered, and neither revoked nor banned."""

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
    default_scopes: frozenset[str]
    publisher: str | None
    owner_id: int | None
    client_uri: str | None
    jwks: dict[str, Any] | None
    jwks_uri: str | None
    post_logout_redirect_uris: tuple[str, ...]
    required_scopes: frozenset[str]
    is_first_party: bool
    is_verified: bool
    is_pkce_exempt: bool
    id_token_alg: str
    dpop_bound: bool
    lifetimes: Lifetimes

    @property
    def needs_pkce(self) -> bool:
        """Whether each authorization request needs a code challenge (RFC 9700 §2.1.1).

        Whatever an admin has set: nobody knows that a public client, or one that anybody can
        register, checks the nonce.
        """
        return not self.is_pkce_exempt or self.is_public or self.source in SELF_DESCRIBED

    def check_redirect_uri(self, redirect_uri_: str) -> bool:
        """Tell whether the browser may be sent there (RFC 9700 §2.1)."""
        if self.source is Source.BUILT_IN:
            # A page of this server: on another loopback port (RFC 8252 §7.3) is another program.
            return redirect_uri_ in self.redirect_uris
        return any(redirect_uri.matches(uri, redirect_uri_) for uri in self.redirect_uris)

    def check_grant_type(self, grant_type: str) -> bool:
        """Tell whether the client was registered for a grant type."""
        return grant_type in self.grant_types

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Tell whether the client may authenticate so.

        The registered method binds the token endpoint (RFC 7591 §2). At the endpoints about
        tokens either way to send a secret is right: a library that knows one of them only
        would leave a token alive that its user wants to revoke.
        """
        if PRIVATE_KEY_JWT in (method, self.auth_method):
            # Who signs has no secret that could do in its place.
            return method == self.auth_method
        if self.is_public or method not in SECRET_METHODS:
            return self.is_public and method == "none"
        return endpoint in ABOUT_TOKENS or self.auth_method in ("", method)


def find(session: Transaction, client_id: str) -> KnownClient | None:
    """Give the client with this id; None where there is none, or it is revoked or banned."""
    return _KNOWN.made(_known, session, client_id=client_id)


def usable_scopes(allowed: frozenset[str], grant_types: Container[str]) -> frozenset[str]:
    """Return the scopes that mean something to a client with these grant types.

    OpenID Connect Core §11: offline_access asks for a refresh token, so a client that gets none
    must not be told, nor its user, that it has the scope.
    """
    return allowed if "refresh_token" in grant_types else allowed - {"offline_access"}


def _known(row: Found) -> KnownClient:
    allowed = scopes.allowed(row.chosen_scopes, row.scope_bound, is_trusted=row.is_trusted)
    allowed = usable_scopes(allowed, row.grant_types)
    by_default = scopes.parse(row.default_scopes) or frozenset(scopes.BASIC)
    return KnownClient(
        key=row.id,
        client_id=row.client_id,
        name=row.name,
        description=row.description,
        source=Source(row.source),
        is_public=row.is_public,
        auth_method=row.token_endpoint_auth_method,
        redirect_uris=tuple(row.redirect_uris),
        grant_types=tuple(row.grant_types),
        scopes=allowed,
        default_scopes=allowed & by_default,
        publisher=row.publisher,
        owner_id=row.owner_id,
        client_uri=row.client_uri,
        jwks=row.jwks,
        jwks_uri=row.jwks_uri,
        post_logout_redirect_uris=tuple(row.post_logout_redirect_uris),
        required_scopes=scopes.parse(row.required_scopes),
        is_first_party=row.is_first_party,
        is_verified=row.is_verified,
        is_pkce_exempt=row.is_pkce_exempt,
        id_token_alg=row.id_token_signed_response_alg,
        dpop_bound=row.dpop_bound_access_tokens,
        lifetimes=lifetimes.of(
            row.access_token_lasts,
            row.refresh_token_idles,
            row.refresh_token_lasts,
            row.code_lasts,
            row.device_code_lasts,
        ),
    )


@dataclass(frozen=True, slots=True)
class KnownSecret:
    """The secret that a client presented; `used_at` is when it last did, as noted."""

    id: int
    used_at: int | None


def secret_of(
    session: Transaction, client: KnownClient, secret: str, now: int
) -> KnownSecret | None:
    """Give the live secret of the client that this is; compared in constant time."""
    if not credentials.is_well_formed(secret, Prefix.CLIENT_SECRET):
        return None
    given = credentials.digest(secret)
    known = _SECRETS.rows(session, client_key=client.key, now=now)
    # Every one is compared, whichever fits.
    fitting = [row for row in known if hmac.compare_digest(given, row.digest)]
    return KnownSecret(fitting[0].id, fitting[0].last_used_at) if fitting else None


def note_use(session: Transaction, secret: KnownSecret, now: int) -> None:
    """Write down that a secret is in use; once a minute, or it is the load."""
    if secret.used_at is None or secret.used_at <= now - _NOTED_EVERY:
        session.execute(
            update(ClientSecret).where(ClientSecret.id == secret.id).values(last_used_at=now)
        )
