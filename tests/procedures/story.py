"""A story in which people call every procedure, in each of the ways that it goes well."""

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from app.extensions import Model
from tests.procedures.people import make_organization, role_id
from tests.world import World

URIS = ["http://127.0.0.1/cb"]
_TABLES = frozenset(Model.metadata.tables)


class Story:
    """Who calls what in a world, and which tables the statements of each procedure name."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.touched: defaultdict[str, set[str]] = defaultdict(set)
        # Those that overwrote or removed a row.
        self.destructive: set[str] = set()

    def call(self, person: str, name: str, /, **given: object) -> Any:
        """Run a procedure as this person, with every scope there is."""
        road, principal = self.world.pipeline(), self.world.principal(person)
        with self._listening(name):
            return road.call(name, principal, given)

    @contextmanager
    def _listening(self, name: str) -> Iterator[None]:
        heard = self.touched[name]

        def hear(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            change = re.match(r'(?:UPDATE|DELETE FROM)\s+(?:main\.)?"?(\w+)', statement)
            if change and change[1] in _TABLES:
                self.destructive.add(name)
            named = _TABLES.intersection(re.findall(r"\w+", statement))
            # Every change is written down by the road.
            heard.update(named - {"audit_event"} if "INSERT" in statement else named)

        event.listen(self.world.rows, "before_cursor_execute", hear)
        try:
            yield
        finally:
            event.remove(self.world.rows, "before_cursor_execute", hear)


def told(world: World) -> Story:
    """Tell the whole story."""
    story = Story(world)
    for chapter in (_tasks, _organizations, _all_organizations, _workspace, _apps, _clients):
        chapter(story)
    _roles(story)
    _users(story)
    return story


def _tasks(story: Story) -> None:
    call, team = story.call, str(min(story.world.principal("ada").teams))
    call("ada", "health.check")
    call("ada", "profile.get")
    task = call("ada", "tasks.create", title="Plan", team_id=team).id
    call(
        "ada",
        "tasks.update",
        task_id=task,
        title="Plans",
        notes="x",
        status="done",
        team_id="none",
    )
    call("ada", "tasks.update", task_id=task, status="open", team_id=team)
    call("ada", "tasks.complete", task_id=task)
    call("ada", "tasks.get", task_id=task)
    page = call("ada", "tasks.list", limit=1)
    call("ada", "tasks.list", cursor=page.next_cursor, status="open", q="x", team_id=team)
    call("grace", "tasks.list_all", status="done")
    call("ada", "comments.add", task_id=task, body="Nearly there.")
    call("ada", "comments.list", task_id=task)
    call("ada", "tasks.delete", task_id=task)


def _organizations(story: Story) -> None:
    call = story.call
    here = str(make_organization(story.world, "Both", ada="manager", ben="member"))
    call("ada", "organizations.list")
    call("ada", "organizations.get", organization_id=here)
    call("ada", "organizations.update", organization_id=here, name="Both of us")
    [ben] = call("ada", "members.list", organization_id=here, q="ben").items
    for standing in ("manager", "member"):
        call("ada", "members.update", member_id=ben.id, standing=standing)
    team = call("ada", "teams.create", organization_id=here, name="Ops").id
    call("ada", "teams.update", team_id=team, name="Operations")
    call("ada", "teams.list", organization_id=here)
    for _ in range(2):
        call("ada", "teams.add_member", team_id=team, user_id=ben.user_id)
    call("ada", "teams.members", team_id=team)
    call("ada", "teams.remove_member", team_id=team, user_id=ben.user_id)
    call("ada", "teams.delete", team_id=team)
    call("ada", "projects.create", organization_id=here, name="Move")
    call("ada", "projects.list", organization_id=here)
    given = {"organization_id": here, "email": "dora@example.com"}
    invited = [call("ada", "invitations.create", **given).id for _ in range(2)]
    call("ada", "invitations.list", organization_id=here)
    call("ada", "invitations.revoke", invitation_id=invited[-1])
    call("ada", "members.remove", member_id=ben.id)
    call("ada", "organizations.leave", organization_id=here)


def _all_organizations(story: Story) -> None:
    call = story.call
    made = call("grace", "all_organizations.create", name="Initech", domain="initech.example")
    here = {"organization_id": made.id}
    call("grace", "all_organizations.update", **here, name="Intertrode", domain="inter.example")
    call("grace", "all_organizations.list", q="inter")
    call("grace", "all_organizations.get", **here)
    ada = {"email": "ada@example.com", "standing": "member"}
    member = call("grace", "all_organizations.add_member", **here, **ada)
    for standing in ("manager", "member"):
        changed = {"member_id": member.id, "standing": standing}
        call("grace", "all_organizations.update_member", **changed)
    call("grace", "all_organizations.members", **here, q="ada")
    call("grace", "all_organizations.remove_member", member_id=member.id)
    invited = call("grace", "all_organizations.invite", **here, email="dora@example.com")
    call("grace", "all_organizations.invitations", **here)
    call("grace", "all_organizations.revoke_invitation", invitation_id=invited.id)
    call("grace", "all_organizations.delete", **here)


def _workspace(story: Story) -> None:
    call = story.call
    call("grace", "settings.get")
    call("grace", "settings.update", name="Here", welcome="Hello.")
    call("grace", "access.get")
    call("grace", "access.set", access="private")
    invited = call("grace", "workspace_invitations.create", email="dora@example.com")
    call("grace", "workspace_invitations.list")
    call("grace", "workspace_invitations.revoke", invitation_id=invited.id)
    call("grace", "registration.get")
    for is_open in (False, True):
        call("grace", "registration.switch", is_open=is_open)
    call("grace", "banned_hosts.add", host="evil.example")
    [banned, *_] = call("grace", "banned_hosts.list").items
    call("grace", "banned_hosts.remove", ban_id=banned.id)


def _apps(story: Story) -> None:
    call = story.call
    app = {
        "client_id": call("ada", "oauth_apps.create", name="App", redirect_uris=URIS).app.client_id
    }
    call("ada", "oauth_apps.list")
    call("ada", "oauth_apps.get", **app)
    changed = {"name": "New", "redirect_uris": URIS, "scopes": ["tasks:view"]}
    call("ada", "oauth_apps.update", **app, **changed)
    made = call("ada", "client_secrets.add", **app, label="x", lasts_days=1, others_end_hours=1)
    call("ada", "client_secrets.list", **app)
    call("ada", "client_secrets.remove", **app, secret_id=made.secret.id)
    call("ada", "oauth_apps.revoke", **app)
    call("ada", "oauth_apps.delete", **app)
    [connected, *_] = call("ada", "connections.list").items
    call("ada", "connections.revoke", client_id=connected.client_id)


def _clients(story: Story) -> None:
    call = story.call
    made = call("grace", "oauth_clients.create", name="Client", redirect_uris=URIS)
    client = {"client_id": made.client.client_id}
    call("grace", "oauth_clients.list", q="Client")
    call("grace", "oauth_clients.get", **client)
    call("grace", "client_rules.get", **client)
    rules = {"scopes": ["tasks:view", "users:viewAll"], "is_trusted": True, "is_verified": True}
    call("grace", "client_rules.set", **client, **rules)
    server = {"identifier": "https://warehouse.example", "name": "Warehouse"}
    added = call("grace", "resource_servers.add", **server, **client)
    call("grace", "resource_servers.list")
    call("grace", "resource_servers.remove", resource_id=added.id)
    asked = {"procedure": "health.check", "user": "ada@example.com"}
    call("grace", "explanations.get", **asked, **client)
    call("grace", "oauth_clients.revoke", **client)
    call("grace", "oauth_clients.delete", **client)


def _roles(story: Story) -> None:
    call = story.call
    role = {"role_id": call("grace", "roles.create", name="New", scopes=["tasks:view"]).id}
    call("grace", "roles.list")
    call("grace", "roles.get", **role)
    more = {"name": "Newer", "description": "x", "scopes": ["tasks:edit"]}
    call("grace", "roles.update", **role, **more, is_default=True)
    call("grace", "roles.update", role_id=role_id(story.world, "Member"), is_default=True)
    call("grace", "scopes.list")
    ben = {"user_id": str(story.world.ids["ben"])}
    both = [role["role_id"], role_id(story.world, "Member")]
    for roles in (both, both[1:]):
        call("grace", "user_roles.set", **ben, role_ids=roles)
    call("grace", "user_roles.get", **ben)
    call("grace", "roles.delete", **role)


def _users(story: Story) -> None:
    call, ben = story.call, {"user_id": str(story.world.ids["ben"])}
    member = role_id(story.world, "Member")
    call("grace", "users.list", q="ben", status="active", role_id=member)
    call("grace", "users.get", **ben)
    for belongings in ("organizations", "connected_apps", "sessions"):
        call("grace", f"users.list_{belongings}", **ben)
    call("grace", "users.set_external_id", **ben, external_id="b-1")
    for verb in ("suspend", "resume", "sign_out", "deletion", "delete"):
        call("grace", f"users.{verb}", **ben)
