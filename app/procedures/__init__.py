"""The product's verbs, one module per noun."""

import sys
from functools import cache

from app.core.discovery import defined_in
from app.core.errors import Misdeclared
from app.core.procedure import AnyProcedure, Catalogue, Procedure
from app.procedures import (
    access,
    all_organization_members,
    all_organizations,
    banned_hosts,
    client_rules,
    client_secrets,
    comments,
    connections,
    explanations,
    health,
    invitations,
    members,
    oauth_apps,
    oauth_clients,
    organizations,
    profile,
    projects,
    registration,
    resource_servers,
    roles,
    scopes,
    settings,
    tasks,
    team_members,
    teams,
    user_access,
    user_deletion,
    user_detail,
    user_roles,
    users,
    workspace_invitations,
)


def catalogue() -> Catalogue:
    """Give the ordered public API, written out by hand: what is used most comes first.

    Raises:
        Misdeclared: a procedure is in no list, is incomplete, or is declared twice.
    """
    complete = Catalogue(
        [
            tasks.list_,
            tasks.get,
            tasks.create,
            tasks.update,
            tasks.complete,
            tasks.delete,
            tasks.list_all,
            comments.list_,
            comments.add,
            projects.list_,
            projects.create,
            profile.get,
            health.check,
            settings.get,
            settings.update,
            organizations.list_,
            organizations.get,
            organizations.update,
            organizations.leave,
            members.list_,
            members.update,
            members.remove,
            teams.list_,
            teams.create,
            teams.update,
            teams.delete,
            team_members.list_,
            team_members.add,
            team_members.remove,
            invitations.list_,
            invitations.create,
            invitations.revoke,
            oauth_apps.list_,
            oauth_apps.create,
            oauth_apps.get,
            oauth_apps.update,
            oauth_apps.revoke,
            oauth_apps.delete,
            client_secrets.list_,
            client_secrets.add,
            client_secrets.remove,
            connections.list_,
            connections.revoke,
            oauth_clients.list_,
            oauth_clients.get,
            oauth_clients.create,
            oauth_clients.revoke,
            oauth_clients.delete,
            client_rules.get,
            client_rules.set_,
            registration.get,
            registration.switch,
            banned_hosts.list_,
            banned_hosts.add,
            banned_hosts.remove,
            resource_servers.list_,
            resource_servers.add,
            resource_servers.remove,
            explanations.get,
            users.list_,
            user_detail.get,
            user_detail.list_organizations,
            user_detail.list_connected_apps,
            user_detail.list_sessions,
            users.set_external_id,
            user_access.suspend,
            user_access.resume,
            user_access.sign_out,
            user_deletion.deletion,
            user_deletion.delete,
            user_roles.get,
            user_roles.set_,
            roles.list_,
            roles.get,
            roles.create,
            roles.update,
            roles.delete,
            scopes.list_,
            all_organizations.list_,
            all_organizations.get,
            all_organizations.create,
            all_organizations.update,
            all_organizations.delete,
            all_organization_members.list_,
            all_organization_members.add,
            all_organization_members.update,
            all_organization_members.remove,
            all_organization_members.invite,
            all_organization_members.invited,
            all_organization_members.revoke,
            access.get,
            access.set_,
            workspace_invitations.list_,
            workspace_invitations.create,
            workspace_invitations.revoke,
        ]
    )
    for module, item in _declared():
        if complete.get(item.name) is None:
            raise Misdeclared(
                f"procedure {item.name!r} of {module} is in no list: "
                "add it to the catalogue in app/procedures/__init__.py"
            )
    return complete


@cache
def _declared() -> list[tuple[str, AnyProcedure]]:
    return list(defined_in(sys.modules[__name__], Procedure))
