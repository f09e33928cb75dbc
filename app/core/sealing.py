"""Secrets that must come back: sealed with AES-256-GCM under a key made for one purpose."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY = 32
_NONCE = 12


class Unsealed(Exception):
    """What was sealed does not open: another key, another context, or it was changed."""


def key_for(purpose: str, secret: str) -> bytes:
    """Give a key of 256 bits that follows from a secret of as much entropy (RFC 5869)."""
    derived = HKDF(algorithm=SHA256(), length=_KEY, salt=None, info=purpose.encode())
    return derived.derive(secret.encode())


def seal(key: bytes, plain: bytes, context: bytes = b"") -> bytes:
    """Give the plain bytes sealed; the same context is needed to open them."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def opened(key: bytes, sealed: bytes, context: bytes = b"") -> bytes:
    """Give what was sealed.

    Raises:
        Unsealed: the key or the context is another, or the bytes were changed.
    """
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], context)
    except (InvalidTag, ValueError) as error:
        raise Unsealed("This does not open with this key.") from error
