"""The current organization: named on each page, chosen by form, and never a right."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.blueprints.conftest import Browser
from tests.blueprints.organizations import call_as, found
from tests.conftest import change

Browsers = Callable[[str], Browser]
SWITCH = "/settings/organizations/current"


@pytest.fixture
def acme(app: Flask) -> str:
    """Give an organization that Ada manages, and Ben is in."""
    return found(app, "Acme", ada="manager", ben="member")


@pytest.fixture
def zoo(app: Flask) -> str:
    """Give another one, of Ada's alone."""
    return found(app, "Zoo", ada="manager")


def header(html: str) -> str:
    return html.partition("<header")[2].partition("</header>")[0]


def test_of_one_organization_the_name_stands_on_each_page(browser: Browsers, acme: str) -> None:
    for path in ("/tasks", "/projects", "/settings/connections", "/nowhere"):
        shown = header(browser("ben").get(path).text)
        assert "Acme" in shown
        assert SWITCH not in shown


def test_who_is_in_none_sees_nothing_of_it(grace: Browser, acme: str) -> None:
    shown = header(grace.get("/tasks").text)
    assert "Acme" not in shown
    assert "organization" not in shown.lower()


def test_who_is_in_several_chooses_and_keeps_the_choice(ada: Browser, acme: str, zoo: str) -> None:
    assert f'value="{acme}" selected' in header(ada.get("/tasks").text)
    answer = ada.submit(SWITCH, {"organization_id": zoo, "next": "/projects"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/projects")
    for path in ("/projects", "/tasks"):
        assert f'value="{zoo}" selected' in header(ada.get(path).text)


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_after_the_choice_one_stays_here(ada: Browser, acme: str, zoo: str, target: str) -> None:
    answer = ada.submit(SWITCH, {"organization_id": zoo, "next": target})
    assert answer.headers["Location"] == "/tasks"


def test_projects_are_of_the_organization_that_was_chosen(
    app: Flask, ada: Browser, acme: str, zoo: str
) -> None:
    for key, name in ((acme, "Launch"), (zoo, "Feeding")):
        call_as(app, "ada", "projects.create", organization_id=key, name=name)
    assert ["Launch" in ada.get("/projects").text, "Feeding" in ada.get("/projects").text] == [
        True,
        False,
    ]
    ada.submit(SWITCH, {"organization_id": zoo})
    page = ada.get("/projects").text
    assert ["Launch" in page, "Feeding" in page] == [False, True]


@pytest.mark.parametrize("key", ["zoo", "999", "x", "", "9" * 5000])
def test_a_choice_of_what_is_not_ones_own_changes_nothing(
    browser: Browsers, acme: str, zoo: str, key: str
) -> None:
    ben = browser("ben")
    answer = ben.submit(SWITCH, {"organization_id": zoo if key == "zoo" else key})
    assert answer.status_code == 303
    shown = header(ben.get("/projects").text)
    assert "Acme" in shown
    assert "Zoo" not in shown


def test_a_cookie_that_names_anothers_organization_opens_nothing(
    app: Flask, browser: Browsers, acme: str, zoo: str
) -> None:
    call_as(app, "ada", "projects.create", organization_id=zoo, name="Feeding")
    ben = browser("ben")
    with ben.client.session_transaction() as kept:
        kept["organization"] = zoo
    page = ben.get("/projects").text
    assert "Acme" in header(page)
    assert "Feeding" not in page


def test_a_choice_ends_with_the_membership(browser: Browsers, acme: str, zoo: str) -> None:
    ada = browser("ada")
    ada.submit(SWITCH, {"organization_id": zoo})
    change("DELETE FROM membership WHERE organization_id = :key", key=int(zoo))
    page = ada.get("/projects").text
    assert "Acme" in header(page)
    assert "Zoo" not in page


def test_without_the_scope_nothing_is_named_and_no_refusal_is_written(
    ada: Browser, acme: str
) -> None:
    change("DELETE FROM role_scope WHERE scope = 'organizations:view'")
    answer = ada.get("/tasks")
    assert answer.status_code == 200
    assert "Acme" not in header(answer.text)
    with pytest.raises(AssertionError):
        change("DELETE FROM audit_event WHERE action = 'organizations.list'")
