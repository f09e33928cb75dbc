"""The addresses of the app, each with ids of what is really there."""

import re
from collections.abc import Mapping

from flask import Flask
from werkzeug.routing import Rule

from tests.blueprints.conftest import Browser

# Their callers prove themselves in each request, and no cookie of theirs counts.
FOR_PROGRAMS = frozenset({"api", "oauth", "openid", "registration"})
# They do nothing themselves: they lead the browser to the same address as a link would.
RESENT = frozenset({"authorize.authorize_by_form", "logout.ask_by_form"})

Places = Mapping[str, str]


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
        "task_id": task[1],
        "client_id": client[1],
        "secret_id": "1",
        "resource_id": "1",
        "path": "mcp",
        "filename": "app.css",
        "file": "oauth2-redirect.html",
    }


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
    built = rule.build({name: places[name] for name in rule.arguments})
    assert built, rule
    return built[1]
