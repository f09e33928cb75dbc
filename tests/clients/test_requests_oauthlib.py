"""requests-oauthlib, on oauthlib: what most Python programs of old are written with."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from oauthlib.oauth2 import (
    BackendApplicationClient,
    DeviceClient,
    InvalidClientError,
    InvalidGrantError,
    MismatchingStateError,
    WebApplicationClient,
)
from requests_oauthlib import OAuth2Session

from tests.clients.conftest import CALLBACK, Person, status_of

SCOPE = ["openid", "profile:view", "tasks:view"]


@pytest.fixture(autouse=True)
def on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell oauthlib that http will do."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


class Endpoints:
    """A session's way to the server's endpoints, by one of the ways to prove the client."""

    def __init__(self, site: str, known: dict[str, str], *, in_body: bool) -> None:
        self.site = site
        self.client_id = known["client_id"]
        secret = known.get("client_secret")
        shown = {} if secret is None else {"client_secret": secret}
        self.proof: dict[str, Any] = (
            {"include_client_id": True, **shown} if in_body else {"client_secret": secret}
        )
        self.in_form: dict[str, Any] = {"client_id": self.client_id, **shown}

    def allowed(self, session: OAuth2Session, person: Person, *without: str) -> str:
        """Send the person to consent; give the callback, with the answer in it."""
        url, _ = session.authorization_url(f"{self.site}/oauth/authorize")
        return person.allow(url, *without)

    def exchange(self, session: OAuth2Session, back: str) -> dict[str, Any]:
        """Exchange the code of a callback, whose state the session compares."""
        url = f"{self.site}/oauth/token"
        return session.fetch_token(url, authorization_response=back, **self.proof)

    def exchange_stolen(self, session: OAuth2Session, back: str) -> dict[str, Any]:
        """Exchange the code of a callback, as one does who doesn't care about state."""
        code = dict(parse_qsl(urlsplit(back).query))["code"]
        return session.fetch_token(f"{self.site}/oauth/token", code=code, **self.proof)

    def refresh(self, session: OAuth2Session, token: str | None = None) -> dict[str, Any]:
        """Use a refresh token: the session's own, or this."""
        url = f"{self.site}/oauth/token"
        return session.refresh_token(url, refresh_token=token, **self.in_form)

    def revoke(self, client: WebApplicationClient, token: str) -> int:
        """Send the revocation that oauthlib prepares."""
        url, headers, body = client.prepare_token_revocation_request(
            f"{self.site}/oauth/revoke", token, "refresh_token", **self.in_form
        )
        return requests.post(url, data=body, headers=headers, timeout=10).status_code

    def is_active(self, token: str) -> bool:
        """Introspect a token; oauthlib knows no such request."""
        url = f"{self.site}/oauth/introspect"
        answer = requests.post(url, data={**self.in_form, "token": token}, timeout=10)
        return bool(answer.json()["active"])


def session_of(client_id: str, **options: Any) -> tuple[OAuth2Session, WebApplicationClient]:
    client = WebApplicationClient(client_id)
    options = {"scope": SCOPE, "redirect_uri": CALLBACK, "pkce": "S256", **options}
    return OAuth2Session(client=client, **options), client


@pytest.mark.parametrize(
    ("kind", "in_body"),
    [("confidential", False), ("confidential", True), ("public", True)],
    ids=["client_secret_basic", "client_secret_post", "none"],
)
def test_a_code_becomes_tokens_that_are_used_renewed_and_revoked(
    site: str, ada: Person, kind: str, *, in_body: bool
) -> None:
    at = Endpoints(site, ada.register(kind), in_body=in_body)
    session, client = session_of(at.client_id)
    with session:
        back = at.allowed(session, ada)
        with pytest.raises(MismatchingStateError):
            at.exchange(session, back.replace("state=", "state=another"))
        first = dict(at.exchange(session, back))
        assert first["scope"] == SCOPE
        assert session.get(f"{site}/api/profile/get").json()["email"] == "ada@example.com"
        second = dict(at.refresh(session))
        assert second["access_token"] != first["access_token"]
        again = at.refresh(session, first["refresh_token"])
        assert again["refresh_token"] == second["refresh_token"]
        assert len(session.get(f"{site}/api/tasks/list").json()["items"]) == 20
        if kind == "confidential":
            assert at.is_active(second["access_token"])
        assert at.revoke(client, second["refresh_token"]) == 200
        assert session.get(f"{site}/api/tasks/list").status_code == 401
        assert status_of(site, first["access_token"]) == 401
        if kind == "confidential":
            assert not at.is_active(second["access_token"])
        with pytest.raises(InvalidGrantError):
            at.refresh(session)


