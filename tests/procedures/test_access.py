"""Who may sign up, as an admin decides it."""

from typing import Any

import pytest

from app.core.errors import Conflict, InvalidInput
from app.core.pipeline import Pipeline
from app.core.post import Post
from app.models.audit import record
from app.models.workspace import Access
from app.procedures import access, catalogue
from tests.databases import on_both_engines
from tests.procedures.people import holding
from tests.world import World

pytestmark = on_both_engines

WITH_MAIL = Post("http://127.0.0.1:8000", "smtp://127.0.0.1", "post@example.com")


def decide(
    world: World,
    given: str | None = None,
    post: Post = WITH_MAIL,
    *,
    is_sign_up_open: bool = False,
) -> Any:
    """Set the access, or tell it, as an admin who may do that alone."""
    road = Pipeline(catalogue(), world.rows, record, post=post, is_sign_up_open=is_sign_up_open)
    admin = holding(world, "grace", "access:edit")
    if given is None:
        return road.call("access.get", admin, {})
    return road.call("access.set", admin, {"access": given})


@pytest.mark.parametrize(("is_open", "effective"), [(True, "open"), (False, "private")])
def test_until_an_admin_chooses_it_is_as_the_operator_says(
    world: World, *, is_open: bool, effective: str
) -> None:
    told = decide(world, is_sign_up_open=is_open)
    assert (told.access, told.effective) == (None, effective)
    assert decide(world, "private", is_sign_up_open=is_open).effective == "private"


@pytest.mark.parametrize("choice", ["private", "organization", "open"])
def test_what_an_admin_chooses_is_kept(world: World, choice: str) -> None:
    decide(world, choice)
    told = decide(world)
    assert (told.access, told.effective, told.is_mail_set) == (choice, choice, True)
    (row,) = world.found("access_setting")
    assert row["access"] == choice


def test_without_mail_nobody_can_show_that_an_address_is_theirs(world: World) -> None:
    decide(world, "open")
    with pytest.raises(Conflict) as refusal:
        decide(world, "organization", Post())
    assert "LATCHKEY_SMTP_URL" in refusal.value.fields["access"]
    assert decide(world, post=Post()).access == "open"


def test_where_mail_is_taken_away_later_only_the_invited_come(world: World) -> None:
    decide(world, "organization")
    told = decide(world, post=Post())
    assert (told.access, told.effective, told.is_mail_set) == ("organization", "private", False)


@pytest.mark.parametrize("choice", ["", "Open", "closed", 1, None, ["open"]])
def test_there_are_three_choices(world: World, choice: object) -> None:
    with pytest.raises(InvalidInput):
        world.call("grace", "access.set", access=choice)


def test_every_access_comes_down_to_one() -> None:
    found = {
        (chosen, is_open, is_mail_set): access.effective(
            chosen, is_open=is_open, is_mail_set=is_mail_set
        )
        for chosen in (None, *Access)
        for is_open in (True, False)
        for is_mail_set in (True, False)
    }
    opened = {case for case, effective in found.items() if effective is Access.OPEN}
    by_domain = {case for case, effective in found.items() if effective is Access.ORGANIZATION}
    assert {(chosen, is_open) for chosen, is_open, _ in opened} == {
        (None, True),
        ("open", True),
        ("open", False),
    }
    assert {(chosen, is_mail_set) for chosen, _, is_mail_set in by_domain} == {
        ("organization", True)
    }
