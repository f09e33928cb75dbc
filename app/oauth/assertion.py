"""How a client proves by a signature who it is: private_key_jwt (RFC 7523 §2.2, §3)."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Engine

from app.core.resource import Resources
from app.oauth import signatures
from app.oauth.client import KnownClient
from app.oauth.fetch_queue import Requester
from app.oauth.published_keys import PublishedKeys
from app.oauth.seen import is_first_use

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Seconds; an hour is what Authlib's client asks for.
_LONGEST_LIFE = 3600
_SKEW = 30
_MOST_KEYS = 10


class _Claims(BaseModel):
    """What an assertion says (RFC 7523 §3)."""

    model_config = ConfigDict(extra="ignore", strict=True)

    iss: str
    sub: str
    aud: str | list[str]
    exp: int
    jti: str = Field(min_length=1, max_length=200)
    iat: int | None = None
    nbf: int | None = None


class Assertions:
    """Checks the assertions that one deployment is shown; each counts once."""

    def __init__(
        self,
        engine: Engine,
        resources: Resources,
        published: PublishedKeys,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._published = published
        # RFC 7523 §3, RFC 9126 §2.
        paths = ("", "/oauth/token", "/oauth/par")
        self._audiences = {resources.url(path) for path in paths}
        self._now = now

    def is_of(self, client: KnownClient, jwt: str, requester: Requester) -> bool:
        """Tell whether the client has signed this now, for this server, and for the first time."""
        # The first set of keys that fits: a client may have changed them since they were read.
        signed = (_signed_with(jwks, jwt) for jwks in self._keys_of(client, requester))
        claims = next((claims for claims in signed if claims is not None), None)
        if claims is None or not claims.iss == claims.sub == client.client_id:
            return False
        now, audience = int(self._now()), claims.aud
        is_ours = {audience} if isinstance(audience, str) else set(audience)
        if not is_ours or not is_ours <= self._audiences or len(is_ours) != 1:
            return False
        starts = max(claims.nbf or 0, claims.iat or 0)
        if starts > now + _SKEW or not now - _SKEW < claims.exp <= now + _LONGEST_LIFE + _SKEW:
            return False
        until = claims.exp + _SKEW
        return is_first_use(self._engine, client.client_id, claims.jti, expires_at=until, now=now)

    def _keys_of(self, client: KnownClient, requester: Requester) -> Iterator[dict[str, Any]]:
        if client.jwks is not None:
            yield client.jwks
        elif client.jwks_uri is not None:
            yield from self._published.at(client.jwks_uri, requester)


def claimed_client(jwt: str) -> str:
    """Give whom an assertion claims to be of, unverified; nobody where it is none."""
    try:
        payload = json.loads(signatures.payload_of(jwt))
    except (ValueError, RecursionError):
        return ""
    subject = payload.get("sub") if isinstance(payload, dict) else None
    # Half of a surrogate pair comes through JSON, and no database takes it.
    return subject if isinstance(subject, str) and subject.isascii() else ""


def checked_keys(jwks: Mapping[str, Any]) -> dict[str, Any]:
    """Give the key set that a client may register: public keys that can sign.

    Raises:
        ValueError: it is none, or holds something else.
    """
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not 1 <= len(keys) <= _MOST_KEYS:
        raise ValueError(f"must hold 1 to {_MOST_KEYS} keys")
    for key in keys:
        signatures.public_key(key)
    return {"keys": [signatures.public_members(key) for key in keys]}


def _signed_with(jwks: dict[str, Any], jwt: str) -> _Claims | None:
    if not jwks["keys"]:
        return None
    keys = KeySet.import_key_set(jwks)  # type: ignore[arg-type] # each was read when it came
    try:
        return _Claims.model_validate(json.loads(signatures.verified(jwt, keys)))
    except (ValidationError, ValueError, RecursionError):
        return None
