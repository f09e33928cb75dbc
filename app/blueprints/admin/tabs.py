"""The tabs of the admins' pages: each is for those to whom what stands on it is open."""

from dataclasses import dataclass

from app.blueprints.road import pipeline
from app.identity.session import Viewer


@dataclass(frozen=True, slots=True)
class Tab:
    """A page, and the procedure without which nobody has business there."""

    endpoint: str
    label: str
    about: str
    procedure: str


TABS = (
    Tab(
        "admin_users.index",
        "Users",
        "Everyone with an account: roles, sessions, connected apps.",
        "users.list",
    ),
    Tab(
        "admin_roles.index",
        "Roles",
        "What each role lets people do, and how many have it.",
        "roles.list",
    ),
    Tab(
        "admin_scopes.index",
        "Scopes",
        "Every scope: what it opens, and who holds it.",
        "scopes.list",
    ),
    Tab(
        "admin_organizations.index",
        "Organizations",
        "Every organization: its people, its domain, whom it invites.",
        "all_organizations.list",
    ),
    Tab(
        "admin_access.index",
        "Access",
        "Who may sign up, and whom the workspace invites.",
        "access.get",
    ),
    Tab(
        "admin_workspace.index",
        "Workspace",
        "What this workspace is called, and what its people read.",
        "settings.update",
    ),
    Tab(
        "admin_clients.index",
        "OAuth clients",
        "Every program that can ask people for access.",
        "oauth_clients.list",
    ),
    Tab(
        "admin_resources.index",
        "Resources",
        "Services of others that take this app's access tokens.",
        "resource_servers.list",
    ),
    Tab(
        "admin_explain.index",
        "Explain",
        "Why a call of somebody's would be allowed or refused.",
        "explanations.get",
    ),
)


def tabs(seen: Viewer | None) -> list[Tab]:
    """Give the tabs that a person may look at; none to whom has no business here."""
    if seen is None:
        return []
    held = seen.principal.scopes
    return [tab for tab in TABS if pipeline().find(tab.procedure).is_open_to(held)]
