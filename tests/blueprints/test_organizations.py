"""A person's organizations, as pages show and change them."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from tests.blueprints.conftest import Browser
from tests.blueprints.organizations import call_as, found, team_of
from tests.conftest import change

Browsers = Callable[[str], Browser]
HERE = "/settings/organizations"


@pytest.fixture
def acme(app: Flask) -> str:
    """Give an organization that Ada manages, and Ben is in."""
    return found(app, "Acme <b>", ada="manager", ben="member")


def member_id(app: Flask, organization_id: str, name: str) -> str:
    """Give the id of a membership."""
    members = call_as(app, "ada", "members.list", organization_id=organization_id).items
    return str(next(member.id for member in members if member.name == name))


def row_of(html: str, key: str) -> str:
    """Give a member's row; nothing where it is not shown."""
    return html.partition(f'id="member-{key}"')[2].partition("</tr>")[0]


def test_a_person_sees_the_organizations_that_they_are_in(browser: Browsers, acme: str) -> None:
    page = browser("ben").get(HERE).text
    assert "Acme &lt;b&gt;" in page
    assert "Member" in page
    assert f'action="{HERE}/{acme}/leave"' in page
    assert "You are in no organization" in browser("grace").get(HERE).text


def test_its_people_and_teams_are_shown_to_everyone_in_it(
    app: Flask, browser: Browsers, acme: str
) -> None:
    team_of(app, acme, "Design", "ada")
    for name in ("ada", "ben"):
        page = browser(name).get(f"{HERE}/{acme}").text
        for shown in ("ada@example.com", "ben@example.com", "Design", "1 person"):
            assert shown in page
    assert "You are in it" not in page


def test_who_manages_it_is_offered_what_a_plain_member_is_not(
    app: Flask, browser: Browsers, acme: str
) -> None:
    offered = [
        f'action="{HERE}/{acme}"',
        f'action="{HERE}/{acme}/teams"',
        f'action="{HERE}/{acme}/members/{member_id(app, acme, "Ben")}/remove"',
    ]
    pages = {name: browser(name).get(f"{HERE}/{acme}").text for name in ("ada", "ben")}
    assert [form in pages["ada"] for form in offered] == [True, True, True]
    assert [form in pages["ben"] for form in offered] == [False, False, False]


