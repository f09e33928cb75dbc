"""How a client proves who it is at the token and revocation endpoints (RFC 6749 §2.3)."""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError

from app.core.statement import Transaction
from app.oauth.assertion import TYPE, Assertions, claimed_client
from app.oauth.client import (
    PRIVATE_KEY_JWT,
    SECRET_METHODS,
    KnownClient,
    KnownSecret,
    find,
    secret_of,
)
from app.oauth.fetch_queue import Requester

METHODS = (*SECRET_METHODS, PRIVATE_KEY_JWT, "none")


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A client that has proved who it is, and the secret that it did so with, if any."""

    client: KnownClient
    secret: KnownSecret | None = None

    @property
    def is_proved(self) -> bool:
        """Whether it showed more than its id."""
        return not self.client.is_public or self.client.auth_method == PRIVATE_KEY_JWT


@dataclass(frozen=True, slots=True)
class _Presented:
    """Who a request says that it is, by which method, and what it shows for it."""

    method: str
    client_id: str
    shown: str = ""


class Authentication:
    """Tells which client a request comes from."""

    def __init__(self, assertions: Assertions) -> None:
        self._assertions = assertions

    def client_of(
        self,
        session: Transaction,
        authorization: str | None,
        form: Mapping[str, str],
        now: int,
        requester: Requester,
        *,
        endpoint: str = "token",
    ) -> Authenticated:
        """Give the client that a request authenticates at an endpoint.

        Raises:
            InvalidRequestError: it uses two methods, or names two clients (RFC 6749 §2.3).
            InvalidClientError: unknown client, wrong secret, or a method that is not its own.
        """
        presented = _presented(authorization, form)
        client = find(session, presented.client_id)
        if client is None or not client.check_endpoint_auth_method(presented.method, endpoint):
            raise _refused()
        if presented.method == "none":
            return Authenticated(client)
        if presented.method == PRIVATE_KEY_JWT:
            if self._assertions.is_of(client, presented.shown, requester):
                return Authenticated(client)
            raise _refused()
        known = secret_of(session, client, presented.shown, now)
        if known is None:
            raise _refused()
        return Authenticated(client, known)


def _presented(authorization: str | None, form: Mapping[str, str]) -> _Presented:
    ways = [
        way
        for way, is_used in (
            (_by_header, authorization is not None),
            (_by_secret, "client_secret" in form),
            (_by_assertion, "client_assertion" in form),
        )
        if is_used
    ]
    if len(ways) > 1:
        raise InvalidRequestError("Authenticate the client in one way, not in several.")
    if not ways:
        return _Presented("none", form.get("client_id", ""))
    presented = ways[0](authorization or "", form)
    if form.get("client_id", presented.client_id) != presented.client_id:
        raise InvalidRequestError("The request names two clients.")
    return presented


def _by_header(authorization: str, _form: Mapping[str, str]) -> _Presented:
    return _Presented("client_secret_basic", *_basic(authorization))


def _by_secret(_authorization: str, form: Mapping[str, str]) -> _Presented:
    return _Presented("client_secret_post", form.get("client_id", ""), form["client_secret"])


def _by_assertion(_authorization: str, form: Mapping[str, str]) -> _Presented:
    """RFC 7521 §4.2: the type says what kind of assertion it is."""
    if form.get("client_assertion_type") != TYPE:
        raise InvalidRequestError(f"The client_assertion_type is {TYPE}.")
    jwt = form["client_assertion"]
    return _Presented(PRIVATE_KEY_JWT, claimed_client(jwt), jwt)


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
