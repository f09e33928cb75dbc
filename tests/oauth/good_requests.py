"""Requests of a client that succeed, one for each thing that a program may ask with a form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from app.extensions import Model, db
from app.oauth.device import GRANT_TYPE
from app.oauth.token_exchange import ACCESS_TOKEN_TYPE, TokenExchange
from tests.oauth.conftest import CALLBACK, VERIFIER, Flow
from tests.oauth.test_device import decide, start


@dataclass(frozen=True)
class Good:
    """A request that succeeds; whatever stands in its `free` parameters."""

    path: str
    form: Mapping[str, str]
    free: frozenset[str] = frozenset()

    @property
    def anonymous(self) -> dict[str, str]:
        """The form without what authenticates its client."""
        return {k: v for k, v in self.form.items() if k not in ("client_id", "client_secret")}

    @property
    def pair(self) -> str:
        """The client's id and secret, as a Basic header has them."""
        return f"{self.form['client_id']}:{self.form['client_secret']}"


def everything() -> dict[str, list[dict[str, Any]]]:
    """Give each row of each table, but for when something was last used."""
    with db.engine.connect() as connection:
        return {
            table.name: [
                {name: value for name, value in row.items() if name != "last_used_at"}
                for row in connection.execute(table.select().order_by(*table.primary_key))
                .mappings()
                .all()
            ]
            for table in Model.metadata.sorted_tables
        }


def _of(flow: Flow, path: str, *free: str, **form: str) -> Good:
    who = {"client_id": flow.client_id, "client_secret": flow.client_secret or ""}
    return Good(path, {**who, **form}, frozenset(free))


def _code(flow: Flow) -> Good:
    given = {"code": flow.code(), "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    return _of(flow, "/oauth/token", grant_type="authorization_code", **given)


def _refresh(flow: Flow) -> Good:
    given = {"refresh_token": flow.tokens()["refresh_token"], "scope": "tasks:view"}
    return _of(flow, "/oauth/token", grant_type="refresh_token", **given)


def _client_credentials(flow: Flow) -> Good:
    given = {"scope": "tasks:view", "resource": "http://127.0.0.1:8000/api"}
    return _of(flow, "/oauth/token", grant_type="client_credentials", **given)


def _device(flow: Flow) -> Good:
    started = start(flow)
    assert decide(flow, started["user_code"]).status_code == 303
    return _of(flow, "/oauth/token", grant_type=GRANT_TYPE, device_code=started["device_code"])


def _token_exchange(flow: Flow) -> Good:
    given = {
        "subject_token": flow.tokens()["access_token"],
        "subject_token_type": ACCESS_TOKEN_TYPE,
        "expires_in": "60",
    }
    return _of(flow, "/oauth/token", grant_type=TokenExchange.GRANT_TYPE, **given)


def _revocation(flow: Flow) -> Good:
    return _of(flow, "/oauth/revoke", "token", token=flow.tokens()["access_token"])


def _introspection(flow: Flow) -> Good:
    return _of(flow, "/oauth/introspect", "token", token=flow.tokens()["access_token"])


def _push(flow: Flow) -> Good:
    return _of(flow, "/oauth/par", "state", **dict(parse_qsl(flow.query(client_id=None))))


def _device_authorization(flow: Flow) -> Good:
    return _of(flow, "/oauth/device_authorization", scope="tasks:view")


GOOD: dict[str, Callable[[Flow], Good]] = {
    "code": _code,
    "refresh": _refresh,
    "client credentials": _client_credentials,
    "device code": _device,
    "token exchange": _token_exchange,
    "revocation": _revocation,
    "introspection": _introspection,
    "pushed request": _push,
    "device authorization": _device_authorization,
}
