"""The operator's side: each command as it is typed, and whether the app is ready."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app.core import credentials
from app.core.scopes import THIRD_PARTY, grantable
from app.core.system import acting_as_system
from app.extensions import db
from app.models.grant import ConsentRequest
from app.models.user import Login
from app.oauth.purge import KEPT
from app.procedures import catalogue
from tests.blueprints.terminal import Run, count, refused
from tests.conftest import PASSWORD, Call, Person, change

URI = "http://127.0.0.1:9999/callback"
A_BATCH = 250


def created(run: Run, *options: str) -> dict[str, Any]:
    result = run("clients", "create", "Reporter", "--redirect-uri", URI, *options)
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.output))


def test_an_account_is_made_with_the_password_of_standard_input(app: Flask, run: Run) -> None:
    words = ("users", "create", "Zoe@example.com", "--role", "Admin", "--name", "Zoë")
    result = run(*words, given="a long enough one\n")
    assert (result.exit_code, result.output) == (0, "Zoe@example.com has an account now.\n")
    browser = app.test_client()
    token = browser.get("/login").text.split('name="csrf_token" value="')[1].split('"')[0]
    fields = {"csrf_token": token, "email": "zoe@example.com", "password": "a long enough one"}
    assert browser.post("/login", data=fields).status_code == 303
    assert browser.get("/admin").status_code == 200


@pytest.mark.parametrize(
    ("email", "role", "name", "password", "said"),
    [
        ("zoe", "Member", "Zoe", PASSWORD, "email: "),
        ("ada@example.com", "Member", "Ada", PASSWORD, "has an account already"),
        ("zoe@example.com", "King", "Zoe", PASSWORD, "no role 'King'"),
        ("zoe@example.com", "Member", "Z" * 81, PASSWORD, "name: "),
        ("zoe@example.com", "Member", "Z\udcff", PASSWORD, "name: "),
        ("zoe@example.com", "Member", "Zoe", "short", "password: "),
        ("zoe@example.com", "Member", "Zoe", "", "password: "),
        ("zoe@example.com", "Member", "Zoe", b"long enough \xff", "not UTF-8"),
        ("z\udcff@example.com", "Member", "Zoe", PASSWORD, "email: "),
        ("zoe@example.com", "M\udcff", "Zoe", PASSWORD, "not UTF-8"),
    ],
)
def test_an_account_that_cannot_be_is_refused_in_one_line(
    run: Run, email: str, role: str, name: str, password: str | bytes, said: str
) -> None:
    before = count("SELECT count(*) FROM user_account")
    result = run("users", "create", email, "--role", role, "--name", name, given=password)
    assert said in refused(result)
    assert count("SELECT count(*) FROM user_account") == before


def test_a_client_is_printed_as_json_with_its_secret(run: Run) -> None:
    made = created(run, "--owner", "Ada@example.com")
    assert set(made) == {"client_id", "client_secret", "redirect_uris"}
    assert made["client_secret"].startswith("lk_cs_")
    assert made["redirect_uris"] == [URI]
    assert "client_secret" not in created(run, "--public")
    listed = run("clients", "list").output.splitlines()
    assert [line.split()[1:] for line in listed] == [
        ["user", "active", "Reporter"],
        ["admin", "active", "Reporter"],
    ]
    assert made["client_id"] in listed[0]
    assert "lk_cs_" not in str(listed)


def test_a_client_may_ask_for_what_the_operator_said_and_no_more(run: Run) -> None:
    narrow = created(run, "--scope", "tasks:view profile:view", "--scope", "tasks:edit")
    wide = created(run)
    query = "SELECT scopes FROM client WHERE client_id = '{}'"
    with db.engine.connect() as connection:
        held = [
            connection.execute(text(query.format(made["client_id"]))).scalar_one().split()
            for made in (narrow, wide)
        ]
    assert held == [["profile:view", "tasks:view", "tasks:edit"], list(THIRD_PARTY)]


def test_a_client_of_which_no_scope_is_said_may_ask_for_all_that_it_can_be_granted(
    run: Run,
) -> None:
    for options in ([], ["--trusted"]):
        client_id = created(run, *options)["client_id"]
        with db.engine.connect() as connection:
            query = text("SELECT scopes FROM client WHERE client_id = :client_id")
            found = connection.scalar(query, {"client_id": client_id})
        assert set(found.split()) == set(grantable(is_trusted=bool(options)))


def test_the_operator_trusts_a_client_by_saying_so(run: Run) -> None:
    options = ["--redirect-uri", URI, "--scope", "roles:view tasks:view"]
    fault = refused(run("clients", "create", "Ruler", *options))
    assert fault == "Error: Only a trusted client may ask for roles:view. Add --trusted."
    made = created(run, "--scope", "roles:view tasks:view", "--trusted")
    assert count(f"SELECT is_trusted FROM client WHERE client_id = '{made['client_id']}'") == 1
    fault = refused(run("clients", "create", "Ruler", *options, "--scope", "a:b", "--trusted"))
    assert fault == "Error: No client may ask for a:b."
    given = ["--client", made["client_id"], "--user", "grace@example.com", "--scope", "roles:view"]
    assert json.loads(run("tokens", "create", *given).output)["scope"] == "roles:view"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--redirect-uri", "http://a.example"], "must use https"),
        (["--redirect-uri", "\udcff"], "redirect_uris"),
        (["--redirect-uri", URI, "--scope", "oauth-clients:edit"], "oauth-clients:edit"),
        (["--redirect-uri", URI, "--scope", "nonsense"], "nonsense"),
        (["--redirect-uri", URI, "--owner", "nobody@example.com"], "no user"),
        (["--redirect-uri", URI, "--owner", "\udcff"], "not UTF-8"),
    ],
)
def test_a_client_that_cannot_be_is_refused_in_one_line(
    run: Run, options: list[str], said: str
) -> None:
    assert said in refused(run("clients", "create", "Reporter", *options))
    assert "name: " in refused(run("clients", "create", "x" * 81, "--redirect-uri", URI))
    assert count("SELECT count(*) FROM client") == 0


def test_a_client_is_revoked_once(app: Flask, run: Run) -> None:
    client_id = created(run)["client_id"]
    words = ("--client", client_id, "--user", "ada@example.com", "--scope", "tasks:view")
    token = json.loads(run("tokens", "create", *words).output)["access_token"]
    program, headers = app.test_client(), {"Authorization": f"Bearer {token}"}
    assert program.get("/api/tasks/list", headers=headers).status_code == 200
    assert run("clients", "revoke", client_id).output == f"{client_id} is revoked.\n"
    assert program.get("/api/tasks/list", headers=headers).status_code == 401
    assert "revoked" in run("clients", "list").output
    assert "revoked already" in refused(run("clients", "revoke", client_id))
    assert "no client" in refused(run("clients", "revoke", "nosuch"))
    assert "no such client" in refused(run("tokens", "create", *words))


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ([], 200),
        (["--resource", "http://127.0.0.1:8000/api"], 200),
        (["--resource", "http://127.0.0.1:8000/sse"], 401),
    ],
)
def test_a_token_is_good_for_what_was_said(
    app: Flask, run: Run, options: list[str], status: int
) -> None:
    client_id = created(run)["client_id"]
    words = ["--client", client_id, "--user", "ADA@example.com", "--scope", "tasks:view"]
    answer = json.loads(run("tokens", "create", *words, *options).output)
    assert (answer["token_type"], answer["scope"]) == ("Bearer", "tasks:view")
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    program = app.test_client()
    assert program.get("/api/tasks/list", headers=headers).status_code == status
    if status == 200:
        assert program.post("/api/tasks/create", json={}, headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("--client", "nosuch", "no such client"),
        ("--user", "nobody@example.com", "no such user"),
        ("--scope", "oauth-clients:edit", "may not ask for"),
        ("--scope", "nonsense", "may not ask for"),
        ("--resource", "https://elsewhere.example/api", "no resource"),
        ("--resource", "//[", "no resource"),
    ],
)
def test_a_token_that_cannot_be_is_refused_in_one_line(
    run: Run, name: str, value: str, said: str
) -> None:
    given = {"--client": "", "--user": "ada@example.com", "--scope": "tasks:view"}
    given["--client"] = created(run)["client_id"]
    words = [word for pair in (given | {name: value}).items() for word in pair]
    assert said in refused(run("tokens", "create", *words))
    assert count("SELECT count(*) FROM access_token") == 0


def test_purging_removes_what_is_over_and_nothing_else(
    run: Run, token: Callable[..., str]
) -> None:
    token("ada")
    now = int(time.time())
    moments = [now - KEPT - 60] * (2 * A_BATCH + 1) + [now - KEPT + 60, now + 60]
    with acting_as_system(db.engine, "a test") as session:
        for number, moment in enumerate(moments):
            kept = {"user_id": 1, "expires_at": moment}
            session.add(ConsentRequest(id=str(number), parameters={}, **kept))
            digest = credentials.digest(str(number))
            session.add(Login(digest=digest, created_at=1, user_agent="", address="", **kept))
    assert run("purge").output == f"{2 * (2 * A_BATCH + 1)} rows removed.\n"
    for table in ("consent_request", "login"):
        assert count(f"SELECT count(*) FROM {table}") == 2
    assert count("SELECT count(*) FROM access_token") == 1
    assert run("purge").output == "0 rows removed.\n"


def test_the_catalogue_is_printed_a_line_each(run: Run) -> None:
    lines = run("procedures").output.splitlines()
    assert [line.split()[0] for line in lines] == [item.name for item in catalogue()]
    assert all(item.summary in line for item, line in zip(catalogue(), lines, strict=True))


def test_the_demo_fills_an_empty_database_alone(app: Flask, run: Run) -> None:
    assert "nothing was changed" in refused(run("demo"))
    change("DELETE FROM user_account")
    assert run("demo").output == "The demo workspace is ready.\n"
    query = "SELECT count(*) FROM task JOIN user_account u ON u.id = owner_id WHERE u.name = '{}'"
    assert [count(query.format(name)) for name in ("Ada", "Ben", "Grace")] == [40, 25, 0]
    assert count("SELECT count(*) FROM comment") > 0
    assert count("SELECT count(*) FROM task WHERE completed_at IS NOT NULL") > 0
    assert count("SELECT count(*) FROM task WHERE updated_at > created_at") > 0
    assert "nothing was changed" in refused(run("demo"))


def test_the_demo_has_two_organizations_with_their_people_and_projects(run: Run) -> None:
    change("DELETE FROM user_account")
    run("demo")
    members = (
        "SELECT count(*) FROM membership m JOIN organization o ON o.id = m.organization_id "
        "JOIN user_account u ON u.id = m.user_id "
        "WHERE o.name || ' ' || u.name || ' ' || standing = "
    )
    for who in ("Acme Ada manager", "Acme Ben member", "Globex Grace manager"):
        assert count(f"{members}'{who}'") == 1
    assert count("SELECT count(*) FROM membership") == 3
    assert count("SELECT count(DISTINCT organization_id) FROM project") == 2
    assert count("SELECT count(*) FROM team_member") == 2


def test_in_the_demo_each_person_lists_their_own_tasks_alone(
    app: Flask, run: Run, call: Call, person: Person
) -> None:
    change("DELETE FROM user_account")
    run("demo")
    listed = {
        name: len(call("tasks.list", person(name), {"limit": 100}).items)
        for name in ("ada", "ben", "grace")
    }
    assert listed == {"ada": 40, "ben": 25, "grace": 0}
    assert count("SELECT count(*) FROM task WHERE team_id IS NOT NULL") == 0


def test_the_demos_known_password_is_not_for_the_world(deployed: Callable[..., Flask]) -> None:
    app = deployed(public_url="https://tasks.example.com")
    with app.app_context():
        change("DELETE FROM user_account")
    assert "loopback" in refused(app.test_cli_runner().invoke(args=["demo"]))
    with app.app_context():
        assert count("SELECT count(*) FROM user_account") == 0
