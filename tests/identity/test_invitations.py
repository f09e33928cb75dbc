"""Accepting invitations: once, in time, and by the one who was invited."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text

from app.core import credentials
from app.core.credentials import Prefix
from app.core.errors import CallError, Conflict, Forbidden, InvalidInput, NotFound
from app.identity import accounts, anybody
from app.identity.invitations import Invitations
from app.oauth.purge import KEPT, purge
from tests.conftest import PASSWORD
from tests.databases import on_both_engines
from tests.procedures.people import make_organization, make_role, role_id, roles_of
from tests.procedures.test_organizations import standings
from tests.world import World

pytestmark = on_both_engines

NEW = "zoe@example.com"
WEEK = 7 * 24 * 3600
GIVEN = {"name": "Zoë", "password": PASSWORD}


@pytest.fixture
def acme(world: World) -> str:
    """Give an organization that Ada manages, and nobody else is in."""
    return str(make_organization(world, "Acme", ada="manager"))


@pytest.fixture
def invite(world: World, acme: str) -> Callable[..., str]:
    """Give a function that has Ada invite an address; it gives the token."""

    def token(email: str = NEW, standing: str = "member") -> str:
        given = {"organization_id": acme, "email": email, "standing": standing}
        return str(world.call("ada", "invitations.create", **given).link).rpartition("/")[2]

    return token


@pytest.fixture
def invitations(world: World) -> Invitations:
    return Invitations(world.system)


def change(world: World, statement: str, **given: object) -> None:
    with world.system.begin() as connection:
        assert connection.execute(text(statement), given).rowcount


def test_who_invites_whom_to_what_is_told(
    world: World, invite: Callable[..., str], invitations: Invitations, acme: str
) -> None:
    found = invitations.find(invite("Ben@example.com", "manager"), 1000)
    assert (found.email, found.standing) == ("ben@example.com", "manager")
    assert (found.organization, found.what, found.invited_by) == ("Acme", "Acme", "Ada")
    assert found.account_id == world.ids["ben"]
    assert found.organization_id == int(acme)


def test_who_has_an_account_joins_with_the_standing_that_was_offered(
    world: World, invite: Callable[..., str], invitations: Invitations, acme: str
) -> None:
    for name, standing in (("ben", "member"), ("grace", "manager")):
        token = invite(f"{name}@example.com", standing)
        invitations.accept(token, world.ids[name], 2000)
    assert standings(world, acme) == {"ada": "manager", "ben": "member", "grace": "manager"}
    accepted = world.found("invitation", "organization_id = :id", id=int(acme))
    assert [row["accepted_at"] for row in accepted] == [2000, 2000]
    assert anybody.principal_of(world.system, "ben@example.com").organizations >= {int(acme)}


def test_accepting_is_in_the_trail(
    world: World, invite: Callable[..., str], invitations: Invitations
) -> None:
    token = invite("ben@example.com")
    invitations.accept(token, world.ids["ben"], 2000)
    event = dict(world.found("audit_event")[-1])
    key = world.found("invitation")[-1]["id"]
    assert event | {"id": 0} == {
        "id": 0,
        "at": 2000,
        "action": "invitations.accept",
        "outcome": "allowed",
        "channel": "browser",
        "user_id": world.ids["ben"],
        "client_id": None,
        "subject": str(key),
    }
    assert token not in str(world.everything())


def test_another_account_does_not_accept_and_the_invitation_still_stands(
    world: World, invite: Callable[..., str], invitations: Invitations, acme: str
) -> None:
    for email in ("ben@example.com", NEW):
        token = invite(email)
        with pytest.raises(Forbidden, match=f"This invitation is for {email}"):
            invitations.accept(token, world.ids["grace"], 2000)
        event = world.found("audit_event")[-1]
        assert (event["user_id"], event["outcome"]) == (world.ids["grace"], "forbidden")
        assert invitations.find(token, 2000).email == email
    assert standings(world, acme) == {"ada": "manager"}


def test_a_new_account_has_the_invited_address_and_the_default_role(
    world: World, invite: Callable[..., str], invitations: Invitations, acme: str
) -> None:
    user_id = invitations.accept_anew(invite("Zoe@Example.com"), **GIVEN, now=2000)
    (user,) = world.found("user_account", "id = :id", id=user_id)
    assert (user["email"], user["name"], user["created_at"]) == (NEW, "Zoë", 2000)
    names = {"zoe": user_id}
    assert roles_of(World(world.system, world.rows, names), "zoe") == {"Member"}
    (member,) = world.found("membership", "user_id = :id", id=user_id)
    assert (member["organization_id"], member["standing"]) == (int(acme), "member")
    signed_in = accounts.who_signs_in(
        world.system, email=NEW, password=PASSWORD, address="::1", now=2000
    )
    assert signed_in == user_id
    assert world.found("audit_event")[-1]["user_id"] == user_id


@pytest.mark.parametrize(
    ("field", "value"), [("name", ""), ("name", "Zo\u202eë"), ("password", "short")]
)
def test_a_new_account_that_will_not_do_uses_nothing_up(
    world: World, invite: Callable[..., str], invitations: Invitations, field: str, value: str
) -> None:
    token, before = invite(), world.found("user_account")
    with pytest.raises(InvalidInput) as refusal:
        invitations.accept_anew(token, **{**GIVEN, field: value}, now=2000)
    assert list(refusal.value.fields) == [field]
    assert world.found("user_account") == before
    assert invitations.accept_anew(token, **GIVEN, now=2000)


def test_no_second_account_is_made_for_an_address_that_has_one(
    world: World, invite: Callable[..., str], invitations: Invitations, acme: str
) -> None:
    token, before = invite("ben@example.com"), world.found("password")
    with pytest.raises(Conflict, match="has an account already"):
        invitations.accept_anew(token, name="Ben", password="another password", now=2000)
    assert world.found("password") == before
    assert standings(world, acme) == {"ada": "manager"}
    invitations.accept(token, world.ids["ben"], 2000)


def refused(world: World, invitations: Invitations, token: str, now: int = 2000) -> str:
    """Give the one answer to a token, in each of the ways that it can be tried."""
    before = {name: world.found(name) for name in ("membership", "user_account", "invitation")}
    said = set()
    tries: list[Callable[[], object]] = [
        lambda: invitations.find(token, now),
        lambda: invitations.accept(token, world.ids["ben"], now),
        lambda: invitations.accept_anew(token, **GIVEN, now=now),
    ]
    for attempt in tries:
        with pytest.raises(NotFound) as refusal:
            attempt()
        said.add(refusal.value.message)
    after = {name: world.found(name) for name in before}
    assert after == before
    (message,) = said
    return message


def test_what_does_not_count_is_one_answer(
    world: World, invite: Callable[..., str], invitations: Invitations
) -> None:
    used, revoked, late, replaced = (invite(f"{n}@example.com") for n in ("ben", "a", "b", "c"))
    invite("c@example.com")
    invitations.accept(used, world.ids["ben"], 1000)
    found = world.found("invitation", "email = 'a@example.com'")[0]
    world.call("ada", "invitations.revoke", invitation_id=str(found["id"]))
    answers = {
        refused(world, invitations, used),
        refused(world, invitations, revoked),
        refused(world, invitations, late, now=1000 + WEEK),
        refused(world, invitations, replaced),
        refused(world, invitations, credentials.issue(Prefix.INVITATION)),
    }
    assert len(answers) == 1
    assert "Ask for a new one" in answers.pop()
    assert invitations.find(late, 1000 + WEEK - 1).email == "b@example.com"


@pytest.mark.parametrize(
    "change_of",
    [
        lambda token: token[:-1],
        lambda token: token + "a",
        lambda token: token.upper(),
        lambda token: " " + token,
        lambda token: token + "\n",
        lambda token: "lk_at_" + token.removeprefix("lk_inv_"),
        lambda token: token.removeprefix("lk_inv_"),
        lambda token: credentials.digest(token).hex(),
    ],
)
def test_nothing_but_the_token_itself_opens_an_invitation(
    world: World,
    invite: Callable[..., str],
    invitations: Invitations,
    change_of: Callable[[str], str],
) -> None:
    refused(world, invitations, change_of(invite("ben@example.com")))


@pytest.mark.parametrize("token", ["", "é" * 56, "\ud800" * 56, "' OR 1 = 1 --", "%", "x" * 9999])
def test_what_is_no_token_at_all_opens_none(
    world: World, invite: Callable[..., str], invitations: Invitations, token: str
) -> None:
    invite("ben@example.com")
    refused(world, invitations, token)


def test_a_suspended_account_accepts_nothing(
    world: World, invite: Callable[..., str], invitations: Invitations
) -> None:
    token = invite("ben@example.com")
    world.call("grace", "users.suspend", user_id=str(world.ids["ben"]))
    refused(world, invitations, token)
    world.call("grace", "users.resume", user_id=str(world.ids["ben"]))
    invitations.accept(token, world.ids["ben"], 2000)


def test_whoever_is_suspended_invites_nobody(
    world: World, invite: Callable[..., str], invitations: Invitations
) -> None:
    token = invite("ben@example.com")
    world.call("grace", "users.suspend", user_id=str(world.ids["ada"]))
    refused(world, invitations, token)


@pytest.mark.parametrize("standing", ["member", "manager"])
def test_whoever_could_not_send_it_any_more_brings_nobody_in(
    world: World, invite: Callable[..., str], invitations: Invitations, acme: str, standing: str
) -> None:
    token = invite("ben@example.com", standing)
    given = {"organization_id": acme, "email": "grace@example.com", "standing": "manager"}
    world.call("grace", "all_organizations.add_member", **given)
    # An organization that Ada still manages is another one.
    make_organization(world, "Globex", ada="manager")
    (mine,) = world.found(
        "membership", "user_id = :id AND organization_id = :acme", id=world.ids["ada"], acme=acme
    )
    lower = "UPDATE membership SET standing = :standing WHERE id = :id"
    change(world, lower, standing="member", id=mine["id"])
    refused(world, invitations, token)
    change(world, lower, standing="manager", id=mine["id"])
    assert invitations.find(token, 2000).invited_by == "Ada"
    change(world, "DELETE FROM membership WHERE id = :id", id=mine["id"])
    refused(world, invitations, token)


def test_an_admins_invitation_counts_while_their_role_allows_it(
    world: World, invitations: Invitations
) -> None:
    made = world.call("grace", "workspace_invitations.create", email=NEW)
    token = made.link.rpartition("/")[2]
    assert invitations.find(token, 2000).invited_by == "Grace"
    make_role(world, "Members only", "orgs:manageMembers", holders=("grace",))
    change(
        world,
        "DELETE FROM user_role WHERE user_id = :id AND role_id = :role",
        id=world.ids["grace"],
        role=int(role_id(world, "Admin")),
    )
    refused(world, invitations, token)


def test_with_whoever_sent_it_an_invitation_is_gone(
    world: World, invite: Callable[..., str], invitations: Invitations, acme: str
) -> None:
    token = invite("ben@example.com")
    given = {"organization_id": acme, "email": "grace@example.com", "standing": "manager"}
    world.call("grace", "all_organizations.add_member", **given)
    world.call("grace", "users.delete", user_id=str(world.ids["ada"]))
    refused(world, invitations, token)
    assert world.found("invitation", "email = 'ben@example.com'") == []


def test_with_its_organization_an_invitation_is_gone(
    world: World, invite: Callable[..., str], invitations: Invitations, acme: str
) -> None:
    token = invite("ben@example.com")
    world.call("grace", "all_organizations.delete", organization_id=acme)
    refused(world, invitations, token)


def test_who_is_a_member_already_stays_one_and_may_rise(
    world: World, invite: Callable[..., str], invitations: Invitations, acme: str
) -> None:
    tokens = [invite("ben@example.com")]
    given = {"organization_id": acme, "email": "ben@example.com", "standing": "manager"}
    world.call("grace", "all_organizations.add_member", **given)
    invitations.accept(tokens[0], world.ids["ben"], 2000)
    assert standings(world, acme)["ben"] == "manager"
    rising = invite("grace@example.com", "manager")
    given |= {"email": "grace@example.com", "standing": "member"}
    world.call("grace", "all_organizations.add_member", **given)
    invitations.accept(rising, world.ids["grace"], 2000)
    assert standings(world, acme)["grace"] == "manager"


def test_an_invitation_to_the_workspace_joins_nothing(
    world: World, invitations: Invitations
) -> None:
    made = world.call("grace", "workspace_invitations.create", email=NEW)
    token = made.link.rpartition("/")[2]
    assert invitations.find(token, 1000).what == "Latchkey"
    user_id = invitations.accept_anew(token, **GIVEN, now=2000)
    assert world.found("membership", "user_id = :id", id=user_id) == []
    refused(world, invitations, token)


def test_what_is_over_is_purged_a_day_later(
    world: World, invite: Callable[..., str], invitations: Invitations
) -> None:
    used, kept = invite("ben@example.com"), len(world.found("invitation"))
    invitations.accept(used, world.ids["ben"], 1000)
    for now, gone in ((1000 + WEEK + KEPT, 0), (1000 + WEEK + KEPT + 1, 1)):
        purge(world.system, now)
        assert kept - len(world.found("invitation")) == gone
    assert world.found("audit_event", "action = 'invitations.accept'")


def at_once(*acts: Callable[[], Any]) -> list[str]:
    """Do things at the same moment; give how each fared."""
    start = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> str:
        start.wait()
        try:
            act()
        except CallError as refusal:
            return refusal.code
        return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return sorted(pool.map(run, acts))


def test_of_many_who_accept_at_once_one_joins(
    world: World, invite: Callable[..., str], invitations: Invitations, acme: str
) -> None:
    token = invite("ben@example.com")
    acts = [lambda: invitations.accept(token, world.ids["ben"], 2000)] * 4
    assert at_once(*acts) == ["done"] + ["not_found"] * 3
    assert standings(world, acme) == {"ada": "manager", "ben": "member"}


def test_of_many_who_make_the_account_at_once_one_has_it(
    world: World, invite: Callable[..., str], invitations: Invitations
) -> None:
    token = invite()
    fates = at_once(*[lambda: invitations.accept_anew(token, **GIVEN, now=2000)] * 3)
    assert fates.count("done") == 1
    assert set(fates) <= {"done", "not_found", "conflict"}
    (user,) = world.found("user_account", "email = :email", email=NEW)
    assert len(world.found("membership", "user_id = :id", id=user["id"])) == 1


def test_accepting_and_revoking_at_once_end_in_one_of_both(
    world: World, invite: Callable[..., str], invitations: Invitations, acme: str
) -> None:
    token = invite("ben@example.com")
    given = {"invitation_id": str(world.found("invitation")[-1]["id"])}
    fates = at_once(
        lambda: invitations.accept(token, world.ids["ben"], 2000),
        lambda: world.call("ada", "invitations.revoke", **given),
    )
    joined = "ben" in standings(world, acme)
    assert fates == (["conflict", "done"] if joined else ["done", "not_found"])


def test_accepting_while_the_organization_is_deleted_leaves_nothing_behind(
    world: World, invite: Callable[..., str], invitations: Invitations, acme: str
) -> None:
    token = invite("ben@example.com")
    fates = at_once(
        lambda: invitations.accept(token, world.ids["ben"], 2000),
        lambda: world.call("grace", "all_organizations.delete", organization_id=acme),
    )
    assert fates in (["done", "done"], ["done", "not_found"])
    assert standings(world, acme) == {}


def test_accepting_and_being_put_in_at_once_make_one_member(
    world: World, invite: Callable[..., str], invitations: Invitations, acme: str
) -> None:
    token = invite("ben@example.com")
    given = {"organization_id": acme, "email": "ben@example.com"}
    fates = at_once(
        lambda: invitations.accept(token, world.ids["ben"], 2000),
        lambda: world.call("grace", "all_organizations.add_member", **given),
    )
    assert fates in (["conflict", "done"], ["done", "done"])
    assert standings(world, acme) == {"ada": "manager", "ben": "member"}
