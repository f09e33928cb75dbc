"""Proof of possession: a client shows that it holds the key its token is bound to (RFC 9449)."""

import hashlib
import hmac
import json
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Engine

from app.core import sealing
from app.oauth import signatures
from app.oauth.errors import InvalidDpopProof, UseDpopNonce
from app.oauth.seen import is_first_use
from app.oauth.signatures import ALGORITHMS

# Seconds that a proof may be old, that its clock may be ahead, and that a nonce is given out.
_OLDEST = 60
_AHEAD = 30
_BUCKET = 300
# The clocks of phones are minutes off. Our nonce tells when the proof was made (RFC 9449 §11.1).
_CLOCK_SKEW_WITH_NONCE_SECONDS = 300
_NONCE_WANTED = "Make the proof again, with the nonce of the DPoP-Nonce header."
_SCHEME = "dpop "
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9\-._~]")


class _Claims(BaseModel):
    """What a proof says (RFC 9449 §4.2)."""

    model_config = ConfigDict(extra="ignore", strict=True)

    jti: str = Field(min_length=1, max_length=200)
    htm: str
    htu: str
    iat: int
    nonce: str | None = Field(None, max_length=200)
    ath: str | None = Field(None, max_length=200)


@dataclass(frozen=True, slots=True)
class Proof:
    """What came with a token under the scheme DPoP, and the request that it must be for."""

    jwts: Sequence[str]
    method: str
    url: str


def proof_of(
    authorization: str | None, jwts: Sequence[str], method: str, url: str
) -> Proof | None:
    """Give the proof of a request; None where its token is not presented as bound to a key."""
    is_dpop = authorization is not None and authorization[: len(_SCHEME)].lower() == _SCHEME
    return Proof(jwts, method, url) if is_dpop else None


