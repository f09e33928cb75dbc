"""Every scope, with the sentence that the consent page shows."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Risk(StrEnum):
    """What a scope may do at the worst: tell, change, or rule the workspace."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Scope:
    """A named power.

    `basic` scopes are what an app asks for when it does not say what it wants. Of those that
    are not for a `third_party` none can be granted to an OAuth client, but for the `admin` ones
    to a client that an admin trusts: those are never for a third party, whatever is declared.
    A scope that opens other people's rows is one of them (`core/policy_checks.py`). An
    `identity` scope opens no procedure, and so needs no role: it tells a client who the person
    is, or for how long it may act (OpenID Connect Core §5.4, §11).
    """

    name: str
    sentence: str
    risk: Risk = Risk.READ
    basic: bool = False
    third_party: bool = True
    identity: bool = False

    def __post_init__(self) -> None:
        """Keep an admin scope from third parties."""
        if self.risk is Risk.ADMIN:
            object.__setattr__(self, "third_party", False)


def _own(name: str, sentence: str, risk: Risk) -> Scope:
    """Give a scope for the app's own pages alone."""
    return Scope(name, sentence, risk, third_party=False)


def _system(name: str, sentence: str) -> Scope:
    """Give a scope that rules the workspace."""
    return Scope(name, sentence, Risk.ADMIN)


_DECLARED = (
    Scope("openid", "Know that it is you who signs in", identity=True),
    Scope("profile", "See your name", identity=True),
    Scope("email", "See your email address", identity=True),
    Scope("offline_access", "Keep its access while you are away", identity=True),
    Scope("profile:view", "See your name and email address", basic=True),
    Scope("tasks:view", "See your tasks and their comments", basic=True),
    Scope(
        "tasks:edit",
        "Create, change, complete and delete your tasks",
        Risk.WRITE,
        basic=True,
    ),
    _system("tasks:viewAll", "See the tasks of everyone"),
    Scope("projects:view", "See the projects of your organizations"),
    Scope("projects:edit", "Create projects in your organizations", Risk.WRITE),
    Scope("teams:view", "See the teams of your organizations, and who is in them"),
    Scope("teams:edit", "Create and change teams in organizations you manage", Risk.WRITE),
    Scope("organizations:view", "See your organizations, and who is in them"),
    _own("organizations:edit", "Invite and manage people in your organizations", Risk.WRITE),
    Scope("settings:view", "See the workspace's settings"),
    _system("settings:edit", "Change the workspace's settings"),
    _own("oauth-apps:view", "See the OAuth apps you registered", Risk.READ),
    _own("oauth-apps:edit", "Register, revoke and delete your OAuth apps", Risk.WRITE),
    _own("connections:view", "See the apps you have connected", Risk.READ),
    _own("connections:edit", "Disconnect the apps you have connected", Risk.WRITE),
    _system("users:viewAll", "See everyone's account, sign-ins and connected apps"),
    _system("users:editAll", "Invite, suspend, sign out and delete anyone"),
    _system("users:viewRoles", "See which roles people have"),
    _system("users:editRoles", "Give people roles, and take them away"),
    _system("roles:view", "See the roles and their scopes"),
    _system("roles:edit", "Create, change and delete roles"),
    _system("scopes:view", "See every scope, and who holds it"),
    _system("orgs:viewAll", "See every organization, its teams and its people"),
    _system("orgs:edit", "Create, change and delete any organization"),
    _system("orgs:manageMembers", "Manage people and teams in any organization"),
    _system("oauth-clients:viewAll", "See every OAuth client"),
    _system("oauth-clients:edit", "Create, revoke and delete any OAuth client"),
    _system("access:edit", "Decide who may sign up"),
)

SCOPES = {scope.name: scope for scope in _DECLARED}
THIRD_PARTY = tuple(scope.name for scope in _DECLARED if scope.third_party)
BASIC = tuple(scope.name for scope in _DECLARED if scope.basic)
IDENTITY = frozenset(scope.name for scope in _DECLARED if scope.identity)
ADMIN = tuple(scope.name for scope in _DECLARED if scope.risk is Risk.ADMIN)
# What a role can hold.
OF_ROLES = tuple(scope.name for scope in _DECLARED if not scope.identity)


def grantable(*, is_trusted: bool) -> tuple[str, ...]:
    """Give what a client may be granted at all; one that an admin trusts may rule, too."""
    return THIRD_PARTY + ADMIN if is_trusted else THIRD_PARTY


_GRANTABLE = {
    is_trusted: frozenset(grantable(is_trusted=is_trusted)) for is_trusted in (True, False)
}


def within_trust(stored: frozenset[str], *, is_trusted: bool) -> frozenset[str]:
    """Return which of a client's stored scopes count now.

    Those that need an admin's trust do not without it, also where the client got them before
    they did; those that the code no longer declares never do.
    """
    return stored & _GRANTABLE[is_trusted]


def parse(text: str | None) -> frozenset[str]:
    """Give the scopes in a space-delimited list (RFC 6749 §3.3); none where there is no list."""
    return frozenset(text.split()) if text else frozenset()


def allowed(chosen: str | None, limit: str | None, *, is_trusted: bool) -> frozenset[str]:
    """Return what a client may request: what was chosen for it, within an admin's limit and trust.

    None is no limit. All three stay as they are, so that what an admin removes can be restored.
    """
    within_limit = parse(chosen) if limit is None else parse(chosen) & parse(limit)
    return within_trust(within_limit, is_trusted=is_trusted)


def render(scopes: Iterable[str]) -> str:
    """Give a space-delimited list in declaration order, so that equal sets read alike."""
    order = {name: place for place, name in enumerate(SCOPES)}
    return " ".join(sorted(scopes, key=lambda name: (order.get(name, len(order)), name)))
