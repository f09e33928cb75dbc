"""The admins' pages about people, and who may touch whom."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.extensions import db
from app.identity import accounts
from tests.blueprints.conftest import Browser
from tests.conftest import PASSWORD, Call, Person, change
from tests.databases import on_both_engines

USERS = "/admin/users"

Browsers = Callable[[str], Browser]
Pages = Callable[[str], str]


@pytest.fixture
def at(person: Person) -> Pages:
    """Give a function from a name to the address of that person's page."""
    return lambda name: f"{USERS}/{person(name).user_id}"


@pytest.fixture
def give(app: Flask) -> Callable[..., None]:
    """Give a function that makes a role of some scopes, and the only one of a person."""

    def make(name: str, *scopes: str) -> None:
        with db.engine.begin() as connection:
            role_id = connection.exec_driver_sql(
                f"INSERT INTO role (name, is_default) VALUES ('Of {name}', false) RETURNING id"
            ).scalar_one()
            for scope in scopes:
                connection.exec_driver_sql(
                    f"INSERT INTO role_scope (role_id, scope) VALUES ({role_id}, '{scope}')"
                )
            connection.exec_driver_sql(
                f"UPDATE user_role SET role_id = {role_id} WHERE user_id = "
                f"(SELECT id FROM user_account WHERE email = '{name}@example.com')"
            )

    return make


def tabs(browser: Browser) -> list[str]:
    page = browser.get("/admin").text
    found = re.search(r'<nav class="tabs[^>]*>(.*?)</nav>', page, re.DOTALL)
    return re.findall(r">([^<>]+)</a>", found[1]) if found else []


def role_id(name: str) -> str:
    with db.engine.connect() as connection:
        found = connection.exec_driver_sql(f"SELECT id FROM role WHERE name = '{name}'")
        return str(found.scalar_one())


@on_both_engines
def test_everyone_is_shown_with_roles_status_and_when_they_were_seen(grace: Browser) -> None:
    change("UPDATE user_account SET suspended_at = 1 WHERE email = 'ben@example.com'")
    rows = grace.get(USERS).text.split("<tr ")
    ben = next(row for row in rows if "ben@example.com" in row)
    admin = next(row for row in rows[1:] if "grace@example.com" in row)
    for fact in (">Ben</a>", "Member", "Suspended", "Never"):
        assert fact in ben
    for fact in (">Grace</a>", "Admin", "Active", "<time"):
        assert fact in admin


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "ada"}, ["Ada"]),
        ({"status": "suspended"}, ["Ben"]),
        ({"status": "active", "q": "example.com"}, ["Grace", "Ada"]),
        ({"q": "%"}, []),
    ],
)
def test_the_filters_find_people_and_stay_as_they_were(
    grace: Browser, query: dict[str, str], found: list[str]
) -> None:
    change("UPDATE user_account SET suspended_at = 1 WHERE email = 'ben@example.com'")
    page = grace.get(USERS, **query).text
    assert re.findall(r'href="/admin/users/\d+">(\w+)</a>', page) == found
    assert f'value="{query.get("q", "")}"' in page
    assert f'value="{query.get("status", "")}" selected' in page or "status" not in query


def test_people_are_found_by_their_role(grace: Browser) -> None:
    page = grace.get(USERS, role_id=role_id("Admin")).text
    assert re.findall(r'href="/admin/users/\d+">(\w+)</a>', page) == ["Grace"]
    assert f'value="{role_id("Admin")}" selected' in page


@pytest.mark.parametrize("query", [{"cursor": "!!"}, {"q": "x" * 201}, {"status": "odd"}])
def test_a_bad_filter_says_so_and_shows_everyone(grace: Browser, query: dict[str, str]) -> None:
    answer = grace.get(USERS, **query)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "ben@example.com" in answer.text


def test_older_accounts_are_a_page_further(grace: Browser) -> None:
    for number in range(20):
        name = f"Person {number}."
        email = f"n{number}@example.org"
        accounts.create(db.engine, email=email, name=name, password=PASSWORD, role="Member", now=1)
    first = grace.get(USERS, status="active").text
    older = re.search(r'href="([^"]+)">Show older', first)
    assert older
    second = grace.get(older[1].replace("&amp;", "&")).text
    assert "ada@example.com" in second
    assert "ada@example.com" not in first
    assert "Person 19." not in second


