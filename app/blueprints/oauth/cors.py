"""Which answers a page of another origin may read: those that no cookie has a part in."""

from flask import Response, make_response

_ASKED = "Authorization, Content-Type, DPoP"
FOR_ANY_PAGE = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "WWW-Authenticate, DPoP-Nonce, Retry-After",
}


def for_any_page(response: Response) -> Response:
    """Let any page read an answer (Fetch, CORS protocol)."""
    response.headers.update(FOR_ANY_PAGE)
    return response


def preflighted(*methods: str) -> Response:
    """Answer a browser that asks whether a page may call with these methods."""
    response = make_response("", 204)
    response.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
    response.headers["Access-Control-Allow-Headers"] = _ASKED
    response.headers["Access-Control-Max-Age"] = "600"
    return response
