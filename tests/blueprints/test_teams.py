"""The teams of an organization, as pages show and change them."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.blueprints.conftest import Browser
from tests.blueprints.organizations import found, team_of

Browsers = Callable[[str], Browser]


@pytest.fixture
def acme(app: Flask) -> str:
    """Give an organization that Ada manages, and Ben is in."""
    return found(app, "Acme", ada="manager", ben="member")


@pytest.fixture
def teams(acme: str) -> str:
    """Give where the teams of the organization are."""
    return f"/settings/organizations/{acme}/teams"


def test_a_team_is_made_filled_renamed_emptied_and_deleted(
    ada: Browser, person: Callable[..., object], acme: str, teams: str
) -> None:
    made = ada.submit(teams, {"name": "Design"})
    team = made.headers["Location"]
    assert made.status_code == 303
    assert "Nobody yet." in ada.get(team).text
    for path, fields, said in (
        ("/members", {"user_id": "2"}, "Ben is in the team."),
        ("", {"name": "Drawing"}, "The team is called Drawing from now on."),
        ("/members/2/remove", {}, "Ben is not in the team any more."),
    ):
        answer = ada.submit(team + path, fields)
        assert (answer.status_code, answer.headers["Location"]) == (303, team)
        assert said in ada.get(team).text
    gone = ada.submit(f"{team}/delete")
    assert gone.headers["Location"] == f"/settings/organizations/{acme}"
    assert "The team Drawing is deleted" in ada.get(gone.headers["Location"]).text
    assert ada.get(team).status_code == 404


def test_who_is_not_in_the_team_is_offered(
    app: Flask, ada: Browser, acme: str, teams: str
) -> None:
    team = team_of(app, acme, "Design", "ada")
    page = ada.get(f"{teams}/{team}").text
    assert '<option value="2">Ben (ben@example.com)</option>' in page
    assert '<option value="1">' not in page
    ada.submit(f"{teams}/{team}/members", {"user_id": "2"})
    assert "Everyone in the organization is in the team." in ada.get(f"{teams}/{team}").text


def test_a_plain_member_sees_the_team_and_is_offered_nothing(
    app: Flask, browser: Browsers, acme: str, teams: str
) -> None:
    team = team_of(app, acme, "Design", "ada")
    page = browser("ben").get(f"{teams}/{team}").text
    assert "ada@example.com" in page
    assert f"{teams}/{team}" not in page


@pytest.mark.parametrize("name", ["", "x" * 81, "Design"])
def test_a_wrong_name_comes_back_with_a_message(
    app: Flask, ada: Browser, acme: str, teams: str, name: str
) -> None:
    team_of(app, acme, "Design")
    other = team_of(app, acme, "Other")
    for path, field in ((teams, "team-name"), (f"{teams}/{other}", "name")):
        answer = ada.submit(path, {"name": name})
        assert answer.status_code == (409 if name == "Design" else 422)
        assert f'id="{field}-error"' in answer.text


def test_nobody_chosen_is_said_at_the_choice(
    app: Flask, ada: Browser, acme: str, teams: str
) -> None:
    team = team_of(app, acme, "Design")
    answer = ada.submit(f"{teams}/{team}/members", {})
    assert answer.status_code == 422
    assert "Choose a person." in answer.text


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("", {"name": "Mine"}),
        ("/delete", {}),
        ("/members", {"user_id": "2"}),
        ("/members", {"user_id": "3"}),
        ("/members/1/remove", {}),
    ],
)
def test_a_plain_member_and_a_stranger_change_nothing(
    app: Flask, browser: Browsers, acme: str, teams: str, path: str, fields: dict[str, str]
) -> None:
    team = team_of(app, acme, "Design", "ada")
    for name in ("ben", "grace"):
        assert browser(name).submit(f"{teams}/{team}{path}", fields).status_code == 404
    page = browser("ada").get(f"{teams}/{team}").text
    assert "Design" in page
    assert 'id="in-team-1"' in page
    assert 'id="in-team-2"' not in page


def test_a_stranger_is_not_added(app: Flask, ada: Browser, acme: str, teams: str) -> None:
    team = team_of(app, acme, "Design")
    assert ada.submit(f"{teams}/{team}/members", {"user_id": "3"}).status_code == 404


def test_a_team_is_shown_as_its_own_organizations_alone(
    app: Flask, ada: Browser, acme: str, teams: str
) -> None:
    other = found(app, "Other", ada="manager")
    team = team_of(app, other, "Elsewhere")
    assert ada.get(f"{teams}/{team}").status_code == 404
    assert ada.get(f"/settings/organizations/{other}/teams/{team}").status_code == 200
