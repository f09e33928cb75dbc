"""Passwords: argon2id (RFC 9106), a few at a time."""

from functools import cache
from threading import BoundedSemaphore

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

SHORTEST = 10
LONGEST = 200

_hash = PasswordHash((Argon2Hasher(),))
# One verification takes 64 MiB and a core for a tenth of a second: a flood must queue here.
_turn = BoundedSemaphore(2)


def hashed(password: str) -> str:
    """Give the hash of a password, with its salt and parameters."""
    with _turn:
        return _hash.hash(password)


def is_right(password: str, known: str | None) -> bool:
    """Tell whether a password fits; without a known hash it takes as long, and never fits."""
    nobodys = _nobodys()
    with _turn:
        fits = _hash.verify(password, known or nobodys)
    return fits and known is not None


@cache
def _nobodys() -> str:
    return hashed("the password of nobody")
