"""Explaining a call: by the command, by the page, and as it really goes."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from html import unescape

import pytest
from flask import Flask, session
from sqlalchemy import select

from app.core import scopes
from app.core.case import Case
from app.core.errors import CallError, ScopeMissing
from app.core.explanation import Explanation, steps
from app.core.principal import Channel, Principal, nobody
from app.core.procedure import AnyProcedure
from app.core.resource import API
from app.core.system import acting_as_system
from app.extensions import ROWS, db
from app.identity import accounts, anybody
from app.identity.bearer import TokenRefused
from app.identity.explain import explained
from app.identity.session import load, sign_in
from app.models.client import Client
from app.models.user import User
from app.oauth import operator
from app.procedures import cases, catalogue
from app.procedures.cases import Question
from app.procedures.clients import NewClient
from tests.blueprints.conftest import Browser
from tests.blueprints.terminal import Run, refused
from tests.conftest import PASSWORD, Call, Person, change
from tests.databases import on_both_engines
from tests.procedures.people import make_organization
from tests.world import World

NOW = int(time.time())
URIS = ["http://127.0.0.1:9999/callback"]
PEOPLE = ("ada", "grace", "zoe", "sam")
EVERY = frozenset((*scopes.THIRD_PARTY, *scopes.ADMIN))
EXPLAIN = ("users:viewAll", "roles:view", "oauth-clients:viewAll")


def email(name: str) -> str:
    return f"{name}@example.com"


def make(name: str, *, trusted: bool = False) -> str:
    """Make a client of Ada's."""
    given = NewClient(name=name, redirect_uris=URIS)
    made = operator.create_client(
        db.engine, given, allowed=frozenset(), owner=email("ada"), now=NOW
    )
    if trusted:
        change(
            "UPDATE client SET is_trusted = true, scopes = :all WHERE client_id = :id",
            all=" ".join(EVERY),
            id=made["client_id"],
        )
    return str(made["client_id"])


def mint(client_id: str, name: str, *held: str) -> str:
    answer = operator.mint_token(
        db.engine,
        client_id=client_id,
        email=email(name),
        granted=frozenset(held) or _allowed(client_id),
        now=NOW,
    )
    return str(answer["access_token"])


def _allowed(client_id: str) -> frozenset[str]:
    with acting_as_system(db.engine, "look") as store:
        client = store.scalars(select(Client).where(Client.client_id == client_id)).one()
        return scopes.parse(client.scopes)


@pytest.fixture
def people(app: Flask) -> None:
    """Add a person without a role, one who will be suspended, and organizations of theirs."""
    for name in ("zoe", "sam"):
        accounts.create(
            db.engine,
            email=email(name),
            name=name.title(),
            password=PASSWORD,
            role="Member",
            now=NOW,
        )
    change("DELETE FROM user_role WHERE user_id = (SELECT max(id) - 1 FROM user_account)")
    with db.engine.connect() as connection:
        found = connection.execute(select(User.name, User.id))
        ids = {name.lower(): key for name, key in found}
    world = World(db.engine, db.engines[ROWS], ids)
    make_organization(world, "Acme", ada="manager", sam="member")
    make_organization(world, "Globex", ada="member", grace="manager")


def suspend_sam() -> None:
    change("UPDATE user_account SET suspended_at = 1 WHERE email = 'sam@example.com'")


def case_of(name: str, client_id: str | None) -> Case:
    asked = Question(procedure="health.check", user=email(name), client_id=client_id)
    with acting_as_system(db.engine, "look", reads=True) as store:
        return cases.found(store, catalogue(), asked)


def verdict(of: Case, item: AnyProcedure) -> tuple[int, str] | None:
    asked = replace(of, name=item.name, procedure=item)
    return next(((s.status or 0, s.code) for s in steps(asked) if s.code), None)


CHANGES: dict[str, Callable[[str], None]] = {
    "whole": lambda _: None,
    "trusted": lambda _: None,
    "narrow": lambda _: None,
    "shrunk": lambda key: change(
        "UPDATE client SET scopes = 'tasks:view' WHERE client_id = :key", key=key
    ),
    "revoked": lambda _: change("UPDATE client SET revoked_at = 1"),
    "disconnected": lambda _: change("UPDATE oauth_grant SET revoked_at = 1"),
}


@on_both_engines
@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("kind", CHANGES)
def test_the_verdict_is_what_a_real_call_of_a_client_gets(app: Flask, kind: str) -> None:
    client_id = make(kind, trusted=kind == "trusted")
    narrow = ("tasks:view", "profile:view") if kind == "narrow" else ()
    tokens = {name: mint(client_id, name, *narrow) for name in PEOPLE}
    suspend_sam()
    CHANGES[kind](client_id)
    for name, token in tokens.items():
        of = case_of(name, client_id)
        assert of.principal == _known(app, token)
        told = {item.name: verdict(of, item) for item in catalogue()}
        real = {item.name: _answered(app, token, item) for item in catalogue()}
        assert told == real, name


