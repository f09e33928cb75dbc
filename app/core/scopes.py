"""Every scope, with the sentence that the consent page shows."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """A named power.

    `basic` scopes are what an app asks for when it does not say what it wants; only
    `third_party` scopes can be granted to an OAuth client at all. An `identity` scope opens no
    procedure, and so needs no role: it tells a client who the person is, or for how long it may
    act (OpenID Connect Core §5.4, §11).
    """

    name: str
    sentence: str
    basic: bool = False
    third_party: bool = True
    identity: bool = False


_DECLARED = (
    Scope("openid", "Know that it is you who signs in", identity=True),
    Scope("profile", "See your name", identity=True),
    Scope("email", "See your email address", identity=True),
    Scope("offline_access", "Keep its access while you are away", identity=True),
    Scope("profile:view", "See your name and email address", basic=True),
    Scope("tasks:view", "See your tasks and their comments", basic=True),
    Scope("tasks:edit", "Create, change, complete and delete your tasks", basic=True),
    Scope("tasks:viewAll", "See the tasks of everyone"),
    Scope("oauth-apps:view", "See the OAuth apps you registered", third_party=False),
    Scope("oauth-apps:edit", "Register, revoke and delete your OAuth apps", third_party=False),
    Scope("connections:view", "See the apps you have connected", third_party=False),
    Scope("connections:edit", "Disconnect the apps you have connected", third_party=False),
    Scope("oauth-clients:viewAll", "See every OAuth client", third_party=False),
    Scope("oauth-clients:edit", "Create, revoke and delete any OAuth client", third_party=False),
    Scope("audit:view", "Read the audit trail", third_party=False),
)

SCOPES = {scope.name: scope for scope in _DECLARED}
THIRD_PARTY = tuple(scope.name for scope in _DECLARED if scope.third_party)
BASIC = tuple(scope.name for scope in _DECLARED if scope.basic)
IDENTITY = frozenset(scope.name for scope in _DECLARED if scope.identity)


def parse(text: str | None) -> frozenset[str]:
    """Give the scopes in a space-delimited list (RFC 6749 §3.3); none where there is no list."""
    return frozenset(text.split()) if text else frozenset()


def render(scopes: Iterable[str]) -> str:
    """Give a space-delimited list in declaration order, so that equal sets read alike."""
    order = {name: place for place, name in enumerate(SCOPES)}
    return " ".join(sorted(scopes, key=lambda name: (order.get(name, len(order)), name)))
