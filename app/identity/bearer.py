"""From a bearer token to a principal, by one query and without the ORM."""

import hmac
import logging
import time
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Engine, Integer, bindparam, select, type_coerce, update
from sqlalchemy.exc import SQLAlchemyError

from app.core import credentials, scopes
from app.core.credentials import Prefix
from app.core.errors import Busy
from app.core.principal import Channel, Principal
from app.core.resource import Resources
from app.core.scopes import THIRD_PARTY
from app.core.statement import Statement
from app.core.system import acting_as_system, connected_as_system
from app.identity.held import HELD, circles
from app.models.client import Client
from app.models.grant import AccessToken, Family, Grant
from app.models.user import User
from app.oauth.dpop import Proof, Proofs
from app.oauth.errors import InvalidDpopProof, UseDpopNonce
from app.oauth.lookup import STANDS

log = logging.getLogger(__name__)

_NOTED_EVERY = 60
_SCHEMES = frozenset({"bearer", "dpop"})
_OPEN_TO_ALL = frozenset(THIRD_PARTY)

_LOOKUP = Statement(
    select(
        User.id,
        Client.client_id,
        Grant.id,
        Grant.last_used_at,
        AccessToken.resource,
        AccessToken.jkt,
        AccessToken.expires_at,
        # As the driver gives it: to convert it would cost more than to read it.
        type_coerce(Client.is_trusted, Integer),
        AccessToken.scopes,
        Grant.scopes,
        Client.chosen_scopes,
        Client.scope_bound,
        *HELD,
    )
    .join_from(AccessToken, Family, Family.id == AccessToken.family_id)
    .join(Grant, Grant.id == Family.grant_id)
    .join(Client, Client.id == Grant.client_key)
    .join(User, User.id == Grant.user_id)
    .where(
        AccessToken.digest == bindparam("digest"),
        *STANDS,
    )
)


_VALID = (
    select(AccessToken.digest)
    .join_from(AccessToken, Family, Family.id == AccessToken.family_id)
    .join(Grant, Grant.id == Family.grant_id)
    .join(Client, Client.id == Grant.client_key)
    .join(User, User.id == Grant.user_id)
    .where(
        AccessToken.digest.in_(bindparam("digests", expanding=True)),
        AccessToken.expires_at > bindparam("now"),
        *STANDS,
    )
)


class TokenRefused(Exception):
    """The access token is no good here; the message says why (RFC 6750 §3.1).

    With `nonce` the proof has to be made again (RFC 9449 §9).
    """

    error = "invalid_token"
    nonce: str | None = None


class ProofRefused(TokenRefused):
    """The access token is not presented as its key demands (RFC 9449 §7.1)."""


class NonceRequired(ProofRefused):
    """The proof has to hold this server's nonce (RFC 9449 §9)."""

    error = "use_dpop_nonce"

    def __init__(self, message: str, nonce: str) -> None:
        super().__init__(message)
        self.nonce = nonce


def token_in(authorization: str | None) -> str | None:
    """Give the token of an `Authorization` header; None where it carries none.

    RFC 6750 §2.1, RFC 9449 §7.1.
    """
    if authorization is None:
        return None
    scheme, space, token = authorization.partition(" ")
    return token.strip() if space and scheme.lower() in _SCHEMES else None


class Bearer:
    """Tells who presents an access token."""

    def __init__(
        self,
        engine: Engine,
        resources: Resources,
        proofs: Proofs,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._resources = resources
        self._proofs = proofs
        self._now = now

    def principal(
        self, token: str, channel: Channel, entrance: str, proof: Proof | None = None
    ) -> Principal:
        """Give the principal of an access token at one of the app's entrances.

        `proof` comes with a token that is presented as bound to a key.

        Raises:
            TokenRefused: it is malformed, unknown, expired, revoked, or meant for elsewhere.
        """
        if not credentials.is_well_formed(token, Prefix.ACCESS_TOKEN):
            raise TokenRefused("The access token is malformed.")
        now = int(self._now())
        with connected_as_system(self._engine, "find a token", reads=True) as connection:
            row = _LOOKUP.row(connection, digest=credentials.digest(token))
        if row is None:
            raise TokenRefused("The access token is unknown or revoked.")
        user_id, client_id, grant_id, used_at, resource, jkt, expires_at, is_trusted, *held = row
        of_token, of_grant, chosen, limit, of_roles = held[:5]
        if expires_at <= now:
            raise TokenRefused("The access token has expired.")
        if not self._resources.admits(resource, entrance):
            raise TokenRefused("The access token was issued for another resource.")
        if jkt is not None or proof is not None:
            self._check_key(token, jkt, proof)
        if used_at is None or used_at <= now - _NOTED_EVERY:
            with suppress(Busy):  # the next call notes it
                self._note_use(grant_id, now)
        of_client = scopes.allowed(chosen, limit, is_trusted=bool(is_trusted))
        reach = scopes.parse(of_roles)
        return Principal(
            channel=channel,
            user_id=user_id,
            scopes=scopes.parse(of_token) & scopes.parse(of_grant) & of_client & reach,
            reach=reach,
            openable=reach & (of_client | _OPEN_TO_ALL),
            client_id=client_id,
            grant_id=grant_id,
            **circles(held[5:]),
        )

    def valid_tokens(self, digests: frozenset[bytes]) -> frozenset[bytes]:
        """Return those of some tokens, by their digests, that are valid now: by one query.

        While the database does not answer, all are: what a token opens is checked at each use.
        """
        values = {"digests": list(digests), "now": int(self._now())}
        try:
            with connected_as_system(self._engine, "check tokens", reads=True) as connection:
                return frozenset(connection.execute(_VALID, values).scalars())
        except (SQLAlchemyError, Busy):
            log.warning("could not check the tokens of open streams")
            return digests

    def _check_key(self, token: str, jkt: str | None, proof: Proof | None) -> None:
        if proof is None or jkt is None:
            # RFC 9449 §7.2: neither stands for the other, or a stolen token would do.
            bound = "is" if jkt else "is not"
            raise ProofRefused(f"The access token {bound} bound to a key: use the other scheme.")
        try:
            proved = self._proofs.jkt_of_use(proof, token)
        except UseDpopNonce as error:
            raise NonceRequired(error.get_error_description(), self._proofs.nonce()) from error
        except InvalidDpopProof as error:
            raise ProofRefused(error.get_error_description()) from error
        if not hmac.compare_digest(proved, jkt):
            raise ProofRefused("The access token is bound to another key.")

    def _note_use(self, grant_id: int, now: int) -> None:
        """Write down who and what is in use; once a minute, or it is the load."""
        with acting_as_system(self._engine, "note the use of a grant") as session:
            grant = update(Grant).where(Grant.id == grant_id).values(last_used_at=now)
            key, user_id = session.execute(grant.returning(Grant.client_key, Grant.user_id)).one()
            session.execute(update(Client).where(Client.id == key).values(last_used_at=now))
            session.execute(update(User).where(User.id == user_id).values(last_seen_at=now))
