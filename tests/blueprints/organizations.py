"""Organizations of people who sit in front of pages."""

from typing import Any

from flask import Flask

from app.extensions import db
from app.identity import anybody


def call_as(app: Flask, who: str, name: str, /, **given: str) -> Any:
    """Run a procedure as a person is now."""
    principal = anybody.principal_of(db.engine, f"{who}@example.com")
    return app.extensions["pipeline"].call(name, principal, given)


def found(app: Flask, name: str, **standings: str) -> str:
    """Make an organization of these people; give its id. Grace stays its manager if named."""
    key = str(call_as(app, "grace", "all_organizations.create", name=name).id)
    stays = standings.pop("grace", None)
    for who, standing in standings.items():
        given = {"organization_id": key, "email": f"{who}@example.com", "standing": standing}
        call_as(app, "grace", "all_organizations.add_member", **given)
    if not stays:
        call_as(app, "grace", "organizations.leave", organization_id=key)
    return key


def team_of(app: Flask, organization_id: str, name: str, *people: str) -> str:
    """Make a team of an organization that Ada manages; give its id."""
    given = {"organization_id": organization_id}
    key = str(call_as(app, "ada", "teams.create", **given, name=name).id)
    for who in people:
        user_id = str(anybody.principal_of(db.engine, f"{who}@example.com").user_id)
        call_as(app, "ada", "teams.add_member", team_id=key, user_id=user_id)
    return key
