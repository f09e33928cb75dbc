"""Many requests at the same moment, to whole processes of the product: one wins, and no other."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.extensions import db
from app.oauth.assertion import TYPE
from app.oauth.device import GRANT_TYPE
from tests.databases import on_both_engines
from tests.oauth.conftest import CALLBACK, CHALLENGE, VERIFIER, Flow
from tests.oauth.keyholder import KeyHolder
from tests.oauth.test_assertion import METADATA, signed
from tests.oauth.test_device import decide, look_up, start
from tests.oauth.test_dpop import API_URL, TOKEN_URL, bound, post
from tests.oauth.test_registration import PUBLIC, register
from tests.processes import Ask, Said, at_once, cookie_of, free_port, sent, serving, sharing_on

Another = Callable[..., Flow]

pytestmark = on_both_engines


@pytest.fixture(scope="module")
def app(
    request: pytest.FixtureRequest, engine_name: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """Give an app that shares its instance with the servers."""
    with sharing_on(request, engine_name, tmp_path_factory.mktemp("races")) as shared:
        yield shared


@pytest.fixture(scope="module", params=["1", "2"], ids=["one worker", "two workers"])
def site(app: Flask, request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of a server."""
    with serving(app, free_port(), WORKERS=request.param) as (address,):
        yield address


def asking(flow: Flow, path: str = "/oauth/token", **given: str) -> Ask:
    """Give a request of a flow's client, authenticated by its secret if it has one."""
    secret = {"client_secret": flow.client_secret} if flow.client_secret else {}
    return Ask(path, form={"client_id": flow.client_id, **secret, **given})


