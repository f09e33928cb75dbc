"""How a client proves who it is at the token and revocation endpoints (RFC 6749 §2.3)."""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError
from sqlalchemy.orm import Session

from app.oauth.client import SECRET_METHODS, KnownClient, KnownSecret, find, secret_of

METHODS = (*SECRET_METHODS, "none")


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A client that has proved who it is, and the secret that it did so with, if any."""

    client: KnownClient
    secret: KnownSecret | None = None


def client_of(
    session: Session, authorization: str | None, form: Mapping[str, str], now: int
) -> Authenticated:
    """Give the client that a request authenticates.

    Raises:
        InvalidRequestError: it uses two methods, or names two clients (RFC 6749 §2.3).
        InvalidClientError: unknown client, wrong secret, or a method that is not its own.
    """
    method, client_id, secret = _presented(authorization, form)
    client = find(session, client_id)
    if client is None or not client.check_endpoint_auth_method(method, "token"):
        raise _refused()
    if secret is None:
        return Authenticated(client)
    known = secret_of(session, client, secret, now)
    if known is None:
        raise _refused()
    return Authenticated(client, known)


def _presented(authorization: str | None, form: Mapping[str, str]) -> tuple[str, str, str | None]:
    """Give method, client id and secret."""
    if authorization is not None:
        if "client_secret" in form:
            raise InvalidRequestError("Authenticate the client in one way, not in two.")
        client_id, secret = _basic(authorization)
        if form.get("client_id", client_id) != client_id:
            raise InvalidRequestError("The request names two clients.")
        return "client_secret_basic", client_id, secret
    client_id = form.get("client_id", "")
    if "client_secret" in form:
        return "client_secret_post", client_id, form["client_secret"]
    return "none", client_id, None


def _basic(authorization: str) -> tuple[str, str]:
    """Give client id and secret of a Basic header; each is form-encoded (RFC 6749 §2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise _refused()
        pair = b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise _refused() from error
    client_id, _, secret = pair.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


def _refused() -> InvalidClientError:
    # One answer for all: it must not tell which clients exist.
    return InvalidClientError("Client authentication failed.", status_code=401)
