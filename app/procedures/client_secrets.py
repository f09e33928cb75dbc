"""The secrets of OAuth apps: several at once, so that one can follow another.

Admins see those of every client and can take them away. They give none to the app of another
person: whoever holds it acts among that person's rows.
"""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, func, or_, select, update

from app.core import names
from app.core.errors import Conflict, NotFound
from app.core.procedure import PAGES_ONLY, Call, procedure
from app.models.client import CLIENT_NAME_LENGTH, Client, ClientSecret
from app.procedures.clients import ClientId, add_secret
from app.procedures.shapes import GivenId

ADMINS = "oauth-clients:edit"
MOST = 5
_HOUR = 3600
_DAY = 24 * _HOUR
# Of an id; a database takes no more.
_DIGITS = 18


class NewSecret(ClientId):
    """One more secret for an app."""

    label: Annotated[str, AfterValidator(names.prose)] = Field(
        "", max_length=CLIENT_NAME_LENGTH, description="What it is for, in your own words."
    )
    lasts_days: int | None = Field(
        None, ge=1, le=3650, description="How many days it counts; else until you remove it."
    )
    others_end_hours: int | None = Field(
        None, ge=0, le=720, description="After how many hours the others end; else they go on."
    )


class SecretId(ClientId):
    """Which secret of which app."""

    secret_id: GivenId = Field(description="The secret's id.")


class SecretOut(BaseModel):
    """A secret, without itself: only its hash is kept."""

    model_config = ConfigDict(from_attributes=True, coerce_numbers_to_str=True)

    id: str
    label: str
    last_four: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class SecretList(BaseModel):
    """An app's secrets, oldest first."""

    items: list[SecretOut]


class IssuedSecretOut(BaseModel):
    """A secret just made, in clear for the only time."""

    client_id: str
    secret: SecretOut
    client_secret: str


@procedure(
    "client_secrets.list",
    any_scope=["oauth-apps:view", ADMINS],
    channels=PAGES_ONLY,
    touches=("client", "client_secret"),
)
def list_(call: Call, given: ClientId) -> SecretList:
    """List the secrets of an OAuth app."""
    app = _managed(call, given.client_id)
    return SecretList(items=_of(call, app))


@procedure(
    "client_secrets.add",
    any_scope=["oauth-apps:edit", ADMINS],
    channels=PAGES_ONLY,
    writes=True,
    touches=("client", "client_secret"),
)
def add(call: Call, given: NewSecret) -> IssuedSecretOut:
    """Give an OAuth app one more secret; those that it has go on to count, or end soon."""
    app = _managed(call, given.client_id)
    if app.is_public or app.revoked_at is not None:
        raise Conflict("This app has no use for a secret.")
    if app.owner_id not in (None, call.user_id):
        raise Conflict("Only its owner can give it a secret, which opens their rows.")
    mine = select(func.count()).where(ClientSecret.client_key == app.id, _counts(call.now))
    if (call.session.scalar(mine) or 0) >= MOST:
        raise Conflict(f"An app has {MOST} secrets at the most: remove one first.")
    if given.others_end_hours is not None:
        _end_others(call, app, call.now + given.others_end_hours * _HOUR)
    issued = add_secret(call.session, app, call.now)
    made = call.session.scalars(
        select(ClientSecret)
        .where(ClientSecret.client_key == app.id)
        .order_by(ClientSecret.id.desc())
    ).first()
    if made is None:
        raise NotFound("The secret is gone already.")
    made.label = given.label
    made.expires_at = call.now + given.lasts_days * _DAY if given.lasts_days else None
    call.session.flush()
    return IssuedSecretOut(
        client_id=app.client_id, secret=SecretOut.model_validate(made), client_secret=issued
    )


@procedure(
    "client_secrets.remove",
    any_scope=["oauth-apps:edit", ADMINS],
    channels=PAGES_ONLY,
    writes=True,
    destructive=True,
    touches=("client", "client_secret"),
)
def remove(call: Call, given: SecretId) -> SecretList:
    """Remove a secret of an OAuth app: it is refused from now on."""
    app = _managed(call, given.client_id)
    secret = call.session.scalars(
        select(ClientSecret).where(
            ClientSecret.client_key == app.id, ClientSecret.id == _number(given.secret_id)
        )
    ).one_or_none()
    if secret is None:
        raise NotFound("The app has no such secret.")
    call.session.delete(secret)
    call.session.flush()
    return SecretList(items=_of(call, app))


def _end_others(call: Call, app: Client, at: int) -> None:
    """Let the secrets of an app end then, those that would last longer."""
    mine = update(ClientSecret).where(ClientSecret.client_key == app.id, _counts(at))
    call.session.execute(mine.values(expires_at=at))


def _counts(at: int) -> ColumnElement[bool]:
    return or_(ClientSecret.expires_at.is_(None), ClientSecret.expires_at > at)


def _of(call: Call, app: Client) -> list[SecretOut]:
    found = call.session.scalars(
        select(ClientSecret).where(ClientSecret.client_key == app.id).order_by(ClientSecret.id)
    )
    return [SecretOut.model_validate(secret) for secret in found]


def _number(given: str) -> int:
    return int(given) if given.isascii() and given.isdecimal() and len(given) < _DIGITS else -1


def _managed(call: Call, client_id: str) -> Client:
    # The row policy also shows the clients that a person has connected; these are not their own.
    app = call.session.scalars(select(Client).where(Client.client_id == client_id)).one_or_none()
    is_admin = ADMINS in call.principal.scopes
    if app is None or not (is_admin or app.owner_id == call.user_id):
        raise NotFound(f"You have no OAuth app {client_id!r}.")
    return app
