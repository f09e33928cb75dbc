"""The OpenID Connect endpoints that programs call: who a person is, and the public keys."""

from flask import Blueprint, Response, jsonify, request

from app.blueprints.road import caller, keys, resources, shares, user_info
from app.extensions import csrf
from app.identity.bearer import token_in
from app.oauth.dpop import proof_of
from app.oauth.server import NONCE, error_answer
from app.oauth.signatures import ALGORITHMS
from app.oauth.userinfo import TokenUnfit

bp = Blueprint("openid", __name__, url_prefix="/oauth")
# Nothing here reads a cookie: a client shows a token.
csrf.exempt(bp)


@bp.route("/userinfo", methods=["GET", "POST"])
def userinfo() -> Response:
    """Tell a client who its person is (OpenID Connect Core §5.3)."""
    shares().tokens.spend(caller())
    authorization = request.headers.get("Authorization")
    token = token_in(authorization)
    if token is None:
        # RFC 6750 §3.1: who sends no token is told of no error.
        return _challenged(Response(status=401), "Bearer", {"scope": "openid"})
    url = resources().url(request.path)
    proof = proof_of(authorization, request.headers.getlist("DPoP"), request.method, url)
    response = jsonify(user_info().claims(token, proof))
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/jwks")
def jwks() -> Response:
    """Give the public halves of the signing keys (RFC 7517)."""
    response = jsonify(keys().published())
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


@bp.errorhandler(TokenUnfit)
def unfit(refusal: TokenUnfit) -> Response:
    """Say what is wrong with the token (RFC 6750 §3.1)."""
    answer = error_answer(refusal)
    response = jsonify(answer.body)
    response.status_code = answer.status
    response.headers["Cache-Control"] = "no-store"
    if refusal.nonce is not None:
        response.headers[NONCE] = refusal.nonce
    # RFC 9449 §7.1: what a proof may be signed with.
    said = {"algs": " ".join(ALGORITHMS)} if refusal.scheme == "DPoP" else {}
    said |= {"error": refusal.error, "error_description": answer.body["error_description"]}
    return _challenged(response, refusal.scheme, {**said, "scope": "openid"})


def _challenged(response: Response, scheme: str, said: dict[str, str]) -> Response:
    parameters = ", ".join(f'{name}="{value}"' for name, value in said.items())
    response.headers["WWW-Authenticate"] = f"{scheme} {parameters}"
    return response
