"""The reference that people read."""

import pytest
from flask import Flask

from app.core.principal import Channel
from app.surfaces.reference import Entry, reference


@pytest.fixture
def entries(app: Flask) -> dict[str, Entry]:
    """Give the entries by the names of their procedures."""
    nouns = reference(app.extensions["pipeline"].catalogue, app.extensions["resources"])
    return {entry.procedure.name: entry for noun in nouns.values() for entry in noun}


def test_the_reference_holds_each_procedure_of_the_api(
    app: Flask, entries: dict[str, Entry]
) -> None:
    offered = app.extensions["pipeline"].catalogue.on(Channel.API)
    assert list(entries) == [item.name for item in offered]


def test_the_example_of_a_query_puts_its_arguments_into_the_url(
    entries: dict[str, Entry],
) -> None:
    assert entries["tasks.get"].example == (
        "curl -H \"Authorization: Bearer $TOKEN\" 'http://127.0.0.1:8000/api/tasks/get?task_id=1'"
    )


def test_the_example_of_a_mutation_sends_json(entries: dict[str, Entry]) -> None:
    assert entries["tasks.create"].example == (
        "curl -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' "
        '-d \'{"title": "Draft the budget", "notes": "Ask finance for numbers.", '
        '"team_id": "1"}\' http://127.0.0.1:8000/api/tasks/create'
    )


def test_a_public_procedure_is_called_without_a_token(entries: dict[str, Entry]) -> None:
    assert entries["health.check"].example == "curl http://127.0.0.1:8000/api/health/check"


def test_a_field_says_its_type_and_its_limits(entries: dict[str, Entry]) -> None:
    fields = {field.name: field for field in entries["tasks.list"].arguments}
    assert fields["limit"].type == "integer"
    assert "at least 1, at most 100, default 20" in fields["limit"].notes
    assert fields["status"].type == '"open" or "done"'
    results = {field.name: field.type for field in entries["tasks.list"].results}
    assert results["items[].created_at"] == "time"
    assert results["items[].completed_at"] == "time or null"
    assert results["next_cursor"] == "string or null"
