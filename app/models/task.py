"""Tasks and the comments on them."""

from typing import Literal

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Index, String, Text, case
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column
from typing_extensions import TypeAliasType

from app.core.policy import Bypass, Change, Group, Owner, Via, rows
from app.core.rule import Among, Circle, Empty, Own, both, either
from app.extensions import Model

Status = TypeAliasType("Status", Literal["open", "done"])

TITLE_LENGTH = 200
NOTES_LENGTH = 4000


class Task(Model):
    """Something that a person, or a team, wants done."""

    __tablename__ = "task"
    __table_args__ = (
        Index("ix_task_owner_id_id", "owner_id", "id"),
        Index("ix_task_team_id_id", "team_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    # Whose members share it, if any.
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="SET NULL"))
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    notes: Mapped[str] = mapped_column(Text)
    created_at: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[int] = mapped_column(BigInteger)
    completed_at: Mapped[int | None] = mapped_column(BigInteger)

    @hybrid_property
    def status(self) -> Status:
        """Whether it is still to be done."""
        return "open" if self.completed_at is None else "done"

    @status.inplace.expression
    @classmethod
    def _status_in_sql(cls) -> ColumnElement[str]:
        return case((cls.completed_at.is_(None), "open"), else_="done").label("status")


class Comment(Model):
    """A remark on a task."""

    __tablename__ = "comment"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy's own shape

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[int] = mapped_column(BigInteger)


_IN_NO_TEAM_OR_MINE = either(Empty("team_id"), Among("team_id", Circle.TEAMS))

TASK_ROWS = rows(
    Owner(),
    Group(reads="tasks:view", writes="tasks:edit"),
    Bypass(reads=("tasks:viewAll", "users:editAll")),
    insert=both(Own("owner_id"), _IN_NO_TEAM_OR_MINE),
    # Its owner alone takes a task into a team, or out of it.
    changes=[Change("team_id", before=Own("owner_id"), after=_IN_NO_TEAM_OR_MINE)],
    fixed=["owner_id"],
)

_OF_TASK = Via("task", "task_id", TASK_ROWS)

COMMENT_ROWS = rows(
    _OF_TASK,
    insert=both(Own("author_id"), _OF_TASK.writing()),
    update=both(Own("author_id"), _OF_TASK.writing()),
    fixed=["task_id"],
)
