"""The API's reference, and the console that calls it."""

from pathlib import Path

from flask import Blueprint, Response, current_app, redirect, send_from_directory, url_for
from flask.blueprints import BlueprintSetupState

from app.blueprints.pages import page
from app.blueprints.road import consent_server, resources
from app.core.scopes import BASIC, render
from app.identity.session import principal
from app.oauth.console import CALLBACK, CLIENT_ID
from app.surfaces.reference import Entry, reference

SWAGGER_UI = "vendor/swagger-ui-5.35.0"

bp = Blueprint("docs", __name__, url_prefix="/docs/api")


@bp.record
def publish(state: BlueprintSetupState) -> None:
    """Write the reference once, for as long as the app runs: its catalogue does not change."""
    given = state.app.extensions
    written = reference(given["pipeline"].catalogue, given["resources"])
    state.add_url_rule("", "index", lambda: _index(written))
    state.add_url_rule("/", "index_with_slash", lambda: redirect(url_for("docs.index"), 308))


def _index(nouns: dict[str, list[Entry]]) -> Response:
    """Show the reference, readable without JavaScript, and the console below it."""
    offered = consent_server().grantable_scopes(CLIENT_ID, principal())
    console = {
        "client-id": CLIENT_ID,
        "callback": resources().url(CALLBACK),
        "scopes": render(offered.intersection(BASIC)),
        "offered": render(offered),
    }
    return page(
        "docs/api.html",
        nouns=nouns,
        resources=resources(),
        swagger_ui=SWAGGER_UI,
        console=console,
    )


@bp.get("/<any('oauth2-redirect.html', 'oauth2-redirect.js'):file>")
def callback(file: str) -> Response:
    """Give the page, and its script, that hand an authorization code to the console."""
    response = send_from_directory(Path(current_app.static_folder or "") / SWAGGER_UI, file)
    response.headers["Cache-Control"] = "no-store"
    return response
