"""From a bearer token to a principal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import event, text

from app.core import credentials
from app.core.credentials import Prefix
from app.core.principal import Channel, Principal
from app.core.resource import API, MCP, SSE, Resources
from app.core.scopes import BASIC
from app.extensions import db
from app.identity.bearer import Bearer, TokenRefused, token_in
from app.models.lifetimes import DEFAULTS
from app.oauth.dpop import Proofs
from tests.conftest import change
from tests.requirements import requirement

URL = "http://127.0.0.1:8000"
Token = Callable[..., str]
TRUST = "UPDATE client SET is_trusted = true, scopes = scopes || ' tasks:viewAll'"


@pytest.fixture
def token(app: Flask, token: Token) -> Token:
    """Give the token of conftest, with its use noted: what follows is the everyday call."""

    def used(*args: str, **kwargs: str) -> str:
        made = token(*args, **kwargs)
        change("UPDATE oauth_grant SET last_used_at = :now", now=int(time.time()))
        return made

    return used


def who(token: str, entrance: str = API, now: float | None = None) -> Principal:
    clock = time.time if now is None else lambda: now
    proofs = Proofs(db.engine, "of the tests")
    bearer = Bearer(db.engine, Resources(URL), proofs, clock)
    return bearer.principal(token, Channel.API, entrance)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect what reaches SQLite itself, by whatever way."""
    seen: list[str] = []

    def trace(connection: object, _record: object, _proxy: object) -> None:
        connection.set_trace_callback(seen.append)  # type: ignore[attr-defined] # it is sqlite3's

    event.listen(db.engine, "checkout", trace)
    try:
        yield seen
    finally:
        event.remove(db.engine, "checkout", trace)
        db.engine.dispose()


def test_a_token_tells_the_person_the_client_and_the_grant(token: Token, client_id: str) -> None:
    principal = who(token("ben", "tasks:view"))
    with db.engine.connect() as connection:
        query = text("SELECT id FROM user_account WHERE email = 'ben@example.com'")
        ben = connection.execute(query).scalar_one()
        grant = connection.execute(text("SELECT id FROM oauth_grant")).scalar_one()
    assert principal.user_id == ben
    assert principal.client_id == client_id
    assert principal.grant_id == grant
    assert principal.scopes == {"tasks:view"}
    assert principal.channel == Channel.API
    assert principal.reach > principal.scopes


def test_a_token_takes_one_query(token: Token) -> None:
    made = token("ben")
    with statements() as seen:
        who(made)
    assert [statement.split()[0] for statement in seen] == ["SELECT"]


@requirement("rfc6750:tokens-not-forged")
def test_a_forged_token_takes_no_query(app: Flask) -> None:
    made = credentials.issue(Prefix.ACCESS_TOKEN)
    other = "A" if made[-1] != "A" else "B"
    forged = [made[:-1] + other, "", "x", made[:-1], made + "é", "lk_rt_" + made[6:]]
    with statements() as seen:
        for token in forged:
            with pytest.raises(TokenRefused, match="malformed"):
                who(token)
    assert seen == []


@pytest.mark.parametrize("prefix", [p for p in Prefix if p != Prefix.ACCESS_TOKEN])
def test_no_other_credential_is_an_access_token(app: Flask, prefix: Prefix) -> None:
    with pytest.raises(TokenRefused):
        who(credentials.issue(prefix))


def test_an_unknown_token_is_refused(app: Flask) -> None:
    with pytest.raises(TokenRefused, match="unknown or revoked"):
        who(credentials.issue(Prefix.ACCESS_TOKEN))


