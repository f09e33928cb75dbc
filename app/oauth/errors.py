"""The errors of the authorization server that Authlib does not name."""

from authlib.oauth2 import OAuth2Error

__all__ = [
    "InvalidClientMetadata",
    "InvalidRedirectUri",
    "InvalidTarget",
    "OAuth2Error",
    "RegistrationClosed",
    "Reported",
    "UnsupportedResponseType",
]


class UnsupportedResponseType(OAuth2Error):
    """Something other than a code was asked for (RFC 6749 §4.1.2.1)."""

    error = "unsupported_response_type"


class InvalidTarget(OAuth2Error):
    """The resource is unknown, or more than was authorized (RFC 8707 §2)."""

    error = "invalid_target"


class InvalidRedirectUri(OAuth2Error):
    """A redirect URI cannot be registered; the description names it (RFC 7591 §3.2.2)."""

    error = "invalid_redirect_uri"


class InvalidClientMetadata(OAuth2Error):
    """A member of the registration will not do (RFC 7591 §3.2.2)."""

    error = "invalid_client_metadata"


class RegistrationClosed(OAuth2Error):
    """This deployment lets no client register itself."""

    error = "access_denied"
    status_code = 403


class Reported(Exception):
    """A refusal that the client may be told: at `location`, which is at `destination`.

    The browser goes there by itself only if the client `is_vouched_for`: anybody can register
    one, and have this server's good name lead to theirs (RFC 9700 §4.11.2).
    """

    def __init__(
        self, message: str, *, location: str, destination: str, is_vouched_for: bool
    ) -> None:
        super().__init__(message)
        self.location = location
        self.destination = destination
        self.is_vouched_for = is_vouched_for
