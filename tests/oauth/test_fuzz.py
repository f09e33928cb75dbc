"""Whatever is sent to the authorization server is answered, and never by a bug."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey
from sqlalchemy import func, literal, select, union_all
from werkzeug.test import TestResponse

from app.extensions import Model, db
from app.oauth.assertion import TYPE
from app.oauth.client_metadata import ClientMetadata
from tests.oauth.conftest import CALLBACK, CHALLENGE, Flow
from tests.oauth.keyholder import KeyHolder
from tests.oauth.odd_input import ERRORS, FORM, PRINTABLE, proof_of, unsigned
from tests.oauth.test_assertion import KEY, METADATA
from tests.oauth.test_dpop import TOKEN_URL, bound
from tests.oauth.test_registration import CONFIDENTIAL, register
from tests.processes import sharing

# The same examples in every run: what is found is found by everybody.
budget = settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    # A stage may serve many: what is refused changes nothing on it.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
OF_REGISTRATION = frozenset({"invalid_redirect_uri", "invalid_client_metadata"})

# With half surrogate pairs, which JSON can spell and nothing else can hold.
TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
_COUNTS = union_all(
    *(select(literal(t.name), func.count()).select_from(t) for t in Model.metadata.sorted_tables)
)


@dataclass(frozen=True)
class Stage:
    """A server, a client of Ada's, a person's browser, and a program without cookies."""

    flow: Flow
    program: FlaskClient

    def post(self, path: str, **options: Any) -> TestResponse:
        """Send a program's request; what is refused must have changed nothing."""
        before = self._counts()
        answer = self.program.post(path, **options)
        assert answer.status_code < 500, answer.text
        assert answer.mimetype == "application/json"
        said = json.loads(answer.text, parse_constant=pytest.fail)
        if answer.status_code >= 400:
            assert said["error"] in ERRORS | OF_REGISTRATION
            assert PRINTABLE.fullmatch(said["error_description"])
            assert self._counts() == before
        return answer

    def _counts(self) -> list[tuple[Any, ...]]:
        with db.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(_COUNTS)]


@pytest.fixture(scope="module")
def app(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Give an app with its signing keys, which else the first good request would make."""
    with sharing(sqlite_template, tmp_path_factory.mktemp("fuzz")) as made:
        made.extensions["keys"].ready()
        yield made


@pytest.fixture
def stage(app: Flask, flow: Flow) -> Stage:
    """Give a stage."""
    return Stage(flow, app.test_client(use_cookies=False))


PATHS = ["token", "token", "token", "revoke", "introspect", "par", "device_authorization"]
GRANTS = [
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
]
_SPELLED = (
    "grant_type client_id client_secret code redirect_uri code_verifier refresh_token scope "
    "resource audience device_code subject_token subject_token_type actor_token expires_in token "
    "token_type_hint client_assertion client_assertion_type response_type code_challenge "
    "code_challenge_method state nonce prompt max_age request request_uri id_token_hint dpop_jkt"
)
NAMES = _SPELLED.split()
VALUES = [*GRANTS, "code", CHALLENGE, CALLBACK, "S256", "tasks:view", "openid", "1", "lk_at_x"]
FIELDS = st.lists(
    st.tuples(st.sampled_from(NAMES) | TEXT, st.sampled_from(VALUES) | TEXT), max_size=8
)
HEADERS = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=30)


@budget
@given(
    path=st.sampled_from(PATHS),
    grant=st.sampled_from(GRANTS),
    fields=FIELDS,
    tail=st.sampled_from([b"", b"", b"", b"&%ff=1", b"&x=%00", b"&=&", b"\xff", b"&a&b"]),
    authorization=st.none() | st.none() | HEADERS,
    content_type=st.sampled_from([FORM] * 6 + ["application/json", "", "multipart/form-data"]),
    query=st.sampled_from(["", "", "", "", "x=1", "%ff"]),
)
def test_no_form_breaks_an_endpoint(stage: Stage, path: str, grant: str, **odd: Any) -> None:
    who = [("client_id", stage.flow.client_id), ("client_secret", stage.flow.client_secret)]
    fields = [("grant_type", grant), *who, *odd["fields"]]
    header = odd["authorization"]
    stage.post(
        f"/oauth/{path}",
        data=urlencode(fields, errors="surrogatepass").encode() + odd["tail"],
        content_type=odd["content_type"],
        query_string=odd["query"],
        headers={} if header is None else {"Authorization": header},
    )


MEMBERS = sorted(field.alias or name for name, field in ClientMetadata.model_fields.items())


@budget
@given(said=st.dictionaries(st.sampled_from(MEMBERS) | TEXT, JSON, max_size=3) | JSON)
def test_no_metadata_break_registration(stage: Stage, said: Any) -> None:
    metadata = {**CONFIDENTIAL, **said} if isinstance(said, dict) else said
    body = json.dumps(metadata)
    stage.post("/oauth/register", data=body, content_type="application/json")


@budget
@given(odd=st.dictionaries(st.sampled_from(sorted(KEY.as_dict(private=True))) | TEXT, JSON))
def test_no_key_breaks_registration_nor_later_its_use(stage: Stage, odd: dict[str, Any]) -> None:
    key = {**KEY.as_dict(private=False), **odd}
    body = json.dumps(METADATA | {"jwks": {"keys": [key]}})
    made = stage.post("/oauth/register", data=body, content_type="application/json")
    if made.status_code == 201:
        client_id = (made.json or {})["client_id"]
        stage.post("/oauth/token", data=asserting(client_id, {"kid": "x"}, {}))


def asserting(client_id: str, header: dict[str, str], odd: dict[str, Any]) -> dict[str, str]:
    """Give a token request with an assertion that the client's key has signed."""
    at = int(time.time())
    claims = {"iss": client_id, "sub": client_id, "aud": "http://127.0.0.1:8000", "exp": at + 60}
    claims |= {"jti": str(time.monotonic_ns()), **odd}
    payload = json.dumps(claims).encode()
    jwt = jws.serialize_compact({"alg": "ES256", **header}, payload, KEY, algorithms=["ES256"])
    shown = {"client_assertion": jwt, "client_assertion_type": TYPE}
    return {"grant_type": "refresh_token", "refresh_token": "x", **shown}


@pytest.fixture(scope="module")
def signer(app: Flask) -> str:
    """Give the id of a client that proves by a signature who it is."""
    return str(register(app.test_client(), METADATA)["client_id"])


CLAIMS = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "htm", "htu", "ath", "nonce", "cnf"]
ODD_CLAIMS = st.dictionaries(st.sampled_from(CLAIMS), JSON, min_size=1, max_size=3)


