"""The teams of an organization: create, look at, rename, delete, add and remove people."""

from flask import Blueprint, Response, request, url_for

from app.blueprints.pages import asked, call, call_all, for_members, form, go, page, wrong
from app.blueprints.settings.organizations import detail_page
from app.core.errors import Conflict, InvalidInput, NotFound
from app.procedures.teams import TeamOut

_MOST = 100

bp = Blueprint("teams", __name__, url_prefix="/settings/organizations/<organization_id>/teams")
bp.before_request(for_members)


@bp.post("")
def create(organization_id: str) -> Response:
    """Create a team."""
    given = form()
    try:
        made = call("teams.create", {**given, "organization_id": organization_id})
    except (Conflict, InvalidInput) as refusal:
        typed = {"team_values": given, "team_errors": wrong(refusal, "name")}
        return detail_page(organization_id, refusal.status, **typed)
    return go(_url(organization_id, made.id), said=f"{made.name} is there: add its people.")


@bp.get("/<team_id>")
def detail(organization_id: str, team_id: str) -> Response:
    """Show a team and its people."""
    return _detail(organization_id, team_id)


@bp.post("/<team_id>")
def rename(organization_id: str, team_id: str) -> Response:
    """Rename a team."""
    given = form()
    try:
        renamed = call("teams.update", {**given, "team_id": team_id})
    except (Conflict, InvalidInput) as refusal:
        typed = {"values": given, "errors": wrong(refusal, "name")}
        return _detail(organization_id, team_id, refusal.status, **typed)
    said = f"The team is called {renamed.name} from now on."
    return go(_url(organization_id, team_id), said=said)


@bp.post("/<team_id>/delete")
def delete(organization_id: str, team_id: str) -> Response:
    """Delete a team."""
    gone = call("teams.delete", {"team_id": team_id})
    target = url_for("organizations.detail", organization_id=organization_id)
    return go(target, said=f"The team {gone.name} is deleted; its tasks are their owners' alone.")


@bp.post("/<team_id>/members")
def add(organization_id: str, team_id: str) -> Response:
    """Add a person to a team."""
    given = {"team_id": team_id, "user_id": request.form.get("user_id", "")}
    try:
        added = call("teams.add_member", given)
    except InvalidInput:
        said = "Choose a person."
        return _detail(organization_id, team_id, 422, errors={"user_id": said})
    return go(_url(organization_id, team_id), said=f"{added.name} is in the team.")


@bp.post("/<team_id>/members/<user_id>/remove")
def remove(organization_id: str, team_id: str, user_id: str) -> Response:
    """Remove a person from a team."""
    gone = call("teams.remove_member", {"team_id": team_id, "user_id": user_id})
    return go(_url(organization_id, team_id), said=f"{gone.name} is not in the team any more.")


def _detail(organization_id: str, team_id: str, status: int = 200, **context: object) -> Response:
    here = {"organization_id": organization_id}
    organization = call("organizations.get", here)
    team = _team(organization_id, team_id)
    members = call("teams.members", {"team_id": team_id, **asked("cursor"), "limit": _MOST})
    shown = {
        "organization": organization,
        "team": team,
        "members": members,
        "older": _url(organization_id, team_id, cursor=members.next_cursor),
        "people": call("members.list", {**here, **asked("q"), "limit": _MOST}),
        "values": {},
        "errors": {},
    }
    return page("settings/organizations/team.html", status, **{**shown, **context})


def _team(organization_id: str, team_id: str) -> TeamOut:
    teams: list[TeamOut] = call_all("teams.list", {"organization_id": organization_id})
    for team in teams:
        if team.id == team_id:
            return team
    raise NotFound(f"There is no team {team_id!r}.")


def _url(organization_id: str, team_id: str, cursor: str | None = None) -> str:
    return url_for("teams.detail", organization_id=organization_id, team_id=team_id, cursor=cursor)
