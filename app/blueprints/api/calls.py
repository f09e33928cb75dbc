"""The routes of the procedures: a bearer token and arguments in, JSON out."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.blueprints import BlueprintSetupState

from app.blueprints.road import bearer, caller, pipeline, resources, shares
from app.core.errors import CallError, NotSignedIn, ScopeMissing
from app.core.principal import Channel, Principal, nobody
from app.core.procedure import AnyProcedure
from app.core.resource import API
from app.extensions import csrf
from app.identity.bearer import ProofRefused, TokenRefused, token_in
from app.oauth.dpop import proof_of
from app.surfaces import http
from app.surfaces.challenge import scope_wanted, token_wanted
from app.surfaces.problem import MEDIA_TYPE, problem

bp = Blueprint("api", __name__)
# No cookie counts here, only what the caller puts into the header: nothing to forge.
csrf.exempt(bp)


@bp.record
def offer(state: BlueprintSetupState) -> None:
    """Add a route for each procedure of the app's catalogue."""
    for item in state.app.extensions["pipeline"].catalogue.on(Channel.API):
        state.add_url_rule(item.path, item.tool_name, _route(item), methods=[item.method])


@bp.errorhandler(CallError)
def refuse(refusal: CallError) -> Response:
    """Say what was refused, and how to get it (RFC 6750 §3)."""
    headers = {}
    if isinstance(refusal, NotSignedIn):
        headers["WWW-Authenticate"] = token_wanted(resources(), API)
    elif isinstance(refusal, ScopeMissing):
        headers["WWW-Authenticate"] = scope_wanted(resources(), API, refusal)
    elif refusal.retry_after:
        headers["Retry-After"] = str(refusal.retry_after)
    document = problem(refusal.status, refusal.code, refusal.message, refusal.fields)
    return _problem(document, headers)


@bp.errorhandler(TokenRefused)
def refuse_token(refusal: TokenRefused) -> Response:
    """Say what is wrong with the token (RFC 6750 §3.1)."""
    is_dpop = isinstance(refusal, ProofRefused)
    error, fault = refusal.error, str(refusal)
    challenge = token_wanted(resources(), API, fault, is_dpop=is_dpop, error=error)
    headers = {"WWW-Authenticate": challenge}
    if refusal.nonce is not None:
        headers["DPoP-Nonce"] = refusal.nonce
    return _problem(problem(401, error, fault), headers)


def _route(item: AnyProcedure) -> Callable[[], Response]:
    def answer() -> Response:
        principal = _principal()
        known = principal.grant_id is not None
        shares().calls.spend(f"grant {principal.grant_id}" if known else caller())
        result = pipeline().call(item.name, principal, _arguments(item))
        response = Response(http.rendered(result), mimetype=http.MEDIA_TYPE)
        response.headers["Cache-Control"] = "no-store"
        return response

    return answer


def _principal() -> Principal:
    authorization = request.headers.get("Authorization")
    token = token_in(authorization)
    if token is None:
        return nobody(Channel.API)
    jwts, url = request.headers.getlist("DPoP"), resources().url(request.path)
    proof = proof_of(authorization, jwts, request.method, url)
    return bearer().principal(token, Channel.API, API, proof)


def _arguments(item: AnyProcedure) -> dict[str, Any]:
    if not item.writes:
        return http.arguments_of_query(request.query_string, item.repeatable)
    if request.query_string:
        raise http.Malformed("Send the arguments in the body alone.")
    return http.arguments_of_body(
        request.content_type, request.headers.get("Content-Encoding"), request.get_data()
    )


def _problem(document: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    response = jsonify(document)
    response.status_code = document["status"]
    response.mimetype = MEDIA_TYPE
    response.headers.update(headers)
    response.headers["Cache-Control"] = "no-store"
    return response