@budget
@given(odd=ODD_CLAIMS)
def test_no_claim_breaks_an_assertion(stage: Stage, signer: str, odd: dict[str, Any]) -> None:
    answer = stage.program.post("/oauth/token", data=asserting(signer, {}, odd))
    believed = (answer.json or {})["error"] == "invalid_grant"
    assert (answer.status_code, believed) in ((400, True), (401, False)), answer.text


@budget
@given(odd=ODD_CLAIMS)
def test_no_claim_breaks_a_proof_for_a_token(stage: Stage, odd: dict[str, Any]) -> None:
    nonce = stage.flow.browser.application.extensions["oauth_server"]._proofs.nonce()
    proof = proving("POST", TOKEN_URL, {"nonce": nonce, **odd})
    who = {"client_id": stage.flow.client_id, "client_secret": stage.flow.client_secret or ""}
    form = {"grant_type": "client_credentials", **who}
    answer = stage.program.post("/oauth/token", data=form, headers={"DPoP": proof})
    assert answer.status_code in (200, 400), answer.text


def proving(method: str, url: str, odd: dict[str, Any], key: ECKey = KEY) -> str:
    """Give a proof that its key has signed, with odd claims in it."""
    claims = {"jti": str(time.monotonic_ns()), "htm": method, "htu": url, "iat": int(time.time())}
    return proof_of({**claims, **odd}, key)


@pytest.fixture
def token(flow: Flow) -> str:
    """Give an access token that is bound to the key."""
    return str(bound(flow, KeyHolder(KEY))["access_token"])


@budget
@given(odd=ODD_CLAIMS)
def test_no_claim_breaks_a_proof_for_a_call(stage: Stage, token: str, odd: dict[str, Any]) -> None:
    ath = urlsafe_b64encode(sha256(token.encode()).digest()).rstrip(b"=").decode()
    for path in ("/api/tasks/list", "/oauth/userinfo"):
        proof = proving("GET", f"http://127.0.0.1:8000{path}", {"ath": ath, **odd})
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        answer = stage.program.get(path, headers=headers)
        # The token is not one for signing in.
        assert answer.status_code in (200, 401, 403), answer.text


HEADER = st.dictionaries(
    st.sampled_from(["alg", "typ", "jwk", "kid", "crit", "b64", "zip", "x5c", "jku"]), JSON
)


@budget
@given(header=HEADER | JSON, claims=JSON)
def test_no_jwt_breaks_what_takes_one(stage: Stage, header: Any, claims: Any) -> None:
    good = {"alg": "ES256", "typ": "dpop+jwt", "jwk": KEY.as_dict(private=False)}
    whole = {**good, **header} if isinstance(header, dict) else header
    jwt = unsigned(json.dumps(whole).encode(), json.dumps(claims).encode())
    shown = {"client_assertion": jwt, "client_assertion_type": TYPE}
    assert stage.post("/oauth/token", data=shown).status_code == 401
    who = {"client_id": stage.flow.client_id, "client_secret": stage.flow.client_secret or ""}
    proved = stage.post("/oauth/token", data=who, headers={"DPoP": jwt})
    assert (proved.json or {})["error"] == "invalid_dpop_proof"
    assert stage.program.get(f"/oauth/logout?id_token_hint={jwt}").status_code == 400


@budget
@given(fields=FIELDS, keeps=st.sets(st.sampled_from(NAMES)))
def test_no_query_breaks_the_authorization_endpoint(
    stage: Stage, fields: list[tuple[str, str]], keeps: set[str]
) -> None:
    stage.flow.asked = {}
    good = [pair for pair in stage.flow.query().split("&") if pair.split("=")[0] not in keeps]
    query = "&".join([*good, urlencode(fields, errors="surrogatepass")])
    answer = stage.flow.browser.get(f"/oauth/authorize?{query}")
    assert answer.status_code in (200, 303, 400), answer.text
    location = answer.headers.get("Location", CALLBACK)
    assert location.startswith((CALLBACK, "/login?"))
    assert location.isascii()
    assert location.isprintable()
