"""Names and texts of strangers: what cannot be seen is not in them."""

import pytest

from app.core import names


@pytest.mark.parametrize("name", ["Reporter", "Zoë's app", "日本語", "7", "A & B <i>"])
def test_what_people_can_read_is_a_name(name: str) -> None:
    assert names.name(name) == name


@pytest.mark.parametrize(
    "name", ["", " ", "\u3164", "A\u3164", "\u202eevil", "a\u200bb", "a\x00b", "a\nb", "...", "!"]
)
def test_what_deceives_the_eye_is_none(name: str) -> None:
    with pytest.raises(ValueError, match="The name"):
        names.name(name)


@pytest.mark.parametrize("text", ["", "Two\nlines", "a\u200cb", "👩\u200d💻"])
def test_prose_has_lines_and_joiners(text: str) -> None:
    assert names.prose(text) == text


@pytest.mark.parametrize("text", ["\u202eevil", "a\u200bb", "a\x00b", "a\u2028b", "\ud800"])
def test_prose_hides_nothing(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be seen"):
        names.prose(text)
