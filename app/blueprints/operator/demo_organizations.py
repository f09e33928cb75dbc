"""The organizations of the demo workspace, made by the road: who is in them, and what they share.

No task is in the team: each person's list holds what they own, and nothing else.
"""

from typing import Any

from app.core.pipeline import Pipeline
from app.extensions import db
from app.identity import anybody

_FOUNDER = "grace@example.com"
# The first of an organization's people manages it.
_PEOPLE = {"Acme": ("ada@example.com", "ben@example.com"), "Globex": (_FOUNDER,)}
_PROJECTS = {
    "Acme": {"New website": "Faster, and with a face of our own.", "Move to the harbour": ""},
    "Globex": {"Annual report": "For the shareholders, in May."},
}
_TEAMS = {"Acme": ("Operations",)}


def make(road: Pipeline) -> None:
    """Make them."""
    for name, people in _PEOPLE.items():
        key = _found(road, name, people)
        _fill(road, name, people[0], key)


def _found(road: Pipeline, name: str, people: tuple[str, ...]) -> str:
    made = _call(road, _FOUNDER, "all_organizations.create", name=name)
    for email in people:
        if email != _FOUNDER:
            standing = "manager" if email == people[0] else "member"
            given = {"organization_id": made.id, "email": email, "standing": standing}
            _call(road, _FOUNDER, "all_organizations.add_member", **given)
    if _FOUNDER not in people:
        _call(road, _FOUNDER, "organizations.leave", organization_id=made.id)
    return str(made.id)


def _fill(road: Pipeline, name: str, manager: str, key: str) -> None:
    for project, description in _PROJECTS[name].items():
        given = {"organization_id": key, "name": project, "description": description}
        _call(road, manager, "projects.create", **given)
    people = _call(road, manager, "members.list", organization_id=key).items
    for team in _TEAMS.get(name, ()):
        made = _call(road, manager, "teams.create", organization_id=key, name=team)
        for person in people:
            _call(road, manager, "teams.add_member", team_id=made.id, user_id=person.user_id)


def _call(road: Pipeline, email: str, name: str, /, **given: str) -> Any:  # noqa: ANN401 - each gives its own
    # Found anew each time: the call before may have changed what they belong to.
    return road.call(name, anybody.principal_of(db.engine, email), given)
