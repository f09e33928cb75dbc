"""A token that is bound to a key, at each resource of a server that runs (RFC 9449 §7)."""

import asyncio
from collections.abc import Coroutine, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
from flask import Flask
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.conftest import Call, Person
from tests.mcp.conftest import headers_of, message
from tests.oauth.conftest import CALLBACK, VERIFIER, Flow, sign_in
from tests.oauth.keyholder import KeyHolder
from tests.processes import free_port, serving, sharing

Given = TypeVar("Given")


@pytest.fixture(scope="module")
def app(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Give an app that shares its instance with a server at its public URL."""
    url = f"http://127.0.0.1:{free_port()}"
    with sharing(sqlite_template, tmp_path_factory.mktemp("dpop"), public_url=url) as shared:
        yield shared


@pytest.fixture(scope="module")
def site(app: Flask) -> Iterator[str]:
    """Give the address of the server: the public URL, which proofs are made for."""
    url = str(app.extensions["settings"].public_url)
    with serving(app, int(url.rpartition(":")[2])) as (address,):
        assert address == url
        yield address


@pytest.fixture(scope="module")
def http() -> Iterator[httpx2.Client]:
    """Give a program's connections; none has a cookie."""
    with httpx2.Client(timeout=30) as client:
        yield client


@dataclass(frozen=True)
class Resource:
    """A place where access tokens are shown, and what is asked for there."""

    name: str
    method: str
    path: str
    content: dict[str, Any] | None = None


RESOURCES = [
    Resource("a query", "GET", "/api/tasks/list"),
    Resource("a mutation", "POST", "/api/tasks/create", {"title": "With a key"}),
    Resource("a tool", "POST", "/mcp", message("tools/call", name="tasks_list", arguments={})),
    Resource("userinfo", "GET", "/oauth/userinfo"),
    Resource("userinfo by POST", "POST", "/oauth/userinfo", {}),
]


@dataclass(frozen=True)
class Bound:
    """An access token, its refresh token, and the key that they are bound to."""

    http: httpx2.Client
    site: str
    holder: KeyHolder
    client_id: str
    token: str
    refresh_token: str

    def proof(self, of: Resource, holder: KeyHolder | None = None, **changes: Any) -> str:
        """Give a proof for this token at a resource."""
        given = {"token": self.token, **changes}
        return (holder or self.holder).proof(of.method, self.site + of.path, **given)

    def show(self, of: Resource, *proofs: str, scheme: str = "DPoP") -> httpx2.Response:
        """Show the token at a resource, with these proofs."""
        plain = {k: v for k, v in headers_of("").items() if k != "Authorization"}
        headers = [*plain.items(), ("Authorization", f"{scheme} {self.token}")]
        headers += [("DPoP", proof) for proof in proofs]
        url = self.site + of.path
        return self.http.request(of.method, url, json=of.content, headers=headers)


def token_request(
    http: httpx2.Client, site: str, holder: KeyHolder, **form: str
) -> httpx2.Response:
    """Send a token request with a proof, again where the server asks for its nonce."""
    url = f"{site}/oauth/token"
    answer = http.post(url, data=form, headers={"DPoP": holder.proof("POST", url)})
    if answer.status_code == 400 and answer.json()["error"] == "use_dpop_nonce":
        holder.nonce = answer.headers["DPoP-Nonce"]
        answer = http.post(url, data=form, headers={"DPoP": holder.proof("POST", url)})
    return answer


@pytest.fixture
def bound(app: Flask, site: str, http: httpx2.Client, call: Call, person: Person) -> Bound:
    """Give the tokens that Ada's public client got with a proof, after her consent."""
    given = {"name": "Key holder", "redirect_uris": [CALLBACK], "kind": "public"}
    made = call("oauth_apps.create", person("ada"), given)
    flow = Flow(sign_in(app.test_client(), "ada"), made.app.client_id, None)
    holder = KeyHolder()
    answer = token_request(
        http,
        site,
        holder,
        grant_type="authorization_code",
        client_id=flow.client_id,
        code=flow.code(scope="openid tasks:view tasks:edit", dpop_jkt=holder.jkt),
        redirect_uri=CALLBACK,
        code_verifier=VERIFIER,
    )
    body = answer.json()
    assert body["token_type"] == "DPoP"
    return Bound(http, site, holder, flow.client_id, body["access_token"], body["refresh_token"])


@pytest.mark.parametrize("of", RESOURCES, ids=attrgetter("name"))
def test_a_bound_token_opens_a_resource_with_a_proof_for_it(bound: Bound, of: Resource) -> None:
    for _ in range(2):
        answer = bound.show(of, bound.proof(of))
        assert answer.status_code == 200, answer.text
        assert "error" not in answer.json()


@pytest.mark.parametrize("of", RESOURCES, ids=attrgetter("name"))
def test_whoever_shows_it_otherwise_gets_nothing(bound: Bound, of: Resource) -> None:
    used, thief = bound.proof(of), KeyHolder()
    assert bound.show(of, used).status_code == 200
    elsewhere = Resource("elsewhere", of.method, "/elsewhere")
    refused = {
        "without a proof": bound.show(of),
        "as a bearer token": bound.show(of, scheme="Bearer"),
        "as a bearer token with a proof": bound.show(of, bound.proof(of), scheme="Bearer"),
        "with a proof that was used": bound.show(of, used),
        "with another key": bound.show(of, bound.proof(of, thief)),
        "with another key in the header": bound.show(
            of, bound.proof(of, thief, jwk=bound.holder.key.as_dict(private=False))
        ),
        "with two proofs": bound.show(of, bound.proof(of), bound.proof(of)),
        "with a proof for elsewhere": bound.show(of, bound.proof(elsewhere)),
        "with a proof for another method": bound.show(of, bound.proof(of, htm="PUT")),
        "with a proof for another token": bound.show(of, bound.proof(of, token="another")),
        "with a proof for no token": bound.show(of, bound.proof(of, token=None)),
        "with an old proof": bound.show(of, bound.proof(of, iat=1)),
        "with what is no proof": bound.show(of, "nonsense"),
    }
    assert {way: answer.status_code for way, answer in refused.items()} == dict.fromkeys(
        refused, 401
    )
    for answer in refused.values():
        challenge = answer.headers["WWW-Authenticate"]
        assert challenge.startswith("DPoP ")
        assert 'error="invalid_token"' in challenge
        assert 'algs="ES256 ' in challenge
        assert bound.token not in answer.text


def test_a_proof_for_one_resource_is_none_for_another(bound: Bound) -> None:
    for made_for in RESOURCES:
        for shown_at in RESOURCES:
            fits = (made_for.method, made_for.path) == (shown_at.method, shown_at.path)
            answer = bound.show(shown_at, bound.proof(made_for))
            assert (answer.status_code == 200) == fits, (made_for.name, shown_at.name)


def completed(work: Coroutine[Any, Any, Given]) -> Given:
    """Give what a coroutine ends with; a browser's own loop may be running in this thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result(60)


class Proving(httpx2.Auth):
    """Lets an HTTP client show its token with a proof of its own for each request."""

    def __init__(self, holder: KeyHolder, token: str) -> None:
        self._holder = holder
        self._token = token

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Sign a request."""
        url = str(request.url)
        request.headers["Authorization"] = f"DPoP {self._token}"
        request.headers["DPoP"] = self._holder.proof(request.method, url, token=self._token)
        yield request


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
def test_an_mcp_client_that_proves_its_key_uses_tools(bound: Bound, mode: Any) -> None:
    async def use(auth: httpx2.Auth) -> dict[str, Any]:
        async with (
            httpx2.AsyncClient(auth=auth, timeout=30) as http,
            Client(streamable_http_client(f"{bound.site}/mcp", http_client=http), mode=mode) as it,
        ):
            made = await it.call_tool("tasks_create", {"title": f"With a key, {mode}"})
            listed = await it.call_tool("tasks_list", {"q": f"With a key, {mode}"})
            assert made.structured_content
            assert listed.structured_content
            assert listed.structured_content["items"] == [made.structured_content]
            return dict(made.structured_content)

    assert completed(use(Proving(bound.holder, bound.token)))["title"]


def test_a_stolen_refresh_token_is_worth_nothing_without_the_key(bound: Bound) -> None:
    form = {
        "grant_type": "refresh_token",
        "client_id": bound.client_id,
        "refresh_token": bound.refresh_token,
    }
    plain = bound.http.post(f"{bound.site}/oauth/token", data=form)
    assert plain.json()["error"] == "invalid_grant"
    stolen = token_request(bound.http, bound.site, KeyHolder(), **form)
    assert stolen.json()["error"] == "invalid_grant"
    renewed = token_request(bound.http, bound.site, bound.holder, **form).json()
    assert renewed["token_type"] == "DPoP"
    again = Bound(
        bound.http,
        bound.site,
        bound.holder,
        bound.client_id,
        renewed["access_token"],
        renewed["refresh_token"],
    )
    for of in RESOURCES:
        assert again.show(of, again.proof(of)).status_code == 200
        assert again.show(of, again.proof(of, KeyHolder())).status_code == 401
