"""The ID token: who signed in, when, for whom (OpenID Connect Core §2)."""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from authlib.oauth2.rfc6749 import InvalidRequestError

from app.oauth.keys import Keys

# Seconds.
LASTS = 3600


@dataclass(frozen=True, slots=True)
class Said:
    """What an ID token says; times are in seconds since the epoch."""

    client_id: str
    user_id: int
    auth_time: int | None
    nonce: str | None


@dataclass(frozen=True, slots=True)
class Hint:
    """Of an ID token that a client shows again: for whom it was, and about whom."""

    client_id: str
    subject: str


def hinted(keys: Keys, issuer: str, hint: str) -> Hint:
    """Give what an `id_token_hint` says; it may have expired (OpenID Connect Core §3.1.2.1).

    Raises:
        InvalidRequestError: it is no ID token of this server's.
    """
    try:
        claims = keys.verified(hint)
    except ValueError as error:
        raise InvalidRequestError("The id_token_hint is none of this server's.") from error
    # An access token is a JWT too, for some resources.
    if claims.get("iss") != issuer or "at_hash" not in claims:
        raise InvalidRequestError("The id_token_hint is no ID token.")
    return Hint(str(claims["aud"]), str(claims["sub"]))


def id_token(keys: Keys, issuer: str, alg: str, said: Said, *, beside: str, now: int) -> str:
    """Give the ID token that is issued `beside` an access token, signed with the client's alg."""
    claims: dict[str, object] = {
        "iss": issuer,
        "sub": str(said.user_id),
        "aud": said.client_id,
        "iat": now,
        "exp": now + LASTS,
        "at_hash": _half_hash(beside),
    }
    if said.auth_time is not None:
        claims["auth_time"] = said.auth_time
    if said.nonce is not None:
        claims["nonce"] = said.nonce
    return keys.signed(claims, alg=alg)


def _half_hash(token: str) -> str:
    # OpenID Connect Core §3.1.3.6; both of our algorithms hash with SHA-256.
    half = hashlib.sha256(token.encode()).digest()[:16]
    return urlsafe_b64encode(half).rstrip(b"=").decode()
