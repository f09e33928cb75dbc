"""The product's verbs, one module per noun."""

from app.core.procedure import Catalogue
from app.procedures import (
    client_rules,
    client_secrets,
    comments,
    connections,
    health,
    oauth_apps,
    oauth_clients,
    profile,
    registration,
    resource_servers,
    tasks,
)


def catalogue() -> Catalogue:
    """Give the ordered public API, written out by hand."""
    return Catalogue(
        [
            health.check,
            profile.get,
            tasks.list_,
            tasks.get,
            tasks.create,
            tasks.update,
            tasks.complete,
            tasks.delete,
            tasks.list_all,
            comments.list_,
            comments.add,
            oauth_apps.list_,
            oauth_apps.create,
            oauth_apps.get,
            oauth_apps.update,
            oauth_apps.revoke,
            oauth_apps.delete,
            client_secrets.list_,
            client_secrets.add,
            client_secrets.remove,
            connections.list_,
            connections.revoke,
            oauth_clients.list_,
            oauth_clients.get,
            oauth_clients.create,
            oauth_clients.revoke,
            oauth_clients.delete,
            client_rules.get,
            client_rules.set_,
            registration.get,
            registration.switch,
            resource_servers.list_,
            resource_servers.add,
            resource_servers.remove,
        ]
    )
