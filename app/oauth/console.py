"""The built-in public client of the API console."""

from sqlalchemy import Engine, insert, select, update

from app.core import scopes
from app.core.system import acting_as_system
from app.models.client import Client, Source
from app.models.client_name import CONSOLE_NAME
from app.procedures.clients import grant_types_for

CLIENT_ID = "latchkey-console"
CALLBACK = "/docs/api/oauth2-redirect.html"


def ensure(engine: Engine, public_url: str, now: int) -> None:
    """Keep the console's client in step with this deployment.

    Its redirect URI follows the public URL. A revoked one stays revoked.
    """
    known: dict[str, object] = {
        "name": CONSOLE_NAME,
        "description": "The interactive console of this app's own API documentation.",
        "source": Source.BUILT_IN,
        "is_public": True,
        "token_endpoint_auth_method": "none",
        "redirect_uris": [public_url + CALLBACK],
        "grant_types": grant_types_for("public"),
    }
    ours = Client.client_id == CLIENT_ID
    with acting_as_system(engine, "set up the console's client") as session:
        is_trusted = session.scalar(select(Client.is_trusted).where(ours))
        known["chosen_scopes"] = scopes.render(scopes.grantable(is_trusted=bool(is_trusted)))
        if is_trusted is None:
            new = insert(Client).values(client_id=CLIENT_ID, owner_id=None, created_at=now)
            session.execute(new.values(**known))
        else:
            session.execute(update(Client).where(ours).values(**known))
