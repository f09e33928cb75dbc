"""The admins' page of who may sign up, and whom the workspace invites."""

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from app.extensions import db
from app.identity import anybody
from tests import mail
from tests.blueprints.conftest import Browser
from tests.conftest import change
from tests.mail import Inbox

PLACE = "/admin/access"
NEW = "zoe@example.com"

Browsers = Callable[[str], Browser]


@pytest.fixture
def mailing(deployed: Callable[..., Flask]) -> Iterator[tuple[Browser, Inbox]]:
    """Give Grace's browser where mail is sent, and the inbox that it goes to."""
    with mail.serving() as inbox:
        app = deployed(**inbox.settings(), rate_limits="off")
        with app.app_context():
            grace = anybody.principal_of(db.engine, "grace@example.com")
            yield Browser(app, grace.user_id or 0), inbox


def chosen(browser: Browser) -> list[str]:
    """Give which of the choices are marked."""
    return re.findall(r'value="(\w+)"[^>]*\bchecked', browser.get(PLACE).text)


def test_the_choices_are_explained_and_the_one_that_counts_is_marked(grace: Browser) -> None:
    page = grace.get(PLACE).text
    for said in ("People who are invited, and nobody else.", "It takes mail.", "Everybody."):
        assert said in page
    assert "Nobody has chosen yet: it is as LATCHKEY_SIGNUP says." in page
    # The demo is open.
    assert chosen(grace) == ["open"]


def test_a_choice_counts_at_once(grace: Browser) -> None:
    answer = grace.submit(PLACE, {"access": "private"})
    assert (answer.status_code, answer.headers["Location"]) == (303, PLACE)
    assert chosen(grace) == ["private"]
    assert "Nobody has chosen yet" not in grace.get(PLACE).text


def test_without_mail_organization_is_refused_and_says_why(grace: Browser) -> None:
    assert "Mail is not set (LATCHKEY_SMTP_URL)" in grace.get(PLACE).text
    answer = grace.submit(PLACE, {"access": "organization"})
    assert answer.status_code == 422
    told = re.search(r'id="access-error"[^>]*>([^<]+)<', answer.text)
    assert told
    assert "LATCHKEY_SMTP_URL is not set" in told[1]
    assert re.findall(r'value="(\w+)"[^>]*\bchecked', answer.text) == ["organization"]
    assert chosen(grace) == ["open"]


def test_with_mail_organization_may_be_chosen(mailing: tuple[Browser, Inbox]) -> None:
    grace, _ = mailing
    assert grace.submit(PLACE, {"access": "organization"}).status_code == 303
    assert chosen(grace) == ["organization"]
    assert "Mail is set: links go out by mail." in grace.get(PLACE).text


def test_where_mail_was_taken_away_the_page_says_what_counts(grace: Browser) -> None:
    change("UPDATE access_setting SET access = 'organization'")
    page = grace.get(PLACE).text
    assert "it is private until LATCHKEY_SMTP_URL is set again" in page
    assert chosen(grace) == ["private"]


@pytest.mark.parametrize("given", [{}, {"access": ""}, {"access": "closed"}, {"x": "y"}])
def test_there_is_no_other_choice(grace: Browser, given: dict[str, str]) -> None:
    answer = grace.submit(PLACE, given)
    assert answer.status_code == 422
    assert chosen(grace) == ["open"]


def test_who_is_invited_to_the_workspace_gets_a_link_to_be_passed_on(grace: Browser) -> None:
    made = grace.submit(f"{PLACE}/invitations", {"email": NEW})
    link = re.search(r'id="invitation-link"[^>]* value="([^"]+)"', made.text)
    assert link
    page = grace.get(PLACE).text
    assert NEW in page
    assert link[1] not in page
    key = re.search(r'id="invitation-(\d+)"', page)
    assert key
    grace.submit(f"{PLACE}/invitations/{key[1]}/revoke")
    page = grace.get(PLACE).text
    assert f"The invitation of {NEW} is revoked." in page
    assert "Nobody is invited at the moment." in page


def test_with_mail_the_link_goes_by_letter_alone(mailing: tuple[Browser, Inbox]) -> None:
    grace, inbox = mailing
    answer = grace.submit(f"{PLACE}/invitations", {"email": NEW})
    assert (answer.status_code, answer.headers["Location"]) == (303, PLACE)
    assert inbox.letter()["To"] == NEW
    assert f"An invitation is on its way to {NEW}." in grace.get(PLACE).text


def test_where_the_letter_fails_the_link_is_shown(mailing: tuple[Browser, Inbox]) -> None:
    grace, inbox = mailing
    inbox.refusal = "550 no"
    answer = grace.submit(f"{PLACE}/invitations", {"email": NEW})
    assert answer.status_code == 200
    assert "The letter could not be sent" in answer.text
    assert 'id="invitation-link"' in answer.text


@pytest.mark.parametrize(("email", "status"), [("zoe", 422), ("ada@example.com", 409)])
def test_who_cannot_be_invited_is_said_at_the_field(
    grace: Browser, email: str, status: int
) -> None:
    answer = grace.submit(f"{PLACE}/invitations", {"email": email})
    assert answer.status_code == status
    assert re.search(r'id="invite-email-error"[^>]*>[^<]+<', answer.text)
    assert f'value="{email}"' in answer.text


def test_an_invitation_that_is_over_is_shown_as_such(grace: Browser) -> None:
    grace.submit(f"{PLACE}/invitations", {"email": NEW})
    change("UPDATE invitation SET expires_at = 1")
    assert "Expired" in grace.get(PLACE).text


def test_what_was_accepted_meanwhile_is_not_revoked(grace: Browser) -> None:
    grace.submit(f"{PLACE}/invitations", {"email": NEW})
    key = re.search(r'id="invitation-(\d+)"', grace.get(PLACE).text)
    assert key
    change("UPDATE invitation SET accepted_at = 1")
    answer = grace.submit(f"{PLACE}/invitations/{key[1]}/revoke")
    assert answer.status_code == 409
    assert "remove the person instead" in answer.text
    assert grace.submit(f"{PLACE}/invitations/999/revoke").status_code == 404


@pytest.mark.parametrize(
    ("path", "scope"),
    [("", "access:edit"), ("/invitations", "users:editAll"), ("/invitations/1/revoke", "users:")],
)
def test_a_member_decides_nothing(browser: Browsers, path: str, scope: str) -> None:
    ada = browser("ada")
    answer = ada.submit(f"{PLACE}{path}", {"access": "open", "email": NEW})
    assert answer.status_code == 403
    assert "Ask an admin." in answer.text
    assert scope not in answer.text
    assert ada.get(PLACE).status_code == 403


def test_who_may_only_decide_is_shown_no_invitations(grace: Browser) -> None:
    grace.submit(f"{PLACE}/invitations", {"email": NEW})
    change("DELETE FROM role_scope WHERE scope = 'users:editAll'")
    page = grace.get(PLACE)
    assert page.status_code == 200
    assert NEW not in page.text
    assert f"{PLACE}/invitations" not in page.text