@on_both_engines
def test_a_person_is_shown_whole(
    grace: Browser,
    browser: Browsers,
    at: Pages,
    client_id: str,
    token: Callable[..., str],
) -> None:
    browser("ben")
    token("ben", "tasks:view")
    page = grace.get(at("ben")).text
    for fact in ("ben@example.com", "Reporter", "tasks:view", "From an unknown address"):
        assert fact in page
    assert f'href="/admin/oauth-clients/{client_id}"' in page
    assert 'role="alert"' not in page


def test_what_would_go_is_said_before(
    grace: Browser, at: Pages, call: Call, person: Person, client_id: str
) -> None:
    call("tasks.create", person("ada"), {"title": "one"})
    page = " ".join(grace.get(at("ada")).text.split())
    for said in (
        "Their account, their roles and their sessions go.",
        "1 task of theirs goes, also what is shared with a team, and 0 comments",
        "1 OAuth app of theirs goes; 0 other people are disconnected.",
        "The audit trail stays.",
        "Type <strong>ada@example.com</strong> to confirm",
    ):
        assert said in page, client_id
    assert "that they connected" not in page


@on_both_engines
def test_suspending_and_letting_in_again_count_at_the_next_request(
    grace: Browser, browser: Browsers, at: Pages
) -> None:
    ben = browser("ben")
    assert ben.get("/tasks").status_code == 200
    answer = grace.submit(f"{at('ben')}/suspend")
    assert (answer.status_code, answer.headers["Location"]) == (303, at("ben"))
    assert ben.get("/tasks").status_code == 303
    page = grace.get(at("ben")).text
    assert "Ben is suspended" in page
    assert "Let in again" in page
    grace.submit(f"{at('ben')}/resume")
    assert ben.get("/tasks").status_code == 303
    assert browser("ben").get("/tasks").status_code == 200


def test_signing_out_everywhere_says_in_how_many_browsers(
    grace: Browser, browser: Browsers, at: Pages
) -> None:
    bens = [browser("ben"), browser("ben")]
    grace.submit(f"{at('ben')}/sign-out")
    assert "Signed out in 2 browsers." in grace.get(at("ben")).text
    assert {ben.get("/tasks").status_code for ben in bens} == {303}
    assert browser("ben").get("/tasks").status_code == 200


def test_who_signs_themself_out_everywhere_is_asked_to_sign_in(grace: Browser, at: Pages) -> None:
    grace.submit(f"{at('grace')}/sign-out")
    assert grace.get(at("grace")).headers["Location"].startswith("/login")


@on_both_engines
def test_roles_are_ticked(grace: Browser, browser: Browsers, at: Pages) -> None:
    ben, both = browser("ben"), [role_id("Member"), role_id("Admin")]
    assert ben.get(USERS).status_code == 403
    answer = grace.submit(f"{at('ben')}/roles", {"role_ids": both})
    assert answer.status_code == 303
    assert ben.get(USERS).status_code == 200
    page = grace.get(at("ben")).text
    assert len(re.findall(r'name="role_ids" value="\d+" checked', page)) == 2
    grace.submit(f"{at('ben')}/roles", {"role_ids": [role_id("Member")]})
    assert ben.get(USERS).status_code == 403


def test_a_role_that_the_admin_does_not_hold_cannot_be_ticked_and_stays(
    grace: Browser, browser: Browsers, at: Pages, give: Callable[..., None]
) -> None:
    give("grace", "users:viewAll", "users:viewRoles", "users:editRoles")
    give("ben", "users:viewAll")
    held = role_id("Of ben")
    page = browser("grace").get(at("ben")).text
    fixed = re.findall(r'value="(\d+)" *(checked)? *disabled', page)
    assert {key for key, _ in fixed} == {role_id("Member"), role_id("Admin")}
    refused = grace.submit(f"{at('ben')}/roles", {"role_ids": [held, role_id("Admin")]})
    assert refused.status_code == 403
    assert "which you do not hold" in refused.text
    assert f'value="{held}" checked' in refused.text


def test_a_role_that_there_is_not_comes_back_with_a_word(grace: Browser, at: Pages) -> None:
    answer = grace.submit(f"{at('ben')}/roles", {"role_ids": ["999"]})
    assert answer.status_code == 422
    assert "One of these is no role." in answer.text


