"""The road as this app built it, for the blueprints that call it."""

from typing import cast

from flask import current_app

from app.core.pipeline import Pipeline
from app.core.resource import Resources
from app.identity.bearer import Bearer


def pipeline() -> Pipeline:
    """Give the pipeline that every call goes through."""
    return cast("Pipeline", current_app.extensions["pipeline"])


def bearer() -> Bearer:
    """Give what tells who presents an access token."""
    return cast("Bearer", current_app.extensions["bearer"])


def resources() -> Resources:
    """Give the protected resources of this deployment."""
    return cast("Resources", current_app.extensions["resources"])
