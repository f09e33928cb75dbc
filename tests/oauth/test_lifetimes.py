"""How long what a client gets lasts: what an admin set for it, in the rows and in the answers."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from app.core.scopes import THIRD_PARTY
from app.extensions import db
from app.oauth.device import GRANT_TYPE
from tests.conftest import Call, Person
from tests.oauth.conftest import Flow
from tests.oauth.test_client_credentials import issued, refusal
from tests.oauth.test_code_flow import api
from tests.oauth.test_device import decide, poll, start
from tests.oauth.test_introspection import introspect

Lasting = Callable[..., Flow]
HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def lasting(flow: Flow, call: Call, person: Person) -> Lasting:
    """Give a function by which Grace sets lifetimes of the flow's client; gives the flow."""

    def set_(**lifetimes: int) -> Flow:
        given = {"client_id": flow.client_id, "scopes": list(THIRD_PARTY), **lifetimes}
        call("client_rules.set", person("grace"), given)
        return flow

    return set_


def found(query: str) -> list[tuple[Any, ...]]:
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def pass_by(seconds: int) -> None:
    """Let every code, token and authorization be older by so much."""
    with db.engine.begin() as connection:
        for table, columns in {
            "authorization_code": ["expires_at"],
            "access_token": ["issued_at", "expires_at"],
            "refresh_token": ["issued_at", "expires_at", "consumed_at"],
            "device_authorization": ["expires_at"],
            "token_family": ["created_at"],
        }.items():
            older = ", ".join(f"{column} = {column} - {seconds}" for column in columns)
            connection.exec_driver_sql(f"UPDATE {table} SET {older}")


@pytest.mark.parametrize("seconds", [300, 7200])
def test_an_access_token_lasts_as_long_as_an_admin_says(lasting: Lasting, seconds: int) -> None:
    flow = lasting(access_token_lasts=seconds)
    first = flow.tokens()
    renewed = flow.refresh(first["refresh_token"]).json or {}
    own = issued(flow)
    assert [body["expires_in"] for body in (first, renewed, own)] == [seconds] * 3
    rows = found("SELECT expires_at - issued_at FROM access_token")
    assert rows == [(seconds,)] * 3
    told = introspect(flow, first["access_token"])
    assert told["exp"] - told["iat"] == seconds
    pass_by(seconds // 2)
    assert api(flow, first["access_token"]) == 200
    pass_by(seconds - seconds // 2)
    assert api(flow, first["access_token"]) == 401


@pytest.mark.parametrize("seconds", [120, 600])
def test_a_code_lasts_as_long_as_an_admin_says(lasting: Lasting, seconds: int) -> None:
    flow = lasting(code_lasts=seconds)
    in_time, late = flow.code(), flow.code()
    # The authorization begins in the moment in which its code is issued.
    lasts = "SELECT expires_at - created_at FROM authorization_code JOIN token_family ON id = "
    assert found(lasts + "family_id") == [(seconds,)] * 2
    pass_by(seconds // 2)
    assert flow.exchange(in_time).status_code == 200
    pass_by(seconds - seconds // 2)
    assert refusal(flow.exchange(late)) == "invalid_grant"


@pytest.mark.parametrize("seconds", [2 * HOUR, 60 * DAY])
def test_a_refresh_token_may_go_unused_as_long_as_an_admin_says(
    lasting: Lasting, seconds: int
) -> None:
    flow = lasting(refresh_token_idles=seconds)
    token = flow.tokens()["refresh_token"]
    for _ in range(2):
        pass_by(seconds // 2)
        token = (flow.refresh(token).json or {})["refresh_token"]
    assert found("SELECT expires_at - issued_at FROM refresh_token") == [(seconds,)] * 3
    pass_by(seconds)
    assert refusal(flow.refresh(token)) == "invalid_grant"


def test_a_family_that_is_renewed_again_and_again_ends_when_an_admin_says(
    lasting: Lasting,
) -> None:
    flow = lasting(refresh_token_idles=20 * HOUR, refresh_token_lasts=2 * DAY)
    token = flow.tokens()["refresh_token"]
    left = []
    for _ in range(4):
        pass_by(10 * HOUR)
        renewed = flow.refresh(token)
        assert renewed.status_code == 200, renewed.text
        token = (renewed.json or {})["refresh_token"]
        ends = "SELECT max(expires_at) - created_at FROM refresh_token, token_family"
        left += found(ends)
    # Idle after 20 hours each, until the second day's end is nearer.
    assert [seconds for (seconds,) in left[2:]] == [2 * DAY] * 2
    assert left[0][0] < left[1][0] < 2 * DAY
    pass_by(8 * HOUR)
    assert refusal(flow.refresh(token)) == "invalid_grant"


@pytest.mark.parametrize("seconds", [120, 1800])
def test_a_devices_code_lasts_as_long_as_an_admin_says(lasting: Lasting, seconds: int) -> None:
    flow = lasting(device_code_lasts=seconds)
    before = int(time.time())
    in_time, late, unseen = (start(flow, scope="tasks:view") for _ in range(3))
    after = int(time.time())
    assert [each["expires_in"] for each in (in_time, late, unseen)] == [seconds] * 3
    ends = [each for (each,) in found("SELECT expires_at FROM device_authorization")]
    assert before + seconds <= min(ends) <= max(ends) <= after + seconds
    for started in (in_time, late):
        assert decide(flow, started["user_code"]).status_code == 303
    pass_by(seconds // 2)
    assert poll(flow, in_time).status_code == 200
    pass_by(seconds - seconds // 2)
    asked = {"grant_type": GRANT_TYPE, "device_code": late["device_code"]}
    assert refusal(flow.token(**asked)) == "expired_token"
    assert refusal(poll(flow, unseen)) == "expired_token"


def test_what_an_admin_takes_back_is_the_default_again(lasting: Lasting) -> None:
    lasting(access_token_lasts=300, code_lasts=600, device_code_lasts=1800)
    flow = lasting()
    assert flow.tokens()["expires_in"] == HOUR
    assert start(flow)["expires_in"] == 600
    lasts = "SELECT expires_at - created_at FROM authorization_code, token_family"
    assert found(lasts) == [(60,)]
