"""Statements by which a person would put rows into other hands, or have another's.

They are Ben's, who is user 2. `:theirs` is a row of Ada's, or one that is not there: a user, an
organization, a team, a task, a client.
"""

from app.core.scopes import ADMIN, OF_ROLES

# What rules the workspace, or opens the rows of everyone: he has none of it.
OPEN_TO_MEMBERS = frozenset(OF_ROLES) - frozenset(ADMIN)

TASK = "INSERT INTO task (owner_id, team_id, title, notes, created_at, updated_at)"
_COMMENT = "INSERT INTO comment (task_id, author_id, body, created_at)"
MEMBERSHIP = "INSERT INTO membership (organization_id, user_id, standing, created_at)"
MEMBER = "INSERT INTO team_member (team_id, organization_id, user_id, created_at)"
INVITATION = (
    "INSERT INTO invitation (organization_id, email, standing, digest, created_at, expires_at)"
)
_CLIENT = (
    "INSERT INTO client (client_id, name, description, source, owner_id, "
    "token_endpoint_auth_method, redirect_uris, grant_types, scopes, created_at)"
)
_GRANT = "INSERT INTO oauth_grant (user_id, client_key, scopes, created_at)"
_SECRET = "INSERT INTO client_secret (client_key, digest, last_four, created_at)"
_EVENT = "INSERT INTO audit_event (at, action, outcome, channel, user_id)"
_MY_TASK = "(SELECT min(id) FROM task WHERE owner_id = 2)"

INTO_ANOTHERS_HANDS = [
    f"{TASK} VALUES (:theirs, NULL, 'for her', '', 1, 1)",
    f"{TASK} VALUES (2, :theirs, 'in her team', '', 1, 1)",
    f"{TASK} VALUES (:theirs, 2, 'hers, in mine', '', 1, 1)",
    f"{TASK} SELECT :theirs, team_id, title, notes, 1, 1 FROM task",
    f"{_COMMENT} VALUES (:theirs, 2, 'on her task', 1)",
    f"{_COMMENT} VALUES ({_MY_TASK}, :theirs, 'in her name', 1)",
    f"{MEMBERSHIP} VALUES (:theirs, 2, 'manager', 1)",
    f"{MEMBERSHIP} VALUES (:theirs, 3, 'member', 1)",
    f"{MEMBER} VALUES (:theirs, :theirs, 2, 1)",
    f"{INVITATION} VALUES (:theirs, 'ben@example.com', 'manager', '', 1, 1)",
    f"{INVITATION} VALUES (NULL, 'ben@example.com', 'member', '', 1, :theirs)",
    "INSERT INTO team (organization_id, name, created_at) VALUES (:theirs, 'mine', 1)",
    "INSERT INTO project (organization_id, name, created_at) VALUES (:theirs, 'mine', 1)",
    "INSERT INTO organization (id, name, created_at) VALUES (:theirs, 'mine', 1)",
    f"{_CLIENT} VALUES ('x', '', '', '', :theirs, '', '[]', '[]', '', 1)",
    f"{_GRANT} VALUES (2, :theirs, '', 1)",
    f"{_GRANT} VALUES (:theirs, 2, '', 1)",
    f"{_SECRET} VALUES (:theirs, '', '', 1)",
    f"{_EVENT} VALUES (1, '', '', '', :theirs)",
    "INSERT INTO user_account (id, email, name, created_at) VALUES (:theirs, 'x', '', 1)",
    "INSERT INTO user_role (user_id, role_id) VALUES (2, :theirs)",
    "INSERT INTO role_scope (role_id, scope) VALUES (:theirs, 'tasks:viewAll')",
    "UPDATE task SET owner_id = :theirs",
    "UPDATE comment SET author_id = :theirs WHERE author_id = 2",
    "UPDATE client SET owner_id = :theirs",
    "UPDATE oauth_grant SET user_id = :theirs",
    "UPDATE login SET user_id = :theirs",
]
ACROSS_ORGANIZATIONS = [
    "UPDATE team SET organization_id = :theirs",
    "UPDATE project SET organization_id = :theirs",
    "UPDATE membership SET organization_id = :theirs",
    "UPDATE invitation SET organization_id = :theirs",
    "UPDATE organization SET id = :theirs",
]
UNDER_ANOTHER_PARENT = [
    "UPDATE task SET team_id = :theirs",
    "UPDATE comment SET task_id = :theirs WHERE author_id = 2",
    "UPDATE client_secret SET client_key = :theirs",
    "UPDATE oauth_grant SET client_key = :theirs",
    "UPDATE membership SET user_id = :theirs",
]
# What Ben does not have, whether it is there or not.
NOT_HIS = [
    "UPDATE task SET owner_id = 2 WHERE id = :theirs",
    "UPDATE task SET title = 'mine', team_id = 2 WHERE owner_id = :theirs",
    "UPDATE comment SET author_id = 2 WHERE author_id = :theirs",
    "UPDATE client SET owner_id = 2 WHERE owner_id = :theirs",
    "UPDATE organization SET name = 'mine' WHERE id = :theirs",
    "UPDATE membership SET standing = 'manager' WHERE organization_id = :theirs",
    "UPDATE team SET organization_id = 2 WHERE organization_id = :theirs",
    "UPDATE team_member SET user_id = 2 WHERE team_id = :theirs",
    "UPDATE project SET organization_id = 2 WHERE organization_id = :theirs",
    "UPDATE invitation SET email = 'ben@example.com' WHERE organization_id = :theirs",
    "UPDATE oauth_grant SET scopes = '' WHERE user_id = :theirs",
    "UPDATE user_account SET email = 'mine' WHERE id = :theirs",
    "UPDATE login SET revoked_at = 1 WHERE user_id = :theirs",
    "UPDATE role_scope SET scope = 'x' WHERE role_id = :theirs",
    "UPDATE access_setting SET access = 'open' WHERE id = :theirs",
    "DELETE FROM task WHERE owner_id = :theirs",
    "DELETE FROM comment WHERE task_id = :theirs",
    "DELETE FROM organization WHERE id = :theirs",
    "DELETE FROM membership WHERE organization_id = :theirs",
    "DELETE FROM team WHERE id = :theirs",
    "DELETE FROM team_member WHERE team_id = :theirs",
    "DELETE FROM project WHERE organization_id = :theirs",
    "DELETE FROM invitation WHERE organization_id = :theirs",
    "DELETE FROM client WHERE owner_id = :theirs",
    "DELETE FROM oauth_grant WHERE user_id = :theirs",
    "DELETE FROM user_account WHERE id = :theirs",
    "DELETE FROM user_role WHERE user_id = :theirs",
    "DELETE FROM audit_event WHERE user_id = :theirs",
]
