"""What is taken back in one process counts in another from the next request on."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import change
from tests.databases import on_both_engines
from tests.mcp.conftest import headers_of, message
from tests.oauth.conftest import CALLBACK, VERIFIER, Flow, sign_in
from tests.processes import Ask, Said, cookie_of, free_port, sent, serving, sharing_on

pytestmark = on_both_engines

TASKS = json.dumps(message("tools/call", name="tasks_list", arguments={})).encode()


@pytest.fixture(scope="module")
def app(
    request: pytest.FixtureRequest, engine_name: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """Give an app that shares its instance with the servers."""
    with sharing_on(request, engine_name, tmp_path_factory.mktemp("workers")) as shared:
        yield shared


@pytest.fixture(scope="module")
def workers(app: Flask) -> Iterator[list[str]]:
    """Give the addresses of two processes on one instance."""
    with serving(app, free_port(), free_port()) as addresses:
        yield addresses


@dataclass(frozen=True)
class Connected:
    """A client that a person has allowed something, and the person's browser."""

    app: Flask
    flow: Flow
    code: str
    access_token: str
    refresh_token: str

    def post(self, worker: str, path: str, **form: str) -> Said:
        """Send a request of the client, authenticated by its secret."""
        who = {"client_id": self.flow.client_id, "client_secret": self.flow.client_secret or ""}
        return sent(worker, Ask(path, form={**who, **form}))

    def submit(self, worker: str, browser: FlaskClient, path: str) -> None:
        """Press a button on a page, that leads to this path."""
        page = browser.get("/logout").text
        token = page.split('name="csrf_token" value="')[1].split('"')[0]
        headers = cookie_of(browser, self.app)
        answer = sent(worker, Ask(path, form={"csrf_token": token}, headers=headers))
        assert answer.status == 303, answer.body

    def seen_at(self, worker: str) -> dict[str, object]:
        """Give how a worker takes the access token: at each resource, and what it says of it."""
        bearer = {"Authorization": f"Bearer {self.access_token}"}
        call = Ask("/mcp", headers=headers_of(self.access_token), body=TASKS)
        ran = sent(worker, call)
        told = self.post(worker, "/oauth/introspect", token=self.access_token).json
        return {
            "api": sent(worker, Ask("/api/tasks/list", headers=bearer)).status,
            "mcp": 404 if ran.status == 200 and "error" in ran.json else ran.status,
            "userinfo": sent(worker, Ask("/oauth/userinfo", headers=bearer)).status,
            "introspection": told["scope"] if told.get("active") else "inactive",
        }


@pytest.fixture
def connected(app: Flask, flow: Flow) -> Connected:
    """Give a client that Ada has allowed to sign her in and to see her tasks."""
    code = flow.code(scope="openid tasks:view")
    body = flow.exchange(code).json or {}
    return Connected(app, flow, code, body["access_token"], body["refresh_token"])


GOOD = {"api": 200, "mcp": 200, "userinfo": 200, "introspection": "openid tasks:view"}
DEAD = {"api": 401, "mcp": 401, "userinfo": 401, "introspection": "inactive"}


def revoke_access_token(it: Connected, worker: str) -> None:
    assert it.post(worker, "/oauth/revoke", token=it.access_token).status == 200


def revoke_refresh_token(it: Connected, worker: str) -> None:
    assert it.post(worker, "/oauth/revoke", token=it.refresh_token).status == 200


