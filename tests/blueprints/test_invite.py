"""Following the link of an invitation."""

import logging
import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core import credentials
from app.core.credentials import Prefix
from app.extensions import db
from app.identity import anybody
from tests import mail
from tests.blueprints.conftest import Browser
from tests.blueprints.doors import is_signed_in, send, sign_in, token_of
from tests.conftest import PASSWORD, Call, Person, change
from tests.mail import Inbox

NEW = "zoe@example.com"
GIVEN = {"name": "Zoë", "password": "a long enough one"}

Browsers = Callable[[str], Browser]
Invite = Callable[..., str]


@pytest.fixture
def invite(call: Call, person: Person) -> Invite:
    """Give a function that has Grace invite an address to Acme; it gives the path of the link."""
    acme = call("all_organizations.create", person("grace"), {"name": "Acme"}).id

    def path(email: str = NEW, standing: str = "member") -> str:
        given = {"organization_id": acme, "email": email, "standing": standing}
        made = call("invitations.create", person("grace"), given)
        return str(urlsplit(made.link).path)

    return path


def is_in(name: str) -> bool:
    """Tell whether a person is in an organization."""
    return bool(anybody.principal_of(db.engine, f"{name}@example.com").organizations)


def no_token_in(answer: TestResponse, path: str) -> bool:
    return path.rpartition("/")[2] not in str(answer.headers) + answer.text


def test_the_page_says_who_invites_whom_to_what(visitor: FlaskClient, invite: Invite) -> None:
    page = visitor.get(invite()).text
    words = re.sub(r"<[^>]+>|\s+", " ", page)
    assert re.search(r"Grace +invites +zoe@example\.com +to +Acme on Latchkey", words)
    assert "Make your account" in page
    assert "as a manager" not in page
    assert "as a manager" in visitor.get(invite(standing="manager")).text


def test_a_new_person_makes_an_account_and_is_in(visitor: FlaskClient, invite: Invite) -> None:
    path = invite()
    answer = send(visitor, path, **GIVEN)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/tasks")
    assert no_token_in(answer, path)
    page = visitor.get("/tasks")
    assert "Welcome to Acme." in page.text
    assert no_token_in(page, path)
    assert is_in("zoe")
    assert is_signed_in(visitor)
    assert visitor.get("/admin").status_code == 403


def test_the_address_on_the_form_changes_nothing(
    app: Flask, visitor: FlaskClient, invite: Invite
) -> None:
    path = invite()
    assert 'name="email"' not in visitor.get(path).text
    send(visitor, path, **GIVEN, email="mallory@example.com", standing="manager", role="Admin")
    person = anybody.principal_of(db.engine, NEW)
    assert (len(person.organizations), person.managed) == (1, frozenset())
    assert "users:viewAll" not in person.scopes
    assert sign_in(app.test_client(), "mallory", password=GIVEN["password"]).status_code == 422


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", "Zo\u202eë"), ("name", "x" * 81), ("password", "short")],
)
def test_a_wrong_form_comes_back_with_its_values(
    visitor: FlaskClient, invite: Invite, field: str, value: str
) -> None:
    path = invite()
    answer = send(visitor, path, **{**GIVEN, field: value})
    assert answer.status_code == 422
    assert re.search(rf'id="{field}-error"[^>]*>[^<]+<', answer.text)
    assert field == "name" or f'value="{GIVEN["name"]}"' in answer.text
    assert GIVEN["password"] not in answer.text
    assert send(visitor, path, **GIVEN).status_code == 303


def test_who_has_an_account_signs_in_first_and_comes_back(
    visitor: FlaskClient, invite: Invite
) -> None:
    path = invite("Ada@example.com")
    page = visitor.get(path).text
    assert 'name="password"' not in page
    link = re.search(r'href="(/login\?next=[^"]+)"', page.partition("<main")[2])
    assert link
    assert f'name="next" value="{path}"' in visitor.get(link[1]).text
    assert sign_in(visitor, next=path).headers["Location"] == path
    assert not is_in("ada")
    assert send(visitor, path).headers["Location"] == "/tasks"
    assert is_in("ada")


def test_nobody_takes_an_account_over_by_an_invitation_of_its_address(
    app: Flask, visitor: FlaskClient, invite: Invite
) -> None:
    path, form = invite("ada@example.com"), {"csrf_token": token_of(visitor, "/login")}
    answer = visitor.post(path, data={**GIVEN, **form})
    assert answer.status_code == 409
    assert "has an account already" in answer.text
    assert not is_signed_in(visitor)
    assert not is_in("ada")
    assert sign_in(app.test_client(), "ada", password=GIVEN["password"]).status_code == 422
    assert sign_in(app.test_client(), "ada", password=PASSWORD).status_code == 303


