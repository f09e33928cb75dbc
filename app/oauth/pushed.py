"""Authorization requests that a client pushes ahead of the browser (RFC 9126)."""

import secrets
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.core import credentials
from app.core.resource import Resources
from app.models.grant import PushedRequest
from app.oauth import purge
from app.oauth.authorization import PARAMETERS, PREFIX, redirect_uri_of, validated
from app.oauth.client import KnownClient
from app.oauth.errors import InvalidRequestUri
from app.oauth.sent import Sent, TokenRequest

# Seconds: as long as a person may take to sign in.
LASTS = 600


def push(request: TokenRequest, resources: Resources) -> dict[str, Any]:
    """Keep a request that the authorization endpoint would take; give its `request_uri`.

    Raises:
        OAuth2Error: the authorization endpoint would refuse it (RFC 9126 §2.3).
    """
    if request.optional("request_uri") is not None:
        raise InvalidRequestError("A pushed request cannot stand for another: request_uri.")
    parameters = {k: v for k, v in request.given.items() if k in PARAMETERS}
    if request.jkt is not None and parameters.setdefault("dpop_jkt", request.jkt) != request.jkt:
        raise InvalidRequestError("The dpop_jkt is not the key that the DPoP header proves.")
    sent = Sent(parameters, frozenset())
    validated(resources, sent, request.client, redirect_uri_of(request.client, sent))
    purge.clean_as_you_go(request.session, purge.PUSHED_TWICE, request.now)
    reference = secrets.token_urlsafe(32)
    request.session.execute(
        insert(PushedRequest).values(
            digest=credentials.digest(reference),
            client_key=request.client.key,
            parameters=parameters,
            expires_at=request.now + LASTS,
        )
    )
    return {"request_uri": PREFIX + reference, "expires_in": LASTS}


def resolved(session: Session, sent: Sent, client: KnownClient, now: int) -> Sent:
    """Give the request that a `request_uri` of ours stands for; any other is what it is.

    Raises:
        InvalidRequestUri: it is unknown, over, used, or another client's (RFC 9126 §4).
    """
    request_uri = sent.values.get("request_uri")
    if request_uri is None or not request_uri.startswith(PREFIX):
        return sent
    parameters = session.scalar(
        select(PushedRequest.parameters).where(
            PushedRequest.digest == _digest(request_uri),
            PushedRequest.client_key == client.key,
            PushedRequest.expires_at > now,
        )
    )
    if parameters is None or "request_uri" in sent.repeated:
        raise InvalidRequestUri("The request_uri is unknown, or was used. Start again.")
    return Sent({**parameters, "request_uri": request_uri}, frozenset())


def use_up(session: Session, request_uri: str) -> bool:
    """Let a request that was answered be answered once; tell whether it was not yet."""
    gone = delete(PushedRequest).where(PushedRequest.digest == _digest(request_uri))
    return session.execute(gone.returning(PushedRequest.digest)).one_or_none() is not None


def _digest(request_uri: str) -> bytes:
    return credentials.digest(request_uri.removeprefix(PREFIX))
