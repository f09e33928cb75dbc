"""The authorization endpoint: which requests reach a person (RFC 6749 §4.1.1)."""

import re

from authlib.oauth2.rfc6749 import (
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
)
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from app.core import scopes
from app.core.resource import Resources
from app.oauth.audience import resource_asked
from app.oauth.bans import is_banned
from app.oauth.client import KnownClient, find, usable_scopes
from app.oauth.errors import RequestNotSupported, RequestUriNotSupported, UnsupportedResponseType
from app.oauth.scope_refusal import scope_refusal
from app.oauth.sent import Sent

# RFC 7636 §4.2: S256 gives 43 characters of base64url.
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
PROMPTS = frozenset({"none", "login", "consent", "select_account"})
# What a request may say; what else it says is ignored (RFC 6749 §3.1).
PARAMETERS = frozenset(
    {
        *("client_id", "redirect_uri", "response_type", "response_mode", "scope", "state"),
        *("code_challenge", "code_challenge_method", "resource", "nonce", "dpop_jkt"),
        *("prompt", "max_age", "id_token_hint", "login_hint", "request", "request_uri"),
    }
)
# RFC 9126 §2.2: how a pushed request is named.
PREFIX = "urn:ietf:params:oauth:request_uri:"
_LONGEST_NONCE = 500
# Digits.
_LONGEST_AGE = 9


class Asked(BaseModel):
    """A validated authorization request; what a consent is about.

    `redirect_uri` is where the browser will be sent; `is_redirect_uri_sent` tells whether the
    request said so, or left it to the registration.
    """

    model_config = ConfigDict(frozen=True)

    client_id: str
    redirect_uri: str
    is_redirect_uri_sent: bool
    scope: str
    state: str | None
    code_challenge: str | None
    resource: str | None
    nonce: str | None = None
    dpop_jkt: str | None = None
    prompt: frozenset[str] = frozenset()
    max_age: int | None = None
    id_token_hint: str | None = None
    request_uri: str | None = None


def validated(resources: Resources, sent: Sent, client: KnownClient, redirect_uri: str) -> Asked:
    """Give a request that may be shown to a person.

    Raises:
        OAuth2Error: it may not, and the client may be told.
    """
    values = sent.each_once()
    if "request" in values:
        raise RequestNotSupported("Request objects are not taken: push the request instead.")
    if not values.get("request_uri", PREFIX).startswith(PREFIX):
        # Nothing that a request names is fetched.
        raise RequestUriNotSupported("The request_uri is not one of a pushed request.")
    _refuse_other_response(values)
    scope = _scope(client, values.get("scope"))
    return Asked(
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        is_redirect_uri_sent="redirect_uri" in values,
        scope=scope,
        state=values.get("state"),
        code_challenge=_code_challenge(client, values, scope),
        resource=resource_asked(resources, values.get("resource")),
        nonce=_nonce(values),
        dpop_jkt=_dpop_jkt(values),
        prompt=_prompt(values),
        max_age=_max_age(values),
        id_token_hint=values.get("id_token_hint"),
        request_uri=values.get("request_uri"),
    )


def client_of(session: Session, sent: Sent) -> KnownClient:
    """Give who asks.

    Raises:
        InvalidRequestError: that is in doubt; the browser is then sent nowhere
            (RFC 6749 §4.1.2.1).
    """
    client_id = sent.values.get("client_id")
    if client_id is None or "client_id" in sent.repeated:
        raise InvalidRequestError("The request does not say which app it comes from: client_id.")
    client = find(session, client_id)
    if client is None or is_banned(session, client):
        raise InvalidRequestError("No app with this client_id is registered here.")
    return client


