"""Opaque credentials: 256 random bits behind a prefix, with a checksum, hashed at rest."""

import hashlib
import hmac
import secrets
import zlib
from base64 import urlsafe_b64encode
from enum import StrEnum


class Prefix(StrEnum):
    """What a credential is for, readable by secret scanners."""

    ACCESS_TOKEN = "lk_at_"  # noqa: S105 - a prefix, not a secret
    REFRESH_TOKEN = "lk_rt_"  # noqa: S105 - a prefix, not a secret
    CLIENT_SECRET = "lk_cs_"  # noqa: S105 - a prefix, not a secret
    REGISTRATION_TOKEN = "lk_reg_"  # noqa: S105 - a prefix, not a secret
    AUTHORIZATION_CODE = "lk_ac_"
    DEVICE_CODE = "lk_dc_"
    LOGIN = "lk_ls_"
    INVITATION = "lk_inv_"


_RANDOM = 43
_CHECKSUM = 6


def issue(prefix: Prefix) -> str:
    """Give a new credential: prefix, 43 characters of base64url, 6 characters of CRC-32."""
    random = prefix + secrets.token_urlsafe(32)
    return random + _checksum(random)


def identifier() -> str:
    """Give a new public identifier: 128 random bits; no secret, but not to be guessed."""
    return secrets.token_hex(16)


def digest(credential: str) -> bytes:
    """Give what the database keeps in place of a credential: its SHA-256."""
    return hashlib.sha256(credential.encode()).digest()


def is_well_formed(credential: str, prefix: Prefix) -> bool:
    """Tell whether this could be one of ours, without asking the database."""
    length = len(prefix) + _RANDOM + _CHECKSUM
    if len(credential) != length or not credential.startswith(prefix) or not credential.isascii():
        return False
    return hmac.compare_digest(_checksum(credential[:-_CHECKSUM]), credential[-_CHECKSUM:])


def _checksum(text: str) -> str:
    return urlsafe_b64encode(zlib.crc32(text.encode()).to_bytes(4)).decode()[:_CHECKSUM]
