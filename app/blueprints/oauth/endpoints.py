"""The OAuth endpoints that programs call with a form."""

from flask import Blueprint, Response, jsonify, request

from app.blueprints.oauth.cors import for_any_page, preflighted
from app.blueprints.road import caller, oauth_server, shares
from app.extensions import csrf
from app.oauth.server import Answer, Posted

LARGEST_BODY = 64 * 1024

bp = Blueprint("oauth", __name__, url_prefix="/oauth")
# Nothing here reads a cookie: a client proves itself, or is public.
csrf.exempt(bp)


@bp.before_request
def limit_body() -> None:
    """Let nobody send more than a protocol message needs."""
    request.max_content_length = LARGEST_BODY


@bp.post("/token", provide_automatic_options=False)
def token() -> Response:
    """Exchange a grant for tokens (RFC 6749 §3.2)."""
    shares().tokens.spend(caller())
    return for_any_page(_answered(oauth_server().token(_posted())))


@bp.post("/revoke", provide_automatic_options=False)
def revoke() -> Response:
    """Revoke a token (RFC 7009)."""
    shares().tokens.spend(caller())
    return for_any_page(_answered(oauth_server().revocation(_posted())))


@bp.route("/token", methods=["OPTIONS"])
@bp.route("/revoke", methods=["OPTIONS"])
def preflight() -> Response:
    """Let a browser's client of another origin call (CORS); cookies count for nothing here."""
    return preflighted("POST")


@bp.post("/introspect")
def introspect() -> Response:
    """Say what a token is good for (RFC 7662)."""
    shares().introspections.spend(caller())
    return _answered(oauth_server().introspection(_posted()))


@bp.post("/par")
def push() -> Response:
    """Take an authorization request ahead of the browser (RFC 9126)."""
    shares().tokens.spend(caller())
    return _answered(oauth_server().push(_posted()))


@bp.post("/device_authorization")
def device_authorization() -> Response:
    """Give a device the codes with which a person can allow it (RFC 8628 §3.1)."""
    shares().tokens.spend(caller())
    return _answered(oauth_server().device_authorization(_posted()))


def _posted() -> Posted:
    return Posted(
        content_type=request.mimetype,
        query=request.query_string,
        body=request.get_data(),
        authorization=request.headers.get("Authorization"),
        path=request.path,
        proofs=request.headers.getlist("DPoP"),
    )


def _answered(answer: Answer) -> Response:
    response = jsonify(answer.body)
    response.status_code = answer.status
    response.headers.update(answer.headers)
    return response
