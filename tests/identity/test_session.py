"""From a browser's session to a principal."""

import time
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import text

from app.core import credentials
from app.core.credentials import Prefix
from app.core.principal import Channel
from app.extensions import db
from app.identity import session
from app.identity.session import safe_next
from tests.conftest import Person, change

HERE = "http://127.0.0.1:8000"
ANY_TEXT = st.text(st.characters(exclude_categories=()))
ALMOST = st.lists(
    st.sampled_from(["/", "//", "\\", "\t", "\n", "\r", "\0", " ", "\u2028", "\uff0f", "\u3002"])
    | st.sampled_from(["%09", "%2f", "%5c", ".", "..", "@", ":", "?", "#", "["])
    | st.sampled_from(["evil.example", "https:", "javascript:"])
).map("".join)


@pytest.fixture
def ada(person: Person) -> int:
    """Give Ada's user id."""
    return int(person("ada").user_id or 0)


def sign_in(app: Flask, user_id: int) -> str:
    """Begin a session; give its credential."""
    with app.test_request_context("/login", headers={"User-Agent": "x" * 900}):
        session.sign_in(user_id)
        seen = session.viewer()
        assert seen is not None
        return seen.credential


def test_a_session_tells_the_person_with_the_scopes_of_their_roles(app: Flask, ada: int) -> None:
    found = session.load(sign_in(app, ada))
    assert found is not None
    assert (found.principal.user_id, found.email, found.name) == (ada, "ada@example.com", "Ada")
    assert found.principal.channel == Channel.BROWSER
    assert found.principal.client_id is None
    assert found.may("tasks:edit")
    assert not found.may("tasks:viewAll")


def test_the_database_keeps_no_credential_of_a_session(app: Flask, ada: int) -> None:
    credential = sign_in(app, ada)
    with db.engine.connect() as connection:
        kept = connection.execute(text("SELECT * FROM login")).one()
    assert credential not in str(kept)
    assert kept.digest == credentials.digest(credential)
    assert len(kept.user_agent) == 200


def test_the_credential_is_not_in_the_viewers_own_text(app: Flask, ada: int) -> None:
    credential = sign_in(app, ada)
    assert credential not in repr(session.load(credential))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE login SET revoked_at = 1",
        "UPDATE login SET expires_at = 1",
        "DELETE FROM login",
        "UPDATE user_account SET suspended_at = 1",
        "DELETE FROM user_account",
    ],
)
def test_a_session_is_over_at_once(app: Flask, ada: int, statement: str) -> None:
    credential = sign_in(app, ada)
    assert session.load(credential) is not None
    change(statement)
    assert session.load(credential) is None


def test_a_scope_taken_from_the_role_is_gone_from_the_session(app: Flask, ada: int) -> None:
    credential = sign_in(app, ada)
    change("DELETE FROM role_scope WHERE scope <> 'tasks:view'")
    found = session.load(credential)
    assert found is not None
    assert found.principal.scopes == {"tasks:view"}


def test_a_person_without_a_role_is_signed_in_and_may_nothing(app: Flask, ada: int) -> None:
    credential = sign_in(app, ada)
    change("DELETE FROM user_role")
    found = session.load(credential)
    assert found is not None
    assert found.principal.scopes == frozenset()


def test_signing_out_ends_the_session_in_the_database(app: Flask, ada: int) -> None:
    with app.test_request_context("/logout"):
        session.sign_in(ada)
        seen = session.viewer()
        assert seen is not None
        credential = seen.credential
        session.sign_out()
        assert session.viewer() is None
        assert session.principal().is_nobody
    assert session.load(credential) is None


def test_signing_in_ends_the_session_that_was_there(app: Flask, ada: int) -> None:
    with app.test_request_context("/login"):
        session.sign_in(ada)
        first = session.viewer()
        session.sign_in(ada)
        second = session.viewer()
    assert first
    assert second
    assert session.load(first.credential) is None
    assert session.load(second.credential) is not None


