"""The addresses of the app, each with ids of what is really there."""

import re
from collections.abc import Mapping

from flask import Flask
from werkzeug.routing import Rule

from tests.blueprints.conftest import Browser
from tests.blueprints.organizations import call_as

# Their callers prove themselves in each request, and no cookie of theirs counts.
FOR_PROGRAMS = frozenset({"api", "oauth", "openid", "registration"})
# They do nothing themselves: they lead the browser to the same address as a link would.
RESENT = frozenset({"authorize.authorize_by_form", "logout.ask_by_form"})

Places = Mapping[str, str]

# A value for each argument of an address; what it names need not be there.
ANYTHING: Places = {
    "task_id": "1",
    "client_id": "latchkey-console",
    "secret_id": "1",
    "resource_id": "1",
    "ban_id": "1",
    "role_id": "1",
    # Ada's, whoever the browser is.
    "user_id": "1",
    "organization_id": "1",
    "member_id": "1",
    "invitation_id": "1",
    "team_id": "1",
    "token": "lk_inv_",
    "path": "mcp",
    "filename": "app.css",
    "file": "oauth2-redirect.html",
}


def of_everyone(browser: Browser) -> Places:
    """Give a value for each argument of an address; what it names belongs to this person."""
    browser.submit("/tasks", {"title": "Here"})
    task = re.search(r'id="task-(\d+)"', browser.get("/tasks").text)
    filled = {"name": "Here", "redirect_uris": ["https://app.example/cb"]}
    made = browser.submit("/settings/oauth-apps/new", filled)
    client = re.search(r'id="client-id"[^>]* value="(\w+)"', made.text)
    assert task
    assert client
    return {
        **ANYTHING,
        **_of_organization(browser),
        "task_id": task[1],
        "client_id": client[1],
    }


def _of_organization(browser: Browser) -> Places:
    made = browser.submit("/admin/organizations/new", {"name": "Here"})
    organization = re.fullmatch(r"/admin/organizations/(\d+)", made.headers["Location"])
    assert organization
    here = f"/settings/organizations/{organization[1]}"
    invited = browser.submit(f"{here}/invitations", {"email": "zoe@example.com"})
    token = re.search(r"/invite/(lk_inv_[\w-]+)", invited.text)
    team = browser.submit(f"{here}/teams", {"name": "Here"})
    found = {
        "member_id": re.search(r'id="member-(\d+)"', browser.get(here).text),
        "invitation_id": re.search(r'id="invitation-(\d+)"', browser.get(here).text),
        "team_id": re.search(r"/teams/(\d+)", team.headers["Location"]),
    }
    assert token
    assert all(found.values())
    ids = {name: match[1] for name, match in found.items() if match}
    return {"organization_id": organization[1], "token": token[1], **ids}


def _organization(app: Flask) -> Places:
    """Give the ids of an organization that Grace manages, and of what is in it."""
    made = call_as(app, "grace", "all_organizations.create", name="Here")
    here = {"organization_id": made.id}
    team = call_as(app, "grace", "teams.create", **here, name="Here")
    member = call_as(app, "grace", "members.list", **here).items[0]
    call_as(app, "grace", "teams.add_member", team_id=team.id, user_id=member.user_id)
    return {**here, "team_id": team.id, "member_id": member.id}


def addresses(app: Flask, method: str, places: Places) -> dict[str, str]:
    """Give an address for each rule that takes a method, by the rule."""
    return {r.rule: _built(r, places) for r in app.url_map.iter_rules() if method in _of(r)}


def forms(app: Flask, places: Places) -> dict[str, str]:
    """Give where pages send their forms."""
    return {
        r.rule: _built(r, places)
        for r in app.url_map.iter_rules()
        if "POST" in _of(r)
        and r.endpoint.partition(".")[0] not in FOR_PROGRAMS
        and r.endpoint not in RESENT
    }


def _of(rule: Rule) -> set[str]:
    return rule.methods or set()


def _built(rule: Rule, places: Places) -> str:
    built = rule.build({name: places.get(name, "1") for name in rule.arguments})
    assert built, rule
    return built[1]
