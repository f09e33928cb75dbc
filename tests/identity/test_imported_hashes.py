"""Hashes that other libraries made: each lets its owner in, and none takes the server down."""

import logging
import time
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.security import generate_password_hash

from app.extensions import db
from app.identity import imported_hashes
from app.identity.imported_hashes import UnreadableHash
from tests.blueprints.doors import said, sign_in
from tests.conftest import change

PASSWORD = "lètmein and more"
# Made by these libraries themselves, at a low cost: Django 5.2, werkzeug 3.1, bcrypt 5.0.
IMPORTED = {
    "werkzeug scrypt": generate_password_hash(PASSWORD, "scrypt:1024:8:1"),
    "werkzeug pbkdf2": generate_password_hash(PASSWORD, "pbkdf2:sha256:1000"),
    "werkzeug pbkdf2 with sha1": generate_password_hash(PASSWORD, "pbkdf2:sha1:1000"),
    "bcrypt 2b": "$2b$04$abcdefghijklmnopqrstuuXzTxhKwNAUdZikpBtuZqnWKrYYpALOa",
    "bcrypt 2a": "$2a$04$abcdefghijklmnopqrstuuXzTxhKwNAUdZikpBtuZqnWKrYYpALOa",
    "bcrypt 2y": "$2y$04$abcdefghijklmnopqrstuuXzTxhKwNAUdZikpBtuZqnWKrYYpALOa",
    "Django bcrypt": "bcrypt$$2b$04$abcdefghijklmnopqrstuuXzTxhKwNAUdZikpBtuZqnWKrYYpALOa",
    "Django bcrypt_sha256": (
        "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuOYMhBm.tJIGJqmedAcgFaSgjGMM5oiG"
    ),
    "Django pbkdf2_sha256": (
        "pbkdf2_sha256$1000$seasalt$sgdN/p45JB+jyWgjmzn1EfjPpnjpaG3DxAc/RhaX9HQ="
    ),
    "Django pbkdf2_sha1": "pbkdf2_sha1$1000$seasalt$7xP0Qk9KDvf0MQdXxvvrtyrZZQM=",
    "Django argon2": (
        "argon2$argon2id$v=19$m=64,t=1,p=2$c29tZXNhbHQ$QUKOoYBkXLhx35SwxckihcoGgQC9a9t8FNHPXfxWts0"
    ),
    "Django scrypt": (
        "scrypt$32$seasalt$8$5$GVZzhAReR04+Qf4GGN2nepMFZnL6LyqAuZllmn0m54jACuZXSsb"
        "aUo5aD/BbFIEox0GszEb1JVaRQJcqGh28pQ=="
    ),
    "weaker argon2": (
        "$argon2id$v=19$m=64,t=1,p=2$c29tZXNhbHQ$QUKOoYBkXLhx35SwxckihcoGgQC9a9t8FNHPXfxWts0"
    ),
}
_SALTED = "c29tZXNhbHQ$QUKOoYBkXLhx35SwxckihcoGgQC9a9t8FNHPXfxWts0"
_BCRYPT = "abcdefghijklmnopqrstuuXzTxhKwNAUdZikpBtuZqnWKrYYpALOa"
UNREADABLE = {
    "empty": "",
    "text": "letmein",
    "an unusable password of Django": "!aBcDeF",
    "md5": "md5$seasalt$3f86d0d3d465b7b458c231bf3555c0e3",
    "sha1": "sha1$seasalt$cff36ea83f5706ce9aa7454e63e431fc726b2dc8",
    "md5-crypt": "$1$seasalt$abcdefghijklmnopqrstuv",
    "sha512-crypt": "$6$seasalt$abcdefghijklmnopqrstuv",
    "gigabytes of argon2": f"$argon2id$v=19$m=4194304,t=1,p=1${_SALTED}",
    "hours of argon2": f"$argon2id$v=19$m=65536,t=100000,p=1${_SALTED}",
    "threads of argon2": f"$argon2id$v=19$m=65536,t=1,p=4000${_SALTED}",
    "gigabytes of Django's argon2": f"argon2$argon2id$v=19$m=4194304,t=1,p=1${_SALTED}",
    "half an argon2": "$argon2id$v=19$m=64,t=1",
    "gigabytes of scrypt": "scrypt:8388608:8:1$salt$00",
    "hours of scrypt": "scrypt:16384:8:100000$salt$00",
    "odd scrypt": "scrypt:1000:8:1$salt$00",
    "negative scrypt": "scrypt:-2:-8:1$salt$00",
    "scrypt of four": "scrypt:1:2:3:4$salt$00",
    "gigabytes of Django's scrypt": "scrypt$8388608$salt$8$1$AAAA",
    "hours of pbkdf2": "pbkdf2:sha256:900000000$salt$00",
    "pbkdf2 of nothing": "pbkdf2:sha256:0$salt$00",
    "pbkdf2 of an unknown digest": "pbkdf2:md5:1000$salt$00",
    "hours of Django's pbkdf2": "pbkdf2_sha256$900000000$salt$AAAA",
    "Django's pbkdf2 in words": "pbkdf2_sha256$many$salt$AAAA",
    "Django's pbkdf2 cut off": "pbkdf2_sha256$1000",
    "Django's pbkdf2 not in base64": "pbkdf2_sha256$1000$salt$****",
    "hours of bcrypt": f"$2b$31${_BCRYPT}",
    "bcrypt cut off": "$2b$04$short",
    "bcrypt not in ASCII": "$2b$04$" + "é" * 53,
}

