"""Passwords: argon2id (RFC 9106), a few at a time."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.core.errors import Busy
from app.identity import imported_hashes
from app.identity.imported_hashes import UnreadableHash

log = logging.getLogger(__name__)

SHORTEST = 10
LONGEST = 200

_hash = PasswordHash((Argon2Hasher(),))
# One verification takes 64 MiB and a core for a tenth of a second: a flood must queue here, and
# must not take every thread with it.
_turn = BoundedSemaphore(2)
_room = BoundedSemaphore(4)


def hashed(password: str) -> str:
    """Give the hash of a password, with its salt and parameters.

    Raises:
        Busy: others wait for theirs already.
    """
    with _in_turn():
        return _hash.hash(password)


def is_right(password: str, known: str | None) -> bool:
    """Tell whether a password fits; without a known hash it takes as long, and never fits.

    A hash that cannot be read is like none.

    Raises:
        Busy: others wait for theirs already.
    """
    nobodys = _nobodys()
    with _in_turn():
        if known is not None:
            try:
                return imported_hashes.verify(password, known)
            except UnreadableHash:
                # Not the hash itself, nor the error, which may hold it.
                log.warning("sign-in refused: a stored password hash has an unknown format")
        _hash.verify(password, nobodys)
    return False


def rehash(password: str, stored: str) -> str | None:
    """Return a new hash of a password that fits, if the stored one is not as ours are now.

    Raises:
        Busy: others wait for theirs already.
    """
    hasher = _hash.current_hasher
    is_current = stored.startswith("$argon2id$") and not hasher.check_needs_rehash(stored)
    return None if is_current else hashed(password)


@contextmanager
def _in_turn() -> Iterator[None]:
    if not _room.acquire(blocking=False):
        raise Busy("Many people are signing in. Try again in a moment.")
    try:
        with _turn:
            yield
    finally:
        _room.release()


@cache
def _nobodys() -> str:
    return hashed("the password of nobody")
