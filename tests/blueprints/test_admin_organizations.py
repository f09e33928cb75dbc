"""The admins' pages of every organization."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from werkzeug.test import TestResponse

from tests.blueprints.conftest import Browser
from tests.conftest import Call, Person, change

PLACE = "/admin/organizations"

Browsers = Callable[[str], Browser]


@pytest.fixture
def acme(call: Call, person: Person) -> str:
    """Give the id of an organization that Grace made, and manages."""
    given = {"name": "Acme", "domain": "acme.example"}
    return str(call("all_organizations.create", person("grace"), given).id)


def words(answer: TestResponse) -> str:
    """Give what stands on a page, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2])).split())


def members(browser: Browser, key: str) -> dict[str, str]:
    """Give the id of each member, by their address."""
    page = browser.get(f"{PLACE}/{key}").text
    rows = re.findall(r'id="member-(\d+)".*?hint wrap-anywhere">([^<]+)<', page, re.DOTALL)
    return {address: member_id for member_id, address in rows}


def test_an_admin_finds_organizations_with_their_domains_and_counts(
    grace: Browser, acme: str
) -> None:
    for query in ({}, {"q": "acm"}, {"q": "acme.ex"}):
        page = grace.get(PLACE, **query).text
        row = page.partition(f'id="organization-{acme}"')[2].partition("</tr>")[0]
        assert ">Acme</a>" in row
        assert "acme.example" in row
        assert 'data-label="People">1<' in row
    assert "No organization meets this search" in grace.get(PLACE, q="100%").text


@pytest.mark.parametrize("query", [{"cursor": "!!"}, {"q": "x" * 81}, {"q": "\0"}])
def test_a_bad_search_says_so_and_shows_all(
    grace: Browser, acme: str, query: dict[str, str]
) -> None:
    for path, shown in ((PLACE, f"organization-{acme}"), (f"{PLACE}/{acme}", "grace@example.com")):
        answer = grace.get(path, **query)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        assert shown in answer.text.partition("<main")[2]


def test_older_organizations_are_a_page_further(
    grace: Browser, call: Call, person: Person
) -> None:
    for number in range(21):
        call("all_organizations.create", person("grace"), {"name": f"Org {number}."})
    older = re.search(r'href="([^"]+)">Show older', grace.get(PLACE, q="Org").text)
    assert older
    assert "Org 0." in grace.get(unescape(older[1])).text


def test_an_admin_creates_an_organization_and_manages_it(grace: Browser) -> None:
    answer = grace.submit(f"{PLACE}/new", {"name": "Initech", "domain": "Initech.example"})
    assert answer.status_code == 303
    page = grace.get(answer.headers["Location"]).text
    assert "Initech is there, and you manage it." in page
    assert "initech.example" in page
    assert "Manager" in page


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("name", "", 422),
        ("name", "\u202eA", 422),
        ("domain", "localhost", 422),
        ("domain", "a@b.example", 422),
        ("domain", "ACME.example", 409),
    ],
)
def test_a_wrong_form_comes_back_with_what_was_typed(
    grace: Browser, acme: str, field: str, value: str, status: int
) -> None:
    other = grace.submit(f"{PLACE}/new", {"name": "Other"}).headers["Location"]
    typed = {"name": "Typed", "domain": "typed.example", field: value}
    for path in (f"{PLACE}/new", other):
        answer = grace.submit(path, typed)
        assert answer.status_code == status
        assert re.search(rf'id="{field}-error"[^>]*>[^<]+<', answer.text)
        for name in {"name", "domain"} - {field}:
            assert f'value="{typed[name]}"' in answer.text
    assert ">Other</h1>" in grace.get(other).text


def test_name_and_domain_are_changed(grace: Browser, acme: str) -> None:
    answer = grace.submit(f"{PLACE}/{acme}", {"name": "Acme & Co", "domain": ""})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{PLACE}/{acme}")
    page = grace.get(f"{PLACE}/{acme}").text
    assert "Acme &amp; Co</h1>" in page
    assert "acme.example" not in page


