"""Making accounts, and knowing people by their passwords."""

from collections.abc import Iterator

import pytest
from sqlalchemy import event

from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.system import acting_as_system
from app.identity import accounts, anybody, passwords, throttle
from app.identity.throttle import PER_ACCOUNT, TooManyGuesses
from tests.conftest import PASSWORD
from tests.world import World


def sign_in(
    world: World, email: str, password: str, address: str = "::1", now: int = 1
) -> int | None:
    return accounts.who_signs_in(
        world.system, email=email, password=password, address=address, now=now
    )


def create(world: World, **changes: str) -> int:
    given = {"email": "new@example.com", "name": "New", "password": PASSWORD, "role": "Member"}
    return accounts.create(world.system, **(given | changes), now=1)


@pytest.fixture
def work(world: World) -> Iterator[list[str]]:
    """Collect the statements that reach the database, each without its values."""
    seen: list[str] = []

    def note(*asked: object) -> None:
        seen.append(str(asked[2]))

    event.listen(world.system, "before_cursor_execute", note)
    yield seen
    event.remove(world.system, "before_cursor_execute", note)


def test_a_person_signs_in_with_email_and_password(world: World) -> None:
    assert sign_in(world, "ada@example.com", PASSWORD) == world.ids["ada"]
    assert sign_in(world, " ADA@Example.com ", PASSWORD) == world.ids["ada"]


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada@example.com", "wrong"),
        ("ada@example.com", ""),
        ("ada@example.com", PASSWORD + " "),
        ("nobody@example.com", PASSWORD),
        ("nobody@example.com", "the password of nobody"),
        ("", ""),
        ("ada@example.com\0", PASSWORD),
        ("' OR 1 = 1 --", PASSWORD),
    ],
)
def test_nobody_signs_in_with_anything_else(world: World, email: str, password: str) -> None:
    assert sign_in(world, email, password) is None


def test_a_suspended_person_does_not_sign_in(world: World) -> None:
    with world.system.begin() as connection:
        connection.exec_driver_sql("UPDATE user_account SET suspended_at = 1")
    assert sign_in(world, "ada@example.com", PASSWORD) is None


def test_a_password_that_only_begins_like_the_right_one_is_wrong(world: World) -> None:
    longest = "p" * passwords.LONGEST
    create(world, password=longest)
    assert sign_in(world, "new@example.com", longest + "p") is None
    assert sign_in(world, "new@example.com", longest)


def test_an_unknown_address_takes_the_same_work_as_a_wrong_password(
    world: World, work: list[str]
) -> None:
    sign_in(world, "ada@example.com", "wrong", now=1)
    of_known = list(work)
    work.clear()
    sign_in(world, "nobody@example.com", "wrong", now=1)
    assert work == of_known


def guess_as_often_as_one_may(world: World, email: str) -> None:
    for number in range(PER_ACCOUNT):
        with acting_as_system(world.system, "a test") as session:
            throttle.count_guess(session, email=email, address=f"10.1.0.{number}", now=1)


def test_the_right_password_after_too_many_wrong_ones_is_refused_too(world: World) -> None:
    guess_as_often_as_one_may(world, "ada@example.com")
    with pytest.raises(TooManyGuesses):
        sign_in(world, "ada@example.com", PASSWORD)
    with pytest.raises(TooManyGuesses):
        sign_in(world, " ADA@example.com", PASSWORD, address="10.0.0.9")
    assert sign_in(world, "ben@example.com", PASSWORD) == world.ids["ben"]
    assert sign_in(world, "ada@example.com", PASSWORD, now=1 + throttle.WINDOW)


def test_an_unknown_address_is_throttled_as_a_known_one_is(world: World) -> None:
    guess_as_often_as_one_may(world, "nobody@example.com")
    with pytest.raises(TooManyGuesses):
        sign_in(world, "nobody@example.com", "")


def test_a_wrong_password_counts_as_a_guess_and_a_right_one_does_not(world: World) -> None:
    sign_in(world, "ada@example.com", "wrong")
    ours = throttle.account("ada@example.com")
    assert len(world.found("guess", "subject = :subject", subject=ours)) == 1
    sign_in(world, "ada@example.com", PASSWORD)
    assert not world.found("guess", "subject = :subject", subject=ours)


def test_signing_up_twice_looks_the_same_and_changes_nothing(world: World) -> None:
    given = {"email": "ada@example.com", "name": "Someone", "password": "another password"}
    before = world.everything()
    accounts.sign_up(world.system, **given, now=1)
    assert world.everything() == before
    assert sign_in(world, "ada@example.com", "another password") is None


def test_signing_up_gives_the_default_role(world: World) -> None:
    accounts.sign_up(world.system, email="New@Example.com", name=" New ", password=PASSWORD, now=7)
    (made,) = world.found("user_account", "email = 'new@example.com'")
    assert (made["name"], made["created_at"], made["suspended_at"]) == ("New", 7, None)
    roles = world.found("user_role", "user_id = :id", id=made["id"])
    assert [row["role_id"] for row in roles] == [1]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "ada"),
        ("email", "ada@"),
        ("email", "ada@example.com, ben@example.com"),
        ("email", "a" * 250 + "@example.com"),
        ("email", "ada@example.com\nbcc: ben@example.com"),
        ("name", "  "),
        ("name", "n" * 81),
        ("name", "A\u202eda"),
        ("name", "A\0da"),
        ("password", "too short"),
        ("password", "p" * (passwords.LONGEST + 1)),
    ],
)
def test_what_will_not_do_is_told_at_its_field(world: World, field: str, value: str) -> None:
    before = world.everything()
    with pytest.raises(InvalidInput) as refusal:
        create(world, **{field: value})
    assert list(refusal.value.fields) == [field]
    assert world.everything() == before


def test_all_that_will_not_do_is_told_at_once(world: World) -> None:
    with pytest.raises(InvalidInput) as refusal:
        create(world, email="", name="", password="")
    assert set(refusal.value.fields) == {"email", "name", "password"}


def test_an_operator_is_told_what_a_stranger_is_not(world: World) -> None:
    with pytest.raises(Conflict):
        create(world, email="ADA@example.com")
    with pytest.raises(NotFound):
        create(world, role="King")


def test_the_number_of_a_deleted_person_is_not_given_again(world: World) -> None:
    key = create(world)
    with world.system.begin() as connection:
        connection.exec_driver_sql("DELETE FROM user_account WHERE id = ?", (key,))
    assert create(world) > key


def test_a_person_is_given_as_if_in_front_of_a_page(world: World) -> None:
    principal = anybody.principal_of(world.system, "grace@example.com")
    assert principal.user_id == world.ids["grace"]
    assert "access:edit" in principal.scopes
    with pytest.raises(NotFound):
        anybody.principal_of(world.system, "nobody@example.com")
    assert accounts.exist(world.system)
