"""What is set for the whole workspace: its settings, and who may sign up."""

from enum import StrEnum

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.policy import Gated, rows
from app.core.rule import NEVER
from app.extensions import Model

NAME_LENGTH = 80
WELCOME_LENGTH = 500
# The key of the one row.
ONLY = 1


class Access(StrEnum):
    """Who gets an account.

    Private: whom somebody invited. Organization: people with an address at an organization's
    domain, too, once they have shown that it is theirs. Open: everybody.
    """

    PRIVATE = "private"
    ORGANIZATION = "organization"
    OPEN = "open"


class Workspace(Model):
    """The workspace's settings: one row."""

    __tablename__ = "workspace"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    # What its people read above their tasks.
    welcome: Mapped[str] = mapped_column(String(WELCOME_LENGTH), server_default="")


class AccessSetting(Model):
    """Who may sign up, once an admin has chosen: one row."""

    __tablename__ = "access_setting"

    id: Mapped[int] = mapped_column(primary_key=True)
    access: Mapped[str | None] = mapped_column(String(20))


WORKSPACE_ROWS = rows(
    Gated(reads="settings:view", writes="settings:edit"), insert=NEVER, delete=NEVER
)
ACCESS_ROWS = rows(Gated(writes="access:edit"), insert=NEVER, delete=NEVER)
