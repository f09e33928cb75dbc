"""For each form: the page that it is on, to which a user comes back after signing in again."""

from urllib.parse import urlsplit

from flask import current_app, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from app.extensions import settings

# The endpoint that a form is sent to, and the one whose page holds the form.
FORM_PAGES = {
    "auth.sign_in": "auth.login",
    "auth.logout": "home.index",
    "sign_up.create": "sign_up.show",
    "invite.accept": "invite.show",
    "tasks.create": "tasks.index",
    "tasks.update": "tasks.edit",
    "tasks.complete": "tasks.index",
    "tasks.reopen": "tasks.index",
    "tasks.delete": "tasks.index",
    "task.comment": "task.detail",
    "projects.create": "projects.index",
    "oauth_apps.create": "oauth_apps.new",
    "oauth_apps.update": "oauth_apps.edit",
    "oauth_apps.revoke": "oauth_apps.detail",
    "oauth_apps.delete": "oauth_apps.detail",
    "oauth_apps.add_secret": "oauth_apps.detail",
    "oauth_apps.remove_secret": "oauth_apps.detail",
    "connections.disconnect": "connections.index",
    "organizations.switch": "organizations.index",
    "organizations.rename": "organizations.detail",
    "organizations.leave": "organizations.index",
    "members.update": "organizations.detail",
    "members.remove": "organizations.detail",
    "organization_invitations.create": "organizations.detail",
    "organization_invitations.revoke": "organizations.detail",
    "teams.create": "organizations.detail",
    "teams.rename": "teams.detail",
    "teams.delete": "teams.detail",
    "teams.add": "teams.detail",
    "teams.remove": "teams.detail",
    "admin_users.set_roles": "admin_users.detail",
    "admin_users.set_external_id": "admin_users.detail",
    "admin_users.suspend": "admin_users.detail",
    "admin_users.resume": "admin_users.detail",
    "admin_users.sign_out": "admin_users.detail",
    "admin_users.delete": "admin_users.detail",
    "admin_organizations.create": "admin_organizations.new",
    "admin_organizations.update": "admin_organizations.detail",
    "admin_organizations.delete": "admin_organizations.detail",
    "admin_organization_members.add": "admin_organizations.detail",
    "admin_organization_members.update": "admin_organizations.detail",
    "admin_organization_members.remove": "admin_organizations.detail",
    "admin_invitations.create": "admin_organizations.detail",
    "admin_invitations.revoke": "admin_organizations.detail",
    "admin_access.choose": "admin_access.index",
    "admin_access.create": "admin_access.index",
    "admin_access.revoke": "admin_access.index",
    "admin_workspace.update": "admin_workspace.index",
    "admin_roles.create": "admin_roles.new",
    "admin_roles.update": "admin_roles.detail",
    "admin_roles.delete": "admin_roles.detail",
    "admin_clients.create": "admin_clients.new",
    "admin_clients.switch_registration": "admin_clients.index",
    "admin_clients.ban_host": "admin_clients.bans",
    "admin_clients.remove_ban": "admin_clients.bans",
    "admin_clients.set_rules": "admin_clients.rules",
    "admin_clients.revoke": "admin_clients.detail",
    "admin_clients.delete": "admin_clients.detail",
    "admin_clients.add_secret": "admin_clients.detail",
    "admin_clients.remove_secret": "admin_clients.detail",
    "admin_resources.add": "admin_resources.index",
    "admin_resources.remove": "admin_resources.index",
    "authorize.decide": "authorize.authorize",
    "device.look_up": "device.type_code",
    "device.decide": "device.type_code",
    "logout.leave": "home.index",
}
# Pages whose address says in its query what they are about.
_BY_QUERY = frozenset({"authorize.authorize"})
# Lists whose rows have buttons.
_LISTS = frozenset({"oauth_apps.index", "admin_clients.index", "admin.index", "admin_users.index"})
_OF_BUTTONS = frozenset({"csrf_token", "account"})


def form_page() -> str:
    """Return the path of the page that the request's form is on; always one of this app."""
    endpoint = FORM_PAGES.get(request.endpoint or "", "home.index")
    names, view_args = _arguments(endpoint), request.view_args or {}
    here = url_for(endpoint, **{name: view_args[name] for name in names if name in view_args})
    came_from = _came_from()
    if endpoint == "device.type_code" and (code := request.form.get("user_code")):
        return url_for(endpoint, user_code=code[:20])
    if came_from.partition("?")[0] == here:
        return came_from
    if endpoint in _BY_QUERY:
        return "/"
    # A button alone, as in a list: the page that it was pressed on, if that is one of ours.
    is_button = not any(value for name, value in request.form.items() if name not in _OF_BUTTONS)
    return came_from if is_button and _is_form_page(came_from) else here


def _arguments(endpoint: str) -> frozenset[str]:
    rules = current_app.url_map.iter_rules(endpoint)
    return frozenset(name for rule in rules for name in rule.arguments)


def _came_from() -> str:
    """Return path and query of the page before, as far as it is one of this origin; else ''."""
    parts = urlsplit(request.headers.get("HX-Current-URL") or request.referrer or "")
    if f"{parts.scheme}://{parts.netloc}" != settings().public_url:
        return ""
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    # `//path` is another host to a browser, and so is a backslash (CWE-601).
    is_plain = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if is_plain and path.isprintable() else ""


def _is_form_page(path: str) -> bool:
    try:
        adapter = current_app.url_map.bind("localhost")
        endpoint, _ = adapter.match(path.partition("?")[0], method="GET")
    except (HTTPException, RequestRedirect):
        return False
    return endpoint in _LISTS or endpoint in FORM_PAGES.values()
