"""Signing out at a client's wish (OpenID Connect RP-Initiated Logout 1.0)."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from authlib.oauth2.rfc6749 import InvalidRequestError
from sqlalchemy import Engine

from app.core.system import acting_as_system
from app.models.client import SELF_DESCRIBED
from app.oauth.client import KnownClient, find
from app.oauth.id_token import hinted
from app.oauth.keys import Keys
from app.oauth.sent import taken_apart


@dataclass(frozen=True, slots=True)
class Leaving:
    """A request to sign out: who wants it, where it goes on, and whose sign-in it is about."""

    client: KnownClient | None
    location: str | None
    subject: str | None

    @property
    def is_vouched_for(self) -> bool:
        """Whether somebody knows the client, or somebody has signed in to it."""
        is_known = self.client is not None and self.client.source not in SELF_DESCRIBED
        return is_known or self.subject is not None


class LogoutServer:
    """The logout endpoint of one deployment."""

    def __init__(self, engine: Engine, keys: Keys, issuer: str) -> None:
        self._engine = engine
        self._keys = keys
        self._issuer = issuer

    def leaving(self, raw: bytes) -> Leaving:
        """Read a logout request (§2).

        Raises:
            InvalidRequestError: the hint is not ours, or the browser would go where the client
                has not registered (§3).
        """
        given = taken_apart(raw).each_once()
        shown = given.get("id_token_hint")
        hint = hinted(self._keys, self._issuer, shown) if shown else None
        client_id = given.get("client_id") or (hint.client_id if hint else None)
        if hint and client_id != hint.client_id:
            raise InvalidRequestError("The id_token_hint is another client's.")
        with acting_as_system(self._engine, "read a logout request", reads=True) as session:
            client = find(session, client_id) if client_id else None
        return Leaving(client, _location(client, given), hint.subject if hint else None)


def _location(client: KnownClient | None, given: Mapping[str, str]) -> str | None:
    uri = given.get("post_logout_redirect_uri")
    if uri is None:
        return None
    if client is None or uri not in client.post_logout_redirect_uris:
        raise InvalidRequestError("The post_logout_redirect_uri is not a registered one.")
    if "state" not in given:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode({'state': given['state']})}"
