"""Searching by words: in any order, in any case, and alike on both engines."""

# ruff: noqa: RUF001 - letters that look or fold alike are the point

import random
import re

import pytest
from sqlalchemy import literal, select, union_all

from app.core.text_search import MAX_SEARCH_WORDS, check_query, contains, holds_words, pattern_of
from tests.databases import on_both_engines
from tests.world import World

ROWS = [
    ("Résumé for the Straße", "quarterly budget"),
    ("ÄRGER", ""),
    ("100% of a_b", "back\\slash [x] (y) .* ^$ {2}"),
    ("ΟΔΟΣ", "Ελλάδα"),
    ("İstanbul", "ofﬁce"),
    ("привет МИР", "日本語"),
]


FOUND = {
    "RÉSUMÉ": [0],
    "budget résumé": [0],
    "résumé   nothing": [],
    "STRASSE": [0],
    "straße": [0],
    "ärger": [1],
    "Arger": [],
    "%": [2],
    "100%": [2],
    "a_b": [2],
    "a.b": [],
    "\\": [2],
    "[X]": [2],
    ".* ^$ {2} (Y)": [2],
    "οδος": [3],
    "ΕΛΛΆΔΑ": [3],
    "OFFICE": [4],
    "OFICE": [],
    "i̇stanbul": [4],
    "мир ПРИВЕТ": [5],
    "本": [5],
    "": [0, 1, 2, 3, 4, 5],
    "***:(?i)x": [],
    "again " * 100: [],
}
_ROWS = union_all(
    *(
        select(*(literal(text).label(name) for name, text in zip("ab", row, strict=True)))
        for row in ROWS
    )
).subquery()


@on_both_engines
def test_each_word_is_found_in_whatever_case_and_order(world: World) -> None:
    with world.rows.connect() as connection:
        for q, numbers in FOUND.items():
            rows = connection.execute(select(_ROWS).where(holds_words(q, *_ROWS.c)))
            assert sorted(ROWS.index((row.a, row.b)) for row in rows) == numbers, q


def test_the_expression_for_postgresql_finds_what_python_finds() -> None:
    draw = random.Random(7)  # noqa: S311 - the same texts in every run
    letters = "sSſßẞfFﬁﬃiıİIjǰaẚKkÅå ʾ%ΐςσΣ\\]^-ŉn"
    for _ in range(1500):
        text = "".join(draw.choices(letters, k=draw.randint(1, 6)))
        word = "".join(draw.choices(letters, k=draw.randint(1, 3))).casefold().replace(" ", "x")
        assert bool(re.search(pattern_of(word), text)) == contains(text, word), (text, word)


def test_a_word_that_can_be_written_in_many_ways_stays_small() -> None:
    assert len(pattern_of("s" * 200)) < 50_000


def test_a_query_of_too_many_words_is_refused() -> None:
    assert check_query("again " * 100)
    with pytest.raises(ValueError, match="at most 10 words"):
        check_query(" ".join(map(str, range(MAX_SEARCH_WORDS + 1))))
