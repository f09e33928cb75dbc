"""The built-in public client of the API console."""

from sqlalchemy import Engine, insert, select, update

from app.core import scopes
from app.core.system import acting_as_system
from app.models.client import Client, Source
from app.models.client_name import CONSOLE_NAME

CLIENT_ID = "latchkey-console"
CALLBACK = "/docs/api/oauth2-redirect.html"


def ensure(engine: Engine, public_url: str, now: int) -> None:
    """Keep the console's client in step with this deployment.

    Its redirect URI follows the public URL. A revoked one stays revoked. It is trusted with
    admin scopes, so that admins can try what they may do, until an admin sets its rules
    otherwise: its codes go to this origin alone, and each use of an admin scope is asked for.
    """
    known: dict[str, object] = {
        "name": CONSOLE_NAME,
        "description": "The interactive console of this app's own API documentation.",
        "source": Source.BUILT_IN,
        "is_public": True,
        "token_endpoint_auth_method": "none",
        "redirect_uris": [public_url + CALLBACK],
        # No other: with the device flow, whoever sends an admin a link could be "the console".
        # No refresh token either: a page forgets its token when it is closed.
        "grant_types": ["authorization_code"],
    }
    ours = Client.client_id == CLIENT_ID
    with acting_as_system(engine, "set up the console's client") as session:
        found = select(Client.scope_bound, Client.is_trusted).where(ours)
        row = session.execute(found).one_or_none()
        is_trusted = row is None or row.scope_bound is None or row.is_trusted
        known["is_trusted"] = is_trusted
        known["chosen_scopes"] = scopes.render(scopes.grantable(is_trusted=is_trusted))
        if row is None:
            new = insert(Client).values(client_id=CLIENT_ID, owner_id=None, created_at=now)
            session.execute(new.values(**known))
        else:
            session.execute(update(Client).where(ours).values(**known))
