"""HTTP and HTML, one folder per audience."""

import sys
from functools import cache

from flask import Blueprint

from app.blueprints.admin import (
    access,
    explain,
    oauth_clients,
    organization_members,
    resources,
    roles,
    scopes,
    users,
    workspace,
)
from app.blueprints.admin import index as admin_index
from app.blueprints.admin import organizations as all_organizations
from app.blueprints.api import calls, documents
from app.blueprints.auth import invite, sign_in, sign_up
from app.blueprints.docs import reference
from app.blueprints.home import index
from app.blueprints.oauth import (
    authorize,
    device,
    discovery,
    endpoints,
    logout,
    openid,
    registration,
)
from app.blueprints.operator import commands, health
from app.blueprints.projects import list as project_list
from app.blueprints.settings import (
    connections,
    invitations,
    members,
    oauth_apps,
    organizations,
    teams,
)
from app.blueprints.tasks import detail
from app.blueprints.tasks import list as task_list
from app.core.discovery import defined_in
from app.core.errors import Misdeclared

BLUEPRINTS = (
    calls.bp,
    documents.bp,
    reference.bp,
    index.bp,
    sign_in.bp,
    sign_up.bp,
    invite.bp,
    task_list.bp,
    detail.bp,
    project_list.bp,
    oauth_apps.bp,
    connections.bp,
    organizations.bp,
    members.bp,
    invitations.bp,
    teams.bp,
    admin_index.bp,
    users.bp,
    all_organizations.bp,
    organization_members.bp,
    organization_members.invitations,
    access.bp,
    workspace.bp,
    roles.bp,
    scopes.bp,
    oauth_clients.bp,
    resources.bp,
    explain.bp,
    authorize.bp,
    discovery.bp,
    endpoints.bp,
    device.bp,
    openid.bp,
    registration.bp,
    logout.bp,
    commands.bp,
    health.bp,
)


@cache
def check_complete() -> None:
    """Check that each blueprint of this package is in the list.

    Raises:
        Misdeclared: one is in no list, and none of its pages would answer.
    """
    for module, blueprint in defined_in(sys.modules[__name__], Blueprint):
        if blueprint not in BLUEPRINTS:
            raise Misdeclared(
                f"blueprint {blueprint.name!r} of {module} is in no list: "
                "add it to BLUEPRINTS in app/blueprints/__init__.py"
            )
