"""What RFC 6749 demands of an authorization server, where no other test asks for it."""

import json
import re
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from app.core import credentials
from app.core.credentials import Prefix
from app.extensions import db
from app.models.lifetimes import BOUNDS
from tests.conftest import change
from tests.oauth.conftest import CALLBACK, ISSUER, Flow, answer_of
from tests.requirements import requirement

Another = Callable[..., Flow]
# RFC 6749 §4.1.2.1, §5.2: what the text of an error may hold.
PLAIN = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*")
ODD = ['pass"wörd', "back\\slash", "日本", "del\x7f", "<script>"]


def is_refused(answer: TestResponse, status: int, error: str) -> bool:
    """Tell whether a program was refused so, in an answer that nobody stores."""
    assert answer.json is not None, answer.text
    assert answer.json.keys() <= {"error", "error_description", "error_uri"}
    return (
        (answer.status_code, answer.json["error"]) == (status, error)
        and answer.mimetype == "application/json"
        and answer.headers["Cache-Control"] == "no-store"
        and answer.headers["Pragma"] == "no-cache"
    )


def redirect_to(flow: Flow, *uris: str) -> None:
    """Let a flow's client have these redirect URIs; the flow uses the first."""
    change(
        "UPDATE client SET redirect_uris = :uris WHERE client_id = :id",
        uris=json.dumps(uris),
        id=flow.client_id,
    )
    flow.redirect_uri = uris[0]


@requirement("rfc6749:basic-authentication")
def test_id_and_secret_in_a_basic_header_are_form_encoded(flow: Flow) -> None:
    shown = (flow.client_id, flow.client_secret or "")
    encoded = ["".join(f"%{ord(letter):02X}" for letter in part) for part in shown]
    header = "Basic " + b64encode(":".join(encoded).encode()).decode()
    program = flow.browser.application.test_client()
    asked = {"grant_type": "client_credentials"}
    answer = program.post("/oauth/token", data=asked, headers={"Authorization": header})
    assert answer.status_code == 200, answer.text


@requirement("rfc6749:no-credentials-in-the-url")
@pytest.mark.parametrize("endpoint", ["/oauth/token", "/oauth/revoke", "/oauth/introspect"])
def test_credentials_in_the_url_are_refused_though_they_are_right(
    flow: Flow, endpoint: str
) -> None:
    token = flow.tokens()["access_token"]
    query = {"client_id": flow.client_id, "client_secret": flow.client_secret}
    asked = {"grant_type": "client_credentials", "token": token}
    answer = flow.browser.post(endpoint, query_string=query, data=asked)
    assert is_refused(answer, 400, "invalid_request")
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM access_token").scalar_one() == 1


@requirement("rfc6749:empty-is-omitted")
def test_a_parameter_without_a_value_was_not_sent(flow: Flow) -> None:
    missing = answer_of(flow.authorize(response_type=None))
    assert missing["error"] == "invalid_request"
    assert answer_of(flow.authorize(response_type="")) == missing
    answer = answer_of(flow.decide(flow.authorize(scope="", state="", redirect_uri="")))
    assert answer.keys() == {"code", "iss"}
    assert is_refused(flow.exchange(answer["code"], grant_type=""), 400, "invalid_request")
    body = flow.exchange(answer["code"], redirect_uri="", resource="").json
    assert body is not None
    assert body["scope"] == "profile:view tasks:view tasks:edit"


@requirement("rfc6749:unknown-is-ignored")
def test_a_parameter_that_nobody_knows_is_ignored(flow: Flow) -> None:
    answer = answer_of(flow.decide(flow.authorize(favourite_colour="blue")))
    assert answer.keys() == {"code", "state", "iss"}
    body = flow.exchange(answer["code"], favourite_colour="blue").json
    assert body is not None
    assert body["scope"] == "tasks:view tasks:edit"


@requirement("rfc6749:redirect-uri-keeps-its-query")
def test_the_query_of_a_redirect_uri_is_kept(flow: Flow) -> None:
    uri = "https://app.example/cb?tenant=7&tenant=%C3%A9"
    redirect_to(flow, uri)
    allowed = flow.decide(flow.authorize())
    assert allowed.headers["Location"].startswith(uri + "&code=lk_ac_")
    assert flow.exchange(answer_of(allowed)["code"]).status_code == 200
    refused = flow.authorize(response_type="token")
    assert refused.headers["Location"].startswith(uri + "&error=unsupported_response_type&")


@requirement("rfc6749:redirect-uri-named-of-several")
def test_of_several_redirect_uris_the_request_names_one(flow: Flow) -> None:
    redirect_to(flow, "https://app.example/a", "https://app.example/b")
    answer = flow.authorize(redirect_uri=None)
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    for uri in ("https://app.example/b", "https://app.example/a"):
        refused = flow.authorize(redirect_uri=uri, response_type="token")
        assert refused.headers["Location"].startswith(uri + "?error=")


@requirement("rfc6749:told-in-doubt")
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"client_id": None}, "does not say which app it comes from"),
        ({"client_id": "unknown"}, "No app with this client_id is registered here."),
        ({"redirect_uri": "https://evil.example/"}, "is not one that the app has registered."),
    ],
)
def test_a_person_is_told_why_they_are_not_sent_on(
    flow: Flow, changes: dict[str, str | None], told: str
) -> None:
    answer = flow.authorize(**changes)
    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert "Location" not in answer.headers
    assert told in answer.text
    assert "evil.example" not in answer.text


