"""A client that holds a key, and makes proofs with it (RFC 9449)."""

import hashlib
import time
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey


@dataclass
class KeyHolder:
    """Makes proofs; `nonce` is what the server gave."""

    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))
    nonce: str | None = None

    @property
    def jkt(self) -> str:
        """The key's thumbprint (RFC 7638)."""
        return self.key.thumbprint()

    def proof(self, method: str, url: str, *, token: str | None = None, **changes: Any) -> str:
        """Give a proof; `changes` replace its claims, None leaves one out."""
        header = {
            "typ": changes.pop("typ", "dpop+jwt"),
            "alg": "ES256",
            "jwk": changes.pop("jwk", self.key.as_dict(private=False)),
        }
        claims: dict[str, Any] = {
            "jti": str(uuid.uuid4()),
            "htm": method,
            "htu": url,
            "iat": int(time.time()),
            "nonce": self.nonce if token is None else None,
            "ath": None if token is None else _hash(token),
        }
        kept = {name: value for name, value in (claims | changes).items() if value is not None}
        return jwt.encode(header, kept, self.key, algorithms=["ES256"])


def _hash(token: str) -> str:
    digest = hashlib.sha256(token.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
