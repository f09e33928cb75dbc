"""Whether the application answers."""

from typing import Literal

from pydantic import BaseModel

from app.core.procedure import Call, procedure
from app.procedures.shapes import Nothing


class HealthOut(BaseModel):
    """The state of the application."""

    status: Literal["ok"]


@procedure("health.check", public=True)
def check(call: Call, given: Nothing) -> HealthOut:  # noqa: ARG001 - takes nothing, needs nobody
    """Tell whether the application answers."""
    return HealthOut(status="ok")
