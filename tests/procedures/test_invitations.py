"""Inviting people: to one's organizations, and to the workspace."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from app.core import credentials
from app.core.credentials import Prefix
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.pipeline import Pipeline
from app.core.post import Post
from app.models.audit import record
from app.procedures import catalogue, inviting
from tests import mail
from tests.databases import on_both_engines
from tests.mail import Inbox
from tests.procedures.people import holding, make_organization
from tests.world import World

pytestmark = on_both_engines

HERE = "https://tasks.example.com"
DAY = 24 * 3600
NEW = "zoe@example.com"

Road = Callable[..., Any]


@pytest.fixture
def acme(world: World) -> str:
    """Give an organization that Ada manages, and Ben is in."""
    return str(make_organization(world, "Acme", ada="manager", ben="member"))


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with mail.serving() as inbox:
        yield inbox


@pytest.fixture
def call(world: World) -> Road:
    """Give a function that runs a procedure where no mail can be sent."""
    return road(world, Post(HERE))


@pytest.fixture
def mailing(world: World, inbox: Inbox) -> Road:
    """Give a function that runs a procedure where mail is sent."""
    return road(world, Post(HERE, inbox.url, mail.SENDER))


def road(world: World, post: Post) -> Road:
    pipeline = Pipeline(catalogue(), world.rows, record, lambda: 1000, post)

    def run(name: str, procedure: str, /, at: int = 1000, **given: object) -> Any:
        return pipeline.at(at).call(procedure, world.principal(name), given)

    return run


def change(world: World, statement: str, **given: object) -> None:
    with world.system.begin() as connection:
        assert connection.execute(text(statement), given).rowcount


def invitation(world: World, key: str) -> Any:
    (found,) = world.found("invitation", "id = :key", key=int(key))
    return found


def token_in(link: str) -> str:
    start = f"{HERE}/invite/"
    assert link.startswith(start)
    return link.removeprefix(start)


def test_without_mail_the_link_is_in_the_answer_and_its_digest_alone_is_kept(
    world: World, call: Road, acme: str
) -> None:
    made = call("ada", "invitations.create", organization_id=acme, email=" Zoe@Example.COM ")
    token = token_in(made.link)
    assert credentials.is_well_formed(token, Prefix.INVITATION)
    assert (made.email, made.standing, made.is_mailed) == (NEW, "member", False)
    row = invitation(world, made.id)
    assert bytes(row["digest"]) == credentials.digest(token)
    assert (row["organization_id"], row["created_by"]) == (int(acme), world.ids["ada"])
    assert row["expires_at"] - row["created_at"] == 7 * DAY
    assert token not in str(world.everything())


def test_with_mail_the_link_is_in_the_letter_alone(
    world: World, mailing: Road, inbox: Inbox, acme: str
) -> None:
    made = mailing("ada", "invitations.create", organization_id=acme, email=NEW)
    assert (made.is_mailed, made.link) == (True, None)
    letter = inbox.letter()
    assert (letter["To"], letter["Subject"]) == (NEW, "Ada invites you to Acme on Latchkey")
    lines = mail.text(letter).splitlines()
    [link] = [line for line in lines if line.startswith("http")]
    digest = credentials.digest(token_in(link))
    assert bytes(invitation(world, made.id)["digest"]) == digest
    assert lines[0] == "Ada (ada@example.com) invites you to Acme on Latchkey."
    assert "It works once, until 1970-01-08 00:16 UTC." in mail.text(letter)


def test_where_the_letter_fails_the_link_is_in_the_answer(
    mailing: Road, inbox: Inbox, acme: str
) -> None:
    inbox.refusal = "550 no"
    made = mailing("ada", "invitations.create", organization_id=acme, email=NEW)
    assert not made.is_mailed
    token_in(made.link)


def test_no_letter_goes_where_nothing_was_kept(mailing: Road, inbox: Inbox, acme: str) -> None:
    with pytest.raises(NotFound):
        mailing("ben", "invitations.create", organization_id=acme, email=NEW)
    assert inbox.envelopes.empty()


@pytest.mark.parametrize("name", ["A\u202eda", "Ada\r\nBcc: ben@example.com", "Ada\u2028x"])
def test_no_name_of_before_makes_another_header(
    world: World, mailing: Road, inbox: Inbox, acme: str, name: str
) -> None:
    for table, key in (("user_account", world.ids["ada"]), ("organization", int(acme))):
        change(world, f"UPDATE {table} SET name = :name WHERE id = :key", name=name, key=key)
    assert mailing("ada", "invitations.create", organization_id=acme, email=NEW).is_mailed
    envelope = inbox.envelope()
    letter = mail.read(envelope)
    assert envelope.rcpt_tos == [NEW]
    assert letter["Bcc"] is None
    assert str(letter["Subject"]).isprintable()


@pytest.mark.parametrize(
    "email",
    [
        "",
        "zoe",
        "zoe@example.com, ben@example.com",
        "zoe@example.com\r\nBcc: ben@example.com",
        "zoe@example.com\0",
        "Zoe <zoe@example.com>",
        "z" * 250 + "@example.com",
    ],
)
def test_what_is_no_address_is_not_invited(call: Road, acme: str, email: str) -> None:
    for procedure, given in (
        ("invitations.create", {"organization_id": acme}),
        ("all_organizations.invite", {"organization_id": acme}),
        ("workspace_invitations.create", {}),
    ):
        with pytest.raises(InvalidInput) as refusal:
            call("ada", procedure, **given, email=email)
        assert list(refusal.value.fields) == ["email"]


@pytest.mark.parametrize("standing", ["owner", "", "MANAGER", None])
def test_nobody_is_invited_as_something_else(call: Road, acme: str, standing: object) -> None:
    with pytest.raises(InvalidInput):
        call("ada", "invitations.create", organization_id=acme, email=NEW, standing=standing)


def test_a_member_is_not_invited_again(call: Road, acme: str) -> None:
    given = {"organization_id": acme, "email": "BEN@example.com"}
    for who, procedure in (("ada", "invitations.create"), ("grace", "all_organizations.invite")):
        with pytest.raises(Conflict, match=r"ben@example\.com is a member already"):
            call(who, procedure, **given)


def test_a_manager_does_not_learn_whether_an_address_has_an_account(call: Road, acme: str) -> None:
    answers = [
        call("ada", "invitations.create", organization_id=acme, email=email).model_dump()
        for email in ("grace@example.com", NEW)
    ]
    assert answers[0].keys() == answers[1].keys()
    for same in ("standing", "is_mailed", "invited_by", "created_at", "expires_at"):
        assert answers[0][same] == answers[1][same]


@pytest.mark.parametrize("who", ["ben", "grace"])
def test_only_who_manages_an_organization_invites_to_it(
    world: World, call: Road, acme: str, who: str
) -> None:
    made = call("ada", "invitations.create", organization_id=acme, email=NEW)
    before = world.found("invitation")
    for procedure, given in (
        ("invitations.create", {"organization_id": acme, "email": "new@example.com"}),
        ("invitations.revoke", {"invitation_id": made.id}),
    ):
        with pytest.raises(NotFound):
            call(who, procedure, **given)
    assert world.found("invitation") == before


def test_invitations_are_for_managers_to_see(call: Road, acme: str) -> None:
    call("ada", "invitations.create", organization_id=acme, email=NEW)
    assert call("ben", "invitations.list", organization_id=acme).items == []
    with pytest.raises(NotFound):
        call("grace", "invitations.list", organization_id=acme)


@pytest.mark.parametrize("key", ["0", "x", "-1", "9" * 40, "²", "1.0"])
def test_what_is_no_id_is_not_found(call: Road, key: str) -> None:
    for procedure, given in (
        ("invitations.list", {"organization_id": key}),
        ("invitations.create", {"organization_id": key, "email": NEW}),
        ("invitations.revoke", {"invitation_id": key}),
        ("all_organizations.revoke_invitation", {"invitation_id": key}),
        ("workspace_invitations.revoke", {"invitation_id": key}),
    ):
        with pytest.raises(NotFound):
            call("ada", procedure, **given)


def test_a_manager_who_is_one_no_more_invites_nobody(world: World, call: Road, acme: str) -> None:
    made = call("ada", "invitations.create", organization_id=acme, email=NEW)
    change(world, f"UPDATE membership SET standing = 'member' WHERE organization_id = {acme}")
    for procedure, given in (
        ("invitations.create", {"organization_id": acme, "email": "new@example.com"}),
        ("invitations.revoke", {"invitation_id": made.id}),
    ):
        with pytest.raises(NotFound):
            call("ada", procedure, **given)


def test_the_invitations_of_an_organization_come_newest_first_a_page_at_a_time(
    call: Road, acme: str
) -> None:
    for number in range(3):
        email = f"n{number}@example.com"
        call("ada", "invitations.create", at=number, organization_id=acme, email=email)
    first = call("ada", "invitations.list", organization_id=acme, limit=2)
    rest = call("ada", "invitations.list", organization_id=acme, limit=2, cursor=first.next_cursor)
    assert [each.email.partition("@")[0] for each in (*first.items, *rest.items)] == [
        "n2",
        "n1",
        "n0",
    ]
    assert rest.next_cursor is None
    assert {each.invited_by for each in first.items} == {"Ada"}


def test_a_manager_does_not_learn_which_admin_invited(call: Road, acme: str) -> None:
    call("grace", "all_organizations.invite", organization_id=acme, email=NEW)
    for who, procedure, seen in (
        ("ada", "invitations.list", None),
        ("grace", "all_organizations.invitations", "Grace"),
    ):
        [found] = call(who, procedure, organization_id=acme).items
        assert found.invited_by == seen


def test_what_nobody_accepted_in_time_is_shown_as_such(call: Road, acme: str) -> None:
    call("ada", "invitations.create", organization_id=acme, email=NEW)
    for moment, is_over in ((1000 + 7 * DAY - 1, False), (1000 + 7 * DAY, True)):
        [found] = call("ada", "invitations.list", at=moment, organization_id=acme).items
        assert found.is_expired is is_over


def test_a_new_invitation_takes_the_place_of_the_earlier(
    world: World, call: Road, acme: str
) -> None:
    made = [
        call("ada", "invitations.create", at=moment, organization_id=acme, email=NEW).id
        for moment in (1000, 2000)
    ]
    other = call("grace", "workspace_invitations.create", email=NEW)
    [listed] = call("ada", "invitations.list", organization_id=acme).items
    assert listed.id == made[1]
    assert invitation(world, made[0])["revoked_at"] == 2000
    assert invitation(world, other.id)["revoked_at"] is None


def test_revoking_again_is_no_error_and_keeps_when_it_was_first_done(
    world: World, call: Road, acme: str
) -> None:
    made = call("ada", "invitations.create", organization_id=acme, email=NEW)
    for moment in (2000, 3000):
        call("ada", "invitations.revoke", at=moment, invitation_id=made.id)
    assert invitation(world, made.id)["revoked_at"] == 2000
    assert call("ada", "invitations.list", organization_id=acme).items == []


def test_what_was_accepted_cannot_be_revoked(world: World, call: Road, acme: str) -> None:
    made = call("ada", "invitations.create", organization_id=acme, email=NEW)
    change(world, "UPDATE invitation SET accepted_at = 1 WHERE id = :key", key=int(made.id))
    with pytest.raises(Conflict, match="remove the person instead"):
        call("ada", "invitations.revoke", invitation_id=made.id)


def test_few_letters_go_to_one_address_within_a_day(call: Road, acme: str) -> None:
    given = {"organization_id": acme, "email": NEW}
    for _ in range(inviting.MOST_TO_ONE):
        call("ada", "invitations.create", **given)
    with pytest.raises(Conflict, match="5 times within a day"):
        call("ada", "invitations.create", **given)
    call("ada", "invitations.create", organization_id=acme, email="other@example.com")
    call("ada", "invitations.create", at=1000 + DAY, **given)


def test_an_organization_invites_only_so_many_within_a_day(
    world: World, call: Road, acme: str
) -> None:
    rows = ", ".join(
        f"({acme}, 'n{number}@example.com', 'member', '{number:032}', {world.ids['ada']}, 999, 9)"
        for number in range(inviting.MOST)
    )
    columns = "organization_id, email, standing, digest, created_by, created_at, expires_at"
    change(world, f"INSERT INTO invitation ({columns}) VALUES {rows}")
    with pytest.raises(Conflict, match="500 invitations"):
        call("ada", "invitations.create", organization_id=acme, email=NEW)
    with pytest.raises(Conflict, match="500 invitations"):
        call("grace", "all_organizations.invite", organization_id=acme, email=NEW)
    call("grace", "workspace_invitations.create", email=NEW)


def test_an_invitation_is_in_the_trail_without_its_token(
    world: World, call: Road, acme: str
) -> None:
    made = call("ada", "invitations.create", organization_id=acme, email=NEW)
    event = world.found("audit_event")[-1]
    assert (event["action"], event["outcome"], event["subject"]) == (
        "invitations.create",
        "allowed",
        acme,
    )
    assert token_in(made.link) not in str(event)


def test_whom_the_workspace_invites_is_in_no_organization(world: World, call: Road) -> None:
    made = call("grace", "workspace_invitations.create", email=NEW)
    assert invitation(world, made.id)["organization_id"] is None
    [listed] = call("grace", "workspace_invitations.list").items
    assert (listed.id, listed.email, listed.invited_by) == (made.id, NEW, "Grace")
    call("grace", "workspace_invitations.revoke", invitation_id=made.id)
    assert call("grace", "workspace_invitations.list").items == []


def test_who_has_an_account_is_not_invited_to_the_workspace(call: Road) -> None:
    with pytest.raises(Conflict, match="has an account already"):
        call("grace", "workspace_invitations.create", email="Ada@example.com")


def test_the_workspaces_letter_names_no_organization(mailing: Road, inbox: Inbox) -> None:
    assert mailing("grace", "workspace_invitations.create", email=NEW).is_mailed
    assert inbox.letter()["Subject"] == "Grace invites you to Latchkey"


def test_each_kind_is_revoked_by_its_own_procedure(call: Road, acme: str) -> None:
    to_acme = call("ada", "invitations.create", organization_id=acme, email=NEW).id
    to_none = call("grace", "workspace_invitations.create", email=NEW).id
    with pytest.raises(NotFound):
        call("grace", "workspace_invitations.revoke", invitation_id=to_acme)
    for who, procedure in (
        ("grace", "all_organizations.revoke_invitation"),
        ("ada", "invitations.revoke"),
    ):
        with pytest.raises(NotFound):
            call(who, procedure, invitation_id=to_none)
    call("grace", "all_organizations.revoke_invitation", invitation_id=to_acme)


@pytest.mark.parametrize(
    ("procedure", "scope"),
    [
        ("all_organizations.invite", "orgs:manageMembers"),
        ("workspace_invitations.create", "users:editAll"),
    ],
)
def test_an_admins_scope_alone_is_enough(
    world: World, acme: str, procedure: str, scope: str
) -> None:
    given = {"email": NEW} | ({"organization_id": acme} if "all_" in procedure else {})
    made: Any = world.pipeline().call(procedure, holding(world, "grace", scope), given)
    assert made.invited_by == "Grace"