def test_the_last_admin_is_told_so(grace: Browser, at: Pages) -> None:
    answer = grace.submit(f"{at('grace')}/roles", {"role_ids": [role_id("Member")]})
    assert answer.status_code == 409
    assert "Nobody else is an admin" in answer.text
    assert f'value="{role_id("Member")}" checked' in answer.text


def test_an_external_id_is_kept_and_a_bad_one_comes_back(grace: Browser, at: Pages) -> None:
    path = f"{at('ben')}/external-id"
    assert grace.submit(path, {"external_id": "hr-7"}).status_code == 303
    assert 'value="hr-7"' in grace.get(at("ben")).text
    long = grace.submit(path, {"external_id": "y" * 201})
    assert long.status_code == 422
    assert f'value="{"y" * 201}"' in long.text
    assert 'id="external_id-error"' in long.text
    taken = grace.submit(f"{at('ada')}/external-id", {"external_id": "hr-7"})
    assert taken.status_code == 409
    assert "Somebody else has this external id." in taken.text
    assert 'value="hr-7"' in taken.text
    assert grace.submit(path, {"external_id": ""}).status_code == 303
    assert 'value="hr-7"' not in grace.get(at("ben")).text


@on_both_engines
def test_an_account_is_deleted_by_typing_its_address(grace: Browser, at: Pages) -> None:
    page, path = at("ben"), f"{at('ben')}/delete"
    for typed in ("", "Ben", "ada@example.com"):
        wrong = grace.submit(path, {"typed": typed})
        assert wrong.status_code == 422
        assert "Type ben@example.com to delete this account." in wrong.text
    answer = grace.submit(path, {"typed": " ben@example.com "})
    assert (answer.status_code, answer.headers["Location"]) == (303, USERS)
    assert "The account ben@example.com is deleted." in grace.get(USERS).text
    assert grace.get(page).status_code == 404


def test_an_account_that_alone_manages_others_is_not_deleted(grace: Browser, at: Pages) -> None:
    with db.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO organization (name, created_at) VALUES ('Acme', 1)"
        )
        connection.exec_driver_sql(
            "INSERT INTO membership (organization_id, user_id, standing, created_at)"
            " SELECT 1, id, CASE name WHEN 'Ben' THEN 'manager' ELSE 'member' END, 1"
            " FROM user_account"
        )
    page = grace.get(at("ben")).text
    assert "Nobody else manages Acme." in page
    assert 'href="/admin/organizations/1">Acme</a>' in page
    assert 'name="typed"' not in page
    refused = grace.submit(f"{at('ben')}/delete", {"typed": "ben@example.com"})
    assert refused.status_code == 409
    assert "Nobody else manages Acme: make somebody a manager there first." in refused.text


@pytest.mark.parametrize("verb", ["suspend", "delete"])
def test_nobody_is_offered_to_suspend_or_delete_themself(
    grace: Browser, at: Pages, verb: str
) -> None:
    assert f'action="{at("grace")}/{verb}"' not in grace.get(at("grace")).text
    assert f'action="{at("ben")}/{verb}"' in grace.get(at("ben")).text
    refused = grace.submit(f"{at('grace')}/{verb}", {"typed": "grace@example.com"})
    assert refused.status_code == 409
    assert f"You cannot {verb} yourself" in refused.text


def test_who_may_only_look_is_offered_nothing_to_do(
    browser: Browsers, at: Pages, give: Callable[..., None]
) -> None:
    give("ada", "users:viewAll")
    page = browser("ada").get(at("ben")).text
    assert "<h2" in page
    assert f'action="{at("ben")}' not in page
    assert 'name="role_ids"' not in page


def test_who_may_do_less_than_a_person_is_told_so_and_offered_nothing(
    browser: Browsers, at: Pages, give: Callable[..., None]
) -> None:
    give("ada", "users:viewAll", "users:editAll", "users:viewRoles", "users:editRoles")
    page = browser("ada").get(at("grace")).text
    assert "This person may do more than you" in page
    assert f'action="{at("grace")}/suspend"' not in page
    assert "Save roles" not in page


def test_who_may_invite_is_shown_the_way(browser: Browsers, give: Callable[..., None]) -> None:
    assert 'href="/admin/access">' in browser("grace").get(USERS).text
    give("ada", "users:viewAll", "users:editAll")
    assert 'href="/admin/access">' not in browser("ada").get(USERS).text


