"""The commands of `flask --app wsgi …`."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar, cast

import click
from flask import Blueprint, current_app
from flask.cli import AppGroup

from app.blueprints.operator import check as checks
from app.blueprints.operator import demo as demo_workspace
from app.blueprints.operator import explain as explanations
from app.blueprints.operator.postgres import postgres
from app.blueprints.road import keys, pipeline, readiness, resources
from app.core.errors import CallError
from app.core.pipeline import parse
from app.extensions import db, settings
from app.identity import accounts
from app.oauth import operator, purge
from app.procedures.clients import NewClient

bp = Blueprint("operator", __name__, cli_group=None)
users = AppGroup("users", help="People's accounts.")
clients = AppGroup("clients", help="OAuth clients.")
minted = AppGroup("tokens", help="Access tokens for scripts and tests.")
signing = AppGroup("keys", help="The keys that ID tokens are signed with.")
for group in (users, clients, minted, signing, postgres):
    bp.cli.add_command(group)

Given = ParamSpec("Given")
Result = TypeVar("Result")


def plainly(command: Callable[Given, Result]) -> Callable[Given, Result]:
    """Let a command end with one line where it is refused, without a traceback."""

    @wraps(command)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        fault = readiness().fault()
        if fault:
            raise click.ClickException(fault)
        try:
            return command(*args, **kwargs)
        except CallError as refusal:
            raise click.ClickException(refusal.in_full()) from refusal
        except UnicodeError as error:
            raise click.ClickException("What was given is not UTF-8.") from error

    return run


@bp.cli.command("check")
def check() -> None:
    """Hold the declarations against the database, the scopes and the roles."""
    faults = list(checks.faults())
    click.echo("\n".join(faults or ["ok"]))
    sys.exit(bool(faults))


@bp.cli.command("demo")
@plainly
def demo() -> None:
    """Fill an empty database with the demo workspace."""
    if not settings().is_loopback:
        raise click.ClickException("Everybody knows its password: it is for a loopback URL only.")
    if not demo_workspace.seed(current_app):
        raise click.ClickException("The database has accounts already: nothing was changed.")
    click.echo("The demo workspace is ready.")


@bp.cli.command("procedures")
def procedures() -> None:
    """Print the catalogue."""
    for item in pipeline().catalogue:
        scopes = " ".join(item.scopes) or "public"
        channels = ",".join(sorted(item.channels))
        click.echo(f"{item.name:24} {item.method:5} {scopes:24} {channels:16} {item.summary}")


@bp.cli.command("explain")
@click.argument("procedure")
@click.option("--user", required=True, help="The email address of the account.")
@click.option("--client", "client_id", help="The OAuth client that calls; else a page does.")
@plainly
def explain(procedure: str, user: str, client_id: str | None) -> None:
    """Say step by step why a call would be allowed or refused, and which rows it meets."""
    click.echo(explanations.told(procedure, user, client_id))


@bp.cli.command("purge")
@plainly
def purge_expired() -> None:
    """Remove what has expired."""
    click.echo(f"{purge.purge(db.engine, _now())} rows removed.")


@signing.command("rotate")
@plainly
def rotate_keys() -> None:
    """Sign with new keys from now on; the old ones stay published until their tokens are gone."""
    click.echo("\n".join(keys().rotate()))


@users.command("create")
@click.argument("email")
@click.option("--role", required=True, help="The role's name, such as Member or Admin.")
@click.option("--name", help="What to call the person; else the address's first part.")
@plainly
def create_user(email: str, role: str, name: str | None) -> None:
    """Create an account; its password is read from standard input."""
    password = sys.stdin.readline().rstrip("\r\n")
    accounts.create(
        db.engine,
        email=email,
        name=name or email.partition("@")[0],
        password=password,
        role=role,
        now=_now(),
    )
    click.echo(f"{email} has an account now.")


@clients.command("create")
@click.argument("name")
@click.option("--redirect-uri", "redirect_uris", multiple=True, required=True)
@click.option(
    "--scope", "allowed", multiple=True, help="What it may ask for; else all it can be granted."
)
@click.option("--public", "is_public", is_flag=True, help="It cannot keep a secret.")
@click.option("--owner", help="The email address of the account that it belongs to.")
@click.option("--trusted", "is_trusted", is_flag=True, help="It can be granted admin scopes, too.")
@plainly
def create_client(
    name: str,
    redirect_uris: Sequence[str],
    allowed: Sequence[str],
    is_public: bool,  # noqa: FBT001 - click gives options as keywords
    owner: str | None,
    is_trusted: bool,  # noqa: FBT001 - the same
) -> None:
    """Create a client, and print its id and secret as JSON."""
    kind = "public" if is_public else "confidential"
    described = {"name": name, "redirect_uris": list(redirect_uris), "kind": kind}
    procedure = pipeline().find("oauth_clients.create")
    given = cast("NewClient", parse(procedure, described, pipeline().context))
    scopes = frozenset(scope for text in allowed for scope in text.split())
    owner = _address(owner) if owner else None
    made = operator.create_client(
        db.engine, given, allowed=scopes, owner=owner, now=_now(), is_trusted=is_trusted
    )
    click.echo(json.dumps(made, indent=2))


@clients.command("list")
@plainly
def list_clients() -> None:
    """Print each client."""
    for client_id, name, source, state in operator.all_clients(db.engine):
        click.echo(f"{client_id}  {source:12} {state:8} {name}")


@clients.command("revoke")
@click.argument("client_id")
@plainly
def revoke_client(client_id: str) -> None:
    """Revoke a client and all its tokens."""
    operator.revoke_client(db.engine, client_id, _now())
    click.echo(f"{client_id} is revoked.")


@minted.command("create")
@click.option("--client", "client_id", required=True)
@click.option("--user", "email", required=True)
@click.option("--scope", "granted", multiple=True, required=True)
@click.option("--resource", help="What it is good for; else the whole app.")
@plainly
def create_token(client_id: str, email: str, granted: Sequence[str], resource: str | None) -> None:
    """Issue an access token in a person's name, and print it as JSON."""
    scopes = frozenset(scope for text in granted for scope in text.split())
    answer = operator.mint_token(
        db.engine,
        client_id=client_id,
        email=_address(email),
        granted=scopes,
        resource=_audience(resource) if resource else None,
        now=_now(),
    )
    click.echo(json.dumps(answer, indent=2))


def _now() -> int:
    return int(time.time())


def _address(email: str) -> str:
    return email.strip().lower()


def _audience(resource: str) -> str | None:
    try:
        return resources().audience(resource)
    except ValueError:
        raise click.ClickException(f"There is no resource {resource!r} here.") from None
