"""Whether clients may register themselves."""

from pydantic import BaseModel, Field
from sqlalchemy import select

from app.core.procedure import PAGES_ONLY, Call, procedure
from app.models.signing import REGISTRATION, Switch
from app.procedures.shapes import Given, Nothing


class RegistrationSwitch(Given):
    """Whether they may from now on."""

    is_open: bool = Field(description="Let programs register themselves.")


class RegistrationOut(BaseModel):
    """Whether admins let programs register themselves."""

    is_open: bool


@procedure(
    "registration.get", scopes=["oauth-clients:viewAll"], channels=PAGES_ONLY, touches=("switch",)
)
def get(call: Call, given: Nothing) -> RegistrationOut:  # noqa: ARG001 - takes no arguments
    """Tell whether programs may register themselves."""
    switch = _switch(call)
    return RegistrationOut(is_open=switch is None or switch.is_on)


@procedure(
    "registration.switch",
    scopes=["oauth-clients:edit"],
    channels=PAGES_ONLY,
    writes=True,
    idempotent=True,
    touches=("switch",),
)
def switch(call: Call, given: RegistrationSwitch) -> RegistrationOut:
    """Let programs register themselves, or not any more.

    Those that have done so go on to work; documents that clients describe themselves with are
    not read any more either.
    """
    known = _switch(call)
    if known is None:
        call.session.add(Switch(name=REGISTRATION, is_on=given.is_open))
    else:
        known.is_on = given.is_open
    return RegistrationOut(is_open=given.is_open)


def _switch(call: Call) -> Switch | None:
    return call.session.scalars(select(Switch).where(Switch.name == REGISTRATION)).one_or_none()
