"""Tasks that a team shares, on the task tracker's pages."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.blueprints.conftest import Browser
from tests.blueprints.organizations import call_as, found, team_of
from tests.blueprints.test_tasks import row_of
from tests.conftest import change

Browsers = Callable[[str], Browser]


@pytest.fixture
def team(app: Flask) -> str:
    """Give the team of Ada and Ben in an organization that Ada manages."""
    acme = found(app, "Acme", ada="manager", ben="member", grace="manager")
    return team_of(app, acme, "Design <b>", "ada", "ben")


@pytest.fixture
def task_id(app: Flask, team: str) -> str:
    """Give a task of Ada's in the team."""
    return str(call_as(app, "ada", "tasks.create", title="Shared", team_id=team).id)


@pytest.mark.parametrize("send", ["submit", "swap"])
def test_a_task_is_shared_when_it_is_added(browser: Browsers, team: str, send: str) -> None:
    ada, ben = browser("ada"), browser("ben")
    assert f'<option value="{team}"' in ada.get("/tasks").text
    answer = getattr(ada, send)("/tasks", {"title": "Ours", "team_id": team})
    assert answer.status_code == {"submit": 303, "swap": 200}[send]
    getattr(ada, send)("/tasks", {"title": "Mine", "team_id": "none"})
    page = ben.get("/tasks").text
    assert "Ours" in page
    assert "Design &lt;b&gt;" in page
    assert "Mine" not in page


def test_the_team_stands_at_the_task(browser: Browsers, task_id: str) -> None:
    for name in ("ada", "ben"):
        page = browser(name).get("/tasks").text
        assert "Design &lt;b&gt;" in row_of(page, task_id)
    detail = browser("ben").get(f"/tasks/{task_id}").text
    assert "Design &lt;b&gt;" in detail
    assert "by Ada" in detail
    assert "by you" in browser("ada").get(f"/tasks/{task_id}").text


def test_who_is_in_no_team_is_offered_none(grace: Browser, team: str) -> None:
    page = grace.get("/tasks").text
    assert 'name="team_id"' not in page
    assert "Design" not in page


def test_the_list_can_be_of_one_team(browser: Browsers, team: str, task_id: str) -> None:
    ben = browser("ben")
    ben.submit("/tasks", {"title": "Alone"})
    page = ben.get("/tasks", team_id=team).text
    assert "Shared" in page
    assert "Alone" not in page
    assert f'<option value="{team}" selected>' in page


@pytest.mark.parametrize("send", ["submit", "swap"])
def test_its_owner_takes_a_task_out_and_back_in(
    browser: Browsers, team: str, task_id: str, send: str
) -> None:
    ada, ben = browser("ada"), browser("ben")
    assert f'<option value="{team}" selected>' in ada.get(f"/tasks/{task_id}/edit").text
    for target, seen in (("none", 404), (team, 200)):
        given = {"title": "Shared", "notes": "", "team_id": target}
        assert getattr(ada, send)(f"/tasks/{task_id}", given).status_code in (200, 303)
        assert ben.get(f"/tasks/{task_id}").status_code == seen


def test_a_teammate_changes_it_and_is_not_offered_another_team(
    browser: Browsers, team: str, task_id: str
) -> None:
    ben = browser("ben")
    assert 'name="team_id"' not in ben.get(f"/tasks/{task_id}/edit").text
    given = {"title": "Ben was here", "notes": ""}
    assert ben.submit(f"/tasks/{task_id}", given).status_code == 303
    assert ben.submit(f"/tasks/{task_id}", {**given, "team_id": "none"}).status_code == 404
    wrong = ben.submit(f"/tasks/{task_id}", {"title": "", "notes": "kept"})
    assert wrong.status_code == 422
    assert 'name="team_id"' not in wrong.text
    assert "Ben was here" in browser("ada").get(f"/tasks/{task_id}").text


@pytest.mark.parametrize("send", ["submit", "swap"])
def test_a_wrong_title_keeps_the_team_that_was_chosen(
    ada: Browser, team: str, task_id: str, send: str
) -> None:
    for path in ("/tasks", f"/tasks/{task_id}"):
        answer = getattr(ada, send)(path, {"title": "", "team_id": team})
        assert answer.status_code == 422
        assert f'<option value="{team}" selected>' in answer.text


def test_comments_say_who_wrote_them(app: Flask, browser: Browsers, task_id: str) -> None:
    call_as(app, "ada", "comments.add", task_id=task_id, body="First")
    ben = browser("ben")
    added = ben.swap(f"/tasks/{task_id}/comments", {"body": "Second"}).text
    assert "You ·" in added
    page = ben.get(f"/tasks/{task_id}").text
    second, first = (page.partition(body)[2].partition("</li>")[0] for body in ("Second", "First"))
    assert "You ·" in second
    assert "Ada ·" in first


def test_who_has_left_the_team_keeps_their_tasks_and_can_take_them_out(
    app: Flask, browser: Browsers, team: str
) -> None:
    own = str(call_as(app, "ben", "tasks.create", title="Ben's", team_id=team).id)
    call_as(app, "ada", "comments.add", task_id=own, body="Noted")
    change("DELETE FROM team_member WHERE user_id = 2")
    ben = browser("ben")
    page = ben.get(f"/tasks/{own}").text
    assert "Another team" in page
    assert "Somebody who is not in the team ·" in page
    assert "Design" not in page
    edit = ben.get(f"/tasks/{own}/edit").text
    assert f'<option value="{team}" selected>The team it is in now' in edit
    given = {"title": "Ben's own", "notes": "", "team_id": team}
    assert ben.submit(f"/tasks/{own}", given).status_code == 303
    assert ben.submit(f"/tasks/{own}", {**given, "team_id": "none"}).status_code == 303
    assert browser("ada").get(f"/tasks/{own}").status_code == 404


def test_without_the_scope_for_teams_tasks_are_shown_all_the_same(
    ada: Browser, task_id: str
) -> None:
    change("DELETE FROM role_scope WHERE scope = 'teams:view'")
    page = ada.get("/tasks")
    assert page.status_code == 200
    assert "Shared" in row_of(page.text, task_id)
    assert 'name="team_id"' not in page.text
    assert ada.get(f"/tasks/{task_id}").status_code == 200


def test_a_token_of_who_is_removed_finds_nothing_of_it_from_the_next_call_on(
    app: Flask, token: Callable[..., str], team: str, task_id: str
) -> None:
    program = app.test_client(use_cookies=False)
    headers = {"Authorization": f"Bearer {token('ben', 'tasks:view', 'projects:view')}"}

    def found_by_it() -> tuple[int, int, int]:
        task = program.get(f"/api/tasks/get?task_id={task_id}", headers=headers)
        lists = [
            program.get(f"/api/{name}/list", headers=headers).get_json()["items"]
            for name in ("tasks", "projects")
        ]
        return task.status_code, len(lists[0]), len(lists[1])

    acme = call_as(app, "ada", "organizations.list").items[0].id
    call_as(app, "ada", "projects.create", organization_id=acme, name="Launch")
    assert found_by_it() == (200, 1, 1)
    members = call_as(app, "ada", "members.list", organization_id=acme, q="ben").items
    call_as(app, "ada", "members.remove", member_id=members[0].id)
    assert found_by_it() == (404, 0, 0)
