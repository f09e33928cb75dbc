"""Who may do what with tasks and comments."""

from collections.abc import Mapping

from tests.security.tables import Row
from tests.security.who import Policy, Who


def _edits_task(who: Who, task: Row) -> bool:
    in_team = who.may("tasks:edit") and who.is_in_team(task["team_id"])
    return who.is_me(task["owner_id"]) or in_team


def _sees_task(who: Who, task: Row) -> bool:
    in_team = who.may("tasks:view", "tasks:edit") and who.is_in_team(task["team_id"])
    return who.is_me(task["owner_id"]) or in_team or who.may("tasks:viewAll", "users:editAll")


def _may_be_put(who: Who, team: int | None) -> bool:
    return team is None or who.is_in_team(team)


def _moves_task(who: Who, before: Row, after: Row) -> bool:
    """Its owner alone takes it into one of their teams, or out of any."""
    if before["team_id"] == after["team_id"]:
        return True
    return who.is_me(before["owner_id"]) and _may_be_put(who, after["team_id"])


def _writes_comment(who: Who, comment: Row) -> bool:
    return who.is_me(comment["author_id"]) and who.changes_one("task", comment["task_id"])


_TASKS = Policy(
    sees=_sees_task,
    adds=lambda who, row: who.is_me(row["owner_id"]) and _may_be_put(who, row["team_id"]),
    changes=_edits_task,
    deletes=_edits_task,
    keeps=frozenset({"owner_id"}),
    moves=_moves_task,
)
_COMMENTS = Policy(
    sees=lambda who, row: who.sees_one("task", id=row["task_id"]),
    adds=_writes_comment,
    changes=_writes_comment,
    # Who may change a task may clear it of what others said.
    deletes=lambda who, row: who.changes_one("task", row["task_id"]),
    keeps=frozenset({"task_id", "author_id"}),
)

TASKS: Mapping[str, Policy] = {
    "task": _TASKS,
    "comment": _COMMENTS,
}
