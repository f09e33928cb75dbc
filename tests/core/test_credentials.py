"""Opaque credentials."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import credentials
from app.core.credentials import Prefix
from tests.requirements import requirement

each_prefix = pytest.mark.parametrize("prefix", Prefix)


@requirement("rfc6749:credentials-cannot-be-guessed")
@each_prefix
def test_a_credential_is_prefix_randomness_and_checksum(prefix: Prefix) -> None:
    made = credentials.issue(prefix)
    assert re.fullmatch(re.escape(prefix) + r"[A-Za-z0-9_-]{49}", made)
    assert credentials.is_well_formed(made, prefix)


@each_prefix
def test_a_credential_of_one_kind_is_none_of_another(prefix: Prefix) -> None:
    made = credentials.issue(prefix)
    assert [kind for kind in Prefix if credentials.is_well_formed(made, kind)] == [prefix]


@requirement("rfc6749:credentials-cannot-be-guessed")
def test_no_two_credentials_are_alike() -> None:
    assert len({credentials.issue(Prefix.ACCESS_TOKEN) for _ in range(1000)}) == 1000
    assert len({credentials.identifier() for _ in range(1000)}) == 1000


@given(st.integers(0, 54), st.characters())
def test_one_character_mistyped_is_noticed(place: int, other: str) -> None:
    made = credentials.issue(Prefix.ACCESS_TOKEN)
    mistyped = made[:place] + other + made[place + 1 :]
    assert credentials.is_well_formed(mistyped, Prefix.ACCESS_TOKEN) == (mistyped == made)


@given(
    st.text(st.characters(exclude_categories=())) | st.binary().map(lambda b: b.decode("latin-1"))
)
def test_any_text_at_all_is_told_from_a_credential(text: str) -> None:
    for prefix in Prefix:
        assert not credentials.is_well_formed(text, prefix)
        assert not credentials.is_well_formed(prefix + text, prefix)


def test_a_longer_or_shorter_text_is_none() -> None:
    made = credentials.issue(Prefix.ACCESS_TOKEN)
    for other in ("", made[:-1], made + "a", made + "\n", " " + made, made.upper()):
        assert not credentials.is_well_formed(other, Prefix.ACCESS_TOKEN)


def test_the_database_keeps_the_sha256() -> None:
    assert credentials.digest("lk_at_x") == hashlib.sha256(b"lk_at_x").digest()
