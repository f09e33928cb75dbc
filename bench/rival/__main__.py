"""The rival under load; prints the line of JSON that `bench.stage` prints.

Run as `.venv-rival/bin/python -m bench.rival INSTANCE`.
"""

import json
import os
import secrets
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.db import connections
from django.utils import timezone
from gunicorn.app.base import BaseApplication
from gunicorn.workers.base import Worker

from bench import CONNECTIONS

# Measured: more threads only wait for one another, in Python and at the database.
THREADS = 1
_SCOPES = ("tasks:view", "tasks:edit")


class Rival(BaseApplication):
    """One process of gunicorn that serves it, and says so once it does."""

    def __init__(self, seeded: dict[str, Any]) -> None:
        self._seeded = seeded
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn up."""
        given = {
            "bind": "127.0.0.1:0",
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "keepalive": 60,
            "loglevel": "warning",
            "control_socket_disable": True,
            "post_worker_init": self._announce,
        }
        for name, value in given.items():
            self.cfg.set(name, value)

    def load(self) -> WSGIHandler:
        """Give the application."""
        return WSGIHandler()

    def _announce(self, worker: Worker) -> None:
        port = worker.sockets[0].getsockname()[1]
        print(json.dumps({"port": port, "process": os.getpid(), **self._seeded}), flush=True)


def configure(instance: Path) -> None:
    """Set Django up with what the endpoints need and nothing else."""
    settings.configure(
        SECRET_KEY=secrets.token_hex(),
        ALLOWED_HOSTS=["bench"],
        ROOT_URLCONF="bench.rival.urls",
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
        # It gives the length of an answer.
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        LOGGING_CONFIG=None,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": instance / "rival.sqlite3",
                "CONN_MAX_AGE": None,
                "OPTIONS": {
                    # Foreign keys are always on in Django.
                    "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
                    "transaction_mode": "IMMEDIATE",
                    "timeout": 5,
                },
            }
        },
        OAUTH2_PROVIDER={
            "SCOPES": {name: name for name in _SCOPES},
            "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
            "REFRESH_TOKEN_EXPIRE_SECONDS": 30 * 24 * 3600,
            "ROTATE_REFRESH_TOKEN": True,
            "REFRESH_TOKEN_REUSE_PROTECTION": True,
        },
    )
    django.setup()
    call_command("migrate", verbosity=0)


def seed() -> dict[str, Any]:
    """Give a client, an access token of a person's, and a refresh token for each connection."""
    secret = secrets.token_urlsafe(32)
    person = get_user_model().objects.create_user("ada")
    client = apps.get_model("oauth2_provider.Application").objects.create(
        name="Bench",
        user=person,
        client_type="confidential",
        # It may refresh too, so that one client does for all.
        authorization_grant_type="client-credentials",
        client_secret=secret,
        hash_client_secret=False,
    )
    issued = [_issued(person, client) for _ in range(CONNECTIONS)]
    # One more: with its refresh token, an access token goes too.
    token, _ = _issued(person, client)
    connections.close_all()
    return {
        "client_id": client.client_id,
        "client_secret": secret,
        "token": token,
        "refresh_tokens": [refresh for _, refresh in issued],
    }


def _issued(person: Any, client: Any) -> tuple[str, str]:  # noqa: ANN401 - Django's own models
    access, refresh = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    token = apps.get_model("oauth2_provider.AccessToken").objects.create(
        user=person,
        application=client,
        token=access,
        scope=" ".join(_SCOPES),
        expires=timezone.now() + timedelta(hours=1),
    )
    apps.get_model("oauth2_provider.RefreshToken").objects.create(
        user=person, application=client, token=refresh, access_token=token
    )
    return access, refresh


if __name__ == "__main__":
    configure(Path(sys.argv[1]))
    Rival(seed()).run()
