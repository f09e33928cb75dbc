"""Devices without a browser: a person allows them on another one (RFC 8628)."""

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from authlib.oauth2.rfc6749 import InvalidScopeError, UnauthorizedClientError
from sqlalchemy import Engine, Row, insert, select, update
from sqlalchemy.orm import Session

from app.core import credentials, scopes
from app.core.credentials import Prefix
from app.core.errors import Conflict, NotFound
from app.core.principal import Principal
from app.core.resource import Resources
from app.core.scopes import Scope
from app.core.system import acting_as_system
from app.models.client import Client
from app.models.grant import DeviceAuthorization
from app.oauth import families, pending, purge
from app.oauth.audience import resource_asked
from app.oauth.bans import is_banned
from app.oauth.client import KnownClient, find, usable_scopes
from app.oauth.families import Authorization
from app.oauth.impersonation import is_misleading
from app.oauth.opened import Opened
from app.oauth.scope_refusal import scope_refusal
from app.oauth.sent import TokenRequest
from app.oauth.standing import Offered
from app.oauth.standing import standing as standing_of
from app.oauth.trail import note_decision

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
# Seconds between two questions of a device.
INTERVAL = 5
# Without vowels no words come about; none looks like another (RFC 8628 §6.1).
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_LENGTH = 8
_TYPED = re.compile(rf"[{_LETTERS}]{{{_LENGTH}}}")
_KIND = "device"


def authorized(request: TokenRequest, resources: Resources) -> dict[str, Any]:
    """Give a device its codes (RFC 8628 §3.2).

    Raises:
        OAuth2Error: the client may not ask so, or not for this.
    """
    client, lasts = request.client, request.client.lifetimes.device_code
    if not client.check_grant_type(GRANT_TYPE):
        raise UnauthorizedClientError("The client is not registered for this grant type.")
    requested = usable_scopes(scopes.parse(request.optional("scope")), client.grant_types)
    asked = requested or client.default_scopes
    if not asked:
        raise InvalidScopeError("The client may ask for no scope.")
    if excess := asked - client.scopes:
        raise InvalidScopeError(scope_refusal(excess))
    purge.clean_as_you_go(request.session, purge.DEVICES_TWICE, request.now)
    device_code = credentials.issue(Prefix.DEVICE_CODE)
    user_code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    request.session.execute(
        insert(DeviceAuthorization).values(
            digest=credentials.digest(device_code),
            user_code_digest=credentials.digest(user_code),
            client_key=client.key,
            scopes=scopes.render(asked),
            resource=resource_asked(resources, request.optional("resource")),
            expires_at=request.now + lasts,
            interval=INTERVAL,
        )
    )
    page, shown = resources.url("/oauth/device"), _as_shown(user_code)
    return {
        "device_code": device_code,
        "user_code": shown,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={shown}",
        "expires_in": lasts,
        "interval": INTERVAL,
    }


@dataclass(frozen=True, slots=True)
class DeviceConsent:
    """What the person is shown, and has to decide about a device."""

    id: str
    client: KnownClient
    is_misleading: bool
    user_code: str
    new: list[Offered]
    before: list[Scope]
    elsewhere: str | None
    opens: list[str]


class Devices:
    """The page's side: a person types a code, and decides about the device that shows it."""

    def __init__(
        self,
        engine: Engine,
        resources: Resources,
        opened: Opened,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._resources = resources
        self._opened = opened
        self._now = now

    def ask(self, typed: str, principal: Principal) -> DeviceConsent:
        """Give what the code stands for.

        Raises:
            NotFound: it stands for nothing that waits.
        """
        now = int(self._now())
        user_code = re.sub(r"[^A-Za-z0-9]", "", typed).upper()
        with acting_as_system(self._engine, "look a device up") as session:
            waiting, client = _asked(session, user_code, now)
            standing = standing_of(session, client, principal, waiting.scopes)
            waits = {"user_code": user_code, "said": standing.said}
            consent_id = pending.keep(session, principal, _KIND, waits, now)
            misleads = is_misleading(session, client)
        is_own = self._resources.is_own(waiting.resource)
        return DeviceConsent(
            id=consent_id,
            client=client,
            is_misleading=misleads,
            user_code=_as_shown(user_code),
            new=standing.new,
            before=standing.old,
            elsewhere=None if is_own else waiting.resource,
            opens=self._opened.by(standing.grantable, principal) if is_own else [],
        )

    def decide(
        self,
        consent_id: str,
        principal: Principal,
        *,
        is_allowed: bool,
        ticked: frozenset[str],
        auth_time: int,
    ) -> bool:
        """Write the person's decision down; tell whether the device was allowed anything.

        Raises:
            Conflict: it is over, decided, or another person's, or the device waits no more.
        """
        now = int(self._now())
        with acting_as_system(self._engine, "decide on a device") as session:
            kept = pending.take(session, consent_id, principal, _KIND, now)
            try:
                waiting, client = _asked(session, kept["user_code"], now)
            except NotFound as gone:
                raise Conflict("The device waits no more. Start again there.") from gone
            standing = standing_of(session, client, principal, waiting.scopes)
            granted = standing.allowed(kept["said"], ticked)
            family_id = None
            if is_allowed and granted:
                given = Authorization(
                    standing.user_id, client.key, granted, waiting.resource, auth_time=auth_time
                )
                family_id = families.open_family(session, given, now)
            answered = update(DeviceAuthorization).where(
                DeviceAuthorization.digest == waiting.digest
            )
            session.execute(answered.values(decided_at=now, family_id=family_id))
            is_allowed = family_id is not None
            note_decision(session, principal, client.client_id, allowed=is_allowed, now=now)
        return is_allowed


def _asked(session: Session, user_code: str, now: int) -> tuple[Row[Any], KnownClient]:
    waiting = _waiting(session, user_code, now)
    client = find(session, waiting.client_id) if waiting else None
    if waiting is None or client is None or is_banned(session, client):
        raise NotFound("No device waits with this code. Look at it again.")
    return waiting, client


def _waiting(session: Session, user_code: str, now: int) -> Row[Any] | None:
    if not _TYPED.fullmatch(user_code):
        return None
    found = session.execute(
        select(
            DeviceAuthorization.digest,
            DeviceAuthorization.scopes,
            DeviceAuthorization.resource,
            Client.client_id,
        )
        .join(Client, Client.id == DeviceAuthorization.client_key)
        .where(
            DeviceAuthorization.user_code_digest == credentials.digest(user_code),
            DeviceAuthorization.decided_at.is_(None),
            DeviceAuthorization.expires_at > now,
        )
    ).one_or_none()
    return cast("Row[Any] | None", found)


def _as_shown(user_code: str) -> str:
    half = _LENGTH // 2
    return f"{user_code[:half]}-{user_code[half:]}"
