"""Where the browser goes with a code or an error (RFC 6749 §4.1.2), and when it may go there."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlencode, urlsplit

from authlib.oauth2 import OAuth2Error

from app.core.scopes import ADMIN
from app.models import redirect_uri as uris
from app.models.client import SELF_DESCRIBED, Source
from app.oauth.authorization import Asked
from app.oauth.client import KnownClient
from app.oauth.errors import ConsentRequired, InteractionRequired
from app.oauth.sent import Sent, printable
from app.oauth.standing import Standing

_WEB_SCHEMES = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class Responses:
    """Builds the redirect URIs of one issuer's authorization responses."""

    issuer: str

    def with_code(self, redirect_uri: str, code: str, state: str | None) -> str:
        """Return where the browser takes a code."""
        return self._with(redirect_uri, {"code": code}, state)

    def with_error(self, redirect_uri: str, error: OAuth2Error, state: str | None) -> str:
        """Return where the browser takes an error (RFC 6749 §4.1.2.1)."""
        description = printable(error.get_error_description() or "")
        parameters = {"error": str(error.error), "error_description": description}
        return self._with(redirect_uri, parameters, state)

    def _with(self, redirect_uri: str, parameters: dict[str, str], state: str | None) -> str:
        if state is not None:
            parameters["state"] = state
        # RFC 9207 §2: in every response, errors too.
        parameters["iss"] = self.issuer
        separator = "&" if "?" in redirect_uri else "?"
        return f"{redirect_uri}{separator}{urlencode(parameters)}"


def is_silent(sent: Sent) -> bool:
    """Whether a request forbids to show any page (OpenID Connect Core §3.1.2.1)."""
    return "none" in sent.values.get("prompt", "").split()


def may_redirect_error(client: KnownClient, redirect_uri: str) -> bool:
    """Whether an error goes to this client whoever the user is.

    RFC 9700 §4.11.2: anybody can register an https client, and use this server's address as
    an open redirector to it. Loopback and private-use URIs lead to software that is installed.
    """
    target = urlsplit(redirect_uri)
    is_on_this_device = uris.is_loopback(target) or target.scheme not in _WEB_SCHEMES
    return is_on_this_device or client.source not in SELF_DESCRIBED


def is_consent_reusable(asked: Asked, standing: Standing, *, is_own_resource: bool) -> bool:
    """Whether the user gets a code without being asked, or asked again."""
    client, new = standing.client, standing.grantable - standing.before
    if asked.prompt & {"consent", "select_account"} or not standing.grantable:
        return False
    if not is_own_resource:
        # What was allowed before was allowed for this app, and not for that service.
        return False
    if client.is_public and not _is_identity_assured(client, asked.redirect_uri):
        return False
    if client.is_public and not standing.grantable.isdisjoint(ADMIN):
        # Whoever makes an admin follow a link would get the code sent out.
        return False
    # Even the operator's own gets no power over the workspace without a word.
    skips_consent = (
        client.is_first_party and client.source not in SELF_DESCRIBED and new.isdisjoint(ADMIN)
    )
    return not new or skips_consent


def silent_refusal(standing: Standing, *, is_own_resource: bool) -> OAuth2Error:
    """Return the error for `prompt=none` where the user has to be asked (OIDC Core §3.1.2.6)."""
    is_allowed = standing.grantable <= standing.before and standing.grantable.isdisjoint(ADMIN)
    if is_allowed and is_own_resource:
        # Everything is allowed already; what is missing is proof of which software asks.
        return InteractionRequired("The user has to confirm which app this is.")
    return ConsentRequired("The user has to decide.")


def _is_identity_assured(client: KnownClient, redirect_uri: str) -> bool:
    """Whether only the registered client can receive what goes to a redirect URI.

    RFC 8252 §8.6, RFC 6749 §10.2: other software can listen on loopback or claim a private-use
    scheme, and say that it is this public client. An https host belongs to one party.
    """
    target = urlsplit(redirect_uri)
    if client.source == Source.BUILT_IN:
        return True
    return target.scheme == "https" and not _is_this_device(target.hostname or "")


def _is_this_device(host: str) -> bool:
    name = host.rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        # RFC 6761 §6.3: all of these names lead to the loopback address.
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
