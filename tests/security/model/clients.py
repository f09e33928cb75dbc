"""Who may do what with OAuth clients, and what people granted them."""

from collections.abc import Mapping

from tests.security.tables import Row
from tests.security.who import Policy, Who


def _edits_client(who: Who, client: Row) -> bool:
    return who.is_me(client["owner_id"]) or who.may("oauth-clients:edit")


def _sees_client(who: Who, client: Row) -> bool:
    """One's own, those that one has connected, and for admins every one."""
    admins = ("oauth-clients:viewAll", "scopes:view", "users:viewAll", "users:editAll")
    return (
        _edits_client(who, client)
        or who.may(*admins)
        or who.sees_one("oauth_grant", client_key=client["id"])
    )


def _edits_secret(who: Who, secret: Row) -> bool:
    return who.changes_one("client", secret["client_key"])


def _sees_grant(who: Who, grant: Row) -> bool:
    of_clients = ("oauth-clients:viewAll", "oauth-clients:edit", "scopes:view")
    return who.is_me(grant["user_id"]) or who.may(*of_clients, "users:viewAll", "users:editAll")


def _edits_clients(who: Who, _row: Row) -> bool:
    return who.may("oauth-clients:edit")


_CLIENTS = Policy(
    sees=_sees_client,
    adds=_edits_client,
    changes=_edits_client,
    deletes=_edits_client,
    keeps=frozenset({"owner_id"}),
)
_SECRETS = Policy(
    sees=_edits_secret,
    adds=_edits_secret,
    changes=_edits_secret,
    deletes=_edits_secret,
    keeps=frozenset({"client_key"}),
)
_GRANTS = Policy(
    sees=_sees_grant,
    changes=lambda who, row: who.is_me(row["user_id"]),
    keeps=frozenset({"user_id", "client_key"}),
)
_OF_SERVER = Policy(
    sees=lambda who, _: who.may("oauth-clients:viewAll", "oauth-clients:edit"),
    adds=_edits_clients,
    changes=_edits_clients,
    deletes=_edits_clients,
)

CLIENTS: Mapping[str, Policy] = {
    "client": _CLIENTS,
    "client_secret": _SECRETS,
    "oauth_grant": _GRANTS,
    "resource_server": _OF_SERVER,
    "switch": _OF_SERVER,
    "banned_host": _OF_SERVER,
}
