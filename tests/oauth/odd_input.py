"""The ways in which a request that would succeed can be spoilt by its sender."""

import json
import re
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode

from joserfc import jws
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from app.oauth.assertion import TYPE
from tests.oauth.good_requests import Good
from tests.oauth.keyholder import KeyHolder

FORM = "application/x-www-form-urlencoded"
HALF_A_CHARACTER = "\ud800"
ODD_HEADERS = (
    *(
        b'{"alg":"ES256",%s}' % odd
        for odd in (b'"crit":null', b'"crit":[1]', b'"kid":{}', b'"b64":0')
    ),
    *(b"", b"[]", b"1", b"null", b'"x"', b"{}", b"\xff", b'{"alg":"none"}', b'{"alg":["ES256"]}'),
    *(b"[" * 2000, b'{"alg":"HS256"}', b'{"alg":"\\ud800"}', b'{"alg":"ES256","kid":"\\ud800"}'),
)
# RFC 6749 §5.2 and §4.1.2.1, RFC 7009 §2.2.1, RFC 8628 §3.5, RFC 8707 §2, RFC 9449 §5 and §8,
# RFC 9126 §2.3, OpenID Connect Core §3.1.2.6.
_SPELLED = (
    "invalid_request invalid_client invalid_grant unauthorized_client unsupported_grant_type "
    "invalid_scope unsupported_token_type authorization_pending slow_down access_denied "
    "expired_token invalid_target invalid_dpop_proof use_dpop_nonce unsupported_response_type "
    "login_required consent_required interaction_required invalid_request_uri "
    "request_not_supported request_uri_not_supported"
)
ERRORS = frozenset(_SPELLED.split())
# RFC 6749 §5.2: what a description may hold.
PRINTABLE = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]*")
_ODD_BYTES = ("%00", "%0A", "%1B", "%FF%FE", "%C0%80", "%ED%A0%80", "\udcff")
_ODD_TEXTS = ('"', "\\", "'", "é", '"\\é\u202e', "\U0001f600", "lk_at_x", "null", "<b>", "%00")


@dataclass(frozen=True)
class Spoilt:
    """A request that must be refused, and with which status; `options` are the test client's."""

    why: str
    status: int
    options: dict[str, Any] = field(default_factory=dict)


def refused(answer: TestResponse, spoilt: Spoilt) -> None:
    """Check that an answer is a refusal in OAuth's own words, and in its letters."""
    said = (spoilt.why, answer.status_code, answer.text)
    assert answer.status_code == spoilt.status, said
    assert answer.mimetype == "application/json", said
    assert answer.headers["Cache-Control"] == "no-store", said
    body = answer.json or {}
    assert body.keys() == {"error", "error_description"}, said
    assert body["error"] in ERRORS, said
    assert PRINTABLE.fullmatch(body["error_description"]), said
    assert (body["error"] == "invalid_client") == (answer.status_code == 401), said
    assert ("WWW-Authenticate" in answer.headers) == (answer.status_code == 401), said


def proof_of(claims: object, key: ECKey) -> str:
    """Give what a client's own key has signed, in place of a proof."""
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    return jws.serialize_compact(header, json.dumps(claims).encode(), key, algorithms=["ES256"])


def unsigned(header: bytes, claims: bytes) -> str:
    """Give what looks like a JWT, and nobody has signed."""
    parts = (urlsafe_b64encode(part).rstrip(b"=").decode() for part in (header, claims))
    return ".".join([*parts, "AAAA"])


def spoilings(good: Good) -> Iterator[Spoilt]:
    """Give a request in each way that its sender could have spoilt it."""
    for told in (
        _repeated,
        _in_the_query,
        _of_another_type,
        _not_text,
        _odd_text,
        _too_much,
        _two_ways,
        _unauthenticated,
        _without_a_proof,
    ):
        yield from told(good)


def _sent(why: str, status: int, good: Good, body: str | bytes, **more: Any) -> Spoilt:
    # A lone byte of no character goes over the wire as that byte.
    raw = body.encode("utf-8", "surrogateescape") if isinstance(body, str) else body
    options = {"path": good.path, "method": "POST", "data": raw, "content_type": FORM}
    return Spoilt(why, status, {**options, **more})


def _repeated(good: Good) -> Iterator[Spoilt]:
    body = urlencode(good.form)
    for name in (*good.form, "unknown", "é"):
        twice = urlencode([(name, good.form.get(name, "1"))] * 2)
        yield _sent(f"{name} comes again", 400, good, f"{body}&{twice}")


def _in_the_query(good: Good) -> Iterator[Spoilt]:
    whole = urlencode(good.form)
    yield _sent("all is in the query", 400, good, b"", query_string=whole)
    yield _sent("all is in the query too", 400, good, whole, query_string=whole)
    yield _sent("something unknown is in the query", 400, good, whole, query_string="x=1")
    for name in good.form:
        others = urlencode({k: v for k, v in good.form.items() if k != name})
        moved = urlencode({name: good.form[name]})
        yield _sent(f"{name} is in the query", 400, good, others, query_string=moved)


def _of_another_type(good: Good) -> Iterator[Spoilt]:
    body = urlencode(good.form)
    for other in ("application/json", "text/plain", "", FORM + "x", "multipart/form-data"):
        yield _sent(f"it comes as {other}", 400, good, body, content_type=other)
    parts = {"data": dict(good.form), "content_type": "multipart/form-data"}
    yield _sent("it comes in parts", 400, good, "", **parts)
    as_json = {"data": None, "content_type": None, "json": dict(good.form)}
    yield _sent("it comes as JSON", 400, good, "", **as_json)


