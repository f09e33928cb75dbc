"""Checking a password against a stored hash: ours, or one that another library made.

A stored hash names its own cost. One that asks for more than the libraries' defaults by far is
refused: whoever can write one row must not be able to take the server down.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping

import argon2
import bcrypt
from werkzeug.security import check_password_hash

# 128 MiB, and as long as OWASP's strongest advice takes: N = 2**17, r = 8, p = 1.
MAX_SCRYPT_BLOCKS = 2**20
# Django 6 begins at 1.2 million; twice the time of an argon2id hash of ours.
MAX_PBKDF2_ITERATIONS = 2_000_000
# Each step doubles the time; 12 is every library's default, 14 takes a second.
MAX_BCRYPT_COST = 14
MAX_ARGON2_MEMORY_KIB = 128 * 1024
# Memory times passes: four passes over all of it.
MAX_ARGON2_WORK_KIB = 4 * MAX_ARGON2_MEMORY_KIB
MAX_ARGON2_LANES = 16
# What bcrypt reads of a password; the libraries that made the hashes cut it off without a word.
_BCRYPT_BYTES = 72

_DIGESTS = frozenset({"sha1", "sha256", "sha512"})


class UnreadableHash(Exception):
    """The hash has a format that is not known here, or asks for too much."""


def verify(password: str, stored: str) -> bool:
    """Whether a password fits a hash of argon2, bcrypt, werkzeug or Django.

    Raises:
        UnreadableHash: the hash is none of these, or asks for too much.
    """
    check = _CHECKS.get(stored.partition("$")[0].partition(":")[0] or stored[:4])
    if check is None:
        raise UnreadableHash
    try:
        return check(password, stored)
    except (ValueError, OverflowError, MemoryError, argon2.exceptions.Argon2Error) as error:
        # The message may hold the hash.
        raise UnreadableHash from error


def _argon2(password: str, stored: str) -> bool:
    parameters = argon2.extract_parameters(stored)
    memory, passes = parameters.memory_cost, parameters.time_cost
    _bound(memory, MAX_ARGON2_MEMORY_KIB)
    _bound(memory * passes, MAX_ARGON2_WORK_KIB)
    _bound(parameters.parallelism, MAX_ARGON2_LANES)
    try:
        return argon2.PasswordHasher().verify(stored, password)
    except argon2.exceptions.VerifyMismatchError:
        return False


def _bcrypt(password: bytes, stored: str) -> bool:
    _bound(int(stored.split("$")[2]), MAX_BCRYPT_COST)
    return bcrypt.checkpw(password[:_BCRYPT_BYTES], stored.encode())


def _werkzeug(password: str, stored: str) -> bool:
    method, *parameters = stored.partition("$")[0].split(":")
    if method == "scrypt" and parameters:
        n, r, p = map(int, parameters)
        _bound_scrypt(n, r, p)
    elif method == "pbkdf2" and parameters:
        _check_digest(parameters[0])
        for iterations in parameters[1:]:
            _bound(int(iterations), MAX_PBKDF2_ITERATIONS)
    return check_password_hash(stored, password)


def _django_pbkdf2(password: str, stored: str) -> bool:
    algorithm, iterations, salt, expected = stored.split("$")
    digest = algorithm.removeprefix("pbkdf2_")
    _check_digest(digest)
    _bound(int(iterations), MAX_PBKDF2_ITERATIONS)
    derived = hashlib.pbkdf2_hmac(digest, password.encode(), salt.encode(), int(iterations))
    return hmac.compare_digest(derived, base64.b64decode(expected, validate=True))


def _django_scrypt(password: str, stored: str) -> bool:
    _, n, salt, r, p, expected = stored.split("$")
    _bound_scrypt(int(n), int(r), int(p))
    derived = hashlib.scrypt(
        password.encode(),
        salt=salt.encode(),
        n=int(n),
        r=int(r),
        p=int(p),
        # All that RFC 7914 §5 and §6 need, and what OpenSSL wants besides.
        maxmem=128 * int(r) * (int(n) + int(p) + 2),
        dklen=64,
    )
    return hmac.compare_digest(derived, base64.b64decode(expected, validate=True))


def _scrypt(password: str, stored: str) -> bool:
    # Django counts its parameters by dollars, werkzeug by colons, and both say "scrypt".
    is_werkzeugs = ":" in stored.partition("$")[0] or stored.count("$") == 2  # noqa: PLR2004 - method, salt, hash
    return (_werkzeug if is_werkzeugs else _django_scrypt)(password, stored)


def _django_bcrypt_sha256(password: str, stored: str) -> bool:
    digest = hashlib.sha256(password.encode()).hexdigest().encode()
    return _bcrypt(digest, stored.partition("$")[2])


def _bound_scrypt(n: int, r: int, p: int) -> None:
    _bound(n, MAX_SCRYPT_BLOCKS)
    _bound(n * r * p, MAX_SCRYPT_BLOCKS)


def _bound(value: int, maximum: int) -> None:
    if not 1 <= value <= maximum:
        raise UnreadableHash


def _check_digest(name: str) -> None:
    if name not in _DIGESTS:
        raise UnreadableHash


def _plain_bcrypt(password: str, stored: str) -> bool:
    return _bcrypt(password.encode(), stored)


_CHECKS: Mapping[str, Callable[[str, str], bool]] = {
    "$arg": _argon2,
    "$2a$": _plain_bcrypt,
    "$2b$": _plain_bcrypt,
    "$2y$": _plain_bcrypt,
    "pbkdf2": _werkzeug,
    "scrypt": _scrypt,
    # Django puts the name of its algorithm in front of everything.
    "pbkdf2_sha1": _django_pbkdf2,
    "pbkdf2_sha256": _django_pbkdf2,
    "argon2": lambda password, stored: _argon2(password, stored.removeprefix("argon2")),
    "bcrypt": lambda password, stored: _plain_bcrypt(password, stored.partition("$")[2]),
    "bcrypt_sha256": _django_bcrypt_sha256,
}