@requirement("rfc6749:code-lasts-minutes")
def test_a_code_lasts_for_a_minute_and_never_for_more_than_ten(flow: Flow) -> None:
    flow.code()
    with db.engine.connect() as connection:
        query = (
            "SELECT authorization_code.expires_at - token_family.created_at "
            "FROM authorization_code JOIN token_family ON token_family.id = family_id"
        )
        assert connection.exec_driver_sql(query).scalar_one() == 60
    assert BOUNDS["code_lasts"][1] == 600


@requirement("rfc6749:code-bound-to-its-client")
def test_a_public_clients_code_is_good_for_that_client_alone(another: Another) -> None:
    public, thief = another(kind="public"), another(kind="public")
    code = public.code()
    assert is_refused(thief.exchange(code), 400, "invalid_grant")
    nameless = public.exchange(code, client_id=None)
    assert is_refused(nameless, 401, "invalid_client")
    assert public.exchange(code).status_code == 200


@requirement("rfc6749:errors-told-to-the-client")
def test_a_client_that_is_not_registered_for_codes_is_told_so(flow: Flow) -> None:
    code = flow.code()
    change("UPDATE client SET grant_types = '[\"client_credentials\"]'")
    response = flow.authorize()
    assert response.headers["Location"].startswith(CALLBACK + "?")
    answer = answer_of(response)
    assert (answer["error"], answer["state"]) == ("unauthorized_client", "a state & more")
    assert (answer["iss"], "code" in answer) == (ISSUER, False)
    assert is_refused(flow.exchange(code), 400, "unauthorized_client")


@requirement("rfc6749:errors-in-plain-ascii")
@pytest.mark.parametrize("odd", ODD)
def test_the_text_of_an_error_is_plain_ascii(flow: Flow, odd: str) -> None:
    twice = f"&{quote(odd)}=1&{quote(odd)}=2"
    repeated = answer_of(flow.browser.get("/oauth/authorize?" + flow.query() + twice))
    form = "application/x-www-form-urlencoded"
    asked = f"grant_type=client_credentials{twice}"
    for answer, error in (
        (repeated, "invalid_request"),
        (answer_of(flow.authorize(response_type=odd)), "unsupported_response_type"),
        (answer_of(flow.authorize(scope=odd)), "invalid_scope"),
        (flow.token(grant_type=odd).json or {}, "unsupported_grant_type"),
        (flow.browser.post("/oauth/token", data=asked, content_type=form).json or {}, None),
    ):
        assert answer["error"] == (error or "invalid_request")
        assert answer["error_description"]
        assert PLAIN.fullmatch(answer["error_description"]), answer


@requirement("rfc6749:token-answer", "rfc6749:not-stored")
@pytest.mark.parametrize(
    "grant_type", ["authorization_code", "refresh_token", "client_credentials"]
)
def test_tokens_come_as_json_that_nobody_stores(flow: Flow, grant_type: str) -> None:
    answer = {
        "authorization_code": lambda: flow.exchange(flow.code()),
        "refresh_token": lambda: flow.refresh(flow.tokens()["refresh_token"]),
        "client_credentials": lambda: flow.token(grant_type="client_credentials"),
    }[grant_type]()
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    body = answer.json
    assert body is not None
    assert credentials.is_well_formed(body.pop("access_token"), Prefix.ACCESS_TOKEN)
    is_renewable = grant_type != "client_credentials"
    assert ("refresh_token" in body) == is_renewable
    renewal = body.pop("refresh_token", "")
    assert credentials.is_well_formed(renewal, Prefix.REFRESH_TOKEN) == is_renewable
    scope = body.pop("scope").split()
    assert {"tasks:view", "tasks:edit"} <= set(scope)
    assert body == {"token_type": "Bearer", "expires_in": 3600}


@requirement("rfc6749:refresh-authenticated")
def test_a_refresh_token_without_its_clients_secret_renews_nothing(flow: Flow) -> None:
    token = flow.tokens()["refresh_token"]
    for secret in (None, credentials.issue(Prefix.CLIENT_SECRET)):
        refused = flow.refresh(token, client_secret=secret)
        assert is_refused(refused, 401, "invalid_client")
        assert refused.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert flow.refresh(token).status_code == 200


@requirement("rfc6749:input-checked")
@pytest.mark.parametrize("control", ["\r\nX-Evil: 1", "\n", "\0", "\x1b"])
def test_a_control_character_reaches_no_header_and_no_page(flow: Flow, control: str) -> None:
    for name in ("state", "redirect_uri", "scope", "unknown"):
        answer = flow.authorize(**{name: "a" + control})
        assert answer.status_code == 400
        assert "Location" not in answer.headers
        assert "X-Evil" not in str(answer.headers) + answer.text


@requirement("rfc6749:state-returned", "rfc6749:input-checked")
@pytest.mark.parametrize("decision", ["allow", "deny"])
@pytest.mark.parametrize(
    "state", ['"><script>', "a&code=forged&iss=x", "%00%0d#?", "é 日本", " + "]
)
def test_a_state_comes_back_to_the_letter_and_as_nothing_else(
    flow: Flow, state: str, decision: str
) -> None:
    page = flow.authorize(state=state)
    assert "<script>" not in page.text.partition("<main")[2]
    answered = flow.decide(page, decision)
    assert answered.headers["Location"].count("&state=") == 1
    answer = answer_of(answered)
    assert (answer["state"], answer["iss"]) == (state, ISSUER)
    assert answer.get("code", "lk_ac_").startswith("lk_ac_")
    expected = {"code"} if decision == "allow" else {"error", "error_description"}
    assert answer.keys() == expected | {"state", "iss"}
