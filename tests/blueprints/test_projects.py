"""The projects of the current organization, as a page shows and adds them."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from tests.blueprints.conftest import Browser
from tests.blueprints.organizations import call_as, found
from tests.conftest import change

Browsers = Callable[[str], Browser]


@pytest.fixture
def acme(app: Flask) -> str:
    """Give an organization that Ada manages, and Ben is in."""
    return found(app, "Acme", ada="manager", ben="member")


def test_everyone_in_it_adds_projects_and_sees_them(browser: Browsers, acme: str) -> None:
    ben = browser("ben")
    given = {"organization_id": acme, "name": "Launch <b>", "description": "In spring"}
    answer = ben.submit("/projects", given)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/projects")
    page = browser("ada").get("/projects").text
    assert "Launch &lt;b&gt;" in page
    assert "In spring" in page


def test_who_is_in_no_organization_is_told_what_to_do(grace: Browser, acme: str) -> None:
    page = grace.get("/projects").text
    assert "You are in no organization" in page
    assert 'id="add-project"' not in page


def test_a_wrong_name_comes_back_with_what_was_typed(ada: Browser, acme: str) -> None:
    given = {"organization_id": acme, "name": " ", "description": "kept"}
    answer = ada.submit("/projects", given)
    assert answer.status_code == 422
    assert 'id="name-error"' in answer.text
    assert ">kept</textarea>" in answer.text


def test_a_project_is_not_added_to_anothers_organization(grace: Browser, acme: str) -> None:
    answer = grace.submit("/projects", {"organization_id": acme, "name": "Mine"})
    assert answer.status_code == 404


def test_older_projects_are_a_page_further(app: Flask, ada: Browser, acme: str) -> None:
    for number in range(21):
        given = {"organization_id": acme, "name": f"Project {number}."}
        call_as(app, "ada", "projects.create", **given)
    first = ada.get("/projects").text
    older = re.search(r'href="([^"]+)">Show older', first)
    assert older
    second = ada.get(older[1]).text
    assert "Project 0." in second
    assert "Project 0." not in first
    assert "Project 20." not in second


def test_a_bad_cursor_says_so_and_shows_the_newest(ada: Browser, acme: str) -> None:
    answer = ada.get("/projects", cursor="!")
    assert answer.status_code == 422
    assert "The newest are shown." in answer.text


def test_without_the_scope_there_is_no_way_in(ada: Browser, acme: str) -> None:
    change("DELETE FROM role_scope WHERE scope = 'projects:view'")
    assert 'href="/projects"' not in ada.get("/tasks").text
    answer = ada.get("/projects")
    assert answer.status_code == 403
    assert "Ask an admin." in answer.text
    assert "projects:view" not in answer.text
