"""The workspace's settings: what it is called, and what its people read."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.core import names
from app.core.json_schema import Shown
from app.core.patterns import NAME, PROSE
from app.core.procedure import Call, procedure
from app.models.workspace import NAME_LENGTH, ONLY, WELCOME_LENGTH, Workspace
from app.procedures.shapes import Given, Nothing

Name = Annotated[
    str,
    Field(min_length=1, max_length=NAME_LENGTH),
    AfterValidator(names.name),
    Shown(pattern=NAME),
]
Welcome = Annotated[
    str, Field(max_length=WELCOME_LENGTH), AfterValidator(names.prose), Shown(pattern=PROSE)
]


class SettingsChange(Given):
    """What is to change about the workspace; what is left out stays as it is."""

    name: Name | None = Field(
        None, description="What the workspace is called.", examples=["Acme and friends"]
    )
    welcome: Welcome | None = Field(
        None,
        description="What people read above their tasks.",
        examples=["The office is closed on Friday."],
    )


class SettingsOut(BaseModel):
    """The workspace's settings."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(examples=["Acme and friends"])
    welcome: str = Field(examples=["The office is closed on Friday."])


@procedure("settings.get", scopes=["settings:view"], touches=("workspace",))
def get(call: Call, given: Nothing) -> SettingsOut:  # noqa: ARG001 - takes no arguments
    """Show the workspace's settings."""
    return SettingsOut.model_validate(_workspace(call))


@procedure(
    "settings.update",
    scopes=["settings:edit"],
    writes=True,
    idempotent=True,
    touches=("workspace",),
)
def update(call: Call, given: SettingsChange) -> SettingsOut:
    """Change the workspace's settings.

    What is left out stays as it is.
    """
    workspace = _workspace(call)
    workspace.name = workspace.name if given.name is None else given.name
    workspace.welcome = workspace.welcome if given.welcome is None else given.welcome
    return SettingsOut.model_validate(workspace)


def _workspace(call: Call) -> Workspace:
    return call.get(Workspace, str(ONLY))
