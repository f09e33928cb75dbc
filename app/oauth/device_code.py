"""The device code grant at the token endpoint (RFC 8628 §3.4)."""

from authlib.oauth2.rfc6749 import AccessDeniedError, InvalidGrantError
from authlib.oauth2.rfc8628 import (
    AuthorizationPendingError,
    ExpiredTokenError,
    SlowDownError,
)
from sqlalchemy import select, update

from app.core import credentials
from app.models.grant import DeviceAuthorization
from app.oauth import device, families
from app.oauth.audience import resource_within
from app.oauth.issue import TokenGrant


class DeviceCode(TokenGrant):
    """Exchanges the code of a device that a person has allowed for tokens, once."""

    GRANT_TYPE = device.GRANT_TYPE

    def validate_token_request(self) -> None:
        """Check the request, in this order."""
        self.client_may_use_it()  # RFC 6749 §5.2
        self._code_is_this_clients()  # RFC 8628 §3.4
        self._code_was_not_used_before()
        self._device_does_not_ask_too_often()  # RFC 8628 §3.5
        self._person_has_allowed_it()  # RFC 8628 §3.5
        self.key_is_proved()  # RFC 9449 §5.2
        self._authorization_still_counts()
        self._resource_was_authorized()  # RFC 8707 §2.2
        self._code_is_used_up()

    def _code_is_this_clients(self) -> None:
        self.digest = credentials.digest(self.request.value("device_code"))
        row = self.request.session.execute(
            select(
                DeviceAuthorization.client_key,
                DeviceAuthorization.expires_at,
                DeviceAuthorization.interval,
                DeviceAuthorization.polled_at,
                DeviceAuthorization.decided_at,
                DeviceAuthorization.family_id,
                DeviceAuthorization.consumed_at,
            ).where(DeviceAuthorization.digest == self.digest)
        ).one_or_none()
        if row is None or row.client_key != self.request.client.key:
            raise InvalidGrantError("The device_code is unknown.")
        self.row = row

    def _code_was_not_used_before(self) -> None:
        if self.row.consumed_at is not None:
            raise InvalidGrantError("The device_code was used before.")
        if self.row.expires_at <= self.request.now:
            raise ExpiredTokenError

    def _device_does_not_ask_too_often(self) -> None:
        polled_at, interval = self.row.polled_at, self.row.interval
        is_early = polled_at is not None and self.request.now < polled_at + interval
        longer = interval + device.INTERVAL if is_early else interval
        self.request.session.execute(
            update(DeviceAuthorization)
            .where(DeviceAuthorization.digest == self.digest)
            .values(polled_at=self.request.now, interval=longer)
        )
        if is_early:
            raise SlowDownError

    def _person_has_allowed_it(self) -> None:
        if self.row.decided_at is None:
            raise AuthorizationPendingError
        if self.row.family_id is None:
            raise AccessDeniedError

    def _authorization_still_counts(self) -> None:
        family = families.live_family(self.request.session, self.row.family_id)
        if family is None:
            raise InvalidGrantError("The authorization was revoked.")
        self.family, self.scope = family, family.scopes

    def _resource_was_authorized(self) -> None:
        self.resource = resource_within(
            self.resources, self.family.resource, self.request.optional("resource")
        )

    def _code_is_used_up(self) -> None:
        used = self.request.session.execute(
            update(DeviceAuthorization)
            .where(
                DeviceAuthorization.digest == self.digest,
                DeviceAuthorization.consumed_at.is_(None),
            )
            .values(consumed_at=self.request.now)
            .returning(DeviceAuthorization.digest)
        )
        if used.one_or_none() is None:
            raise InvalidGrantError("The device_code was used before.")