class Proofs:
    """Checks the proofs that one deployment is shown; each counts once."""

    def __init__(
        self, engine: Engine, secret_key: str, now: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._nonce_key = sealing.key_for("dpop nonce", secret_key)
        self._now = now

    def jkt_of_request(self, proof: Proof) -> str:
        """Give the key that a client proves for a token request (RFC 9449 §5).

        Raises:
            InvalidDpopProof: the proof will not do.
            UseDpopNonce: it holds no nonce of ours, or an old one.
        """
        key, claims = self._checked(proof)
        if not self._is_ours(claims.nonce):
            raise UseDpopNonce(_NONCE_WANTED)
        return self._once(key, claims, has_nonce=True)

    def jkt_of_use(self, proof: Proof, access_token: str) -> str:
        """Give the key that a client proves for the use of an access token (RFC 9449 §7).

        Raises:
            InvalidDpopProof: the proof will not do.
            UseDpopNonce: its nonce is old, or its clock is off and it holds none.
        """
        key, claims = self._checked(proof)
        # No nonce is asked for: the hash binds the proof to a token that its maker must hold.
        if not _same(claims.ath, _hash(access_token)):
            raise InvalidDpopProof("The proof is not for this access token: ath.")
        has_nonce = self._is_ours(claims.nonce)
        # With our nonce in it, it would be fresh enough.
        is_clock_off = not self._is_fresh(claims, has_nonce=False) and self._is_fresh(
            claims, has_nonce=True
        )
        if not has_nonce and (claims.nonce is not None or is_clock_off):
            # RFC 9449 §9: so a client hears of the nonce that makes up for its clock.
            raise UseDpopNonce(_NONCE_WANTED)
        return self._once(key, claims, has_nonce=has_nonce)

    def nonce(self) -> str:
        """Give the nonce of the moment; it needs no memory (RFC 9449 §8)."""
        return self._nonce_of(int(self._now()) // _BUCKET)

    def _nonce_of(self, bucket: int) -> str:
        made = hmac.digest(self._nonce_key, str(bucket).encode(), "sha256")
        return urlsafe_b64encode(made).rstrip(b"=").decode()

    def _is_ours(self, nonce: str | None) -> bool:
        bucket = int(self._now()) // _BUCKET
        return any(_same(nonce, self._nonce_of(each)) for each in (bucket, bucket - 1))

    def _checked(self, proof: Proof) -> tuple[str, _Claims]:
        """Give the thumbprint of the proof's key, and what it says (RFC 9449 §4.3)."""
        if len(proof.jwts) != 1:
            raise InvalidDpopProof("Send one DPoP header.")
        thumbprint, payload = _verified(proof.jwts[0])
        try:
            claims = _Claims.model_validate(json.loads(payload))
        except (ValidationError, ValueError, RecursionError) as error:
            raise InvalidDpopProof("A claim is missing, or of a wrong type.") from error
        if claims.htm != proof.method or not _is_same_url(claims.htu, proof.url):
            raise InvalidDpopProof("The proof is for another request: htm, htu.")
        return thumbprint, claims

    def _is_fresh(self, claims: _Claims, *, has_nonce: bool) -> bool:
        age, skew = int(self._now()) - claims.iat, _CLOCK_SKEW_WITH_NONCE_SECONDS
        return -skew <= age <= skew if has_nonce else -_AHEAD <= age <= _OLDEST

    def _once(self, thumbprint: str, claims: _Claims, *, has_nonce: bool) -> str:
        """Use a proof up (RFC 9449 §11.1), if it is not too old; `has_nonce` says of ours."""
        if not self._is_fresh(claims, has_nonce=has_nonce):
            raise InvalidDpopProof("The proof is too old, or of the future: iat.")
        # Remembered for longer than it could be shown again.
        oldest = _CLOCK_SKEW_WITH_NONCE_SECONDS if has_nonce else _OLDEST
        until, now = claims.iat + oldest + _AHEAD, int(self._now())
        if not is_first_use(self._engine, thumbprint, claims.jti, expires_at=until, now=now):
            raise InvalidDpopProof("The proof was used before: jti.")
        return thumbprint


def _verified(jwt: str) -> tuple[str, bytes]:
    """Give the thumbprint of the key in a proof's header, and what that key has signed."""
    try:
        header = signatures.header_of(jwt)
        _check_header(header)
        key = signatures.public_key(header.get("jwk"))
        return key.thumbprint(), signatures.verified(jwt, key)
    except ValueError as error:
        raise InvalidDpopProof(f"The proof or its key will not do: it {error}.") from error


def _check_header(header: dict[str, Any]) -> None:
    if header.get("typ") != "dpop+jwt" or header.get("alg") not in ALGORITHMS:
        raise InvalidDpopProof(f"A proof is a dpop+jwt, signed with {', '.join(ALGORITHMS)}.")


def _is_same_url(claimed: str, url: str) -> bool:
    """Compare without query and fragment, however they are written (RFC 9449 §4.3)."""
    try:
        return _normalized(claimed) == _normalized(url)
    except ValueError:
        return False


def _normalized(url: str) -> tuple[str, str, str]:
    """Give scheme, authority and path as RFC 3986 §6.2.2 and §6.2.3 normalize them."""
    parts = urlsplit(url)
    scheme, authority = parts.scheme.lower(), parts.netloc.lower()
    port = {"https": ":443", "http": ":80"}.get(scheme, "")
    plain = _ESCAPED.sub(_unescaped, parts.path)
    # Two slashes would begin with another host.
    path = plain if plain.startswith("//") else urlsplit(urljoin("http://x/", plain)).path
    return scheme, authority.removesuffix(port), path


def _unescaped(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if _UNRESERVED.fullmatch(character) else escape[0].upper()


def _hash(access_token: str) -> str:
    made = hashlib.sha256(access_token.encode()).digest()
    return urlsafe_b64encode(made).rstrip(b"=").decode()


def _same(given: str | None, wanted: str) -> bool:
    return given is not None and hmac.compare_digest(given.encode(), wanted.encode())
