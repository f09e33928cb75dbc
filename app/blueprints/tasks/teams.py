"""The teams by which pages name, offer and filter tasks, and the people in them."""

from functools import cached_property

from app.blueprints.pages import call, call_all, may
from app.identity.session import principal
from app.procedures.tasks import TaskOut
from app.procedures.teams import TeamOut

_MOST = 100


class Teams:
    """The teams of the person in front of a page, found once, where it asks for them."""

    @cached_property
    def mine(self) -> list[TeamOut]:
        """Those that they can share a task with."""
        if not principal().teams or not may("teams:view"):
            return []
        return [team for team in call_all("teams.list") if team.is_mine]

    def name(self, team_id: str) -> str:
        """Give the name of a team; of one that they are not in, only that it is one."""
        return next((team.name for team in self.mine if team.id == team_id), "Another team")


def people_of(task: TaskOut) -> dict[str, str]:
    """Give what to call those who have to do with a task, by user id."""
    seen = principal()
    names = {}
    if task.team_id and int(task.team_id) in seen.teams and may("teams:view"):
        members = call("teams.members", {"team_id": task.team_id, "limit": _MOST}).items
        names = {member.user_id: member.name for member in members}
    return {**names, str(seen.user_id): "You"}
