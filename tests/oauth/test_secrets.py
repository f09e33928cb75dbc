"""Several secrets of one app, so that one can follow another."""

import time

import pytest
from werkzeug.test import TestResponse

from app.core.errors import Conflict, InvalidInput, NotFound
from app.extensions import db
from app.oauth import operator
from app.oauth.purge import purge
from app.procedures.clients import NewClient
from tests.conftest import Call, Person, change
from tests.oauth.conftest import Flow


def ask(flow: Flow, secret: str) -> TestResponse:
    return flow.token(grant_type="client_credentials", client_secret=secret)


def test_the_old_secret_counts_until_it_is_removed(flow: Flow, call: Call, person: Person) -> None:
    ada, app = person("ada"), {"client_id": flow.client_id}
    made = call("client_secrets.add", ada, app | {"label": "server 2"})
    old, new = flow.client_secret or "", made.client_secret
    assert [ask(flow, secret).status_code for secret in (old, new)] == [200, 200]
    first = call("client_secrets.list", ada, app).items[0]
    left = call("client_secrets.remove", ada, app | {"secret_id": first.id}).items
    assert [(secret.label, secret.last_four) for secret in left] == [("server 2", new[-4:])]
    assert [ask(flow, secret).status_code for secret in (old, new)] == [401, 200]


def test_a_secret_ends_with_its_time(flow: Flow, call: Call, person: Person) -> None:
    given = {"client_id": flow.client_id, "lasts_days": 30}
    made = call("client_secrets.add", person("ada"), given)
    lasts = made.secret.expires_at - made.secret.created_at
    assert lasts.days == 30
    assert ask(flow, made.client_secret).status_code == 200
    change("UPDATE client_secret SET expires_at = 1 WHERE expires_at IS NOT NULL")
    assert ask(flow, made.client_secret).status_code == 401


def test_its_use_is_noted(flow: Flow, call: Call, person: Person) -> None:
    app = {"client_id": flow.client_id}
    assert call("client_secrets.list", person("ada"), app).items[0].last_used_at is None
    ask(flow, flow.client_secret or "")
    assert call("client_secrets.list", person("ada"), app).items[0].last_used_at is not None


def test_nobody_touches_anothers(flow: Flow, call: Call, person: Person) -> None:
    app = {"client_id": flow.client_id}
    secret = call("client_secrets.list", person("ada"), app).items[0]
    for verb, given in (("list", {}), ("add", {}), ("remove", {"secret_id": secret.id})):
        with pytest.raises(NotFound):
            call(f"client_secrets.{verb}", person("ben"), app | given)
    assert ask(flow, flow.client_secret or "").status_code == 200


def test_an_admin_takes_any_secret_away_and_gives_none_to_anothers_app(
    flow: Flow, call: Call, person: Person
) -> None:
    grace, app = person("grace"), {"client_id": flow.client_id}
    with pytest.raises(Conflict, match="Only its owner"):
        call("client_secrets.add", grace, app)
    assert ask(flow, flow.client_secret or "").status_code == 200
    (secret,) = call("client_secrets.list", grace, app).items
    assert call("client_secrets.remove", grace, app | {"secret_id": secret.id}).items == []
    assert ask(flow, flow.client_secret or "").status_code == 401


def test_an_admin_gives_a_client_without_an_owner_its_secrets(call: Call, person: Person) -> None:
    given = NewClient(name="Ownerless", redirect_uris=["https://app.example/"])
    made = operator.create_client(db.engine, given, allowed=frozenset(), owner=None, now=1)
    app = {"client_id": made["client_id"]}
    assert call("client_secrets.add", person("grace"), app).client_secret.startswith("lk_cs_")
    with pytest.raises(NotFound):
        call("client_secrets.add", person("ada"), app)


@pytest.mark.parametrize(("hours", "old"), [(None, [200, 200]), (24, [200, 401]), (0, [401, 401])])
def test_the_others_go_on_or_end_as_said(
    flow: Flow, call: Call, person: Person, hours: int | None, old: list[int]
) -> None:
    given = {"client_id": flow.client_id, "others_end_hours": hours}
    new = call("client_secrets.add", person("ada"), given).client_secret
    before = flow.client_secret or ""
    seen = [ask(flow, before).status_code]
    change("UPDATE client_secret SET expires_at = expires_at - 24 * 3600, label = 'a day later'")
    seen.append(ask(flow, before).status_code)
    assert (seen, ask(flow, new).status_code) == (old, 200)


