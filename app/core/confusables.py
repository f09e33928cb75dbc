"""Names that look alike: a fold under which confusable names are equal (UTS #39 §4).

The table is Unicode's own; its first lines say which version. Beyond the skeleton of UTS #39 the
fold drops case, marks, spaces, punctuation and symbols, because people read names without them.
"""

import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

_TABLE = Path(__file__).with_suffix(".txt")
# Letters that Unicode lists by name only: small capitals, and letters in circles and squares.
_NAMED_LETTER = re.compile(
    r"(?:LATIN LETTER SMALL CAPITAL|REGIONAL INDICATOR SYMBOL LETTER"
    r"|NEGATIVE (?:CIRCLED|SQUARED) LATIN CAPITAL LETTER) ([A-Z])"
)
# The table makes `I`, `l` and `1` one; with the case dropped, `i` joins them. The other digits
# stand for letters in names that are spelled so on purpose.
_MERGED = str.maketrans({"i": "l", "3": "e", "4": "a", "5": "s", "7": "t"})
_MAX_NAMES = 1024


@cache
def _prototypes() -> dict[str, str]:
    """Return the table; it is read once, when the first name is compared."""
    table: dict[str, str] = {}
    for line in _TABLE.read_text("ascii").splitlines():
        if line and not line.startswith("#"):
            prototype, characters = line.split(":")
            text = "".join(chr(int(code, 16)) for code in prototype.split())
            table.update((chr(int(code, 16)), text) for code in characters.split())
    return table


def _prototype(character: str) -> str:
    prototype = _prototypes().get(character)
    if prototype is None and not character.isascii():
        named = _NAMED_LETTER.fullmatch(unicodedata.name(character, ""))
        return named[1] if named else character
    return prototype or character


def _decompose(text: str, form: Literal["NFD", "NFKD"] = "NFKD") -> str:
    """Return a text without marks; in NFKD each compatibility form is what it stands for."""
    return "".join(
        character
        for character in unicodedata.normalize(form, text)
        if not unicodedata.category(character).startswith("M")
    )


def fold(text: str) -> str:
    """Return the skeleton of a text: letters and digits alone, look-alikes as one character."""
    # NFD first (UTS #39): the lunate sigma looks like C, and stands for sigma.
    skeleton = "".join(map(_prototype, _decompose(text, "NFD")))
    # A prototype may itself be a capital, a compatibility form, or another script's small letter.
    skeleton = "".join(map(_prototype, _decompose(skeleton).casefold()))
    folded = "".join(filter(str.isalnum, _decompose(skeleton).casefold()))
    return folded.translate(_MERGED)


@lru_cache(maxsize=_MAX_NAMES)
def look_alikes(name: str) -> frozenset[str]:
    """Return the folds of a name; two names look alike if they share one.

    Capitals and small letters have different look-alikes, and punctuation may stand for a letter
    (`|` for `l`) or beside the name as decoration: each reading has a fold.
    """
    letters = "".join(filter(str.isalnum, _decompose(name, "NFD")))
    readings = {name, name.casefold(), letters, letters.casefold()}
    return frozenset(filter(None, map(fold, readings)))


def look_alike(name: str, other: str) -> bool:
    """Whether people could take one name for the other."""
    return not look_alikes(name).isdisjoint(look_alikes(other))


def words(text: str) -> list[str]:
    """Return the folds of a text's words, one each."""
    parts = re.split(r"[^\w]+|_", unicodedata.normalize("NFKC", text))
    return [folded for part in parts if (folded := fold(part))]