Use = Callable[[str], None]


@pytest.fixture
def use(app: Flask) -> Use:
    """Return a function that stores a hash as Ada's."""

    def store(stored: str) -> None:
        change(
            "UPDATE password SET hash = :stored WHERE user_id = "
            "(SELECT id FROM user_account WHERE email = 'ada@example.com')",
            stored=stored,
        )

    return store


def stored_hash() -> str:
    query = text(
        "SELECT hash FROM password JOIN user_account ON id = user_id "
        "WHERE email = 'ada@example.com'"
    )
    with db.engine.connect() as connection:
        return str(connection.scalar(query))


@pytest.mark.parametrize("name", IMPORTED)
def test_an_imported_hash_fits_its_password_and_no_other(name: str) -> None:
    assert imported_hashes.verify(PASSWORD, IMPORTED[name])
    for wrong in ("", PASSWORD.upper(), PASSWORD + " ", "letmein and more"):
        assert not imported_hashes.verify(wrong, IMPORTED[name]), wrong


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_or_asks_for_too_much_is_refused_at_once(name: str) -> None:
    begun = time.process_time()
    with pytest.raises(UnreadableHash):
        imported_hashes.verify(PASSWORD, UNREADABLE[name])
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    "stored",
    [
        # The defaults of the libraries, and OWASP's advice: what they check is left out.
        generate_password_hash("another"),
        generate_password_hash("another", "pbkdf2"),
        f"$2b$12${_BCRYPT}",
        f"argon2$argon2id$v=19$m=102400,t=2,p=8${_SALTED}",
        "scrypt$16384$seasalt$8$5$AAAA",
        "pbkdf2_sha256$1200000$seasalt$AAAA",
    ],
)
def test_the_costs_that_libraries_use_by_default_are_no_more_than_is_allowed(stored: str) -> None:
    assert imported_hashes.verify("wrong", stored) is False


@pytest.mark.parametrize("name", ["werkzeug scrypt", "bcrypt 2b", "weaker argon2"])
def test_whoever_signs_in_by_an_imported_hash_has_an_argon2id_hash_then(
    app: Flask, use: Use, name: str
) -> None:
    use(IMPORTED[name])
    assert sign_in(app.test_client(), password="a wrong password").status_code == 422
    assert stored_hash() == IMPORTED[name]
    assert sign_in(app.test_client(), password=PASSWORD).status_code == 303
    renewed = stored_hash()
    assert renewed.startswith("$argon2id$")
    assert renewed != IMPORTED[name]
    assert sign_in(app.test_client(), password=PASSWORD).status_code == 303
    assert stored_hash() == renewed


@pytest.mark.parametrize("name", ["md5", "gigabytes of argon2"])
def test_sign_in_by_an_unreadable_hash_fails_like_a_wrong_password(
    app: Flask, use: Use, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    wrong = sign_in(app.test_client(), password="a wrong password")
    use(UNREADABLE[name])
    with caplog.at_level(logging.WARNING):
        answer = sign_in(app.test_client(), password=PASSWORD)
    assert answer.status_code == wrong.status_code == 422
    assert said(answer) == said(wrong)
    [line] = [record.getMessage() for record in caplog.records]
    assert UNREADABLE[name] not in line
    assert "password hash" in line
