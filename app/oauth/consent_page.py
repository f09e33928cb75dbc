"""What the consent page shows."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from app.core import scopes
from app.core.scopes import Scope
from app.models import redirect_uri as uris
from app.oauth.authorization import Asked
from app.oauth.client import KnownClient

# They say how a client works, not what it may do: nothing to tick.
FIXED = frozenset({"openid", "offline_access"})


@dataclass(frozen=True, slots=True)
class Offered:
    """A scope on the consent page; one that `is_fixed` comes with the others."""

    scope: Scope
    is_fixed: bool


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person is shown, and has to decide: `new` scopes, and those allowed `before`."""

    id: str
    client: KnownClient
    destination: str
    is_on_this_computer: bool
    new: list[Offered]
    before: list[Scope]
    resource: str | None
    form_action: str


def shown(
    consent_id: str,
    asked: Asked,
    client: KnownClient,
    grantable: frozenset[str],
    before: frozenset[str],
) -> Consent:
    """Give the page of a request that waits under this id."""
    target = urlsplit(asked.redirect_uri)
    is_web = target.scheme in ("http", "https")
    fixed = client.required_scopes | FIXED
    return Consent(
        id=consent_id,
        client=client,
        destination=uris.destination(asked.redirect_uri),
        is_on_this_computer=uris.is_loopback(target),
        new=[Offered(scope, scope.name in fixed) for scope in _explained(grantable - before)],
        before=_explained(grantable & before),
        resource=asked.resource,
        form_action=f"{target.scheme}://{target.netloc}" if is_web else f"{target.scheme}:",
    )


def _explained(names: frozenset[str]) -> list[Scope]:
    return [scopes.SCOPES[name] for name in scopes.render(names).split()]
