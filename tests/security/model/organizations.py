"""Who may do what with organizations, and what is theirs."""

from collections.abc import Mapping

from tests.security.tables import Row
from tests.security.who import Policy, Who

_SEE_ORGANIZATIONS = ("orgs:viewAll", "users:viewAll", "users:editAll")
_EDIT_ORGANIZATIONS = ("orgs:edit", "orgs:manageMembers")
_SEE_OWN = ("organizations:view", "organizations:edit", "teams:view", "teams:edit")


def _sees_any_organization(who: Who) -> bool:
    return who.may(*_SEE_ORGANIZATIONS, *_EDIT_ORGANIZATIONS)


def _looks_after(who: Who, organization: int | None, scope: str) -> bool:
    """Its managers do with the scope, and admins of organizations."""
    return (who.may(scope) and who.manages(organization)) or who.may(*_EDIT_ORGANIZATIONS)


def _sees_organization(who: Who, organization: Row) -> bool:
    own = who.may(*_SEE_OWN, "projects:view", "projects:edit") and who.is_in(organization["id"])
    return own or _sees_any_organization(who)


def _sees_membership(who: Who, membership: Row) -> bool:
    own = who.may(*_SEE_OWN) and who.is_in(membership["organization_id"])
    return who.is_me(membership["user_id"]) or own or _sees_any_organization(who)


def _edits_membership(who: Who, membership: Row) -> bool:
    return _looks_after(who, membership["organization_id"], "organizations:edit")


def _sees_team(who: Who, team: Row) -> bool:
    own = who.may(*_SEE_OWN) and who.is_in(team["organization_id"])
    return own or _sees_any_organization(who)


def _edits_team(who: Who, team: Row) -> bool:
    return _looks_after(who, team["organization_id"], "teams:edit")


def _edits_invitation(who: Who, invitation: Row) -> bool:
    own = who.may("organizations:edit") and who.manages(invitation["organization_id"])
    return own or who.may("users:editAll", "orgs:manageMembers")


def _edits_project(who: Who, project: Row) -> bool:
    return who.may("projects:edit") and who.is_in(project["organization_id"])


_ORGANIZATIONS = Policy(
    sees=_sees_organization,
    adds=lambda who, _: who.may("orgs:edit"),
    changes=lambda who, row: _looks_after(who, row["id"], "organizations:edit"),
    deletes=lambda who, _: who.may("orgs:edit"),
    # No manager says at which addresses people may join.
    moves=lambda who, before, after: before["domain"] == after["domain"] or who.may("orgs:edit"),
)
_MEMBERSHIPS = Policy(
    sees=_sees_membership,
    adds=_edits_membership,
    changes=_edits_membership,
    deletes=lambda who, row: who.is_me(row["user_id"]) or _edits_membership(who, row),
    keeps=frozenset({"organization_id", "user_id"}),
)
_TEAMS = Policy(
    sees=_sees_team,
    adds=_edits_team,
    changes=_edits_team,
    deletes=_edits_team,
    keeps=frozenset({"organization_id"}),
)
_TEAM_MEMBERS = Policy(
    sees=lambda who, row: who.is_me(row["user_id"]) or _sees_team(who, row),
    adds=_edits_team,
    deletes=_edits_team,
)
_INVITATIONS = Policy(
    sees=lambda who, row: _edits_invitation(who, row) or who.may("orgs:viewAll", "users:viewAll"),
    adds=_edits_invitation,
    changes=_edits_invitation,
    deletes=_edits_invitation,
    keeps=frozenset({"organization_id", "email", "digest"}),
)
_PROJECTS = Policy(
    sees=lambda who, row: (
        (who.may("projects:view", "projects:edit") and who.is_in(row["organization_id"]))
        or who.may("orgs:viewAll", "orgs:edit")
    ),
    adds=_edits_project,
    changes=_edits_project,
    deletes=_edits_project,
    keeps=frozenset({"organization_id"}),
)

ORGANIZATIONS: Mapping[str, Policy] = {
    "organization": _ORGANIZATIONS,
    "membership": _MEMBERSHIPS,
    "team": _TEAMS,
    "team_member": _TEAM_MEMBERS,
    "invitation": _INVITATIONS,
    "project": _PROJECTS,
}
