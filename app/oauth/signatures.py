"""What clients sign with, proofs and assertions alike: algorithms, keys, and verifying."""

from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.registry import HeaderRegistryDict

ALGORITHMS = ("ES256", "RS256", "PS256", "Ed25519", "EdDSA")
LONGEST = 8000
Key = ECKey | RSAKey | OKPKey

_KINDS: dict[str, type[Key]] = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}
# The members that a public key may have, all of them texts (RFC 7517 §4, RFC 7518 §6, RFC 8037).
_PUBLIC = ("kty", "kid", "use", "alg", "crv", "x", "y", "n", "e")
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_LEAST_RSA_BITS = 2048


class _Registry(JWSRegistry):
    # An RSA key in a proof's header is longer than what the library lets a header be.
    max_header_length = LONGEST
    default_header_registry: HeaderRegistryDict = JWSRegistry.default_header_registry

    def get_alg(self, name: str) -> Any:  # noqa: ANN401 - as the library has it
        # RFC 9864 §2.2: of what EdDSA may mean, we take the one curve that has a name now.
        return super().get_alg("Ed25519" if name == "EdDSA" else name)


# RFC 7515 §4: header parameters that are not understood are ignored, but for those in `crit`.
_REGISTRY = _Registry(algorithms=ALGORITHMS, strict_check_header=False)


def header_of(jwt: str) -> dict[str, Any]:
    """Give the header of a JWT, unverified.

    Raises:
        ValueError: it is none.
    """
    return _taken_apart(jwt).headers()


def payload_of(jwt: str) -> bytes:
    """Give the payload of a JWT, unverified.

    Raises:
        ValueError: it is none.
    """
    return _taken_apart(jwt).payload


def verified(jwt: str, keys: Key | KeySet) -> bytes:
    """Give the payload of a JWT that one of these keys has signed.

    Raises:
        ValueError: none of them did.
    """
    try:
        return jws.deserialize_compact(jwt.encode(), keys, registry=_REGISTRY).payload
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError("is not signed by the key") from error


def public_key(jwk: object) -> Key:
    """Give the public key that a JWK describes.

    Raises:
        ValueError: it holds something private, cannot be read, cannot sign, or is too weak.
    """
    return _imported(public_members(jwk))


def public_members(jwk: object) -> dict[str, str]:
    """Give what we know of a JWK's members.

    Raises:
        ValueError: it is none, or holds something private.
    """
    if not isinstance(jwk, Mapping) or jwk.keys() & _PRIVATE:
        raise ValueError("must hold public keys alone")
    known = {name: jwk[name] for name in _PUBLIC if name in jwk}
    if not all(isinstance(value, str) and value.isascii() for value in known.values()):
        raise ValueError("holds a key that cannot be read")
    return known


def _imported(members: dict[str, str]) -> Key:
    kind = _KINDS.get(members.get("kty", ""))
    if kind is None or members.get("use", "sig") != "sig":
        raise ValueError("holds a key that cannot sign")
    try:
        key = kind.import_key(members)  # type: ignore[arg-type] # its own reading is the check
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise ValueError("holds a key that cannot be read") from error
    if isinstance(key, RSAKey) and key.public_key.key_size < _LEAST_RSA_BITS:
        raise ValueError(f"holds an RSA key of less than {_LEAST_RSA_BITS} bits")
    return key


def _taken_apart(jwt: str) -> jws.CompactSignature:
    if len(jwt) > LONGEST:
        raise ValueError("is too long")
    try:
        return jws.extract_compact(jwt.encode(), registry=_REGISTRY)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise ValueError("is no JWT") from error
