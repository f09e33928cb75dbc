"""The keys that this server signs with: sealed in the database, public halves published."""

import json
import time
from collections.abc import Callable
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey
from sqlalchemy import Engine, Row, delete, insert, select, update

from app.core import sealing
from app.core.system import acting_as_system
from app.models.signing import SigningKey

# OpenID Connect Discovery §3 wants RS256 of everybody.
ALGORITHMS = ("RS256", "ES256")
# Seconds; longer than anything lasts that was signed.
PUBLISHED = 25 * 3600
_RSA_BITS = 2048

Key = ECKey | RSAKey


class Keys:
    """The signing keys of one deployment, one of each algorithm in use at a time."""

    def __init__(
        self, engine: Engine, secret_key: str, now: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._sealing_key = sealing.key_for("signing keys", secret_key)
        self._now = now
        # To read a private key takes 30 ms, to sign with it less than one.
        self._read: dict[str, Key] = {}
        self._is_ready = False

    def ready(self) -> None:
        """See to it that there are keys, before a transaction that signs begins."""
        if not self._is_ready:
            for alg in ALGORITHMS:
                self._current(alg)
            self._is_ready = True

    def signed(self, claims: dict[str, Any], *, alg: str, typ: str = "JWT") -> str:
        """Give a JWT (RFC 7519) of these claims."""
        key = self._current(alg)
        header = {"alg": alg, "kid": key.kid, "typ": typ}
        return jwt.encode(header, claims, key, algorithms=[alg])

    def published(self) -> dict[str, Any]:
        """Give the JWK set that verifies what was signed (RFC 7517 §5)."""
        self.ready()
        after = int(self._now()) - PUBLISHED
        known = select(SigningKey.public).where(
            SigningKey.retired_at.is_(None) | (SigningKey.retired_at > after)
        )
        with acting_as_system(self._engine, "publish the signing keys", reads=True) as session:
            return {"keys": list(session.scalars(known.order_by(SigningKey.created_at)))}

    def verified(self, token: str) -> dict[str, Any]:
        """Give the claims of a JWT that this server signed, whether or not it has expired.

        Raises:
            ValueError: it did not.
        """
        try:
            keys = KeySet.import_key_set(self.published())  # type: ignore[arg-type] # our own
            return jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise ValueError("This server did not sign the token.") from error

    def rotate(self) -> list[str]:
        """Retire the keys in use, and make new ones; give their ids.

        The old ones stay published until what they signed is gone.
        """
        now = int(self._now())
        made = [_new(alg) for alg in ALGORITHMS]
        with acting_as_system(self._engine, "rotate the signing keys") as session:
            live = SigningKey.retired_at.is_(None)
            session.execute(update(SigningKey).where(live).values(retired_at=now))
            session.execute(delete(SigningKey).where(SigningKey.retired_at <= now - PUBLISHED))
            session.execute(insert(SigningKey), [self._sealed(key, now) for key in made])
        return [str(key.kid) for key in made]

    def _current(self, alg: str) -> Key:
        """Give the key in use; the database is asked each time, for another worker may rotate."""
        with acting_as_system(self._engine, "find the signing key", reads=True) as session:
            row = session.execute(_in_use(alg)).first()
        key = self._opened(row) if row else None
        return key or self._first(alg)

    def _first(self, alg: str) -> Key:
        now, made = int(self._now()), _new(alg)
        with acting_as_system(self._engine, "make a signing key") as session:
            # Of several processes that start at once, the first makes it.
            row = session.execute(_in_use(alg)).first()
            key = self._opened(row) if row else None
            if key is not None:
                return key
            live = (SigningKey.alg == alg, SigningKey.retired_at.is_(None))
            # What is there opens no more: the secret key has changed.
            session.execute(update(SigningKey).where(*live).values(retired_at=now))
            session.execute(insert(SigningKey).values(self._sealed(made, now)))
        return made

    def _opened(self, row: Row[Any]) -> Key | None:
        """Give the private key of a row; None where it was sealed with another secret key."""
        if row.kid not in self._read:
            try:
                plain = sealing.opened(self._sealing_key, row.sealed, row.kid.encode())
            except sealing.Unsealed:
                return None
            kinds: dict[str, type[Key]] = {"ES256": ECKey, "RS256": RSAKey}
            self._read[row.kid] = kinds[row.alg].import_key(json.loads(plain))
        return self._read[row.kid]

    def _sealed(self, key: Key, now: int) -> dict[str, Any]:
        kid = str(key.kid)
        plain = json.dumps(key.as_dict(private=True)).encode()
        return {
            "kid": kid,
            "alg": key.get("alg"),
            "sealed": sealing.seal(self._sealing_key, plain, kid.encode()),
            "public": key.as_dict(private=False),
            "created_at": now,
        }


def _in_use(alg: str) -> Any:  # noqa: ANN401 - a select of two columns and their row
    return (
        select(SigningKey.kid, SigningKey.alg, SigningKey.sealed)
        .where(SigningKey.alg == alg, SigningKey.retired_at.is_(None))
        .order_by(SigningKey.created_at.desc(), SigningKey.kid)
    )


def _new(alg: str) -> Key:
    made: Key = ECKey.generate_key("P-256") if alg == "ES256" else RSAKey.generate_key(_RSA_BITS)
    parameters = {"kid": made.thumbprint(), "use": "sig", "alg": alg}
    return type(made).import_key(made.as_dict(private=True), parameters)  # type: ignore[arg-type] # as joserfc gave it
