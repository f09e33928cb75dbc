"""Clients that register themselves, and manage their registration (RFC 7591, RFC 7592)."""

import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from authlib.oauth2 import OAuth2Error
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from app.core import credentials, scopes
from app.core.credentials import Prefix
from app.core.resource import Resources
from app.core.system import acting_as_system
from app.models.client import Client, Source
from app.models.signing import REGISTRATION, Switch
from app.oauth.bans import banned_host
from app.oauth.client import SECRET_METHODS, find, secret_of, usable_scopes
from app.oauth.client_metadata import ClientMetadata, metadata_in, without_omitted
from app.oauth.errors import InvalidClientMetadata, InvalidRedirectUri, RegistrationClosed
from app.oauth.impersonation import check_name
from app.procedures.clients import NewClient, add_secret, bounded, new_client, say


class RegistrationTokenRefused(OAuth2Error):
    """The registration access token does not open this registration (RFC 7592 §2)."""

    error = "invalid_token"
    status_code = 401


class Registration:
    """The registration endpoint of one deployment."""

    def __init__(
        self,
        engine: Engine,
        resources: Resources,
        *,
        is_open: bool,
        now: Callable[[], float] = time.time,
        rules: Mapping[str, Any] | None = None,
    ) -> None:
        # Whether the operator lets them.
        self.is_allowed = is_open
        # What the validators of metadata depend on in this deployment.
        self._rules = rules
        self._resources = resources
        self._engine = engine
        self._now = now

    def is_open(self) -> bool:
        """Tell whether clients may register: neither the operator nor an admin has closed it."""
        switched = select(Switch.is_on).where(Switch.name == REGISTRATION)
        with acting_as_system(self._engine, "read a switch", reads=True) as session:
            return self.is_allowed and session.scalar(switched) is not False

    def register(self, content_type: str, body: bytes) -> dict[str, Any]:
        """Register the client that a JSON body describes; give its information (RFC 7591 §3.2.1).

        Public clients that say the same are the same client. Whoever registers one again is told
        so by its id; from then on nobody manages it, for others rely on what it says.

        Raises:
            OAuth2Error: registration is closed, or the metadata will not do.
        """
        if not self.is_open():
            raise RegistrationClosed("This server lets no client register itself. Ask an admin.")
        _check_type(content_type)
        metadata = self.parse(body)
        with acting_as_system(self._engine, "register a client") as session:
            _check_hosts(session, metadata)
            known = _same(session, metadata) if metadata.kind == "public" else None
            if known is not None:
                known.registration_digest = None
                return _information(known)
            check_name(session, metadata, None)
            return self._made(session, metadata)

    def parse(self, body: bytes) -> ClientMetadata:
        """Return the metadata in a JSON body, by the rules of this deployment.

        Raises:
            OAuth2Error: a member will not do.
        """
        return metadata_in(body, self._rules)

    def read(self, client_id: str, token: str | None) -> dict[str, Any]:
        """Give a client's information, without its secret: only its hash is kept (RFC 7592 §2.1).

        Raises:
            RegistrationTokenRefused: the token is not that of this client.
        """
        with acting_as_system(self._engine, "read a registration", reads=True) as session:
            return self._managed(_opened(session, client_id, token), token)

    def replace(
        self, client_id: str, token: str | None, content_type: str, body: bytes
    ) -> dict[str, Any]:
        """Let other metadata take the place of a client's (RFC 7592 §2.2).

        Raises:
            OAuth2Error: the token is not that of this client, or the metadata will not do.
        """
        with acting_as_system(self._engine, "open a registration", reads=True) as session:
            _opened(session, client_id, token)
        _check_type(content_type)
        metadata = self.parse(body)
        _check_same_client(body, client_id)
        with acting_as_system(self._engine, "replace a registration") as session:
            client = _opened(session, client_id, token)
            _check_secret(session, client_id, body, int(self._now()))
            if _proof(metadata.auth_method) != _proof(client.token_endpoint_auth_method):
                raise InvalidClientMetadata("A client goes on to prove itself as it did.")
            if client.is_public and _same(session, metadata) not in (None, client):
                raise InvalidClientMetadata("Another client says the same: register as that one.")
            _check_hosts(session, metadata)
            check_name(session, metadata, client)
            describe(client, metadata)
            return self._managed(client, token)

    def remove(self, client_id: str, token: str | None) -> None:
        """Delete a client, with everything that people allowed it (RFC 7592 §2.3).

        Raises:
            RegistrationTokenRefused: the token is not that of this client.
        """
        with acting_as_system(self._engine, "delete a registration") as session:
            session.delete(_opened(session, client_id, token))

    def _made(self, session: Session, metadata: ClientMetadata) -> dict[str, Any]:
        now, token = int(self._now()), credentials.issue(Prefix.REGISTRATION_TOKEN)
        described = NewClient.model_construct(
            name=metadata.name,
            redirect_uris=metadata.redirect_uris,
            description="",
            kind=metadata.kind,
        )
        source = Source.REGISTRATION
        client = new_client(session, described, source=source, owner_id=None, now=now)
        describe(client, metadata)
        client.registration_digest = credentials.digest(token)
        has_secret = metadata.auth_method in SECRET_METHODS
        secret = add_secret(session, client, now) if has_secret else None
        made = self._managed(client, token)
        if secret is not None:
            # 0: it does not expire. Never a null member: some clients refuse the whole answer.
            made |= {"client_secret": secret, "client_secret_expires_at": 0}
        return made

    def _managed(self, client: Client, token: str | None) -> dict[str, Any]:
        return _information(client) | {
            "registration_access_token": token,
            "registration_client_uri": self._resources.url(f"/oauth/register/{client.client_id}"),
        }