def exchanging(flow: Flow, code: str) -> Ask:
    given = {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    return asking(flow, grant_type="authorization_code", **given)


def refreshing(flow: Flow, token: str, **more: str) -> Ask:
    return asking(flow, grant_type="refresh_token", refresh_token=token, **more)


def deciding(
    app: Flask,
    flow: Flow,
    page: TestResponse,
    decision: str = "allow",
    path: str = "/oauth/consent",
) -> Ask:
    """Give what the browser sends when the person presses a button of the page."""
    fields = dict(re.findall(r'name="(csrf_token|consent)" value="([^"]+)"', page.text))
    ticked = re.findall(r'name="scope" value="([^"]+)" checked', page.text)
    form = {**fields, "decision": decision, "scope": ticked}
    return Ask(path, form=form, headers=cookie_of(flow.browser, app))


def codes(answers: list[Said]) -> list[str]:
    """Give the codes that the browser was sent back to the client with."""
    queries = [urlsplit(said.headers["Location"]).query for said in answers if said.status == 303]
    return [dict(parse_qsl(query))["code"] for query in queries]


def at_the_api(site: str, token: str) -> int:
    return sent(site, Ask("/api/tasks/list", headers={"Authorization": f"Bearer {token}"})).status


def statuses(answers: list[Said]) -> dict[int, int]:
    return dict(Counter(answer.status for answer in answers))


def errors(answers: list[Said]) -> set[str]:
    return {answer.json["error"] for answer in answers if answer.status != 200}


def count(query: str, **given: object) -> int:
    with db.engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {query}"), given).scalar_one())


def test_of_a_hundred_exchanges_one_wins_and_its_family_dies_of_the_replays(
    site: str, flow: Flow
) -> None:
    answers = at_once([site], [exchanging(flow, flow.code())] * 100)
    assert statuses(answers) == {200: 1, 400: 99}
    assert errors(answers) == {"invalid_grant"}
    (won,) = (answer.json for answer in answers if answer.status == 200)
    assert at_the_api(site, won["access_token"]) == 401
    assert sent(site, refreshing(flow, won["refresh_token"])).status == 400
    replays = "audit_event WHERE action = 'oauth.code_replayed' AND client_id = :client"
    assert count(replays, client=flow.client_id) == 1


def test_a_hundred_refreshes_get_one_answer_to_the_byte(site: str, flow: Flow) -> None:
    first = flow.tokens()["refresh_token"]
    answers = at_once([site], [refreshing(flow, first)] * 100)
    assert statuses(answers) == {200: 100}
    assert len({answer.body for answer in answers}) == 1
    second = answers[0].json
    assert at_the_api(site, second["access_token"]) == 200
    living = (
        "refresh_token JOIN token_family ON token_family.id = family_id "
        "JOIN oauth_grant ON oauth_grant.id = grant_id JOIN client ON client.id = client_key "
        "WHERE client_id = :client AND consumed_at IS NULL"
    )
    assert count(living, client=flow.client_id) == 1
    assert sent(site, refreshing(flow, second["refresh_token"])).status == 200


def test_refreshes_that_ask_for_different_things_are_one_or_refused(site: str, flow: Flow) -> None:
    first = flow.tokens(scope="tasks:view tasks:edit")["refresh_token"]
    wide, narrow = refreshing(flow, first), refreshing(flow, first, scope="tasks:view")
    answers = at_once([site], [wide, narrow] * 20)
    assert statuses(answers) == {200: 20, 400: 20}
    assert errors(answers) == {"invalid_grant"}
    (body,) = {answer.body for answer in answers if answer.status == 200}
    latest = json.loads(body)
    assert at_the_api(site, latest["access_token"]) == 200
    assert sent(site, refreshing(flow, latest["refresh_token"])).status == 200


def test_what_is_refreshed_while_its_family_is_revoked_is_dead(site: str, flow: Flow) -> None:
    first = flow.tokens()["refresh_token"]
    asks = [refreshing(flow, first) for _ in range(40)]
    asks.insert(20, asking(flow, "/oauth/revoke", token=first))
    answers = at_once([site], asks)
    assert answers[20].status == 200
    del answers[20]
    assert statuses(answers).keys() <= {200, 400}
    for answer in {answer.body: answer for answer in answers if answer.status == 200}.values():
        assert at_the_api(site, answer.json["access_token"]) == 401
        assert sent(site, refreshing(flow, answer.json["refresh_token"])).status == 400
    assert sent(site, refreshing(flow, first)).status == 400


def test_a_consent_is_decided_once(site: str, app: Flask, flow: Flow) -> None:
    page = flow.authorize()
    both = [deciding(app, flow, page, decision) for decision in ("allow", "deny")]
    answers = at_once([site], both * 10)
    assert statuses(answers) == {303: 1, 409: 19}
    assert count("audit_event WHERE client_id = :it", it=flow.client_id) == 1


def test_two_consents_for_one_client_are_one_grant(site: str, app: Flask, flow: Flow) -> None:
    pages = [flow.authorize(scope=scope) for scope in ("tasks:view", "tasks:edit") * 5]
    answers = at_once([site], [deciding(app, flow, page) for page in pages])
    assert statuses(answers) == {303: 10}
    for code in codes(answers):
        assert sent(site, exchanging(flow, code)).status == 200
    grants = "oauth_grant JOIN client ON client.id = client_key WHERE client_id = :client"
    assert count(grants, client=flow.client_id) == 1
    both = grants + " AND oauth_grant.scopes = 'tasks:view tasks:edit'"
    assert count(both, client=flow.client_id) == 1


def test_a_pushed_request_is_answered_once(site: str, app: Flask, flow: Flow) -> None:
    given = {"response_type": "code", "redirect_uri": CALLBACK, "scope": "tasks:view"}
    challenge = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    pushed = sent(site, asking(flow, "/oauth/par", **given, **challenge))
    reference = {"client_id": flow.client_id, "request_uri": pushed.json["request_uri"]}
    pages = [flow.browser.get("/oauth/authorize", query_string=reference) for _ in range(6)]
    answers = at_once([site], [deciding(app, flow, page) for page in pages])
    assert statuses(answers) == {303: 1, 400: 5}
    assert len(codes(answers)) == 1


def test_of_fifty_polls_for_an_allowed_device_one_wins(site: str, flow: Flow) -> None:
    started = start(flow, scope="tasks:view")
    assert decide(flow, started["user_code"]).status_code == 303
    given = {"grant_type": GRANT_TYPE, "device_code": started["device_code"]}
    answers = at_once([site], [asking(flow, **given)] * 50)
    assert statuses(answers) == {200: 1, 400: 49}
    assert errors(answers) <= {"invalid_grant", "slow_down"}
    (won,) = (answer.json for answer in answers if answer.status == 200)
    assert at_the_api(site, won["access_token"]) == 200


def test_of_two_people_who_allow_one_device_one_does(
    site: str, app: Flask, flow: Flow, another: Another
) -> None:
    started = start(flow, scope="tasks:view")
    asks = []
    for it in (flow, another("ben")):
        page = look_up(it, started["user_code"])
        asks.append(deciding(app, it, page, path="/oauth/device/decision"))
    answers = at_once([site], asks * 6)
    assert statuses(answers) == {303: 1, 409: 11}
    given = {"grant_type": GRANT_TYPE, "device_code": started["device_code"]}
    assert sent(site, asking(flow, **given)).status == 200


def test_a_proof_counts_once_for_a_call(site: str, flow: Flow) -> None:
    holder = KeyHolder()
    token = bound(flow, holder)["access_token"]
    proof = holder.proof("GET", API_URL, token=token)
    shown = {"Authorization": f"DPoP {token}", "DPoP": proof}
    answers = at_once([site], [Ask("/api/tasks/list", headers=shown)] * 50)
    assert statuses(answers) == {200: 1, 401: 49}


def test_a_proof_counts_once_for_a_token(site: str, flow: Flow) -> None:
    holder = KeyHolder()
    assert post(flow, holder, grant_type="client_credentials").status_code == 200
    ask = asking(flow, grant_type="client_credentials")
    proved = Ask(ask.path, ask.form, {"DPoP": holder.proof("POST", TOKEN_URL)})
    answers = at_once([site], [proved] * 50)
    assert statuses(answers) == {200: 1, 400: 49}
    assert errors(answers) == {"invalid_dpop_proof"}


def test_an_assertion_counts_once(site: str, app: Flask) -> None:
    metadata = METADATA | {"grant_types": [GRANT_TYPE]}
    client = register(app.test_client(), metadata)
    shown = {
        "client_assertion": signed(client["client_id"]),
        "client_assertion_type": TYPE,
    }
    answers = at_once([site], [Ask("/oauth/device_authorization", form=shown)] * 50)
    assert statuses(answers) == {200: 1, 401: 49}
    assert errors(answers) == {"invalid_client"}


def test_one_public_client_that_registers_often_is_one(site: str, app: Flask) -> None:
    name = f"Many at {site}"
    body = app.json.dumps(PUBLIC | {"client_name": name}).encode()
    ask = Ask("/oauth/register", headers={"Content-Type": "application/json"}, body=body)
    answers = at_once([site], [ask] * 20)
    assert statuses(answers) == {201: 20}
    assert len({answer.json["client_id"] for answer in answers}) == 1
    assert count("client WHERE name = :name", name=name) == 1


def test_a_client_that_acts_for_itself_at_once_has_one_grant(site: str, flow: Flow) -> None:
    answers = at_once([site], [asking(flow, grant_type="client_credentials")] * 20)
    assert statuses(answers) == {200: 20}
    assert len({answer.json["access_token"] for answer in answers}) == 20
    service = "oauth_grant JOIN client ON client.id = client_key WHERE client_id = :client"
    assert count(service, client=flow.client_id) == 1
