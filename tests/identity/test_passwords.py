"""Passwords and their hashes."""

from app.identity import passwords


def test_a_hash_is_argon2id_and_salted_anew() -> None:
    one, other = passwords.hashed("correct horse"), passwords.hashed("correct horse")
    assert one.startswith("$argon2id$")
    assert one != other


def test_the_right_password_fits_and_no_other() -> None:
    known = passwords.hashed("correct horse")
    assert passwords.is_right("correct horse", known)
    assert not passwords.is_right("Correct horse", known)
    assert not passwords.is_right("", known)


def test_without_a_hash_no_password_fits_not_even_the_one_it_is_compared_with() -> None:
    assert not passwords.is_right("the password of nobody", None)
