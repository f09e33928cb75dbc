"""The OAuth endpoints that programs call with a form."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

from flask import Blueprint, Response, jsonify, request

from app.blueprints.oauth.body import whole_body
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
    """What answers a form, and which share it counts in."""

    answer: Callable[[Server, Posted], Answer]
    share: Callable[[Shares], Share]


_TOKENS, _INTROSPECTIONS = attrgetter("tokens"), attrgetter("introspections")
ENDPOINTS = {
    f"{_PREFIX}/token": Endpoint(Server.token, _TOKENS),
    f"{_PREFIX}/revoke": Endpoint(Server.revocation, _TOKENS),
    f"{_PREFIX}/introspect": Endpoint(Server.introspection, _INTROSPECTIONS),
    f"{_PREFIX}/par": Endpoint(Server.push, _TOKENS),
    f"{_PREFIX}/device_authorization": Endpoint(Server.device_authorization, _TOKENS),
}


@bp.post("/introspect")
@bp.post("/par")
@bp.post("/device_authorization")
@bp.post("/token")
@bp.post("/revoke")
def answer() -> Response:
    """Answer what the door leaves to Flask: a request that is not plainly a form."""
    endpoint = ENDPOINTS[request.path]
    endpoint.share(shares()).spend(caller())
    return _response(endpoint.answer(oauth_server(), _posted()))


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
