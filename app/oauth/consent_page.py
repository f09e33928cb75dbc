"""What the consent page shows."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from app.core.scopes import Scope
from app.models import redirect_uri as uris
from app.oauth.authorization import Asked
from app.oauth.client import KnownClient
from app.oauth.standing import Offered, Standing


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person is shown, and has to decide: `new` scopes, and those allowed `before`.

    `elsewhere` is the resource of others, if it is one, for which the app wants them; else they
    open what `opens` says.
    """

    id: str
    client: KnownClient
    destination: str
    is_on_this_computer: bool
    # The private-use scheme by which an app on the user's device is opened, if it is one.
    private_scheme: str | None
    home_page: str | None
    is_misleading: bool
    new: list[Offered]
    before: list[Scope]
    elsewhere: str | None
    opens: list[str]
    form_action: str


def shown(
    consent_id: str,
    asked: Asked,
    standing: Standing,
    *,
    elsewhere: str | None,
    opens: list[str],
    is_misleading: bool,
) -> Consent:
    """Give the page of a request that waits under this id."""
    target = urlsplit(asked.redirect_uri)
    is_web = target.scheme in ("http", "https")
    return Consent(
        id=consent_id,
        client=standing.client,
        destination=uris.destination(asked.redirect_uri),
        is_on_this_computer=uris.is_loopback(target),
        private_scheme=target.scheme if uris.is_private_use(target) else None,
        home_page=uris.home_page(standing.client.client_uri, [asked.redirect_uri]),
        is_misleading=is_misleading,
        new=standing.new,
        before=standing.old,
        elsewhere=elsewhere,
        opens=opens,
        form_action=f"{target.scheme}://{target.netloc}" if is_web else f"{target.scheme}:",
    )
