"""The admins' page for scopes."""

import re
from collections.abc import Callable
from html import unescape

from app.core.scopes import SCOPES
from tests.blueprints.conftest import Browser
from tests.conftest import Call, Person, change

PAGE = "/admin/scopes"


def row(html: str, scope: str) -> str:
    """Give what stands in a scope's row, as people read it."""
    html = html.partition(f'id="{scope}"')[2].partition("</tr>")[0]
    return " ".join(unescape(re.sub(r"<[^>]*>", "", re.sub("<(li|div|td)", " <", html))).split())


def test_each_scope_stands_there_once_with_its_sentence(grace: Browser) -> None:
    page = grace.get(PAGE).text
    for scope in SCOPES.values():
        assert page.count(f'<tr role="row" id="{scope.name}">') == 1
        assert f"{scope.sentence} {scope.name}" in row(page, scope.name)


def test_a_row_says_who_may_ask_what_it_opens_and_who_holds_it(
    grace: Browser, client_id: str, token: Callable[..., str]
) -> None:
    token("ada", "tasks:view")
    token("ben", "tasks:view")
    page = grace.get(PAGE).text
    held = row(page, "tasks:view")
    assert "Any app 1 client" in held
    assert "tasks.list tasks.get" in held
    assert "Member 2 people Admin 1 person Reporter 2 people" in held
    assert f'href="/admin/oauth-clients/{client_id}"' in page
    assert "No app: these pages alone" in row(page, "oauth-apps:view")
    assert "An app that an admin trusts" in row(page, "roles:view")
    assert "roles.list roles.get" in row(page, "roles:view")
    assert "No procedure Not needed None" in row(page, "openid")


def test_a_trusted_client_is_named_before_anybody_allowed_it(
    grace: Browser, call: Call, person: Person, client_id: str
) -> None:
    given = {"client_id": client_id, "scopes": ["roles:view"], "is_trusted": True}
    call("client_rules.set", person("grace"), given)
    assert "Reporter Nobody" in row(grace.get(PAGE).text, "roles:view")


def test_links_lead_only_where_the_person_may_go(ada: Browser, token: Callable[..., str]) -> None:
    token("ada", "tasks:view")
    change("INSERT INTO role_scope (role_id, scope) VALUES (1, 'scopes:view')")
    page = ada.get(PAGE).text
    assert "Reporter 1 person" in row(page, "tasks:view")
    assert 'href="/admin/roles' not in page
    assert 'href="/admin/oauth-clients' not in page


def test_a_member_is_told_whom_to_ask(ada: Browser) -> None:
    answer = ada.get(PAGE)
    assert answer.status_code == 403
    assert "Ask an admin." in answer.text
    assert "scopes:view" not in answer.text
