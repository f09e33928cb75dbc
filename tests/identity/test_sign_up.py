"""Signing up by an address at an organization's domain, which must be shown to be one's own."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from app.core.errors import InvalidInput
from app.core.post import Post
from app.identity.invitations import Invitations
from app.identity.sign_up import SignUp
from tests import mail
from tests.conftest import PASSWORD
from tests.databases import on_both_engines
from tests.mail import Inbox
from tests.procedures.people import make_organization
from tests.procedures.test_organizations import standings
from tests.world import World

pytestmark = on_both_engines

HERE = "http://127.0.0.1:8000"


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with mail.serving() as inbox:
        yield inbox


@pytest.fixture
def sign_up(world: World, inbox: Inbox) -> SignUp:
    post = Post(HERE, inbox.url, mail.SENDER)
    return SignUp(world.system, post, is_open=False)


@pytest.fixture
def acme(world: World) -> str:
    """Give an organization whose people have addresses at acme.example."""
    key = str(make_organization(world, "Acme", ada="manager"))
    world.call("grace", "all_organizations.update", organization_id=key, domain="acme.example")
    return key


def token_in(inbox: Inbox) -> str:
    [link] = [line for line in mail.text(inbox.letter()).splitlines() if line.startswith(HERE)]
    return link.removeprefix(f"{HERE}/invite/")


def only_letter(sign_up: SignUp, inbox: Inbox, *, to: str) -> None:
    """Ask once more for an address that gets a letter, and show that no other came before."""
    sign_up.ask(to, 9_999)
    assert inbox.letter()["To"] == to
    assert inbox.envelopes.empty()


@pytest.mark.parametrize(
    ("chosen", "is_open", "effective"),
    [
        (None, True, "open"),
        (None, False, "private"),
        ("private", True, "private"),
        ("open", False, "open"),
        ("organization", True, "organization"),
    ],
)
def test_an_admins_choice_counts_before_the_operators(
    world: World, chosen: str | None, effective: str, *, is_open: bool
) -> None:
    with world.system.begin() as connection:
        given = {"access": chosen}
        connection.execute(text("UPDATE access_setting SET access = :access"), given)
    with_mail = Post(HERE, "smtp://127.0.0.1", mail.SENDER)
    assert SignUp(world.system, with_mail, is_open=is_open).access() == effective
    without = SignUp(world.system, Post(HERE), is_open=is_open).access()
    assert without == ("private" if chosen == "organization" else effective)


def test_an_address_at_the_domain_gets_a_link_that_makes_a_member(
    world: World, sign_up: SignUp, inbox: Inbox, acme: str
) -> None:
    sign_up.ask(" Zoe@ACME.example ", 1000)
    token = token_in(inbox)
    assert world.found("user_account", "email LIKE 'zoe%'") == []
    invitations = Invitations(world.system)
    found = invitations.find(token, 1000)
    assert (found.email, found.organization) == ("zoe@acme.example", "Acme")
    assert (found.standing, found.invited_by) == ("member", None)
    user_id = invitations.accept_anew(token, name="Zoe", password=PASSWORD, now=1000)
    (member,) = world.found("membership", "user_id = :id", id=user_id)
    assert (member["organization_id"], member["standing"]) == (int(acme), "member")


@pytest.mark.parametrize(
    "email",
    [
        "zoe@example.com",
        "zoe@sub.acme.example",
        "zoe@notacme.example",
        "zoe@acme.example.com",
        "zoe_acme.example@example.com",
        "zoe@acme-example.com",
    ],
)
def test_no_other_address_gets_one(
    world: World, sign_up: SignUp, inbox: Inbox, acme: str, email: str
) -> None:
    before = world.found("invitation")
    sign_up.ask(email, 1000)
    assert world.found("invitation") == before
    only_letter(sign_up, inbox, to="zoe@acme.example")


def test_a_domain_in_other_letters_is_the_same(
    world: World, sign_up: SignUp, inbox: Inbox, acme: str
) -> None:
    world.call("grace", "all_organizations.update", organization_id=acme, domain="bücher.example")
    sign_up.ask("zoe@BÜCHER.example", 1000)
    assert inbox.letter()["To"] == "zoe@xn--bcher-kva.example"


def test_who_has_an_account_gets_the_same_letter(
    world: World, sign_up: SignUp, inbox: Inbox, acme: str
) -> None:
    world.call("grace", "all_organizations.update", organization_id=acme, domain="example.com")
    texts = []
    for email in ("ben@example.com", "zoe@example.com"):
        sign_up.ask(email, 1000)
        letter = inbox.letter()
        words = mail.text(letter).replace(email, "").split()
        texts.append((letter["Subject"], [word for word in words if "/invite/" not in word]))
    assert texts[0] == texts[1]
    assert standings(world, acme) == {"ada": "manager"}


@pytest.mark.parametrize("email", ["", "zoe", "zoe@acme.example, ben@acme.example", "a\0@b.com"])
def test_what_is_no_address_is_said_to_be_none(sign_up: SignUp, acme: str, email: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        sign_up.ask(email, 1000)
    assert list(refusal.value.fields) == ["email"]


def test_a_stranger_has_few_letters_sent_to_an_address(
    sign_up: SignUp, inbox: Inbox, acme: str
) -> None:
    for moment in range(1000, 1010):
        sign_up.ask("zoe@acme.example", moment)
    for _ in range(3):
        assert inbox.letter()["To"] == "zoe@acme.example"
    only_letter(sign_up, inbox, to="other@acme.example")
    sign_up.ask("zoe@acme.example", 1000 + 3600)
    assert inbox.letter()["To"] == "zoe@acme.example"


def test_what_strangers_asked_for_does_not_keep_a_manager_from_inviting(
    world: World, sign_up: SignUp, inbox: Inbox, acme: str
) -> None:
    for _ in range(9):
        sign_up.ask("zoe@acme.example", 1000)
    given = {"organization_id": acme, "email": "zoe@acme.example"}
    for _ in range(5):
        world.call("ada", "invitations.create", **given)


def test_a_letter_that_fails_tells_nobody(
    world: World, sign_up: SignUp, inbox: Inbox, acme: str
) -> None:
    inbox.refusal = "550 no"
    sign_up.ask("zoe@acme.example", 1000)
    inbox.refusal = None
    sign_up.ask("other@acme.example", 1000)
    assert [row["email"] for row in world.found("invitation", "created_by IS NULL")] == [
        "zoe@acme.example",
        "other@acme.example",
    ]