@requirement("rfc6749:token-checked", "rfc6750:short-lived")
def test_a_token_ends_with_its_hour(token: Token) -> None:
    made, now = token("ben"), time.time()
    assert who(made, now=now + DEFAULTS["access_token_lasts"] - 5).scopes
    with pytest.raises(TokenRefused, match="expired"):
        who(made, now=now + DEFAULTS["access_token_lasts"] + 1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE token_family SET revoked_at = 1",
        "UPDATE oauth_grant SET revoked_at = 1",
        "UPDATE client SET revoked_at = 1",
        "UPDATE user_account SET suspended_at = 1 WHERE email = 'ben@example.com'",
        "DELETE FROM access_token",
        "DELETE FROM token_family",
        "DELETE FROM oauth_grant",
        "DELETE FROM client",
        "DELETE FROM user_account WHERE email = 'ben@example.com'",
    ],
)
def test_a_revocation_counts_from_the_next_request_on(token: Token, statement: str) -> None:
    made = token("ben")
    assert who(made).scopes
    change(statement)
    with pytest.raises(TokenRefused, match="unknown or revoked"):
        who(made)


@requirement("rfc9700:privileges-restricted")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_token SET scopes = 'profile:view tasks:edit'",
        "UPDATE oauth_grant SET scopes = 'profile:view tasks:edit'",
        "UPDATE client SET scopes = 'profile:view tasks:edit'",
        "DELETE FROM role_scope WHERE scope = 'tasks:view'",
    ],
)
def test_a_scope_that_is_taken_away_anywhere_is_gone_at_the_next_request(
    token: Token, statement: str
) -> None:
    made = token("ben")
    assert who(made).scopes == set(BASIC)
    change(statement)
    assert who(made).scopes == {"profile:view", "tasks:edit"}


@requirement("rfc9700:privileges-restricted")
def test_a_scope_that_the_role_lacks_is_not_had_though_it_was_granted(token: Token) -> None:
    change(TRUST)
    assert who(token("ben", "tasks:viewAll", "tasks:view")).scopes == {"tasks:view"}
    assert who(token("grace", "tasks:viewAll")).scopes == {"tasks:viewAll"}


def test_a_person_without_a_role_has_no_scopes(token: Token) -> None:
    made = token("ben")
    change("DELETE FROM user_role")
    assert who(made).scopes == who(made).reach == frozenset()


def test_the_scopes_of_two_roles_are_joined(token: Token) -> None:
    change(TRUST)
    made = token("ben", "tasks:viewAll", "tasks:view")
    change(
        "INSERT INTO user_role (user_id, role_id) SELECT id, 2 FROM user_account "
        "WHERE email = 'ben@example.com'"
    )
    assert who(made).scopes == {"tasks:viewAll", "tasks:view"}


@requirement("rfc6750:audience-restricted", "rfc9700:audience-checked", "mcp:audience-checked")
@pytest.mark.parametrize(
    ("path", "good"), [(API, {API}), (MCP, {MCP, SSE}), (None, {API, MCP, SSE})]
)
def test_a_token_is_good_where_its_resource_is(
    token: Token, path: str | None, good: set[str]
) -> None:
    made = token("ben") if path is None else token("ben", resource=URL + path)
    for entrance in (API, MCP, SSE):
        if entrance in good:
            assert who(made, entrance).scopes
        else:
            with pytest.raises(TokenRefused, match="another resource"):
                who(made, entrance)


def test_a_token_of_another_deployment_is_refused(token: Token) -> None:
    with pytest.raises(TokenRefused, match="another resource"):
        who(token("ben", resource="https://elsewhere.example/api"))


def test_the_use_of_a_grant_is_noted_once_a_minute(token: Token) -> None:
    made = token("ben")
    now = int(time.time()) + 120
    with statements() as seen:
        for moment in (now, now + 1, now + 59):
            who(made, now=moment)
    assert len([s for s in seen if s.startswith("UPDATE oauth_grant")]) == 1
    with db.engine.connect() as connection:
        used = connection.execute(text("SELECT last_used_at FROM oauth_grant")).scalar_one()
        of_client = connection.execute(text("SELECT last_used_at FROM client")).scalar_one()
    assert used == of_client == now


@requirement("rfc6750:token-in-the-header")
@pytest.mark.parametrize(
    ("header", "token"),
    [
        (None, None),
        ("", None),
        ("Bearer", None),
        ("Basic abc", None),
        ("Bearer abc", "abc"),
        ("bEARER   abc ", "abc"),
        ("Bearer ", ""),
    ],
)
def test_the_header_gives_the_token(header: str | None, token: str | None) -> None:
    assert token_in(header) == token
