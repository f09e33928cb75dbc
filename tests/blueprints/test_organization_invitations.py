"""Whom an organization invites, on the page of those who manage it."""

import re
from collections.abc import Callable

import pytest

from tests.blueprints.conftest import Browser
from tests.conftest import Call, Person, change

NEW = "zoe@example.com"

Browsers = Callable[[str], Browser]


@pytest.fixture
def acme(call: Call, person: Person) -> str:
    """Give the page of an organization that Ada manages, and Ben is in."""
    key = str(call("all_organizations.create", person("grace"), {"name": "Acme"}).id)
    for name, standing in (("ada", "manager"), ("ben", "member")):
        given = {"organization_id": key, "email": f"{name}@example.com", "standing": standing}
        call("all_organizations.add_member", person("grace"), given)
    return f"/settings/organizations/{key}"


def invitation_id(browser: Browser, page: str) -> str:
    found = re.search(r'id="invitation-(\d+)"', browser.get(page).text)
    assert found
    return found[1]


def test_a_manager_invites_and_copies_the_link(ada: Browser, acme: str) -> None:
    made = ada.submit(f"{acme}/invitations", {"email": NEW, "standing": "manager"})
    link = re.search(r'id="invitation-link"[^>]* value="([^"]+/invite/lk_inv_[^"]+)"', made.text)
    assert made.status_code == 200
    assert link
    assert f'href="{acme}"' in made.text
    page = ada.get(acme).text
    assert link[1] not in page
    row = page.partition(f'id="invitation-{invitation_id(ada, acme)}"')[2].partition("</tr>")[0]
    for said in (NEW, "As manager", "Ada"):
        assert said in row


def test_a_manager_takes_an_invitation_back(ada: Browser, acme: str) -> None:
    ada.submit(f"{acme}/invitations", {"email": NEW})
    answer = ada.submit(f"{acme}/invitations/{invitation_id(ada, acme)}/revoke")
    assert (answer.status_code, answer.headers["Location"]) == (303, acme)
    page = ada.get(acme).text
    assert f"The invitation of {NEW} is revoked." in page
    assert "Nobody is invited at the moment." in page


def test_what_was_accepted_meanwhile_is_not_revoked(ada: Browser, acme: str) -> None:
    ada.submit(f"{acme}/invitations", {"email": NEW})
    key = invitation_id(ada, acme)
    change("UPDATE invitation SET accepted_at = 1")
    answer = ada.submit(f"{acme}/invitations/{key}/revoke")
    assert answer.status_code == 409
    assert "remove the person instead" in answer.text


@pytest.mark.parametrize(("email", "status"), [("", 422), ("zoe", 422), ("BEN@example.com", 409)])
def test_who_cannot_be_invited_is_said_at_the_field(
    ada: Browser, acme: str, email: str, status: int
) -> None:
    answer = ada.submit(f"{acme}/invitations", {"email": email, "standing": "manager"})
    assert answer.status_code == status
    assert re.search(r'id="invite-email-error"[^>]*>[^<]+<', answer.text)
    assert f'value="{email}"' in answer.text
    assert re.search(r'value="manager"\s+selected', answer.text)
    assert "<title>Error: Acme" in answer.text


def test_a_member_neither_sees_invitations_nor_sends_any(
    ada: Browser, browser: Browsers, acme: str
) -> None:
    ada.submit(f"{acme}/invitations", {"email": NEW})
    ben, key = browser("ben"), invitation_id(ada, acme)
    page = ben.get(acme).text
    assert NEW not in page
    assert f"{acme}/invitations" not in page
    assert ben.submit(f"{acme}/invitations", {"email": "new@example.com"}).status_code == 404
    assert ben.submit(f"{acme}/invitations/{key}/revoke").status_code == 404
    assert NEW in ada.get(acme).text
    assert "new@example.com" not in ada.get(acme).text


def test_a_manager_of_another_organization_has_no_say_in_this_one(
    ada: Browser, browser: Browsers, acme: str, call: Call, person: Person
) -> None:
    other = call("all_organizations.create", person("grace"), {"name": "Globex"}).id
    given = {"organization_id": other, "email": "ben@example.com", "standing": "manager"}
    call("all_organizations.add_member", person("grace"), given)
    change("DELETE FROM membership WHERE standing = 'member'")
    ada.submit(f"{acme}/invitations", {"email": NEW})
    ben, key = browser("ben"), invitation_id(ada, acme)
    # By way of an address that begins with one's own.
    for there in (acme, f"/settings/organizations/{other}"):
        assert ben.submit(f"{there}/invitations/{key}/revoke").status_code == 404
    assert ben.submit(f"{acme}/invitations", {"email": NEW}).status_code == 404
    assert invitation_id(ada, acme) == key