def _not_text(good: Good) -> Iterator[Spoilt]:
    body = urlencode(good.form)
    for odd in _ODD_BYTES:
        yield _sent(f"a name is {odd!a}", 400, good, f"{body}&{odd}=1")
        yield _sent(f"a value is {odd!a}", 400, good, f"{body}&unknown={odd}")
        for name in good.form:
            yield _sent(f"{name} holds {odd!a}", 400, good, _with(good, name, odd, raw=True))
    yield _sent("the body is UTF-16", 400, good, body.encode("utf-16"))


def _odd_text(good: Good) -> Iterator[Spoilt]:
    for odd in _ODD_TEXTS:
        for name in good.form.keys() - good.free:
            status = 401 if name in ("client_id", "client_secret") else 400
            yield _sent(f"{name} is {odd!a}", status, good, _with(good, name, odd))
            longer = _with(good, name, good.form[name] + odd)
            yield _sent(f"{name} ends in {odd!a}", status, good, longer)


def _too_much(good: Good) -> Iterator[Spoilt]:
    body = urlencode(good.form)
    for name in good.form:
        yield _sent(f"{name} has 17 kB", 400, good, _with(good, name, "x" * 17_000))
    yield _sent("a name has 5 kB", 400, good, f"{body}&{'x' * 5000}=1")
    yield _sent("it has 100 kB", 413, good, f"{body}&x={'x' * 100_000}")
    many = urlencode([(f"x{number}", "1") for number in range(1000)])
    yield _sent("it has 1000 parameters", 400, good, f"{body}&{many}")


def _two_ways(good: Good) -> Iterator[Spoilt]:
    header = {"Authorization": _basic(good.pair.encode())}
    assertion = {"client_assertion": "a.b.c", "client_assertion_type": TYPE}
    whole, anonymous = urlencode(good.form), urlencode(good.anonymous)
    yield _sent("header and secret", 400, good, whole, headers=header)
    signed = f"{anonymous}&{urlencode(assertion)}"
    yield _sent("header and assertion", 400, good, signed, headers=header)
    yield _sent("secret and assertion", 400, good, f"{whole}&{urlencode(assertion)}")
    two = f"{anonymous}&client_id=another"
    yield _sent("two clients", 400, good, two, headers=header)
    strange = {**assertion, "client_assertion_type": 'urn:"é'}
    yield _sent("a strange assertion", 400, good, f"{anonymous}&{urlencode(strange)}")


def _unauthenticated(good: Good) -> Iterator[Spoilt]:
    body = urlencode(good.anonymous)
    pairs = [good.pair + "x", good.pair + "\0", "nobody:" + good.pair.split(":")[1]]
    pairs += ["", ":", "no colon", '"\\:"\\', "é:é", "%00:%ff", "\0:\0", "x" * 5000]
    shown = [_basic(pair.encode()) for pair in pairs] + [_basic(b"\xff\xfe:\xff")]
    shown += ["Basic", "Basic ", "Basic !", "Basic é", "Bearer x", "Digest x", '"\\', "é"]
    for header in shown:
        given = {"headers": {"Authorization": header}}
        yield _sent(f"the header is {header[:40]!a}", 401, good, body, **given)
    claims = [b'{"sub":"nobody"}', b'{"sub":"\\ud800"}', b'{"sub":["x"]}', b"[]", b"\xff", b""]
    claims += [b'{"sub":"%s"}' % good.form["client_id"].encode(), b"[" * 2000, b'{"sub":1e999}']
    jwts = [unsigned(b'{"alg":"ES256"}', each) for each in claims]
    jwts += [unsigned(each, claims[-3]) for each in ODD_HEADERS]
    for jwt in [*jwts, "x", "é", "..", "a.b.c"]:
        signed = {"client_assertion": jwt, "client_assertion_type": TYPE}
        yield _sent(f"the assertion is {jwt!a}", 401, good, f"{body}&{urlencode(signed)}")


def _without_a_proof(good: Good) -> Iterator[Spoilt]:
    body, url = urlencode(good.form), f"http://127.0.0.1:8000{good.path}"
    claims = {"jti": "1", "htm": "POST", "htu": url, "iat": int(time.time())}
    odd_nonces = (None, 1, "é", HALF_A_CHARACTER)
    made = [proof_of(claims | {"nonce": odd}, KeyHolder().key) for odd in odd_nonces]
    headers = [b'{"typ":"dpop+jwt","alg":"ES256","jwk":%s}' % jwk for jwk in (b"{}", b"[]", b"1")]
    proofs = [unsigned(header, b"{}") for header in (*headers, *ODD_HEADERS)]
    for proof in ["", "x", "é", "a.b.c", '"\\', "x" * 9000, *made, *proofs]:
        given = {"headers": {"DPoP": proof}}
        yield _sent(f"the proof is {proof[:40]!a}", 400, good, body, **given)
    twice = {"headers": [("DPoP", "a.b.c")] * 2}
    yield _sent("there are two proofs", 400, good, body, **twice)


def _with(good: Good, name: str, value: str, *, raw: bool = False) -> str:
    """Give the body with another value for one parameter, escaped already if it is `raw`."""
    others = urlencode({k: v for k, v in good.form.items() if k != name})
    return f"{others}&{name}={value if raw else quote_plus(value)}"


def _basic(pair: bytes) -> str:
    return "Basic " + b64encode(pair).decode()