def redirect_uri_of(client: KnownClient, sent: Sent) -> str:
    """Give where the answer goes: a registered URI; the only one may be left out.

    Raises:
        InvalidRequestError: that is in doubt.
    """
    if "redirect_uri" in sent.repeated:
        raise InvalidRequestError("The request names more than one redirect_uri.")
    redirect_uri = sent.values.get("redirect_uri")
    if redirect_uri is None:
        if len(client.redirect_uris) != 1:
            raise InvalidRequestError(
                "The request does not say where to go back to: redirect_uri."
            )
        return client.redirect_uris[0]
    if not client.check_redirect_uri(redirect_uri):
        raise InvalidRequestError("The redirect_uri is not one that the app has registered.")
    return redirect_uri


def _refuse_other_response(values: dict[str, str]) -> None:
    if "response_type" not in values:
        raise InvalidRequestError("The parameter response_type is missing.")
    if values["response_type"] != "code":
        raise UnsupportedResponseType("Only the response_type code is supported.")
    if values.get("response_mode", "query") != "query":
        raise InvalidRequestError("Only the response_mode query is supported.")


def _code_challenge(client: KnownClient, values: dict[str, str], scope: str) -> str | None:
    """Return the PKCE challenge; RFC 9700 §2.1.1 wants it of all clients, and as S256.

    A client that an admin exempts may send a nonce instead; a challenge that it does send
    counts as everybody's does.
    """
    if not client.needs_pkce and not values.keys() & {"code_challenge", "code_challenge_method"}:
        if "openid" not in scopes.parse(scope) or "nonce" not in values:
            raise InvalidRequestError(
                "PKCE or an OpenID Connect nonce is required: "
                "send a code_challenge, or the scope openid and a nonce."
            )
        return None
    if values.get("code_challenge_method") != "S256":
        raise InvalidRequestError("PKCE is required: send code_challenge_method=S256.")
    challenge = values.get("code_challenge", "")
    if not _CHALLENGE.fullmatch(challenge):
        raise InvalidRequestError("PKCE is required: the code_challenge is missing or malformed.")
    return challenge


def _nonce(values: dict[str, str]) -> str | None:
    nonce = values.get("nonce")
    if nonce is not None and len(nonce) > _LONGEST_NONCE:
        raise InvalidRequestError(f"The nonce is longer than {_LONGEST_NONCE} characters.")
    return nonce


def _dpop_jkt(values: dict[str, str]) -> str | None:
    """Give the key that the code will be bound to (RFC 9449 §10)."""
    jkt = values.get("dpop_jkt")
    if jkt is not None and not _CHALLENGE.fullmatch(jkt):
        raise InvalidRequestError("The dpop_jkt is no SHA-256 thumbprint of a key.")
    return jkt


def _prompt(values: dict[str, str]) -> frozenset[str]:
    """Give what the person is to be asked again (OpenID Connect Core §3.1.2.1)."""
    asked = frozenset(values.get("prompt", "").split())
    if not asked <= PROMPTS or ("none" in asked and len(asked) > 1):
        raise InvalidRequestError("The prompt is none, or some of login, consent, select_account.")
    return asked


def _max_age(values: dict[str, str]) -> int | None:
    """Give how long ago the person may have signed in, in seconds."""
    asked = values.get("max_age")
    if asked is None:
        return None
    if not asked.isascii() or not asked.isdecimal() or len(asked) > _LONGEST_AGE:
        raise InvalidRequestError("The max_age is a number of seconds.")
    return int(asked)


def _scope(client: KnownClient, asked: str | None) -> str:
    """Give the scopes to be consented to: those asked for, or the default (RFC 6749 §3.3)."""
    if not client.check_grant_type("authorization_code"):
        raise UnauthorizedClientError("The client is not registered for this grant type.")
    # OpenID Connect Core §11: offline_access is ignored where no refresh token can follow.
    wanted = usable_scopes(scopes.parse(asked), client.grant_types) or client.default_scopes
    if not wanted:
        raise InvalidScopeError("The client may ask for no scope.")
    if excess := wanted - client.scopes:
        raise InvalidScopeError(scope_refusal(excess))
    return scopes.render(wanted)