def _known(app: Flask, token: str) -> Principal:
    """Give the principal that a token is worth, of whatever grant."""
    try:
        known: Principal = app.extensions["bearer"].principal(token, Channel.API, API)
    except TokenRefused:
        return nobody(Channel.API)
    return replace(known, grant_id=None, reach=frozenset(), openable=frozenset())


def _answered(app: Flask, token: str, item: AnyProcedure) -> tuple[int, str] | None:
    """Give status and code of the refusal that the API answers with, for who calls and how."""
    headers = {"Authorization": f"Bearer {token}"}
    body: dict[str, object] | None = {} if item.writes else None
    answer = app.test_client().open(item.path, method=item.method, headers=headers, json=body)
    code = (answer.get_json() or {}).get("code")
    if Channel.API not in item.channels:
        assert answer.status_code == 404
        return 403, "channel_refused"
    if answer.status_code == 401:
        assert code == "invalid_token"
        return 401, "unauthorized"
    return (403, code) if code == "insufficient_scope" else None


def test_a_client_that_acts_for_itself_is_explained_by_its_own_grant(app: Flask) -> None:
    given = NewClient(name="Robot", redirect_uris=URIS)
    made = operator.create_client(
        db.engine, given, allowed=frozenset(), owner=email("ada"), now=NOW
    )
    asked = {
        "grant_type": "client_credentials",
        "client_id": made["client_id"],
        "client_secret": made["client_secret"],
    }
    token = app.test_client().post("/oauth/token", data=asked).get_json()["access_token"]
    of = case_of("ada", made["client_id"])
    assert of.principal == _known(app, token)
    for item in catalogue():
        assert verdict(of, item) == _answered(app, token, item), item.name
    assert verdict(case_of("grace", made["client_id"]), catalogue_item("tasks.list")) == (
        401,
        "unauthorized",
    )


def catalogue_item(name: str) -> AnyProcedure:
    found = catalogue().get(name)
    assert found
    return found


@pytest.mark.usefixtures("people")
def test_the_verdict_is_what_a_real_call_from_a_page_gets(app: Flask) -> None:
    signed_in = {}
    for name in PEOPLE:
        user_id = anybody.principal_of(db.engine, email(name)).user_id
        with app.test_request_context():
            sign_in(user_id or 0)
            signed_in[name] = session["_user_id"]
    suspend_sam()
    for name, credential in signed_in.items():
        seen, of = load(credential), case_of(name, None)
        principal = seen.principal if seen else nobody(Channel.BROWSER)
        assert of.principal == replace(principal, reach=frozenset())
        for item in catalogue():
            assert verdict(of, item) == _checked(app, principal, item), (name, item.name)


def _checked(app: Flask, principal: Principal, item: AnyProcedure) -> tuple[int, str] | None:
    try:
        app.extensions["pipeline"].check(item.name, principal, {})
    except CallError as refusal:
        return refusal.status, refusal.code
    return None


@on_both_engines
@pytest.mark.usefixtures("people")
def test_an_admin_is_told_by_the_road_what_the_operator_is_told_by_the_system(
    call: Call, person: Person
) -> None:
    client_id = make("Reporter")
    mint(client_id, "ada")
    suspend_sam()
    asked = [
        {"procedure": procedure, "user": email(name), "client_id": by}
        for procedure in ("tasks.update", "users.list", "members.list", "health.check", "no.such")
        for name in (*PEOPLE, "nobody")
        for by in (None, client_id, "nosuch")
    ]
    for each in asked:
        by_road: Explanation = call("explanations.get", person("grace"), each)
        by_system = explained(
            db.engine, db.engines[ROWS], catalogue(), Question.model_validate(each)
        )
        assert by_road == by_system, each


@pytest.mark.parametrize("missing", EXPLAIN)
def test_who_may_not_see_all_of_it_is_refused(call: Call, person: Person, missing: str) -> None:
    held = [scope for scope in EXPLAIN if scope != missing]
    asked = {"procedure": "tasks.list", "user": email("ada")}
    with pytest.raises(ScopeMissing):
        call("explanations.get", person("grace", *held), asked)
    assert call("explanations.get", person("grace", *EXPLAIN), asked).refused_at is None


def text_of(html: str) -> str:
    main = html.partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", "<" + main)).split())


def test_the_page_is_for_who_may_see_all_of_it(
    ada: Browser, browser: Callable[..., Browser]
) -> None:
    assert ada.get("/admin/explain").status_code == 403
    assert ada.get("/admin/explain", procedure="tasks.list", user=email("ada")).status_code == 403
    change("DELETE FROM role_scope WHERE scope = 'roles:view'")
    assert browser("grace").get("/admin/explain").status_code == 403