@pytest.mark.parametrize(
    ("path", "method", "scope"),
    [
        ("/admin", "get", "users:viewAll"),
        (USERS, "get", "users:viewAll"),
        (f"{USERS}/2", "get", "users:viewAll"),
        (f"{USERS}/2/roles", "submit", "users:editRoles"),
        (f"{USERS}/2/external-id", "submit", "users:editAll"),
        (f"{USERS}/2/suspend", "submit", "users:editAll"),
        (f"{USERS}/2/resume", "submit", "users:editAll"),
        (f"{USERS}/2/sign-out", "submit", "users:editAll"),
        (f"{USERS}/2/delete", "submit", "users:editAll"),
    ],
)
def test_a_member_is_told_whom_to_ask(
    browser: Browsers, path: str, method: str, scope: str
) -> None:
    answer = getattr(browser("ada"), method)(path)
    assert answer.status_code == 403
    assert "Ask an admin." in answer.text
    assert scope not in answer.text
    assert "ben@example.com" not in answer.text


@pytest.mark.parametrize("user_id", ["999", "nosuch", "9" * 70])
@pytest.mark.parametrize(
    "verb", ["", "/roles", "/external-id", "/suspend", "/resume", "/sign-out", "/delete"]
)
def test_an_unknown_person_is_not_there(grace: Browser, user_id: str, verb: str) -> None:
    path = f"{USERS}/{user_id}{verb}"
    assert (grace.submit(path) if verb else grace.get(path)).status_code == 404


def test_the_tabs_are_those_that_are_open_to_the_person(
    browser: Browsers, give: Callable[..., None]
) -> None:
    assert {"Overview", "Users", "OAuth clients"} <= set(tabs(browser("grace")))
    give("ada", "users:viewAll")
    assert tabs(browser("ada")) == ["Overview", "Users"]
    give("ben", "oauth-clients:viewAll")
    assert tabs(browser("ben")) == ["Overview", "OAuth clients", "Resources"]


def test_the_first_page_shows_what_is_open_to_the_person(
    browser: Browsers, client_id: str, give: Callable[..., None]
) -> None:
    whole = browser("grace").get("/admin").text
    assert "Newest people" in whole
    assert f'id="client-{client_id}"' in whole
    give("ada", "users:viewAll")
    people = browser("ada").get("/admin").text
    assert "ben@example.com" in people
    assert "OAuth clients" not in people
    give("ben", "oauth-clients:viewAll")
    clients = browser("ben").get("/admin").text
    assert f'id="client-{client_id}"' in clients
    assert "Newest people" not in clients


def test_the_way_in_is_for_those_who_have_business_there(
    browser: Browsers, give: Callable[..., None]
) -> None:
    assert 'href="/admin"' in browser("grace").get("/tasks").text
    assert 'href="/admin' not in browser("ada").get("/tasks").text
    give("ada", "tasks:view", "settings:view")
    assert 'href="/admin' not in browser("ada").get("/tasks").text
    give("ben", "tasks:view", "users:viewAll")
    assert 'href="/admin"' in browser("ben").get("/tasks").text


def test_what_a_person_calls_themself_is_text(grace: Browser, at: Pages) -> None:
    markup = '<b onclick="x">'
    change("UPDATE user_account SET name = :name", name=markup)
    for path in ("/admin", USERS, at("ben")):
        assert markup not in grace.get(path).text


def api(app: Flask, token: str, path: str) -> Any:
    program = app.test_client(use_cookies=False)
    return program.get(path, headers={"Authorization": f"Bearer {token}"})


def test_the_apps_of_a_suspended_person_are_refused_and_let_in_again(
    app: Flask, grace: Browser, at: Pages, token: Callable[..., str]
) -> None:
    held = token("ben", "tasks:view")
    assert api(app, held, "/api/tasks/list").status_code == 200
    grace.submit(f"{at('ben')}/sign-out")
    assert api(app, held, "/api/tasks/list").status_code == 200
    grace.submit(f"{at('ben')}/suspend")
    assert api(app, held, "/api/tasks/list").status_code == 401
    grace.submit(f"{at('ben')}/resume")
    assert api(app, held, "/api/tasks/list").status_code == 200
    grace.submit(f"{at('ben')}/delete", {"typed": "ben@example.com"})
    assert api(app, held, "/api/tasks/list").status_code == 401
