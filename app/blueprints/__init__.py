"""HTTP and HTML, one folder per audience."""

from app.blueprints.api import calls, documents
from app.blueprints.auth import sign_in
from app.blueprints.oauth import authorize, discovery, endpoints
from app.blueprints.operator import commands, health

BLUEPRINTS = (
    calls.bp,
    documents.bp,
    sign_in.bp,
    authorize.bp,
    discovery.bp,
    endpoints.bp,
    commands.bp,
    health.bp,
)
