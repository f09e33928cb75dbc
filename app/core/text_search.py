"""Searching texts for words, whatever their case: the same answer on both engines.

SQLite folds the case of ASCII alone, PostgreSQL by the locale of the database, which is C here.
So SQLite calls Python's own folding (Unicode's full case folding, by which "STRASSE" finds
"Straße"), and PostgreSQL is sent a pattern that spells out each letter's other forms.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice, pairwise
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Dialect, String, and_, literal, or_, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

# Each further word is compared with each row once more.
MAX_SEARCH_WORDS = 10
SQLITE_FUNCTION = "latchkey_contains"
# Nothing above has case, in Unicode 16.
_CASED_CODE_POINTS = range(0x1F000)
# As many readings of a run of letters are spelled out: "ss" has two, "ffi" has four.
_MAX_READINGS = 32

# Where in a folded word a letter begins and ends, and the letters that fold to this part of it.
_Tiles = dict[tuple[int, int], str]


def holds_words(
    q: str, *columns: ColumnElement[Any] | InstrumentedAttribute[Any]
) -> ColumnElement[bool]:
    """Return the condition that each word of a query stands in one of the columns."""
    return and_(
        true(),
        *(
            or_(*(_contains(column, literal(word, _Word)) for column in columns))
            for word in _words(q)
        ),
    )


def check_query(q: str) -> str:
    """Return a query that is not too long.

    Raises:
        ValueError: it has too many words.
    """
    if len(_words(q)) > MAX_SEARCH_WORDS:
        raise ValueError(f"Search for at most {MAX_SEARCH_WORDS} words.")
    return q


def _words(q: str) -> list[str]:
    return list(dict.fromkeys(q.casefold().split()))


def contains(text: str | None, word: str) -> bool | None:
    """Whether a text holds a folded word; SQLite calls it."""
    return None if text is None else word in text.casefold()


class _Word(TypeDecorator[str]):
    """A folded word, in the form that the engine compares with."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return pattern_of(value) if value and dialect.name == "postgresql" else value


class _contains(FunctionElement[bool]):  # noqa: N801 - named like the functions of SQL
    type = Boolean()
    inherit_cache = True


@compiles(_contains, "sqlite")
def _on_sqlite(element: _contains, compiler: SQLCompiler, **options: Any) -> str:
    return f"{SQLITE_FUNCTION}({compiler.process(element.clauses, **options)})"


@compiles(_contains, "postgresql")
def _on_postgresql(element: _contains, compiler: SQLCompiler, **options: Any) -> str:
    text, word = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({text} ~ {word})"


def pattern_of(word: str) -> str:
    """Return the regular expression of the texts in whose folded form a folded word stands."""
    tiles = _tiles(word)
    cuts = [
        place
        for place in range(len(word) + 1)
        if not any(begin < place < end for begin, end in tiles)
    ]
    parts = []
    for begin, end in pairwise(cuts):
        readings = list(islice(_readings(tiles, begin, end), _MAX_READINGS))
        parts.append(readings[0] if len(readings) == 1 else f"(?:{'|'.join(readings)})")
    return "".join(parts)


def _tiles(word: str) -> _Tiles:
    """Return the letters of which a word may be written.

    One whose folded form is longer may stick out at either end: "s" stands in "Straße".
    """
    tiles: dict[tuple[int, int], str] = {}
    for place, char in enumerate(word):
        tiles[place, place + 1] = "".join(sorted({char, *_forms().get(char, "")}))
    for folded, chars in _forms().items():
        for place in range(1 - len(folded), len(word)) if len(folded) > 1 else ():
            begin, end = max(place, 0), min(place + len(folded), len(word))
            if word[begin:end] == folded[begin - place : end - place]:
                there = tiles.get((begin, end), "")
                tiles[begin, end] = "".join(sorted({*there, *chars}))
    return tiles


def _readings(tiles: _Tiles, begin: int, end: int) -> Iterator[str]:
    """Yield the ways to write a part of a word, as expressions; the plainest comes first."""
    if begin == end:
        yield ""
    for place in range(begin + 1, end + 1):
        if (begin, place) in tiles:
            for rest in _readings(tiles, place, end):
                yield _any_of(tiles[begin, place]) + rest


def _any_of(chars: str) -> str:
    if len(chars) > 1:
        return f"[{chars}]"
    return f"\\{chars}" if chars.isascii() and not chars.isalnum() and chars != "_" else chars


@lru_cache(maxsize=1)
def _forms() -> Mapping[str, list[str]]:
    """Return, for each folded form, the characters that fold to it and are not it."""
    forms = defaultdict(list)
    for char in map(chr, _CASED_CODE_POINTS):
        if (folded := char.casefold()) != char:
            forms[folded].append(char)
    return forms
