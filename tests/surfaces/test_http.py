"""Arguments out of requests, good and bad."""

import pytest

from app.surfaces.http import Malformed, NotJson, arguments_of_body, arguments_of_query

JSON = "application/json"


def test_a_query_string_gives_arguments_in_words() -> None:
    assert arguments_of_query(b"limit=5&q=a+b%C3%A9&status=") == {
        "limit": "5",
        "q": "a bé",
        "status": "",
    }


@pytest.mark.parametrize(
    "query",
    [b"a=1&a=2", b"a=%FF", b"a=%ED%A0%80", b"\xff=1", b"&".join([b"x"] * 101)],
    ids=["repeated", "not UTF-8", "half a surrogate pair", "raw bytes", "a hundred and one"],
)
def test_a_query_string_that_cannot_be_read_is_malformed(query: bytes) -> None:
    with pytest.raises(Malformed):
        arguments_of_query(query)


@pytest.mark.parametrize(
    "content_type", [JSON, "Application/JSON; charset=UTF-8", 'application/json; charset="utf-8"']
)
def test_a_json_object_gives_arguments(content_type: str) -> None:
    assert arguments_of_body(content_type, None, '{"title": "é"}'.encode()) == {"title": "é"}


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        (None, None),
        ("", None),
        ("text/plain", None),
        ("application/x-www-form-urlencoded", None),
        ("application/json; charset=latin-1", None),
        (JSON, "gzip"),
    ],
)
def test_what_is_not_declared_as_json_is_not_read(
    content_type: str | None, encoding: str | None
) -> None:
    with pytest.raises(NotJson):
        arguments_of_body(content_type, encoding, b"{}")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{} {}",
        b"[]",
        b"null",
        b'"text"',
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 2}}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": "\xe9"}',
        "{}".encode("utf-16"),
        "{}".encode("utf-8-sig"),
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_is_not_one_json_object_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        arguments_of_body(JSON, None, body)


def test_a_list_comes_as_a_repeated_parameter_and_nothing_else_does() -> None:
    lists = frozenset({"tag"})
    assert arguments_of_query(b"tag=a&x=1&tag=b", lists) == {"tag": ["a", "b"], "x": "1"}
    assert arguments_of_query(b"tag=a", lists) == {"tag": ["a"]}
    assert arguments_of_query(b"x=1", lists) == {"x": "1"}
    with pytest.raises(Malformed, match="twice"):
        arguments_of_query(b"tag=a&x=1&x=1", lists)