def test_the_viewer_is_the_person_and_not_a_stand_in(app: Flask, ada: int) -> None:
    with app.test_request_context("/login"):
        assert session.viewer() is None
        session.sign_in(ada)
        seen = session.viewer()
    # Outside the request, a stand-in would be nobody.
    assert type(seen) is session.Viewer
    assert seen.email == "ada@example.com"


def test_one_session_that_ends_leaves_the_others(app: Flask, ada: int) -> None:
    stays = sign_in(app, ada)
    with app.test_request_context("/logout"):
        session.sign_in(ada)
        session.sign_out()
    assert session.load(stays) is not None


@pytest.mark.parametrize("kind", [p for p in Prefix if p != Prefix.LOGIN])
def test_no_other_credential_is_a_session(app: Flask, kind: Prefix) -> None:
    assert session.load(credentials.issue(kind)) is None


@pytest.mark.parametrize("cookie", ["", "1", "lk_ls_", "\0", "\ud800", "lk_ls_" + "é" * 49])
def test_what_is_no_credential_is_no_session(app: Flask, cookie: str) -> None:
    assert session.load(cookie) is None


def test_a_session_lasts_two_weeks(app: Flask, ada: int) -> None:
    before = int(time.time())
    sign_in(app, ada)
    with db.engine.connect() as connection:
        expires_at = connection.execute(text("SELECT expires_at FROM login")).scalar_one()
    assert before <= expires_at - session.LASTS <= int(time.time())


@pytest.mark.parametrize(
    ("cookie", "authorization", "is_both"),
    [
        ("", "", False),
        ("", "Bearer x", False),
        ("signed in", "", False),
        ("signed in", "Basic x", False),
        ("signed in", "Bearer x", True),
        ("signed in", "DPoP x", True),
        ("signed in", "bearer ", True),
        ("signed out", "Bearer x", False),
        ("forged", "Bearer x", False),
    ],
)
def test_only_a_sign_in_and_a_token_at_once_are_ambiguous(
    app: Flask, ada: int, cookie: str, authorization: str, *, is_both: bool
) -> None:
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer
    contents = {"signed in": {"_user_id": "lk_lg_x"}, "signed out": {"csrf_token": "x"}}
    value = serializer.dumps(contents[cookie]) if cookie in contents else "x"
    headers = {"Cookie": f"latchkey={value}"} if cookie else {}
    headers |= {"Authorization": authorization} if authorization else {}
    with app.test_request_context("/api/tasks/list", headers=headers) as context:
        assert session.is_ambiguous(context.request) == is_both


@pytest.mark.parametrize(
    "target", ["/", "/tasks?q=a%20b", "/oauth/authorize?x=https://a.example/", "/a/%09/b", "/é"]
)
def test_a_path_of_ours_is_where_one_goes_next(target: str) -> None:
    assert safe_next(target) == target


@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        "tasks",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "//[",
        "//\u2100",
        "/\ud800",
        "/\u2028/evil.example",
    ],
)
def test_anything_else_leads_to_the_first_page(target: str | None) -> None:
    assert safe_next(target) == "/tasks"


def as_a_browser_would(target: str) -> str:
    """Give where a link leads: browsers drop tabs and line ends, and turn backslashes round."""
    cleaned = target.strip(" \0\t\n\r\f").translate(dict.fromkeys(map(ord, "\t\n\r")))
    return urljoin(HERE + "/login", cleaned.replace("\\", "/"))


@given(ANY_TEXT | ALMOST | ANY_TEXT.map(lambda rest: "/" + rest))
@example("/%09/evil.example")
@example("/.//evil.example")
@example("/\uff0fevil.example")
def test_no_target_leads_away_from_here(target: str) -> None:
    there = urlsplit(as_a_browser_would(safe_next(target)))
    assert f"{there.scheme}://{there.netloc}" == HERE
