"""Who may sign up."""

from pydantic import BaseModel, Field

from app.core.errors import Conflict
from app.core.procedure import Call, procedure
from app.models.workspace import ONLY, Access, AccessSetting
from app.procedures.shapes import Given, Nothing


class GivenAccess(Given):
    """Who may from now on."""

    access: Access = Field(
        examples=[Access.PRIVATE],
        description=(
            "private: whom somebody invited; organization: people with an address at an "
            "organization's domain, too, by a link that is mailed there; open: everybody."
        ),
    )


class AccessOut(BaseModel):
    """Who may sign up: as an admin chose, if one did, and as it comes down to."""

    access: Access | None
    effective: Access
    is_mail_set: bool


@procedure("access.get", scopes=["access:edit"], touches=("access_setting",))
def get(call: Call, given: Nothing) -> AccessOut:  # noqa: ARG001 - takes no arguments
    """Tell who may sign up."""
    return _out(call, call.get(AccessSetting, str(ONLY)).access)


@procedure(
    "access.set", scopes=["access:edit"], writes=True, idempotent=True, touches=("access_setting",)
)
def set_(call: Call, given: GivenAccess) -> AccessOut:
    """Decide who may sign up; those who have an account keep it."""
    if given.access is Access.ORGANIZATION and not call.post.is_set:
        text = "It takes mail, and none can be sent: LATCHKEY_SMTP_URL is not set."
        raise Conflict(text, fields={"access": text})
    call.get(AccessSetting, str(ONLY)).access = given.access
    return _out(call, given.access)


def effective(chosen: str | None, *, is_open: bool, is_mail_set: bool) -> Access:
    """Give who may sign up; `is_open` is what counts where no admin has chosen."""
    if chosen is None:
        return Access.OPEN if is_open else Access.PRIVATE
    if chosen == Access.ORGANIZATION and not is_mail_set:
        return Access.PRIVATE
    return Access(chosen)


def _out(call: Call, chosen: str | None) -> AccessOut:
    is_mail_set = call.post.is_set
    return AccessOut(
        access=Access(chosen) if chosen else None,
        effective=effective(chosen, is_open=call.is_sign_up_open, is_mail_set=is_mail_set),
        is_mail_set=is_mail_set,
    )