def test_a_code_is_good_for_its_own_verifier_and_once(site: str, ada: Person) -> None:
    at = Endpoints(site, ada.register(), in_body=False)
    session, _ = session_of(at.client_id)
    with session:
        stolen = at.allowed(session, ada)
        at.allowed(session, ada)
        with pytest.raises(InvalidGrantError):
            at.exchange_stolen(session, stolen)
        back = at.allowed(session, ada)
        token = at.exchange(session, back)["access_token"]
        with pytest.raises(InvalidGrantError):
            at.exchange(session, back)
        assert status_of(site, token) == 401


def test_a_token_that_has_run_out_is_renewed_on_the_way(site: str, ada: Person) -> None:
    at = Endpoints(site, ada.register(), in_body=False)
    kept: list[str] = []

    def keep(token: dict[str, Any]) -> None:
        kept.append(token["access_token"])

    session, _ = session_of(
        at.client_id,
        auto_refresh_url=f"{site}/oauth/token",
        auto_refresh_kwargs=at.in_form,
        token_updater=keep,
    )
    with session:
        first = at.exchange(session, at.allowed(session, ada))
        session.token = {**first, "expires_in": -1, "expires_at": 1}
        assert session.get(f"{site}/api/profile/get").status_code == 200
        assert kept == [session.access_token]
        assert kept != [first["access_token"]]


def test_a_client_is_told_which_scopes_its_person_took_out(
    site: str, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = Endpoints(site, ada.register(), in_body=False)
    session, _ = session_of(at.client_id)
    with session:
        with pytest.raises(Warning, match="Scope has changed"):
            at.exchange(session, at.allowed(session, ada, "tasks:view"))
        monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")
        token = at.exchange(session, at.allowed(session, ada, "tasks:view"))
        assert token["scope"] == ["openid", "profile:view"]
        assert session.get(f"{site}/api/profile/get").status_code == 200
        assert session.get(f"{site}/api/tasks/list").status_code == 403


def test_a_client_acts_for_itself(site: str, ada: Person) -> None:
    at = Endpoints(site, ada.register(), in_body=False)
    client = BackendApplicationClient(at.client_id, scope=["tasks:view"])
    with OAuth2Session(client=client) as session:
        token = session.fetch_token(f"{site}/oauth/token", **at.proof)
        assert "refresh_token" not in token
        assert len(session.get(f"{site}/api/tasks/list").json()["items"]) == 20
        assert session.get(f"{site}/api/profile/get").status_code == 403
        with pytest.raises(InvalidClientError):
            session.fetch_token(f"{site}/oauth/token", client_secret="lk_cs_made-up")


def test_a_device_gets_its_tokens_when_its_person_has_decided(site: str, ada: Person) -> None:
    known = ada.register("public")
    client = DeviceClient(known["client_id"], scope=["profile:view"])
    prepared = client.prepare_request_uri(f"{site}/oauth/device_authorization")
    # RFC 8628 §3.1: what oauthlib puts into a query belongs in the body.
    endpoint, _, form = prepared.partition("?")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    started = requests.post(endpoint, data=form, headers=headers, timeout=10).json()
    ada.type_code(started["user_code"])
    with OAuth2Session(client=client) as session:
        session.fetch_token(
            f"{site}/oauth/token", device_code=started["device_code"], include_client_id=True
        )
        assert session.get(f"{site}/api/profile/get").status_code == 200
        assert session.get(f"{site}/api/tasks/list").status_code == 403
