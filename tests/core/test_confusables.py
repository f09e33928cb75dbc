"""Names that look alike, and names that do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import confusables

CLAUDES = [
    "claude",
    "CLAUDE",
    " Claude ",
    "C l a u d e",
    "Claude.",
    "| Claude",
    "\u2705 Claude \U0001f916",
    "\u0421laude",  # Cyrillic
    "\u0441\u217c\u0430\u057d\u0501\u0435",  # six scripts' small letters
    "\u03f9laude",  # lunate sigma
    "\U00010302laude",  # Old Italic
    "\ua4da\ua4e1\ua4ee\ua4f4\ua4d3\ua4f0",  # Lisu
    "CIaude",
    "C1aude",
    "C|aude",
    "Cl4ude",
    "Cl\u00e0ude",
    "C\u034fla\ufe0fude",
    "\U0001d4d2\U0001d4f5\U0001d4ea\U0001d4fe\U0001d4ed\U0001d4ee",  # mathematical script
    "\u1d04\u029f\u1d00\u1d1c\u1d05\u1d07",  # small capitals
    "\u24b8\u24db\u24d0\u24e4\u24d3\u24d4",  # in circles
    "\U0001f172\U0001f17b\U0001f170\U0001f184\U0001f173\U0001f174",  # in squares
    "\U0001f1e8\U0001f1f1\U0001f1e6\U0001f1fa\U0001f1e9\U0001f1ea",  # regional indicators
    "\uff23\uff2c\uff21\uff35\uff24\uff25",  # full width
]


@pytest.mark.parametrize("name", CLAUDES, ids=ascii)
def test_look_alikes_of_a_name_are_found(name: str) -> None:
    assert confusables.look_alike(name, "Claude")


@pytest.mark.parametrize("name", ["Claudia", "Cloud", "Claude Code", "Clauden", "Klaus"])
def test_another_name_looks_like_itself_alone(name: str) -> None:
    assert not confusables.look_alike(name, "Claude")


def test_a_name_of_another_script_is_folded_too() -> None:
    assert confusables.look_alike("\u041a\u041b\u041e\u0414", "\u043a\u043b\u043e\u0434")
    assert not confusables.look_alike("\u30e9\u30c3\u30c1", "\u30ad\u30fc")


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_text_is_folded_and_looks_like_itself(text: str, other: str) -> None:
    assert all(map(str.isalnum, confusables.look_alikes(text)))
    if confusables.look_alikes(text):
        assert confusables.look_alike(text, text)
    assert confusables.look_alike(text, other) == confusables.look_alike(other, text)
