"""The demo workspace: three people, their organizations and their tasks.

What people would make themselves is made by the road, as they would make it.
"""

import time
from itertools import product
from typing import cast

from flask import Flask

from app.blueprints.operator import demo_organizations
from app.core.pipeline import Pipeline
from app.core.principal import Principal
from app.extensions import db
from app.identity import accounts, anybody

PASSWORD = "latchkey-demo"  # noqa: S105 - printed at every start; the demo is for loopback only
PEOPLE = {
    "ada@example.com": ("Ada", "Member", 40),
    "ben@example.com": ("Ben", "Member", 25),
    "grace@example.com": ("Grace", "Admin", 0),
}
_HOUR = 3600
_VERBS = ("Draft", "Review", "Send", "Plan", "Update", "Check", "Discuss", "File")
_THINGS = ("the budget", "the release notes", "the contract", "the roadmap", "the invoice")
_REMARKS = ("Waiting for numbers from finance.", "Nearly there.", "Can this wait until Monday?")


def seed(app: Flask) -> bool:
    """Make the workspace where there is no account yet; tell whether it was made."""
    with app.app_context():
        if accounts.exist(db.engine):
            return False
        now = int(time.time())
        for email, (name, role, _) in PEOPLE.items():
            accounts.create(
                db.engine, email=email, name=name, password=PASSWORD, role=role, now=now
            )
        road = cast("Pipeline", app.extensions["pipeline"])
        demo_organizations.make(road)
        for email, (_, _, count) in PEOPLE.items():
            _give_tasks(road, anybody.principal_of(db.engine, email), count, now)
    return True


def _give_tasks(road: Pipeline, person: Principal, count: int, now: int) -> None:
    titles = [f"{verb} {thing}" for thing, verb in product(_THINGS, _VERBS)]
    for number, title in enumerate(titles[:count]):
        then = road.at(now - (count - number) * 7 * _HOUR)
        task = then.call("tasks.create", person, {"title": title}).model_dump()
        if number % 3 == 0:
            remark = {"task_id": task["id"], "body": _REMARKS[number % len(_REMARKS)]}
            then.call("comments.add", person, remark)
        if number % 4 == 1:
            road.at(now - (count - number) * _HOUR).call(
                "tasks.complete", person, {"task_id": task["id"]}
            )