def test_people_are_added_changed_and_removed(grace: Browser, acme: str) -> None:
    here = f"{PLACE}/{acme}"
    added = grace.submit(f"{here}/members", {"email": "Ada@example.com", "standing": "manager"})
    assert (added.status_code, added.headers["Location"]) == (303, here)
    assert "Ada is in it now." in grace.get(here).text
    ada = members(grace, acme)["ada@example.com"]
    grace.submit(f"{here}/members/{ada}", {"standing": "member"})
    assert "Ada is a member from now on." in grace.get(here).text
    grace.submit(f"{here}/members/{ada}/remove")
    assert list(members(grace, acme)) == ["grace@example.com"]


@pytest.mark.parametrize(
    ("email", "status", "said"),
    [
        ("zoe@example.com", 422, "invite it instead"),
        ("zoe", 422, "email"),
        ("grace@example.com", 409, "member already"),
    ],
)
def test_who_cannot_be_added_is_said_at_the_field(
    grace: Browser, acme: str, email: str, status: int, said: str
) -> None:
    answer = grace.submit(f"{PLACE}/{acme}/members", {"email": email, "standing": "manager"})
    assert answer.status_code == status
    told = re.search(r'id="member-email-error"[^>]*>([^<]+)<', answer.text)
    assert told
    assert said in told[1]
    assert f'value="{email}"' in answer.text
    assert re.search(r'value="manager"\s+selected', answer.text)


def test_the_last_manager_stays(grace: Browser, acme: str) -> None:
    here = f"{PLACE}/{acme}/members"
    grace.submit(here, {"email": "ada@example.com"})
    key = members(grace, acme)["grace@example.com"]
    for path, fields in ((f"{here}/{key}/remove", {}), (f"{here}/{key}", {"standing": "member"})):
        answer = grace.submit(path, fields)
        assert answer.status_code == 409
        assert "Nobody else manages this organization" in answer.text


def test_without_mail_the_link_is_shown_once_to_be_copied(grace: Browser, acme: str) -> None:
    here = f"{PLACE}/{acme}"
    made = grace.submit(f"{here}/invitations", {"email": "zoe@example.com"})
    link = re.search(
        r'id="invitation-link"[^>]* value="(http://127\.0\.0\.1:8000/invite/lk_inv_[\w-]+)"',
        made.text,
    )
    assert made.status_code == 200
    assert link
    assert "No mail can be sent from here" in made.text
    page = grace.get(here).text
    assert link[1] not in page
    assert "zoe@example.com" in page
    key = re.search(r'id="invitation-(\d+)"', page)
    assert key
    grace.submit(f"{here}/invitations/{key[1]}/revoke")
    page = grace.get(here).text
    assert "The invitation of zoe@example.com is revoked." in page
    assert "Nobody is invited at the moment." in page


@pytest.mark.parametrize(("email", "status"), [("zoe", 422), ("grace@example.com", 409)])
def test_who_cannot_be_invited_is_said_at_the_field(
    grace: Browser, acme: str, email: str, status: int
) -> None:
    answer = grace.submit(f"{PLACE}/{acme}/invitations", {"email": email})
    assert answer.status_code == status
    assert re.search(r'id="invite-email-error"[^>]*>[^<]+<', answer.text)
    assert f'value="{email}"' in answer.text


def test_what_was_accepted_meanwhile_is_not_revoked(grace: Browser, acme: str) -> None:
    here = f"{PLACE}/{acme}"
    grace.submit(f"{here}/invitations", {"email": "zoe@example.com"})
    key = re.search(r'id="invitation-(\d+)"', grace.get(here).text)
    assert key
    change("UPDATE invitation SET accepted_at = 1")
    answer = grace.submit(f"{here}/invitations/{key[1]}/revoke")
    assert answer.status_code == 409
    assert "remove the person instead" in answer.text


