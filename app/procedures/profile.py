"""The person who calls."""

from pydantic import BaseModel, Field

from app.core import scopes
from app.core.procedure import Call, procedure
from app.models.user import User
from app.procedures.shapes import Email, Id, Nothing, ScopeName


class ProfileOut(BaseModel):
    """Who you are, and what this credential may do."""

    id: Id
    email: Email
    name: str = Field(examples=["Ada"])
    scopes: list[ScopeName]


@procedure("profile.get", scopes=["profile:view"], touches=("user_account",))
def get(call: Call, given: Nothing) -> ProfileOut:  # noqa: ARG001 - takes no arguments
    """Show who you are, and which scopes this credential holds."""
    user = call.get(User, str(call.user_id))
    return ProfileOut(
        id=str(user.id),
        email=user.email,
        name=user.name,
        scopes=scopes.render(call.principal.scopes).split(),
    )
