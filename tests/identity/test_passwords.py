"""Passwords and their hashes."""

import importlib.util

from app.identity import passwords


def test_the_product_hashes_with_the_parameters_of_rfc_9106() -> None:
    # The tests' own hasher is cheap; a second copy of the module has the real one.
    spec = importlib.util.find_spec(passwords.__name__)
    assert spec
    assert spec.loader
    product = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(product)
    # RFC 9106 §4, second recommended option: 64 MiB, three passes, four lanes.
    assert product.hashed("correct horse").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


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
