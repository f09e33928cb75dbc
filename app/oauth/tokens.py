"""Codes and tokens: how they are issued, used up and revoked.

Each function works within the caller's transaction, so that an issue is whole or not at all.
"""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, insert, update

from app.core import credentials
from app.core.credentials import Prefix
from app.core.statement import Statement, Transaction, inserting
from app.models.grant import AccessToken, AuthorizationCode, RefreshToken

_NEW_ACCESS_TOKEN = inserting(
    AccessToken, "digest", "family_id", "scopes", "resource", "jkt", "issued_at", "expires_at"
)
_NEW_REFRESH_TOKEN = inserting(RefreshToken, "digest", "family_id", "issued_at", "expires_at")
_ANSWER = Statement(
    update(RefreshToken)
    .where(RefreshToken.digest == bindparam("token"))
    .values(answer=bindparam("sealed"))
)
_USED_UP = {
    table: Statement(
        update(table)
        .where(
            table.digest == bindparam("token"),
            table.consumed_at.is_(None),
            table.expires_at > bindparam("now"),
        )
        .values(consumed_at=bindparam("now"))
    )
    for table in (AuthorizationCode, RefreshToken)
}


@dataclass(frozen=True, slots=True)
class NewCode:
    """What an authorization code is bound to; it `lasts` that many seconds."""

    redirect_uri: str | None
    code_challenge: str | None
    nonce: str | None
    jkt: str | None
    lasts: int


@dataclass(frozen=True, slots=True)
class NewToken:
    """What an access token is good for; it `lasts` that many seconds."""

    scope: str
    resource: str | None
    jkt: str | None
    lasts: int


def issue_code(session: Transaction, family_id: int, code: NewCode, now: int) -> str:
    """Give a new authorization code (RFC 6749 §4.1.2)."""
    issued = credentials.issue(Prefix.AUTHORIZATION_CODE)
    session.execute(
        insert(AuthorizationCode).values(
            digest=credentials.digest(issued),
            family_id=family_id,
            redirect_uri=code.redirect_uri,
            code_challenge=code.code_challenge,
            nonce=code.nonce,
            jkt=code.jkt,
            expires_at=now + code.lasts,
        )
    )
    return issued


def issue_access_token(session: Transaction, family_id: int, token: NewToken, now: int) -> str:
    """Give a new opaque access token."""
    issued = credentials.issue(Prefix.ACCESS_TOKEN)
    keep_access_token(session, family_id, issued, token, now)
    return issued


def keep_access_token(
    session: Transaction, family_id: int, issued: str, token: NewToken, now: int
) -> None:
    """Write down that an access token was issued, so that it can be revoked."""
    _NEW_ACCESS_TOKEN.change(
        session,
        digest=credentials.digest(issued),
        family_id=family_id,
        scopes=token.scope,
        resource=token.resource,
        jkt=token.jkt,
        issued_at=now,
        expires_at=now + token.lasts,
    )


def issue_refresh_token(session: Transaction, family_id: int, *, expires_at: int, now: int) -> str:
    """Give a new refresh token; the caller has consumed the one before."""
    token = credentials.issue(Prefix.REFRESH_TOKEN)
    _NEW_REFRESH_TOKEN.change(
        session,
        digest=credentials.digest(token),
        family_id=family_id,
        issued_at=now,
        expires_at=expires_at,
    )
    return token


def keep_answer(session: Transaction, digest: bytes, sealed: bytes) -> None:
    """Keep what a refresh token was exchanged for, for a retry."""
    _ANSWER.change(session, token=digest, sealed=sealed)


def consume(
    session: Transaction, table: type[AuthorizationCode | RefreshToken], digest: bytes, now: int
) -> bool:
    """Use a code or refresh token up; of many at once, one wins (RFC 9700 §4.5, §4.14)."""
    return _USED_UP[table].change(session, token=digest, now=now) == 1


def forget_access_token(session: Transaction, digest: bytes) -> None:
    """Revoke one access token alone."""
    session.execute(delete(AccessToken).where(AccessToken.digest == digest))