def test_what_deleting_takes_along_is_said_before(
    grace: Browser, acme: str, call: Call, person: Person
) -> None:
    for name in ("One", "Two"):
        call("teams.create", person("grace"), {"organization_id": acme, "name": name})
        call("projects.create", person("grace"), {"organization_id": acme, "name": name})
    call(
        "invitations.create",
        person("grace"),
        {"organization_id": acme, "email": "zoe@example.com"},
    )
    page = words(grace.get(f"{PLACE}/{acme}"))
    for said in (
        "1 person leaves it, and keeps their account and their tasks.",
        "2 teams go: tasks in them stay with their owners",
        "2 projects go, and so does 1 open invitation.",
    ):
        assert said in page


def test_only_whose_name_is_typed_is_deleted(grace: Browser, acme: str) -> None:
    here = f"{PLACE}/{acme}"
    for typed in ("", "acme", "Globex"):
        refused = grace.submit(f"{here}/delete", {"typed": typed})
        assert refused.status_code == 422
        assert "Type Acme to delete it." in refused.text
    answer = grace.submit(f"{here}/delete", {"typed": " Acme "})
    assert (answer.status_code, answer.headers["Location"]) == (303, PLACE)
    assert "Acme is deleted." in grace.get(PLACE).text
    assert grace.get(here).status_code == 404


FORMS = {
    "": {"name": "x"},
    "/delete": {"typed": "Acme"},
    "/members": {"email": "ada@example.com"},
    "/members/1": {"standing": "manager"},
    "/members/1/remove": {},
    "/invitations": {"email": "zoe@example.com"},
    "/invitations/1/revoke": {},
}


@pytest.mark.parametrize("path", FORMS)
def test_a_member_does_nothing_here(browser: Browsers, acme: str, path: str) -> None:
    answer = browser("ada").submit(f"{PLACE}/{acme}{path}", FORMS[path])
    assert answer.status_code == 403
    assert "Ask an admin." in answer.text
    assert "orgs:" not in answer.text


def test_a_member_sees_nothing_here(browser: Browsers, acme: str) -> None:
    ada = browser("ada")
    for path in (PLACE, f"{PLACE}/new", f"{PLACE}/{acme}", f"{PLACE}/999"):
        answer = ada.get(path)
        assert answer.status_code == 403
        assert "Acme" not in answer.text
    assert PLACE not in ada.get("/tasks").text


@pytest.mark.parametrize("key", ["999", "x", "9" * 70, "%00", "-1"])
def test_what_is_not_there_is_not_found(grace: Browser, key: str) -> None:
    assert grace.get(f"{PLACE}/{key}").status_code == 404
    for path, fields in FORMS.items():
        assert grace.submit(f"{PLACE}/{key}{path}", fields).status_code == 404, path


def take(*scopes: str) -> None:
    """Take scopes away from admins."""
    for scope in scopes:
        change("DELETE FROM role_scope WHERE scope = :scope", scope=scope)


def test_who_may_only_look_is_offered_nothing_to_change(grace: Browser, acme: str) -> None:
    grace.submit(f"{PLACE}/{acme}/invitations", {"email": "zoe@example.com"})
    take("orgs:edit", "orgs:manageMembers")
    page = grace.get(f"{PLACE}/{acme}").text.partition("<main")[2]
    assert "zoe@example.com" in page
    assert 'method="post"' not in page
    assert f'href="{PLACE}/new"' not in grace.get(PLACE).text
    assert grace.get(f"{PLACE}/new").status_code == 403


def test_what_people_call_things_is_text_here(grace: Browser) -> None:
    markup = '<b onclick="x">A'
    here = grace.submit(f"{PLACE}/new", {"name": markup}).headers["Location"]
    change("UPDATE user_account SET name = :name WHERE email LIKE 'grace%'", name=markup)
    grace.submit(f"{here}/invitations", {"email": "zoe@example.com"})
    for path in (PLACE, here, here.replace("/admin", "/settings")):
        assert markup not in grace.get(path).text