@pytest.mark.parametrize("email", ["ada@example.com", NEW])
def test_another_account_is_told_whose_the_invitation_is(
    browser: Browsers, invite: Invite, email: str
) -> None:
    path, ben = invite(email), browser("ben")
    page = ben.get(path).text
    assert f"<strong>{email}</strong>" in page
    assert "Sign out, and you come back here." in page
    assert f'name="next" value="{path}"' in page
    answer = ben.submit(path, GIVEN)
    assert answer.status_code == 403
    assert f"This invitation is for {email}." in answer.text
    assert not is_in("ben")
    assert browser("ben").get(path).status_code == 200


def test_a_link_counts_once(app: Flask, visitor: FlaskClient, invite: Invite) -> None:
    path = invite()
    send(visitor, path, **GIVEN)
    for answer in (visitor.get(path), app.test_client().get(path)):
        assert answer.status_code == 404
        assert "This invitation does not count any more" in answer.text
        assert "Acme" not in answer.text.partition("<main")[2]


def test_a_link_that_does_not_count_is_one_answer(
    app: Flask, grace: Browser, invite: Invite
) -> None:
    paths = [invite("a@example.com"), invite("b@example.com")]
    change("UPDATE invitation SET revoked_at = 1 WHERE email = 'a@example.com'")
    change("UPDATE invitation SET expires_at = 1 WHERE email = 'b@example.com'")
    paths += [f"/invite/{credentials.issue(Prefix.INVITATION)}", "/invite/x", "/invite/%00"]
    for answers in ([app.test_client().get(path) for path in paths], map(grace.submit, paths)):
        said = {
            (a.status_code, a.text.partition("<h1")[2].partition("</main")[0]) for a in answers
        }
        assert len(said) == 1
        assert "Ask for a new one." in said.pop()[1]


def test_a_form_without_its_token_accepts_nothing(browser: Browsers, invite: Invite) -> None:
    path = invite("ada@example.com")
    assert browser("ada").submit_without_token(path).status_code == 400
    assert browser("ada").client.get(path + "?accept=1").status_code == 200
    assert not is_in("ada")


def test_a_suspended_person_does_not_accept(browser: Browsers, invite: Invite) -> None:
    ada, path = browser("ada"), invite("ada@example.com")
    change("UPDATE user_account SET suspended_at = 1 WHERE email = 'ada@example.com'")
    # Her session is nobody's by now.
    assert ada.submit(path, GIVEN).status_code == 404
    assert not is_in("ada")


def test_no_token_comes_into_the_log(
    app: Flask, visitor: FlaskClient, invite: Invite, caplog: pytest.LogCaptureFixture
) -> None:
    path = invite()
    token = path.rpartition("/")[2]
    with caplog.at_level(logging.DEBUG):
        visitor.get(path)
        visitor.get(path + "x")
        visitor.post(path)
        send(visitor, path, **{**GIVEN, "name": ""})
        sign_in(visitor, next=path)
        send(visitor, path)
        del app.extensions["invitations"]
        assert app.test_client().get(path).status_code == 500
    assert "bug " in caplog.text
    assert token not in caplog.text
    assert token not in "".join(str(record.__dict__) for record in caplog.records)


def test_no_other_site_learns_the_address_of_the_page(
    visitor: FlaskClient, invite: Invite
) -> None:
    answer = visitor.get(invite())
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_guest_tries_only_so_often(deployed: Callable[..., Flask]) -> None:
    visitor = deployed().test_client()
    form = {"csrf_token": token_of(visitor, "/login")}
    # A new minute may begin in between.
    answers = [visitor.post(f"/invite/{number}", data=form) for number in range(21)]
    assert {answer.status_code for answer in answers[:10]} == {404}
    assert 429 in {answer.status_code for answer in answers}


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with mail.serving() as inbox:
        yield inbox


def test_from_the_letter_to_the_organization(deployed: Callable[..., Flask], inbox: Inbox) -> None:
    app = deployed(**inbox.settings(), rate_limits="off")
    with app.app_context():
        grace = anybody.principal_of(db.engine, "grace@example.com")
        grace_there = Browser(app, grace.user_id or 0)
        made = grace_there.submit("/admin/organizations/new", {"name": "Acme"})
        here = made.headers["Location"].replace("/admin", "/settings")
        answer = grace_there.submit(f"{here}/invitations", {"email": NEW, "standing": "manager"})
        assert (answer.status_code, answer.headers["Location"]) == (303, here)
        assert "An invitation is on its way to zoe@example.com." in grace_there.get(here).text
        [link] = re.findall(r"http://127\.0\.0\.1:8000(/invite/\S+)", mail.text(inbox.letter()))
        assert no_token_in(answer, link)
        visitor = app.test_client()
        assert send(visitor, link, **GIVEN).status_code == 303
        assert anybody.principal_of(db.engine, NEW).managed