def test_the_page_answers_an_address_that_can_be_passed_on(
    grace: Browser, call: Call, person: Person
) -> None:
    assert "The answer" not in grace.get("/admin/explain").text
    for number in range(3):
        call("tasks.create", person("ada"), {"title": str(number)})
    page = grace.get("/admin/explain", procedure="tasks.list", user=" Ada@example.com ")
    text = text_of(page.text)
    assert page.status_code == 200
    assert "Allowed: ada@example.com may call tasks.list on pages." in text
    assert "Rows of task : 3 found 3 rows that the person owns (owner_id)" in text
    assert '<option value="tasks.list" selected>' in page.text
    assert 'value=" Ada@example.com "' in page.text


def test_the_page_says_at_which_step_a_call_is_refused(grace: Browser, client_id: str) -> None:
    asked = {"procedure": "tasks.list_all", "user": email("ada"), "client_id": client_id}
    text = text_of(grace.get("/admin/explain", **asked).text)
    assert "Refused (401 unauthorized): ada@example.com has allowed Reporter nothing" in text
    assert "Grant, refused:" in text
    assert "Role scopes, refused: No role of theirs gives tasks:viewAll." in text
    # A call that is refused finds nothing.
    assert "Rows of task - rows that the person owns (owner_id) -" in text


def test_what_cannot_be_asked_is_a_422_with_what_was_typed(grace: Browser) -> None:
    for given, name in (
        ({"procedure": "tasks.list"}, "user"),
        ({"user": email("ada")}, "procedure"),
        ({"procedure": "tasks.list", "user": email("ada"), "client_id": "x" * 501}, "client_id"),
        ({"procedure": "tasks.list", "user": "a\0b"}, "user"),
    ):
        answer = grace.get("/admin/explain", **given)
        assert answer.status_code == 422
        assert f'id="{name}-error"' in answer.text
        assert "The answer" not in answer.text


def test_what_was_typed_is_text(grace: Browser) -> None:
    markup = '"><script src="/x"></script>'
    asked = {"procedure": markup, "user": markup, "client_id": markup}
    page = grace.get("/admin/explain", **asked)
    assert page.status_code == 200
    assert '<script src="/x">' not in page.text
    assert "Refused (404 not_found): There is no procedure" in text_of(page.text)


def test_the_command_gives_the_verdict_first_then_the_steps_then_the_rows(
    run: Run, call: Call, person: Person
) -> None:
    call("tasks.create", person("ada"), {"title": "x"})
    result = run("explain", "--user", "ADA@example.com", "tasks.list")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "Allowed: ada@example.com may call tasks.list on pages."
    told = [line[4:20].strip() for line in lines if line.startswith("ok ")]
    assert told == ["procedure", "channel", "account", "role scopes", "in all"]
    assert "Rows of task: 1 found" in lines
    rows = lines[lines.index("Rows of task: 1 found") + 1 :]
    assert [line.split(maxsplit=1) for line in rows] == [
        ["1", "rows that the person owns (owner_id)"],
        ["-", "rows of their teams (none), with tasks:view or tasks:edit: tasks:view held"],
        ["-", "every row, with tasks:viewAll or users:editAll: not named by this procedure"],
    ]


def test_the_command_says_what_may_be_written(run: Run) -> None:
    told = run("explain", "--user", email("ada"), "settings.update").output
    assert told.startswith(
        "Refused (403 insufficient_scope): No role of theirs gives settings:edit."
    )
    assert "NO  role scopes" in told
    assert "\n  to add: no row\n" in told
    assert "\n  to change: every row, with settings:edit: not held\n" in told


def test_the_command_takes_the_client_that_calls(run: Run, client_id: str) -> None:
    mint(client_id, "ada", "tasks:view")
    words = ("explain", "--user", email("ada"), "--client", client_id)
    assert run(*words, "tasks.list").output.startswith("Allowed: ada@example.com may call tasks")
    told = run(*words, "tasks.create").output
    assert told.startswith("Refused (403 insufficient_scope): It was not granted tasks:edit.")
    assert "A consent could give it tasks:edit." in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("nosuch", "--user", "ada@example.com"),
            "Refused (404 not_found): There is no procedure",
        ),
        (("tasks.list", "--user", "x@example.com"), "Refused (401 unauthorized): There is no acc"),
        (
            ("tasks.list", "--user", "ada@example.com", "--client", "x"),
            "Refused (401 unauthorized): There is no client 'x'.",
        ),
    ],
)
def test_what_is_not_there_is_a_verdict(run: Run, words: tuple[str, ...], said: str) -> None:
    result = run("explain", *words)
    assert result.exit_code == 0
    assert result.output.startswith(said)


def test_what_cannot_be_meant_is_refused_in_one_line(run: Run) -> None:
    assert "user: " in refused(run("explain", "--user", "x" * 300, "tasks.list"))
    assert "client_id: " in refused(
        run("explain", "--user", email("ada"), "--client", "", "tasks.list")
    )
