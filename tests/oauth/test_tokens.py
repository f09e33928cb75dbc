"""Grants, families and tokens: issued, consumed and revoked."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from sqlalchemy.orm import Session

from app.core import credentials
from app.core.credentials import Prefix
from app.core.system import acting_as_system
from app.models.grant import AuthorizationCode, RefreshToken
from app.oauth import families, tokens
from app.oauth.families import Authorization
from app.oauth.tokens import NewCode, NewToken
from tests.requirements import requirement
from tests.world import World

T = TypeVar("T")

# Of the world: Ben's idle app, for which nobody has a grant yet.
ADA, CLIENT = 1, 3
LASTS = 60
VIEW, EDIT = frozenset({"tasks:view"}), frozenset({"tasks:edit"})


def acting(world: World, do: Callable[[Session], T]) -> T:
    with acting_as_system(world.system, "a test") as session:
        return do(session)


def open_family(
    world: World, granted: frozenset[str] = VIEW, now: int = 100, resource: str | None = None
) -> int:
    given = Authorization(ADA, CLIENT, granted, resource)
    return acting(world, lambda session: families.open_family(session, given, now))


def live(world: World, family: int) -> families.FamilyRow | None:
    return acting(world, lambda session: families.live_family(session, family))


def a_code(world: World, family: int, now: int = 100) -> str:
    code = NewCode(redirect_uri=None, code_challenge="c", nonce=None, jkt=None, lasts=LASTS)
    return acting(world, lambda session: tokens.issue_code(session, family, code, now))


def a_refresh_token(world: World, family: int, now: int = 100) -> str:
    return acting(
        world,
        lambda session: tokens.issue_refresh_token(
            session, family, expires_at=now + LASTS, now=now
        ),
    )


def test_the_first_authorization_makes_a_grant_and_the_next_widens_it(world: World) -> None:
    before = len(world.found("oauth_grant"))
    families = [open_family(world, VIEW), open_family(world, EDIT), open_family(world, VIEW)]
    (grant,) = world.found("oauth_grant", "client_key = :key", key=CLIENT)
    assert len(world.found("oauth_grant")) == before + 1
    assert grant["scopes"] == "tasks:view tasks:edit"
    assert len(set(families)) == 3


def test_a_wider_grant_does_not_widen_what_was_authorized_before(world: World) -> None:
    narrow = open_family(world, VIEW)
    open_family(world, EDIT)
    row = live(world, narrow)
    assert row is not None
    assert row.scopes == "tasks:view"


def test_after_a_revocation_a_new_grant_begins_with_nothing_of_the_old(world: World) -> None:
    old = open_family(world, EDIT)
    with world.system.begin() as connection:
        connection.exec_driver_sql("UPDATE oauth_grant SET revoked_at = 1")
    new = open_family(world, VIEW)
    grants = world.found("oauth_grant", "client_key = :key AND revoked_at IS NULL", key=CLIENT)
    assert [grant["scopes"] for grant in grants] == ["tasks:view"]
    assert live(world, old) is None
    assert live(world, new) is not None


def test_many_authorizations_at_once_share_one_grant(world: World) -> None:
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda _: open_family(world), range(12)))
    assert len(world.found("oauth_grant", "client_key = :key", key=CLIENT)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE token_family SET revoked_at = 1",
        "UPDATE oauth_grant SET revoked_at = 1",
        "UPDATE client SET revoked_at = 1",
        "UPDATE user_account SET suspended_at = 1",
        "DELETE FROM client",
        "DELETE FROM user_account",
    ],
)
def test_a_family_lives_as_long_as_all_that_it_stands_on(world: World, statement: str) -> None:
    family = open_family(world, resource="https://x.example/mcp")
    resource = "https://x.example/mcp"
    assert live(world, family) == families.FamilyRow(
        id=family,
        client_key=CLIENT,
        user_id=ADA,
        is_service=False,
        granted="tasks:view",
        scopes="tasks:view",
        resource=resource,
        auth_time=None,
        jkt=None,
        created_at=100,
    )
    with world.system.begin() as connection:
        connection.exec_driver_sql(statement)
    assert live(world, family) is None


def test_revoking_one_family_leaves_the_others_and_keeps_its_first_time(world: World) -> None:
    one, other = open_family(world), open_family(world)
    for now in (5, 9):
        acting(world, lambda session, now=now: families.revoke_family(session, one, now))  # type: ignore[misc] # the loop's own time
    (row,) = world.found("token_family", "id = :id", id=one)
    assert row["revoked_at"] == 5
    assert live(world, other) is not None


Issue = Callable[..., str]
Table = type[AuthorizationCode | RefreshToken]

good_once = pytest.mark.parametrize(
    ("issue", "table"), [(a_code, AuthorizationCode), (a_refresh_token, RefreshToken)]
)


@requirement("rfc6749:code-once", "rfc9700:code-once")
@good_once
def test_of_many_who_consume_at_once_one_wins(world: World, issue: Issue, table: Table) -> None:
    digest = credentials.digest(issue(world, open_family(world)))

    def consume(_: int) -> bool:
        return acting(world, lambda session: tokens.consume(session, table, digest, 101))

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(consume, range(16)))
    assert won.count(True) == 1


@requirement("rfc6749:code-expires", "rfc9700:refresh-tokens-idle-out")
@good_once
def test_it_can_be_consumed_until_its_last_second(
    world: World, issue: Issue, table: Table
) -> None:
    digest = credentials.digest(issue(world, open_family(world), now=100))

    def consume(now: int) -> bool:
        return acting(world, lambda session: tokens.consume(session, table, digest, now))

    assert not consume(100 + LASTS)
    assert consume(100 + LASTS - 1)


@pytest.mark.parametrize("table", [AuthorizationCode, RefreshToken])
def test_what_is_not_there_is_not_consumed(world: World, table: Table) -> None:
    digest = credentials.digest("nothing")
    assert not acting(world, lambda session: tokens.consume(session, table, digest, 1))


@requirement(
    "rfc6749:credentials-kept-secret", "rfc9700:tokens-not-kept-in-clear", "mcp:tokens-kept-secret"
)
def test_the_database_keeps_no_code_and_no_token_in_clear(world: World) -> None:
    family = open_family(world)
    token = NewToken("tasks:view", resource=None, jkt=None, lasts=LASTS)
    access = acting(
        world, lambda session: tokens.issue_access_token(session, family, token, now=1)
    )
    made = (a_code(world, family), a_refresh_token(world, family), access)
    kept = str(world.everything())
    assert not [secret for secret in made if secret in kept or secret[6:20] in kept]
    for secret, prefix in zip(
        made, (Prefix.AUTHORIZATION_CODE, Prefix.REFRESH_TOKEN, Prefix.ACCESS_TOKEN), strict=True
    ):
        assert credentials.is_well_formed(secret, prefix)


def test_one_access_token_is_forgotten_alone(world: World) -> None:
    tokens_before = world.found("access_token")
    acting(world, lambda session: tokens.forget_access_token(session, tokens_before[0]["digest"]))
    assert world.found("access_token") == tokens_before[1:]
