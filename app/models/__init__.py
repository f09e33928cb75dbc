"""The tables, and which of their rows a principal may touch."""

from app.models.audit import AUDIT_ROWS
from app.models.banned_host import BANNED_HOST_ROWS
from app.models.client import CLIENT_ROWS, CLIENT_SECRET_ROWS
from app.models.grant import GRANT_ROWS
from app.models.organization import (
    INVITATION_ROWS,
    MEMBERSHIP_ROWS,
    ORGANIZATION_ROWS,
    PROJECT_ROWS,
    TEAM_MEMBER_ROWS,
    TEAM_ROWS,
)
from app.models.signing import RESOURCE_SERVER_ROWS, SWITCH_ROWS
from app.models.task import COMMENT_ROWS, TASK_ROWS
from app.models.user import LOGIN_ROWS, ROLE_ROWS, ROLE_SCOPE_ROWS, USER_ROLE_ROWS, USER_ROWS
from app.models.workspace import ACCESS_ROWS, WORKSPACE_ROWS

# A table that is not named here has no policy, and no procedure can reach it.
ROW_POLICIES = {
    "user_account": USER_ROWS,
    "login": LOGIN_ROWS,
    "role": ROLE_ROWS,
    "role_scope": ROLE_SCOPE_ROWS,
    "user_role": USER_ROLE_ROWS,
    "organization": ORGANIZATION_ROWS,
    "membership": MEMBERSHIP_ROWS,
    "team": TEAM_ROWS,
    "team_member": TEAM_MEMBER_ROWS,
    "invitation": INVITATION_ROWS,
    "project": PROJECT_ROWS,
    "task": TASK_ROWS,
    "comment": COMMENT_ROWS,
    "client": CLIENT_ROWS,
    "client_secret": CLIENT_SECRET_ROWS,
    "oauth_grant": GRANT_ROWS,
    "resource_server": RESOURCE_SERVER_ROWS,
    "switch": SWITCH_ROWS,
    "banned_host": BANNED_HOST_ROWS,
    "workspace": WORKSPACE_ROWS,
    "access_setting": ACCESS_ROWS,
    "audit_event": AUDIT_ROWS,
}

# Those that have none on purpose: they are the system's. `flask check` asks for each other one.
UNREACHABLE = frozenset(
    {
        "password",
        "guess",
        "token_family",
        "authorization_code",
        "access_token",
        "refresh_token",
        "consent_request",
        "pushed_request",
        "device_authorization",
        "signing_key",
        "used_jti",
    }
)
