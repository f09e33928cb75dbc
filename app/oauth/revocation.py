"""Revoking a token at its client's wish (RFC 7009)."""

from authlib.oauth2.rfc6749 import InvalidGrantError

from app.core import credentials
from app.oauth import families, tokens
from app.oauth.lookup import AccessTokenRow, RefreshTokenRow, find_access_token, find_refresh_token
from app.oauth.sent import TokenRequest


def revoke(request: TokenRequest) -> None:
    """Revoke the token of a request: an access token alone, a refresh token with its family.

    One that is unknown counts as revoked already (RFC 7009 §2.2); a hint is not needed.

    Raises:
        InvalidRequestError: the request names no token.
        InvalidGrantError: the token was issued to another client (RFC 7009 §2.1).
    """
    digest = credentials.digest(request.value("token"))
    access_token = find_access_token(request.session, digest)
    if access_token is not None:
        _refuse_foreign(request, access_token)
        tokens.forget_access_token(request.session, digest)
    refresh_token = find_refresh_token(request.session, digest)
    if refresh_token is not None:
        _refuse_foreign(request, refresh_token)
        families.revoke_family(request.session, refresh_token.family_id, request.now)


def _refuse_foreign(request: TokenRequest, token: AccessTokenRow | RefreshTokenRow) -> None:
    if token.client_key != request.client.key:
        raise InvalidGrantError("The token was issued to another client.")
