"""How things stand between a client and a person: what can be granted, and what was."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import scopes
from app.core.errors import Conflict
from app.core.principal import Principal
from app.core.scopes import IDENTITY, Scope
from app.models.grant import Grant
from app.oauth.client import KnownClient

# They say how a client works, not what it may do: nothing to tick.
_FIXED = frozenset({"openid", "offline_access"})

# What a page says, by name: kept until the person decides.
Said = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Offered:
    """A scope on a consent page; one that `is_fixed` comes with the others."""

    scope: Scope
    is_fixed: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What of a request can be granted, and what the person allowed the client `before`."""

    client: KnownClient
    user_id: int
    grantable: frozenset[str]
    before: frozenset[str]

    @property
    def new(self) -> list[Offered]:
        """What the person is asked for, in declaration order."""
        fixed = self._fixed
        return [Offered(s, s.name in fixed) for s in _explained(self.grantable - self.before)]

    @property
    def old(self) -> list[Scope]:
        """What they need not be asked for."""
        return _explained(self.grantable & self.before)

    @property
    def said(self) -> Said:
        """What the page says of it."""
        parts = {"offered": self.grantable, "before": self.before, "fixed": self._fixed}
        return {name: sorted(part) for name, part in parts.items()}

    def allowed(self, said: Said, ticked: frozenset[str]) -> frozenset[str]:
        """Give what a person allows who was shown a page; nothing, where nothing is left of it.

        What has changed since the page said it, they have not agreed to.
        """
        offered, before, fixed = (frozenset(said[n]) for n in ("offered", "before", "fixed"))
        granted = self.grantable & ((self.before & before) | fixed | (ticked & offered))
        is_something = granted - {"offline_access"} or granted == self.grantable
        return granted if is_something else frozenset()

    @property
    def _fixed(self) -> frozenset[str]:
        return self.grantable & (self.client.required_scopes | _FIXED)


def standing(session: Session, client: KnownClient, principal: Principal, asked: str) -> Standing:
    """Give how things stand about a request for these scopes.

    Raises:
        Conflict: nobody is signed in.
    """
    if principal.user_id is None:
        raise Conflict("Nobody is signed in.")
    mine = (Grant.user_id == principal.user_id, Grant.client_key == client.key)
    live = (Grant.revoked_at.is_(None), ~Grant.is_service)
    before = scopes.parse(session.scalar(select(Grant.scopes).where(*mine, *live)))
    return Standing(client, principal.user_id, grantable(client, principal, asked), before)


def is_connected(session: Session, client: KnownClient, principal: Principal) -> bool:
    """Whether the user has a live grant for the client."""
    live = select(Grant.id).where(
        Grant.user_id == principal.user_id,
        Grant.client_key == client.key,
        Grant.revoked_at.is_(None),
        ~Grant.is_service,
    )
    return session.scalar(live) is not None


def grantable(client: KnownClient, principal: Principal, asked: str) -> frozenset[str]:
    """Give what can be granted: asked for, allowed to the client, and held by the person."""
    return scopes.parse(asked) & client.scopes & (principal.scopes | IDENTITY)


def _explained(names: frozenset[str]) -> list[Scope]:
    return [scopes.SCOPES[name] for name in scopes.render(names).split()]
