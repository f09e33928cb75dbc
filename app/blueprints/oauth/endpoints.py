"""The OAuth endpoints that programs call with a form."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

from flask import Blueprint, Response, jsonify, request

from app.blueprints.oauth.body import whole_body
from app.blueprints.oauth.cors import for_any_page, preflighted
from app.blueprints.road import caller, oauth_server, shares
from app.core.share import Share, Shares
from app.extensions import csrf
from app.oauth.server import Answer, Posted, Server

_PREFIX = "/oauth"

bp = Blueprint("oauth", __name__, url_prefix=_PREFIX)
# Nothing here reads a cookie: a client proves itself, or is public.
csrf.exempt(bp)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What answers a form, which share it counts in, and whether any page may read the answer."""

    answer: Callable[[Server, Posted], Answer]
    share: Callable[[Shares], Share]
    is_for_any_page: bool = False


_TOKENS, _INTROSPECTIONS = attrgetter("tokens"), attrgetter("introspections")
ENDPOINTS = {
    f"{_PREFIX}/token": Endpoint(Server.token, _TOKENS, is_for_any_page=True),
    f"{_PREFIX}/revoke": Endpoint(Server.revocation, _TOKENS, is_for_any_page=True),
    f"{_PREFIX}/introspect": Endpoint(Server.introspection, _INTROSPECTIONS),
    f"{_PREFIX}/par": Endpoint(Server.push, _TOKENS),
    f"{_PREFIX}/device_authorization": Endpoint(Server.device_authorization, _TOKENS),
}


@bp.after_request
def for_some_pages(response: Response) -> Response:
    """Let any page read the answers of the endpoints that clients in a browser call."""
    endpoint = ENDPOINTS.get(request.path)
    return for_any_page(response) if endpoint and endpoint.is_for_any_page else response


@bp.post("/introspect")
@bp.post("/par")
@bp.post("/device_authorization")
@bp.post("/token", provide_automatic_options=False)
@bp.post("/revoke", provide_automatic_options=False)
def answer() -> Response:
    """Answer what the door leaves to Flask: a request that is not plainly a form."""
    endpoint = ENDPOINTS[request.path]
    endpoint.share(shares()).spend(caller())
    return _response(endpoint.answer(oauth_server(), _posted()))


@bp.route("/token", methods=["OPTIONS"])
@bp.route("/revoke", methods=["OPTIONS"])
def preflight() -> Response:
    """Let a browser's client of another origin call (CORS); cookies count for nothing here."""
    return preflighted("POST")


def _posted() -> Posted:
    return Posted(
        content_type=request.mimetype,
        query=request.query_string,
        body=whole_body(),
        authorization=request.headers.get("Authorization"),
        path=request.path,
        caller=caller(),
        proofs=request.headers.getlist("DPoP"),
    )


def _response(answered: Answer) -> Response:
    response = jsonify(answered.body)
    response.status_code = answered.status
    response.headers.update(answered.headers)
    return response