def test_a_manager_renames_it(ada: Browser, acme: str) -> None:
    answer = ada.submit(f"{HERE}/{acme}", {"name": "Acme Ltd"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{HERE}/{acme}")
    assert "It is called Acme Ltd from now on." in ada.get(f"{HERE}/{acme}").text


def test_a_wrong_name_comes_back_with_a_message(ada: Browser, acme: str) -> None:
    answer = ada.submit(f"{HERE}/{acme}", {"name": "x" * 81})
    assert answer.status_code == 422
    assert f'value="{"x" * 81}"' in answer.text
    assert "Use at most 80 characters." in answer.text


def test_a_manager_makes_another_one(app: Flask, ada: Browser, acme: str) -> None:
    ben = member_id(app, acme, "Ben")
    answer = ada.submit(f"{HERE}/{acme}/members/{ben}", {"standing": "manager"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{HERE}/{acme}")
    page = ada.get(f"{HERE}/{acme}").text
    assert "Ben is a manager from now on." in page
    assert "Manager" in row_of(page, ben)


def test_the_last_manager_is_told_why_they_stay_one(app: Flask, ada: Browser, acme: str) -> None:
    mine = member_id(app, acme, "Ada")
    for path, fields in (
        (f"{acme}/members/{mine}", {"standing": "member"}),
        (f"{acme}/members/{mine}/remove", {}),
        (f"{acme}/leave", {}),
    ):
        answer = ada.submit(f"{HERE}/{path}", fields)
        assert answer.status_code == 409
        assert "Nobody else manages this organization" in answer.text
        assert "<html" in answer.text
    assert member_id(app, acme, "Ada") == mine


def test_a_person_who_is_removed_is_out_of_it_at_once(
    app: Flask, browser: Browsers, acme: str
) -> None:
    ada, ben = browser("ada"), browser("ben")
    assert ben.get(f"{HERE}/{acme}").status_code == 200
    ada.submit(f"{HERE}/{acme}/members/{member_id(app, acme, 'Ben')}/remove")
    assert "Ben is not in it any more." in ada.get(f"{HERE}/{acme}").text
    assert ben.get(f"{HERE}/{acme}").status_code == 404


def test_who_leaves_or_removes_themself_is_led_to_the_list(
    app: Flask, browser: Browsers, acme: str
) -> None:
    ada, ben = browser("ada"), browser("ben")
    assert ben.submit(f"{HERE}/{acme}/leave").headers["Location"] == HERE
    assert "You have left Acme &lt;b&gt;." in ben.get(HERE).text
    mine = member_id(app, acme, "Ada")
    assert ada.submit(f"{HERE}/{acme}/members/{mine}/remove").headers["Location"] == HERE
    assert ada.get(f"{HERE}/{acme}").status_code == 404


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("{acme}", {"name": "Mine"}),
        ("{acme}/members/{ada}", {"standing": "member"}),
        ("{acme}/members/{ada}/remove", {}),
        ("{acme}/teams", {"name": "Mine"}),
    ],
)
def test_a_plain_member_and_a_stranger_change_nothing(
    app: Flask, browser: Browsers, acme: str, path: str, fields: dict[str, str]
) -> None:
    there = path.format(acme=acme, ada=member_id(app, acme, "Ada"))
    for name in ("ben", "grace"):
        assert browser(name).submit(f"{HERE}/{there}", fields).status_code == 404
    page = browser("ada").get(f"{HERE}/{acme}").text
    assert "Acme &lt;b&gt;" in page
    assert "Mine" not in page


@pytest.mark.parametrize("key", ["999", "x", "1.0", "9" * 70])
def test_an_organization_that_is_none_is_not_there(grace: Browser, acme: str, key: str) -> None:
    assert grace.get(f"{HERE}/{acme}").status_code == 404
    assert grace.get(f"{HERE}/{key}").status_code == 404
    for path, fields in (
        ("", {"name": "x"}),
        ("/leave", {}),
        ("/teams", {"name": "x"}),
        ("/members/999", {"standing": "member"}),
        ("/members/999/remove", {}),
    ):
        assert grace.submit(f"{HERE}/{key}{path}", fields).status_code == 404


def test_the_people_of_a_large_organization_are_searched_and_paged(
    app: Flask, ada: Browser, acme: str
) -> None:
    for number in range(21):
        change(
            "INSERT INTO user_account (email, name, created_at) VALUES (:email, :name, 1)",
            email=f"person{number}@example.com",
            name=f"Person {number}.",
        )
    change(
        "INSERT INTO membership (organization_id, user_id, standing, created_at) "
        "SELECT :organization_id, id, 'member', 1 FROM user_account WHERE name LIKE 'Person%'",
        organization_id=int(acme),
    )
    first = ada.get(f"{HERE}/{acme}").text
    older = re.search(r'href="([^"]+)">Show older', first)
    assert older
    second = ada.get(older[1].replace("&amp;", "&")).text
    assert "Person 20." in first
    assert "Person 0." in second
    assert "Person 0." not in first
    found_ = ada.get(f"{HERE}/{acme}", q="person7@").text
    assert "Person 7." in found_
    assert "Person 8." not in found_
    assert "Nobody meets this search." in ada.get(f"{HERE}/{acme}", q="nobody").text


@pytest.mark.parametrize("query", [{"cursor": "!"}, {"q": "x" * 81}, {"q": "\0"}])
def test_a_bad_search_says_so_and_shows_everyone(
    ada: Browser, acme: str, query: dict[str, str]
) -> None:
    answer = ada.get(f"{HERE}/{acme}", **query)
    assert answer.status_code == 422
    assert "Everyone is shown." in answer.text
    assert "ben@example.com" in answer.text
