"""The errors of the authorization server that Authlib does not name."""

from authlib.oauth2 import OAuth2Error

__all__ = [
    "AuthorizationPending",
    "ConsentRequired",
    "InteractionRequired",
    "InvalidClientMetadata",
    "InvalidDpopProof",
    "InvalidRedirectUri",
    "InvalidRequestUri",
    "InvalidTarget",
    "LoginRequired",
    "OAuth2Error",
    "RegistrationClosed",
    "Reported",
    "RequestNotSupported",
    "RequestUriNotSupported",
    "SlowDown",
    "TemporarilyUnavailable",
    "TryAgainLater",
    "UnsupportedResponseType",
    "UseDpopNonce",
]


class UnsupportedResponseType(OAuth2Error):
    """Something other than a code was asked for (RFC 6749 §4.1.2.1)."""

    error = "unsupported_response_type"


class InvalidTarget(OAuth2Error):
    """The resource is unknown, or more than was authorized (RFC 8707 §2)."""

    error = "invalid_target"


class InvalidDpopProof(OAuth2Error):
    """The proof of possession will not do (RFC 9449 §5)."""

    error = "invalid_dpop_proof"


class UseDpopNonce(OAuth2Error):
    """The proof must hold the nonce that comes with this answer (RFC 9449 §8)."""

    error = "use_dpop_nonce"


class InvalidRedirectUri(OAuth2Error):
    """A redirect URI cannot be registered; the description names it (RFC 7591 §3.2.2)."""

    error = "invalid_redirect_uri"


class InvalidClientMetadata(OAuth2Error):
    """A member of the registration will not do (RFC 7591 §3.2.2)."""

    error = "invalid_client_metadata"


class InvalidRequestUri(OAuth2Error):
    """There is no such pushed request (RFC 9126 §4, OpenID Connect Core §3.1.2.6)."""

    error = "invalid_request_uri"


class RequestNotSupported(OAuth2Error):
    """Request objects are not taken (OpenID Connect Core §6.1)."""

    error = "request_not_supported"


class RequestUriNotSupported(OAuth2Error):
    """Only pushed requests are taken by reference (OpenID Connect Core §6.2)."""

    error = "request_uri_not_supported"


class LoginRequired(OAuth2Error):
    """The person must sign in, and the request forbids to ask (OpenID Connect Core §3.1.2.6)."""

    error = "login_required"


class ConsentRequired(OAuth2Error):
    """The person must decide, and the request forbids to ask (OpenID Connect Core §3.1.2.6)."""

    error = "consent_required"


class InteractionRequired(OAuth2Error):
    """The user must confirm, and the request forbids to ask (OpenID Connect Core §3.1.2.6)."""

    error = "interaction_required"


class TryAgainLater(OAuth2Error):
    """A device has to poll again, after `interval_seconds` (RFC 8628 §3.5)."""

    def __init__(self, interval_seconds: int) -> None:
        super().__init__(f"Poll again in {interval_seconds} seconds.")
        self.interval_seconds = interval_seconds


class AuthorizationPending(TryAgainLater):
    """The user has not decided about the device yet (RFC 8628 §3.5)."""

    error = "authorization_pending"


class SlowDown(TryAgainLater):
    """The device polls too often (RFC 8628 §3.5)."""

    error = "slow_down"


class RegistrationClosed(OAuth2Error):
    """This deployment lets no client register itself."""

    error = "access_denied"
    status_code = 403


class TemporarilyUnavailable(OAuth2Error):
    """The server cannot answer at the moment (RFC 6749 §4.1.2.1)."""

    error = "temporarily_unavailable"


class Reported(Exception):
    """A refusal that the client may be told: at `location`, which is at `destination`.

    Unless it `is_redirected`, the user sees a page first: anybody can register a client, and
    have this server's good name lead to theirs (RFC 9700 §4.11.2).
    """

    def __init__(
        self, message: str, *, location: str, destination: str, is_redirected: bool
    ) -> None:
        super().__init__(message)
        self.location = location
        self.destination = destination
        self.is_redirected = is_redirected
