"""The link of an error page, which says where it leads."""

from dataclasses import dataclass
from http import HTTPStatus

from flask import request, url_for


@dataclass(frozen=True, slots=True)
class WayBack:
    """A link to a page that the user can open."""

    url: str
    label: str


_SECTIONS = {
    "tasks.index": "Back to tasks",
    "projects.index": "Back to projects",
    "oauth_apps.index": "Back to OAuth apps",
    "connections.index": "Back to connections",
    "organizations.index": "Back to organizations",
    "admin_users.index": "Back to users",
    "admin_organizations.index": "Back to organizations",
    "admin_access.index": "Back to access",
    "admin_workspace.index": "Back to workspace",
    "admin_roles.index": "Back to roles",
    "admin_clients.index": "Back to OAuth clients",
    "admin_resources.index": "Back to resources",
}
# Those for whom the section itself may be closed, or broken.
_HOME_ONLY = (HTTPStatus.FORBIDDEN, HTTPStatus.INTERNAL_SERVER_ERROR)


def way_back(status: int) -> WayBack:
    """Return the link to the list that the page belongs to, or home."""
    if status not in _HOME_ONLY:
        for endpoint, label in _SECTIONS.items():
            url = url_for(endpoint)
            if request.path.startswith(f"{url}/"):
                return WayBack(url, label)
    return WayBack(url_for("home.index"), "Go home")