def replay_the_code(it: Connected, worker: str) -> None:
    given = {"code": it.code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    refused = it.post(worker, "/oauth/token", grant_type="authorization_code", **given)
    assert refused.json["error"] == "invalid_grant"


def disconnect(it: Connected, worker: str) -> None:
    path = f"/settings/connections/{it.flow.client_id}/disconnect"
    it.submit(worker, it.flow.browser, path)


def revoke_client(it: Connected, worker: str) -> None:
    grace = sign_in(it.app.test_client(), "grace")
    it.submit(worker, grace, f"/admin/oauth-clients/{it.flow.client_id}/revoke")


def suspend(_it: Connected, _worker: str) -> None:
    change("UPDATE user_account SET suspended_at = 1 WHERE email = 'ada@example.com'")


@pytest.fixture
def nobody_stays_suspended(app: Flask) -> Iterator[None]:
    """Let the people of a test be what they were."""
    yield
    change("UPDATE user_account SET suspended_at = NULL")


@pytest.mark.usefixtures("nobody_stays_suspended")
@pytest.mark.parametrize(
    "take_back",
    [
        revoke_access_token,
        revoke_refresh_token,
        replay_the_code,
        disconnect,
        revoke_client,
        suspend,
    ],
)
def test_what_one_worker_takes_back_is_dead_in_the_other(
    workers: list[str], connected: Connected, take_back: Callable[[Connected, str], None]
) -> None:
    here, there = workers
    assert connected.seen_at(here) == connected.seen_at(there) == GOOD
    take_back(connected, here)
    assert connected.seen_at(there) == DEAD
    assert connected.seen_at(here) == DEAD
    asked = {"grant_type": "refresh_token", "refresh_token": connected.refresh_token}
    refreshed = connected.post(there, "/oauth/token", **asked)
    # An access token that is revoked goes alone (RFC 7009 §2.1).
    assert (refreshed.status == 200) == (take_back is revoke_access_token)


@pytest.mark.parametrize(
    ("less", "more", "mcp"),
    [
        # What the person may not do, no consent can open: the tool is not there.
        (
            "DELETE FROM role_scope WHERE scope = 'tasks:view'",
            "INSERT INTO role_scope (role_id, scope) SELECT id, 'tasks:view' FROM role",
            404,
        ),
        (
            "UPDATE client SET scopes = replace(scopes, 'tasks:view', '')",
            "UPDATE client SET scopes = scopes || ' tasks:view'",
            403,
        ),
        (
            "UPDATE oauth_grant SET scopes = replace(scopes, 'tasks:view', '')",
            "UPDATE oauth_grant SET scopes = scopes || ' tasks:view'",
            403,
        ),
    ],
    ids=["role", "client", "grant"],
)
def test_a_scope_that_is_taken_away_is_missed_at_once_and_works_again_when_it_is_back(
    workers: list[str], connected: Connected, less: str, more: str, mcp: int
) -> None:
    for worker in workers:
        assert connected.seen_at(worker) == GOOD
    change(less)
    seen = [connected.seen_at(worker) for worker in workers]
    change(more)
    left = {"api": 403, "mcp": mcp, "userinfo": 200, "introspection": "openid"}
    assert seen == [left, left]
    for worker in workers:
        assert connected.seen_at(worker) == GOOD


def test_a_person_who_signs_out_at_one_worker_is_out_at_the_other(
    workers: list[str], connected: Connected
) -> None:
    here, there = workers
    page = Ask("/tasks", headers=cookie_of(connected.flow.browser, connected.app))
    assert sent(there, page).status == 200
    connected.submit(here, connected.flow.browser, "/logout")
    assert sent(there, page).headers["Location"].startswith("/login")


def test_a_new_signing_key_is_published_and_used_everywhere_at_once(
    app: Flask, workers: list[str], connected: Connected
) -> None:
    for worker in workers:
        assert sent(worker, Ask("/oauth/jwks")).status == 200
    made = set(app.extensions["keys"].rotate())
    for worker in workers:
        known = {key["kid"] for key in sent(worker, Ask("/oauth/jwks")).json["keys"]}
        assert made < known, "the keys of before verify what they signed"
        asked = {"grant_type": "refresh_token", "refresh_token": connected.refresh_token}
        refreshed = connected.post(worker, "/oauth/token", **asked)
        header = refreshed.json["id_token"].split(".")[0] + "=="
        assert json.loads(urlsafe_b64decode(header))["kid"] in made
