"""The ID token: who signed in, when, for whom (OpenID Connect Core §2)."""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from app.oauth.keys import Keys

# Seconds.
LASTS = 3600


@dataclass(frozen=True, slots=True)
class SignIn:
    """What an ID token says; times are in seconds since the epoch."""

    client_id: str
    user_id: int
    auth_time: int | None
    nonce: str | None


def id_token(keys: Keys, issuer: str, alg: str, said: SignIn, *, beside: str, now: int) -> str:
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