def test_an_end_that_is_nearer_stays(flow: Flow, call: Call, person: Person) -> None:
    app = {"client_id": flow.client_id}
    soon = call("client_secrets.add", person("ada"), app | {"lasts_days": 1}).secret
    call("client_secrets.add", person("ada"), app | {"others_end_hours": 168})
    kept = call("client_secrets.list", person("ada"), app).items[1]
    assert (kept.id, kept.expires_at) == (soon.id, soon.expires_at)


def test_secrets_that_ended_are_purged(flow: Flow, call: Call, person: Person) -> None:
    app = {"client_id": flow.client_id}
    call("client_secrets.add", person("ada"), app | {"others_end_hours": 0})
    change("UPDATE client_secret SET expires_at = 1 WHERE expires_at IS NOT NULL")
    purge(db.engine, int(time.time()))
    assert len(call("client_secrets.list", person("ada"), app).items) == 1


def test_a_secret_of_another_app_is_not_removed(flow: Flow, call: Call, person: Person) -> None:
    given = {"name": "Second", "redirect_uris": ["http://127.0.0.1/cb"]}
    second = call("oauth_apps.create", person("ada"), given)
    theirs = call("client_secrets.list", person("ada"), {"client_id": flow.client_id}).items[0]
    for secret_id in (theirs.id, "x", "²", "9" * 30):
        remove = {"client_id": second.app.client_id, "secret_id": secret_id}
        with pytest.raises(NotFound):
            call("client_secrets.remove", person("ada"), remove)


def test_there_are_five_at_the_most(flow: Flow, call: Call, person: Person) -> None:
    app = {"client_id": flow.client_id}
    for _ in range(4):
        call("client_secrets.add", person("ada"), app)
    with pytest.raises(Conflict):
        call("client_secrets.add", person("ada"), app)


def test_who_cannot_keep_a_secret_gets_none(flow: Flow, call: Call, person: Person) -> None:
    for statement in ("UPDATE client SET revoked_at = 1", "UPDATE client SET is_public = 1"):
        change(statement)
        with pytest.raises(Conflict):
            call("client_secrets.add", person("ada"), {"client_id": flow.client_id})


@pytest.mark.parametrize("lasts_days", [0, -1, 4000, "soon"])
def test_an_end_is_some_days_away(
    flow: Flow, call: Call, person: Person, lasts_days: object
) -> None:
    given = {"client_id": flow.client_id, "lasts_days": lasts_days}
    with pytest.raises(InvalidInput):
        call("client_secrets.add", person("ada"), given)


def test_a_secret_is_added_and_removed_on_the_apps_page(flow: Flow) -> None:
    page = f"/settings/oauth-apps/{flow.client_id}"
    token = flow.browser.get(page).text.split('name="csrf_token" value="')[1].split('"')[0]
    fields = {"csrf_token": token, "label": "Müller's <server>", "lasts_days": "7"}
    shown = flow.browser.post(page + "/secrets", data=fields)
    secret = shown.text.split('value="lk_cs_')[1].split('"')[0]
    assert ask(flow, "lk_cs_" + secret).status_code == 200
    listed = flow.browser.get(page).text
    assert "Müller&#39;s &lt;server&gt;" in listed
    assert secret not in listed
    refused = flow.browser.post(page + "/secrets", data=fields | {"lasts_days": "soon"})
    assert refused.status_code == 422
    assert "Müller&#39;s &lt;server&gt;" in refused.text
    with db.engine.connect() as connection:
        newest = connection.exec_driver_sql("SELECT max(id) FROM client_secret").scalar_one()
    gone = flow.browser.post(f"{page}/secrets/{newest}/remove", data={"csrf_token": token})
    assert gone.status_code == 303
    assert ask(flow, "lk_cs_" + secret).status_code == 401
