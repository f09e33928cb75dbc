"""Names and texts of strangers, that other people read and trust."""

import unicodedata

# Letters by their category, and nothing to the eye: fillers of the Korean alphabet.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Line ends; and the joiners that Persian and emoji are written with.
_NEEDED = frozenset("\n\r\t\u200c\u200d")


def name(text: str) -> str:
    """Give a name back.

    Raises:
        ValueError: it holds what cannot be seen or turns the writing round, or nothing to read.
    """
    if not text.isprintable() or not _BLANK.isdisjoint(text):
        raise ValueError("The name holds a character that cannot be seen.")
    if not any(character.isalnum() for character in text):
        raise ValueError("The name needs a letter or a digit.")
    return text


def prose(text: str) -> str:
    """Give a text of several lines back.

    Raises:
        ValueError: it holds what cannot be seen, or turns the writing round.
    """
    if any(unicodedata.category(c) in _UNSEEN for c in text if c not in _NEEDED):
        raise ValueError("This holds a character that cannot be seen.")
    return text
