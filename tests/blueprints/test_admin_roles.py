"""The admins' pages for roles."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from app.core.scopes import ADMIN, OF_ROLES
from tests.blueprints.conftest import Browser
from tests.conftest import change

ROLES = "/admin/roles"
MEMBER, ADMINS = "1", "2"
HELPS = {"name": "Support", "description": "Who helps", "scopes": ["tasks:view", "users:viewAll"]}

Browsers = Callable[[str], Browser]


def made(grace: Browser, **given: Any) -> str:
    """Make a role by the form; give its address."""
    answer = grace.submit(f"{ROLES}/new", {**HELPS, **given})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def ticked(html: str) -> list[str]:
    """Give the scopes whose tick is set, changeable or not."""
    return re.findall(r'name="scopes" value="([^"]+)" checked', html)


def sent(html: str) -> list[str]:
    """Give the scopes that a browser sends with the form as it stands."""
    free = re.findall(r'name="scopes" value="([^"]+)" checked >', re.sub(r"\s+", " ", html))
    return free + re.findall(r'type="hidden" name="scopes" value="([^"]+)"', html)


def test_every_role_stands_there_with_what_it_holds_and_its_people(grace: Browser) -> None:
    made(grace)
    page = grace.get(ROLES).text
    for fact in ("Member", "New accounts get it", "Support", "Who helps", "used by 2"):
        assert fact in page
    assert f'href="/admin/users?role_id={MEMBER}"' in page
    assert f"{len(OF_ROLES)} of {len(OF_ROLES)}" in page
    row = page.partition(">users:viewAll<")[2].partition("</tr>")[0]
    held = re.findall(r'data-label="(\w+)" class="(\w*)"', row)
    assert held == [("Member", "lacks"), ("Admin", ""), ("Support", "")]


def test_a_role_is_made_changed_and_shown_again(grace: Browser) -> None:
    path = made(grace)
    page = grace.get(path).text
    assert "The role Support is there" in page
    assert 'value="Support"' in page
    assert ">Who helps</textarea>" in page
    assert ticked(page) == HELPS["scopes"]
    given = {**HELPS, "name": "Helpers", "description": "", "scopes": ["access:edit"]}
    assert grace.submit(path, given).headers["Location"] == path
    page = grace.get(path).text
    assert "The role Helpers is changed: it counts from now on." in page
    assert ticked(page) == sent(page) == ["access:edit"]


@pytest.mark.parametrize(
    ("given", "status", "error"),
    [
        ({"name": ""}, 422, "name-error"),
        ({"name": "x" * 41}, 422, "name-error"),
        ({"name": "member"}, 409, "name-error"),
        ({"description": "x" * 201}, 422, "description-error"),
        ({"scopes": ["tasks:view", "no:such"]}, 422, "errors"),
    ],
)
def test_a_wrong_form_comes_back_with_what_was_typed(
    grace: Browser, given: dict[str, Any], status: int, error: str
) -> None:
    path = made(grace, name="Other")
    for address in (f"{ROLES}/new", path):
        answer = grace.submit(address, {**HELPS, "scopes": ["tasks:edit"], **given})
        assert answer.status_code == status
        assert f'id="{error}"' in answer.text
        assert "<title>Error: " in answer.text
        assert f'value="{given.get("name", "Support")}"' in answer.text
        wanted = given.get("scopes", ["tasks:edit"])
        assert ticked(answer.text) == [scope for scope in wanted if scope != "no:such"]


def test_the_role_of_admins_sends_what_it_keeps(grace: Browser) -> None:
    path = f"{ROLES}/{ADMINS}"
    page = grace.get(path).text
    assert set(sent(page)) == set(ticked(page)) == set(OF_ROLES)
    assert "The role of admins keeps all of it." in page
    assert "Delete this" not in page
    assert "New accounts get this role" not in page
    given = {"name": "Admin", "scopes": sent(page)}
    assert grace.submit(path, given).status_code == 303
    refused = grace.submit(path, {"name": "Admin", "scopes": list(ADMIN[1:])})
    assert refused.status_code == 409
    assert "The role of admins keeps “" in refused.text
    assert set(ticked(grace.get(path).text)) == set(OF_ROLES)


def test_another_role_becomes_the_default(grace: Browser) -> None:
    path = made(grace)
    assert "New accounts get this role" in grace.get(path).text
    assert grace.submit(path, {**HELPS, "is_default": "true"}).status_code == 303
    page = grace.get(path).text
    assert "New accounts get it" in page
    assert "New accounts get this role" not in page
    # Without its tick, which is not offered then, it stays the default.
    assert grace.submit(path, HELPS).status_code == 303
    assert "New accounts get it" in grace.get(path).text
    assert "New accounts get this role" in grace.get(f"{ROLES}/{MEMBER}").text
    refused = grace.submit(f"{ROLES}/{ADMINS}", {"name": "Admin", "scopes": list(ADMIN)})
    assert refused.status_code == 303
    given = {"name": "Admin", "scopes": list(ADMIN), "is_default": "true"}
    refused = grace.submit(f"{ROLES}/{ADMINS}", given)
    assert refused.status_code == 409
    assert "Everybody who signs up would be an admin." in refused.text


def test_a_role_that_nobody_has_is_deleted_by_its_name(grace: Browser) -> None:
    path = made(grace)
    refused = grace.submit(f"{path}/delete", {"typed": "Member"})
    assert refused.status_code == 422
    assert "Type Support to delete it." in refused.text
    gone = grace.submit(f"{path}/delete", {"typed": "Support"})
    assert gone.headers["Location"] == ROLES
    assert "The role Support is deleted." in grace.get(ROLES).text
    assert grace.get(path).status_code == 404
    assert grace.submit(path, HELPS).status_code == 404
    assert grace.submit(f"{path}/delete", {"typed": "Support"}).status_code == 404


def test_a_role_that_somebody_has_says_why_it_stays(grace: Browser) -> None:
    path = made(grace)
    change("INSERT INTO user_role (user_id, role_id) VALUES (1, 3)")
    assert "1 person has it: give them another first" in grace.get(path).text
    refused = grace.submit(f"{path}/delete", {"typed": "Support"})
    assert refused.status_code == 422
    assert "One person has this role" in refused.text
    assert grace.get(path).status_code == 200


def test_what_one_does_not_hold_stays_as_it_is(grace: Browser, browser: Browsers) -> None:
    clerk = made(grace, name="Clerk", scopes=["roles:view", "roles:edit", "tasks:view"])
    path = made(grace, scopes=["access:edit", "tasks:view"])
    change("UPDATE user_role SET role_id = 3 WHERE user_id = 1")
    ada = browser("ada")
    page = ada.get(path).text
    assert "You do not hold it yourself." in page
    assert set(sent(page)) == {"access:edit", "tasks:view"}
    assert re.search(r'value="users:viewAll"\s+disabled', page)
    given = {"name": "Support", "scopes": ["access:edit"]}
    assert ada.submit(path, given).status_code == 303
    for wanted in ([], ["access:edit", "users:viewAll"]):
        assert ada.submit(path, {**given, "scopes": wanted}).status_code == 403
    assert ada.submit(clerk, {"name": "Clerk", "scopes": list(OF_ROLES)}).status_code == 403
    assert ada.get("/admin/users").status_code == 403
    assert 'href="/admin/users' not in ada.get(ROLES).text
    assert ticked(grace.get(path).text) == ["access:edit"]


def test_who_may_look_alone_is_shown_no_form(grace: Browser, browser: Browsers) -> None:
    made(grace, name="Reader", scopes=["roles:view"])
    change("UPDATE user_role SET role_id = 3 WHERE user_id = 1")
    ada = browser("ada")
    assert "Create role" not in ada.get(ROLES).text
    page = ada.get(f"{ROLES}/{ADMINS}")
    assert page.status_code == 200
    assert 'name="scopes"' not in page.text
    assert "See the roles and their scopes" in page.text
    assert "Delete this" not in page.text
    assert ada.get(f"{ROLES}/new").status_code == 403
    for path in (f"{ROLES}/new", f"{ROLES}/{MEMBER}"):
        assert ada.submit(path, HELPS).status_code == 403
    assert ada.submit(f"{ROLES}/3/delete", {"typed": "Reader"}).status_code == 403


def test_a_member_is_told_whom_to_ask(ada: Browser) -> None:
    for path in (ROLES, f"{ROLES}/1", f"{ROLES}/new"):
        answer = ada.get(path)
        assert answer.status_code == 403
        assert "Ask an admin." in answer.text
        assert "roles:" not in answer.text


@pytest.mark.parametrize("key", ["9", "x", "9" * 40, "1.0", "%00"])
def test_a_role_that_there_is_not_is_not_there(grace: Browser, key: str) -> None:
    assert grace.get(f"{ROLES}/{key}").status_code == 404
    assert grace.submit(f"{ROLES}/{key}", HELPS).status_code in (404, 422)
    assert grace.submit(f"{ROLES}/{key}/delete", {"typed": "x"}).status_code in (404, 422)


def test_a_change_counts_for_whoever_is_signed_in(grace: Browser, ada: Browser) -> None:
    assert ada.get("/tasks").status_code == 200
    page = grace.get(f"{ROLES}/{MEMBER}").text
    given = {"name": "Member", "scopes": [s for s in sent(page) if s != "tasks:view"]}
    assert grace.submit(f"{ROLES}/{MEMBER}", given).status_code == 303
    refused = ada.get("/tasks")
    assert refused.status_code == 403
    assert "Ask an admin." in refused.text
    given["scopes"] = [*given["scopes"], "tasks:view", "scopes:view"]
    assert grace.submit(f"{ROLES}/{MEMBER}", given).status_code == 303
    assert ada.get("/tasks").status_code == 200
    assert ada.get("/admin/scopes").status_code == 200
