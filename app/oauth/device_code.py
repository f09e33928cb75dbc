"""The device code grant at the token endpoint (RFC 8628 §3.4)."""

from authlib.oauth2.rfc6749 import AccessDeniedError, InvalidGrantError
from authlib.oauth2.rfc8628 import ExpiredTokenError
from sqlalchemy import select, update

from app.core import credentials
from app.models.grant import DeviceAuthorization
from app.oauth import device, families
from app.oauth.audience import resource_within
from app.oauth.errors import AuthorizationPending, SlowDown
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
        if self.row.decided_at is not None:
            # The result is there: to hold it back would only cost one more poll.
            return
        polled_at, interval = self.row.polled_at, self.row.interval
        if polled_at is not None and self.request.now < polled_at + interval:
            longer = interval + device.INTERVAL
            # The time of the last good poll stays: counted from a refused one, the wait of a
            # client that polls at a fixed pace would never end.
            self._note_poll(interval=longer)
            raise SlowDown(longer)
        self._note_poll(polled_at=self.request.now)

    def _note_poll(self, **values: int) -> None:
        self.request.session.execute(
            update(DeviceAuthorization)
            .where(DeviceAuthorization.digest == self.digest)
            .values(**values)
        )

    def _person_has_allowed_it(self) -> None:
        if self.row.decided_at is None:
            raise AuthorizationPending(self.row.interval)
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
