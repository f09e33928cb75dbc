"""What the operator does with clients and tokens, from the command line, without a person."""

from typing import Any

from sqlalchemy import Engine, select, update

from app.core import scopes
from app.core.errors import InvalidInput, NotFound
from app.core.system import acting_as_system
from app.models.client import Client, Source
from app.models.user import User
from app.oauth import families, tokens
from app.oauth.client import find
from app.oauth.families import Authorization
from app.oauth.tokens import NewToken
from app.procedures.clients import NewClient, beyond_trust, register


def create_client(
    engine: Engine,
    given: NewClient,
    *,
    allowed: frozenset[str],
    owner: str | None,
    now: int,
    is_trusted: bool = False,
) -> dict[str, Any]:
    """Create a client; give its id, and its secret for the only time.

    `allowed` is what it may ask for; nothing named means all that it can be granted: a trusted
    client can be granted the scopes of admins, too.

    Raises:
        InvalidInput: no client may ask for a scope, or only one that is trusted.
        NotFound: there is no such owner.
    """
    if is_trusted and not allowed:
        allowed = frozenset(scopes.grantable(is_trusted=True))
    if beyond := beyond_trust(allowed, is_trusted=is_trusted):
        whom, cure = (
            ("No client", "") if is_trusted else ("Only a trusted client", " Add --trusted.")
        )
        raise InvalidInput(f"{whom} may ask for {beyond}.{cure}")
    with acting_as_system(engine, "create a client") as session:
        owner_id = session.scalar(select(User.id).where(User.email == owner)) if owner else None
        if owner and owner_id is None:
            raise NotFound(f"There is no user {owner!r}.")
        source = Source.USER if owner else Source.ADMIN
        client, secret = register(session, given, source=source, owner_id=owner_id, now=now)
        client.is_trusted = is_trusted
        if allowed:
            client.chosen_scopes = client.scope_bound = scopes.render(allowed)
        made = {"client_id": client.client_id, "redirect_uris": client.redirect_uris}
        return made | ({"client_secret": secret} if secret else {})


def all_clients(engine: Engine) -> list[tuple[str, str, str, str]]:
    """Give id, name, source and state of each client."""
    with acting_as_system(engine, "list the clients") as session:
        rows = session.execute(
            select(
                Client.client_id, Client.name, Client.source, Client.revoked_at, Client.banned_at
            ).order_by(Client.id)
        )
        return [
            (client_id, name, source, "revoked" if revoked else "banned" if banned else "active")
            for client_id, name, source, revoked, banned in rows
        ]


def revoke_client(engine: Engine, client_id: str, now: int) -> None:
    """Revoke a client: from the next request on its tokens and its secret are refused.

    Raises:
        NotFound: there is no such client that counts.
    """
    with acting_as_system(engine, "revoke a client") as session:
        revoked = session.execute(
            update(Client)
            .where(Client.client_id == client_id, Client.revoked_at.is_(None))
            .values(revoked_at=now)
            .returning(Client.id)
        ).one_or_none()
    if revoked is None:
        raise NotFound(f"There is no client {client_id!r}, or it is revoked already.")


def mint_token(
    engine: Engine,
    *,
    client_id: str,
    email: str,
    granted: frozenset[str],
    now: int,
    resource: str | None = None,
) -> dict[str, object]:
    """Issue an access token without the person, for scripts and tests.

    Raises:
        NotFound: there is no such client, or no such user.
        InvalidInput: the client may not ask for one of the scopes.
    """
    with acting_as_system(engine, "mint a token") as session:
        client = find(session, client_id)
        user_id = session.scalar(select(User.id).where(User.email == email))
        if client is None or user_id is None:
            raise NotFound(
                "There is no such client." if client is None else "There is no such user."
            )
        if excess := granted - client.scopes:
            cure = ""
            if excess & frozenset(scopes.ADMIN):
                cure = " Trust it first, at its rules under /admin/oauth-clients."
            raise InvalidInput(f"The client may not ask for {scopes.render(excess)}.{cure}")
        authorization = Authorization(user_id, client.key, granted, resource)
        family_id = families.open_family(session, authorization, now)
        lasts = client.lifetimes.access_token
        minted = NewToken(scopes.render(granted), resource, None, lasts)
        token = tokens.issue_access_token(session, family_id, minted, now)
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": lasts,
        "scope": scopes.render(granted),
    }
