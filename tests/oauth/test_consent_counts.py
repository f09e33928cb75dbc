"""What the consent pages say that scopes would open right now."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, text

from app.core.counting import MOST
from app.core.principal import Principal
from app.core.procedure import PAGES_ONLY, AnyProcedure, Call, Catalogue, procedure
from app.extensions import ROWS, db
from app.models.organization import (
    MANAGER,
    Membership,
    Organization,
    Project,
    Team,
    TeamMember,
)
from app.models.task import Task
from app.oauth.opened import Opened
from app.procedures.shapes import Nothing
from tests.conftest import Call as Run
from tests.conftest import Person, change
from tests.databases import on_both_engines
from tests.oauth.conftest import Flow, answer_of
from tests.oauth.test_consent_page import words
from tests.oauth.test_device import look_up, start

pytestmark = on_both_engines
EVERYTHING = "tasks:view projects:view teams:view organizations:view"


def told(html: str) -> str | None:
    """Give what a page says that the scopes open."""
    found = re.search(r"Right now that opens (.*?)\.", words(html))
    return found and found[1]


def give_tasks(user_id: int | None, count: int, team_id: int | None = None) -> None:
    task = {"owner_id": user_id, "title": "x", "notes": "", "created_at": 1, "updated_at": 1}
    with db.engine.begin() as connection:
        connection.execute(insert(Task), [task | {"team_id": team_id}] * count)


@pytest.fixture
def ada(person: Person) -> Principal:
    """Give Ada, who is in an organization and its team with Ben, and has three tasks."""
    ada, ben = person("ada"), person("ben")
    here = {"organization_id": 1, "created_at": 1}
    with db.engine.begin() as connection:
        for name in ("Acme", "Globex"):
            connection.execute(insert(Organization).values(name=name, created_at=1))
        for each in (ada, ben):
            member = {**here, "user_id": each.user_id, "standing": MANAGER}
            connection.execute(insert(Membership).values(member))
        connection.execute(insert(Team).values(here | {"name": "Ops"}))
        for each in (ada, ben):
            member = {**here, "team_id": 1, "user_id": each.user_id}
            connection.execute(insert(TeamMember).values(member))
        for place in (1, 1, 2):
            project = {"organization_id": place, "name": "Plan", "created_at": 1}
            connection.execute(insert(Project).values(project))
    give_tasks(ada.user_id, 3)
    give_tasks(ben.user_id, 2, team_id=1)
    give_tasks(ben.user_id, 5)
    return ada


def test_the_page_counts_what_the_person_could_find(flow: Flow, ada: Principal) -> None:
    page = flow.authorize(scope=EVERYTHING)
    assert told(page.text) == "5 tasks, 2 projects, 1 team and 1 organization"


@pytest.mark.parametrize(
    ("scope", "opens"),
    [
        ("tasks:view", "5 tasks"),
        ("tasks:edit", "5 tasks"),
        ("projects:view profile:view", "2 projects"),
        ("profile:view openid email", None),
        ("settings:view", None),
    ],
)
def test_it_counts_for_the_scopes_that_are_asked_for_and_no_others(
    flow: Flow, ada: Principal, scope: str, opens: str | None
) -> None:
    assert told(flow.authorize(scope=scope).text) == opens


def test_what_there_is_none_of_is_told(flow: Flow) -> None:
    page = flow.authorize(scope="tasks:view projects:view")
    assert told(page.text) == "no tasks and no projects"


def test_a_scope_opens_no_more_than_the_person_holds(
    app: Flask, flow: Flow, ada: Principal, another: Callable[..., Flow]
) -> None:
    grace = another("grace")
    change("UPDATE client SET is_trusted = true, scopes = scopes || ' tasks:viewAll'")
    assert told(flow.authorize(scope="tasks:view tasks:viewAll").text) == "5 tasks"
    assert told(grace.authorize(scope="tasks:view").text) == "no tasks"
    assert told(grace.authorize(scope="tasks:view tasks:viewAll").text) == "10 tasks"
    assert told(grace.authorize(scope="tasks:viewAll").text) == "10 tasks"


def test_what_was_allowed_before_is_counted_too(flow: Flow, ada: Principal) -> None:
    answer_of(flow.decide(flow.authorize(scope="tasks:view")))
    page = flow.authorize(scope="tasks:view projects:view")
    assert "You have allowed it already" in page.text
    assert told(page.text) == "5 tasks and 2 projects"


def test_it_counts_no_further_than_a_thousand(flow: Flow, ada: Principal) -> None:
    give_tasks(ada.user_id, MOST)
    assert told(flow.authorize(scope="tasks:view").text) == "1000 or more tasks"


def test_what_is_for_a_service_of_others_opens_nothing_here(
    flow: Flow, ada: Principal, call: Run, person: Person
) -> None:
    service = {"identifier": "https://warehouse.example", "name": "Warehouse"}
    call("resource_servers.add", person("grace"), service)
    page = flow.authorize(scope="tasks:view", resource=service["identifier"])
    assert page.status_code == 200
    assert told(page.text) is None


def test_the_page_about_a_device_counts_alike(flow: Flow, ada: Principal) -> None:
    started = start(flow, scope="tasks:view projects:view")
    page = look_up(flow, started["user_code"])
    assert told(page.text) == "5 tasks and 2 projects"


def test_only_calls_that_the_scopes_open_to_a_client_are_counted_for(
    ada: Principal, person: Person
) -> None:
    def offered(name: str, **facts: Any) -> AnyProcedure:
        return procedure(name, **facts)(found)

    def found(call: Call, given: Nothing) -> Nothing:
        """Find something."""
        return given

    declared = Catalogue(
        [
            offered("tasks.see", any_scope=["tasks:edit", "tasks:view"]),
            offered("projects.see", scopes=["projects:view", "projects:edit"]),
            offered("teams.see", scopes=["teams:view"], channels=PAGES_ONLY),
        ]
    )
    opened, ada = Opened(declared, db.engines[ROWS]), person("ada")
    held = frozenset({"tasks:view", "projects:view", "teams:view"})
    assert opened.by(held, ada) == ["5 tasks"]
    assert opened.by(held | {"projects:edit"}, ada) == ["5 tasks", "2 projects"]
    assert opened.by(frozenset({"teams:view"}), ada) == []


def test_a_person_who_holds_nothing_of_it_is_told_nothing(flow: Flow, ada: Principal) -> None:
    change("DELETE FROM role_scope WHERE scope = 'projects:view'")
    page = flow.authorize(scope="tasks:view projects:view")
    assert told(page.text) == "5 tasks"


@pytest.fixture
def is_locked(app: Flask) -> Iterator[bool]:
    """Keep everybody from a table; tell whether that can be: on SQLite a reader never waits."""
    with db.engine.begin() as connection:
        is_postgresql = connection.dialect.name == "postgresql"
        if is_postgresql:
            connection.execute(text("LOCK TABLE project IN ACCESS EXCLUSIVE MODE"))
            yield True
    if not is_postgresql:
        yield False


def test_a_number_that_is_not_to_be_had_holds_no_page_up(
    flow: Flow, ada: Principal, *, is_locked: bool
) -> None:
    page = flow.authorize(scope="tasks:view projects:view teams:view")
    assert page.status_code == 200
    assert told(page.text) == (
        "5 tasks and 1 team" if is_locked else "5 tasks, 2 projects and 1 team"
    )
    assert "See the projects of your organizations" in words(page.text)