def _opened(session: Session, client_id: str, token: str | None) -> Client:
    """Give the client that a token manages; a wrong token and an unknown client are the same."""
    client = session.scalars(
        select(Client).where(
            Client.client_id == client_id,
            Client.revoked_at.is_(None),
            Client.banned_at.is_(None),
        )
    ).one_or_none()
    given = credentials.digest(token or "")
    kept = client.registration_digest if client else None
    if client is None or kept is None or not hmac.compare_digest(given, kept):
        raise RegistrationTokenRefused("The registration access token does not open this.")
    return client


def _same(session: Session, metadata: ClientMetadata) -> Client | None:
    """Give the client that says the same; one that is revoked stands in nobody's way."""
    known = session.scalars(
        select(Client).where(Client.metadata_digest == metadata.digest())
    ).one_or_none()
    if known is None or known.revoked_at is None:
        return known
    known.metadata_digest = None
    session.flush()
    return None


def describe(client: Client, metadata: ClientMetadata) -> None:
    """Let a client be what its metadata say."""
    say(
        client,
        name=metadata.name,
        redirect_uris=metadata.redirect_uris,
        client_uri=metadata.client_uri,
        post_logout_redirect_uris=metadata.post_logout_redirect_uris,
    )
    client.is_public = metadata.kind == "public"
    client.token_endpoint_auth_method = metadata.auth_method
    client.jwks = metadata.jwks
    client.jwks_uri = metadata.jwks_uri
    client.grant_types = metadata.grant_types
    # A client of MCP's names the scopes that it knows of, and asks for more when it is told to
    # (step-up). So what it names is what it gets by default, and no bound.
    client.default_scopes = metadata.wanted
    allowed = frozenset(scopes.grantable(is_trusted=client.is_trusted))
    client.scopes = bounded(client.scope_bound, allowed)
    client.id_token_signed_response_alg = metadata.id_token_signed_response_alg
    client.dpop_bound_access_tokens = metadata.dpop_bound_access_tokens
    is_shared = metadata.kind == "public" and client.source == Source.REGISTRATION
    client.metadata_digest = metadata.digest() if is_shared else None


def _proof(auth_method: str) -> str:
    """Give what a client shows, which it cannot change: the two ways to send a secret are one."""
    return "a secret" if auth_method in SECRET_METHODS else auth_method


def _check_hosts(session: Session, metadata: ClientMetadata) -> None:
    if host := banned_host(session, metadata.redirect_uris):
        raise InvalidRedirectUri(f"redirect_uris: An admin has banned the host {host}.")


def _check_type(content_type: str) -> None:
    if content_type != "application/json":
        raise InvalidClientMetadata("Send the metadata as application/json.")


def _check_same_client(body: bytes, client_id: str) -> None:
    """RFC 7592 §2.2: what is replaced is named."""
    if json.loads(body).get("client_id") != client_id:
        raise InvalidClientMetadata("client_id: must be the one of this registration.")


def _check_secret(session: Session, client_id: str, body: bytes, now: int) -> None:
    """RFC 7592 §2.2: a client may say what its secret is, and cannot choose another."""
    said = without_omitted(json.loads(body)).get("client_secret")
    client = find(session, client_id)
    if said is None or client is None:
        return
    if not isinstance(said, str) or secret_of(session, client, said, now) is None:
        raise InvalidClientMetadata("client_secret: is not one that this client has.")


def _information(client: Client) -> dict[str, Any]:
    trusted = scopes.within_trust(scopes.parse(client.scopes), is_trusted=client.is_trusted)
    allowed = usable_scopes(trusted, client.grant_types)
    information = {
        "client_id": client.client_id,
        "client_id_issued_at": client.created_at,
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "grant_types": client.grant_types,
        "response_types": ["code"] if "authorization_code" in client.grant_types else [],
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "scope": scopes.render(allowed & scopes.parse(client.default_scopes) or allowed),
        "id_token_signed_response_alg": client.id_token_signed_response_alg,
        "dpop_bound_access_tokens": client.dpop_bound_access_tokens,
    }
    for member in ("jwks", "jwks_uri", "client_uri"):
        if getattr(client, member) is not None:
            information[member] = getattr(client, member)
    if client.post_logout_redirect_uris:
        information["post_logout_redirect_uris"] = client.post_logout_redirect_uris
    return information
