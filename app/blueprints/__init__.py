"""HTTP and HTML, one folder per audience."""

from app.blueprints.admin import index as admin_index
from app.blueprints.admin import oauth_clients, resources
from app.blueprints.api import calls, documents
from app.blueprints.auth import sign_in
from app.blueprints.docs import reference
from app.blueprints.home import index
from app.blueprints.oauth import (
    authorize,
    device,
    discovery,
    endpoints,
    logout,
    openid,
    registration,
)
from app.blueprints.operator import commands, health
from app.blueprints.settings import connections, oauth_apps
from app.blueprints.tasks import detail
from app.blueprints.tasks import list as task_list

BLUEPRINTS = (
    calls.bp,
    documents.bp,
    reference.bp,
    index.bp,
    sign_in.bp,
    task_list.bp,
    detail.bp,
    oauth_apps.bp,
    connections.bp,
    admin_index.bp,
    oauth_clients.bp,
    resources.bp,
    authorize.bp,
    discovery.bp,
    endpoints.bp,
    device.bp,
    openid.bp,
    registration.bp,
    logout.bp,
    commands.bp,
    health.bp,
)
