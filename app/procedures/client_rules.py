"""What admins set about a client: what it may ask for, whom they vouch for, how long it lasts."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import or_, select

from app.core import scopes
from app.core.errors import Conflict, InvalidInput
from app.core.procedure import PAGES_ONLY, Call, procedure
from app.models import client_name
from app.models.client import SELF_DESCRIBED, Client, Kind, Source
from app.models.client_name import TrustedApp
from app.models.lifetimes import BOUNDS, DEFAULTS
from app.procedures.authority import check_passable
from app.procedures.clients import SAID, AskedScopes, ClientId, beyond_trust, known


def _seconds(what: str, column: str) -> Any:  # noqa: ANN401 - what pydantic calls a field
    least, most = BOUNDS[column]
    return Field(None, ge=least, le=most, description=f"{what}, in seconds; else the default.")


class ClientRules(ClientId):
    """All that admins set about a client; what is left out of it goes back to the default."""

    scopes: AskedScopes = Field(
        min_length=1, description="What it may ask people for at the most."
    )
    said: str | None = Field(
        None, max_length=64, description="The `said` that you were shown, to vouch for that alone."
    )
    is_verified: bool = Field(default=False, description="You have checked who made it.")
    is_trusted: bool = Field(
        default=False, description="It may ask for scopes that rule the workspace."
    )
    is_first_party: bool = Field(
        default=False, description="It is the operator's own: people need not be asked."
    )
    is_pkce_exempt: bool = Field(
        default=False,
        description="It may leave PKCE out, and send an OpenID Connect nonce instead.",
    )
    access_token_lasts: int | None = _seconds("An access token lasts", "access_token_lasts")
    refresh_token_idles: int | None = _seconds(
        "A refresh token may go unused", "refresh_token_idles"
    )
    refresh_token_lasts: int | None = _seconds(
        "All refresh tokens after one consent last", "refresh_token_lasts"
    )
    code_lasts: int | None = _seconds("An authorization code lasts", "code_lasts")
    device_code_lasts: int | None = _seconds("A device's code lasts", "device_code_lasts")


class LifetimeOut(BaseModel):
    """How long something lasts, in seconds: what is set if it is, and what may be."""

    name: str
    seconds: int | None
    default: int
    least: int
    most: int


class ClientRulesOut(BaseModel):
    """What is set about a client."""

    client_id: str
    name: str
    said: str
    scopes: list[str]
    is_verified: bool
    is_first_party: bool
    is_trusted: bool
    is_pkce_exempt: bool
    kind: Kind
    describes_itself: bool
    lifetimes: list[LifetimeOut]


@procedure(
    "client_rules.get", scopes=["oauth-clients:viewAll"], channels=PAGES_ONLY, touches=("client",)
)
def get(call: Call, given: ClientId) -> ClientRulesOut:
    """Show what is set about a client."""
    return _shown(known(call, given.client_id))


@procedure(
    "client_rules.set",
    scopes=["oauth-clients:edit"],
    channels=PAGES_ONLY,
    writes=True,
    touches=("client",),
)
def set_(call: Call, given: ClientRules) -> ClientRulesOut:
    """Set what a client may ask for, whether you vouch for it, and how long things last.

    It counts from the next request on, for tokens that it has already, too. Scopes that rule the
    workspace take trust, and that you hold them yourself.
    """
    client = known(call, given.client_id)
    if client.is_trusted and not given.is_trusted:
        # Taking trust away takes with it what it opened.
        given.scopes = [scope for scope in given.scopes if scope not in scopes.ADMIN]
    _check(client, given)
    if given.is_verified and not client.is_verified:
        _check_name(call, client)
    is_vouched_for = given.is_verified or given.is_first_party or given.is_trusted
    if is_vouched_for and given.said not in (None, _said(client)):
        raise Conflict("The client says something else of itself by now. Look at it again.")
    bound = frozenset(given.scopes)
    before = scopes.within_trust(scopes.parse(client.scope_bound), is_trusted=client.is_trusted)
    opened = bound.intersection(scopes.ADMIN) - before
    check_passable(call, opened)
    client.is_trusted = given.is_trusted
    _bind(client, bound, opened)
    client.is_verified, client.is_first_party = given.is_verified, given.is_first_party
    client.is_pkce_exempt = given.is_pkce_exempt
    for column in DEFAULTS:
        setattr(client, column, getattr(given, column))
    return _shown(client)


def _check(client: Client, given: ClientRules) -> None:
    fields = {}
    if client.source in SELF_DESCRIBED:
        refused = "Anybody can register such a client: people are asked."
        fields = {n: refused for n in ("is_first_party", "is_trusted") if getattr(given, n)}
    if given.is_pkce_exempt and (client.is_public or client.source in SELF_DESCRIBED):
        # RFC 9700 §2.1.1: only a confidential client may rely on the nonce.
        fields["is_pkce_exempt"] = "Only a confidential client can go without PKCE."
        if client.source in SELF_DESCRIBED:
            fields["is_pkce_exempt"] = "A client that registered itself needs PKCE."
    if beyond := beyond_trust(given.scopes, is_trusted=given.is_trusted):
        fields["scopes"] = f"Only a client that you trust may ask for {beyond}."
    if fields:
        raise InvalidInput("Some fields need attention.", fields=fields)


def _check_name(call: Call, client: Client) -> None:
    """Check that no other app has the name: verification gives it to this one alone.

    Unverified clients keep a name that they had before; the consent page warns of them.
    """
    owned = or_(Client.is_verified, Client.source == Source.BUILT_IN)
    others = call.session.execute(
        select(Client.name, Client.redirect_uris, Client.is_public).where(
            owned, Client.revoked_at.is_(None), Client.id != client.id
        )
    )
    apps = [TrustedApp(*row) for row in others]
    if client_name.imitates(client.name, client.redirect_uris, apps):
        fields = {
            "is_verified": "Another app with this name, or one like it, is verified already."
        }
        raise InvalidInput("Some fields need attention.", fields=fields)


def _bind(client: Client, bound: frozenset[str], opened: frozenset[str]) -> None:
    """Let a client ask for these scopes at the most; what its owner chose stays."""
    client.scope_bound = scopes.render(bound)
    # Where there is no owner, the admin chooses. What takes trust no owner could choose before.
    more = bound if client.owner_id is None else opened
    client.chosen_scopes = scopes.render(scopes.parse(client.chosen_scopes) | more)


def _bound(client: Client) -> frozenset[str]:
    if client.scope_bound is None:
        return frozenset(scopes.grantable(is_trusted=client.is_trusted))
    return scopes.within_trust(scopes.parse(client.scope_bound), is_trusted=client.is_trusted)


def _said(client: Client) -> str:
    """Give what stands for all that a client says of itself."""
    told = [getattr(client, name) for name in SAID]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _shown(client: Client) -> ClientRulesOut:
    return ClientRulesOut(
        client_id=client.client_id,
        name=client.name,
        said=_said(client),
        scopes=scopes.render(_bound(client)).split(),
        is_verified=client.is_verified,
        is_first_party=client.is_first_party,
        is_trusted=client.is_trusted,
        is_pkce_exempt=client.is_pkce_exempt,
        kind=client.kind,
        describes_itself=client.source in SELF_DESCRIBED,
        lifetimes=[
            LifetimeOut(
                name=column,
                seconds=getattr(client, column),
                default=default,
                least=BOUNDS[column][0],
                most=BOUNDS[column][1],
            )
            for column, default in DEFAULTS.items()
        ],
    )
