"""The command that makes the database on a PostgreSQL server."""

import click
import psycopg
from flask.cli import AppGroup

from app.blueprints.operator.postgres_server import Server, Unfit
from app.blueprints.operator.postgres_setup import Names, set_up

_USUAL = Names()

postgres = AppGroup("postgres", help="The database on a PostgreSQL server.")


@postgres.command("init")
@click.option("--admin-url", required=True, help="How one reaches it who may make roles.")
@click.option("--database", default=_USUAL.database, show_default=True)
@click.option("--owner", default=_USUAL.owner, show_default=True, help="Who owns the tables.")
@click.option("--app", default=_USUAL.app, show_default=True, help="What the app connects as.")
@click.option("--renew-passwords", is_flag=True, help="Also of roles that were there already.")
def init(*, admin_url: str, renew_passwords: bool, **called: str) -> None:
    """Make the database and its two roles, and print the settings that lead to it.

    The settings go to standard output; what was made, and what was there, to standard error.
    """
    try:
        ready = set_up(Server(admin_url), Names(**called), renew_passwords=renew_passwords)
    except Unfit as fault:
        raise click.ClickException(str(fault)) from None
    except (psycopg.Error, UnicodeError) as error:
        raise click.ClickException(" ".join(_said(error).split())) from None
    for remark in ready.remarks:
        click.echo(remark, err=True)
    click.echo(f"LATCHKEY_DATABASE_URL={ready.database_url}")
    click.echo(f"LATCHKEY_MIGRATION_URL={ready.migration_url}")


def _said(error: Exception) -> str:
    told = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return told or str(error)
