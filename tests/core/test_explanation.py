"""Why a call would be allowed or refused, told from what is known of it."""

from dataclasses import replace

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from app.core.case import Account, App, Case
from app.core.errors import CallError
from app.core.explanation import Explanation, Step, steps
from app.core.pipeline import check_channel, check_scopes
from app.core.principal import Channel
from app.core.procedure import EVERYWHERE, PAGES_ONLY, AnyProcedure, Call, procedure
from app.core.rule import Circle
from app.procedures.shapes import Nothing

SCOPES = ("tasks:view", "tasks:edit", "tasks:viewAll")
CIRCLES = {
    Circle.ORGANIZATIONS: {1: "Acme", 2: "Globex"},
    Circle.MANAGED: {2: "Globex"},
    Circle.TEAMS: {7: "Ops", 5: "Design"},
}


def run(call: Call, given: Nothing) -> Nothing:
    """Do something."""
    return given


def item(**facts: object) -> AnyProcedure:
    declared = {"scopes": ["tasks:view"]} if not facts.keys() & {"any_scope", "public"} else {}
    return procedure("things.do", **(declared | facts))(run)  # type: ignore[arg-type] # any facts


def account(**roles: str) -> Account:
    given = {name: frozenset(scopes.split()) for name, scopes in roles.items()}
    return Account(1, "ada@example.com", is_suspended=False, roles=given, circles=CIRCLES)


def app(scopes: str, consent: str | None, service: str | None = None) -> App:
    granted = [None if each is None else frozenset(each.split()) for each in (consent, service)]
    return App(
        "r1",
        "Reporter",
        is_revoked=False,
        scopes=frozenset(scopes.split()),
        **dict(zip(("consent", "service"), granted, strict=True)),
    )


def case(
    asked: AnyProcedure | None, person: Account | None, client: App | None = None, **more: object
) -> Case:
    client_id = client.client_id if client else None
    named = Case("things.do", "ada@example.com", client_id, asked, person, client)
    return replace(named, **more)  # type: ignore[arg-type] # any of its fields


def refusals(of: Case) -> dict[str, str]:
    """Give what refuses, by the name of the step."""
    return {step.name: step.says for step in steps(of) if step.code}


def told(of: Case) -> Explanation:
    return Explanation(
        name=of.name,
        email=of.email,
        client_id=of.client_id,
        channel=of.channel,
        needs=[],
        steps=steps(of),
        rows=[],
    )


MEMBER = account(Member="tasks:view tasks:edit", Reader="tasks:viewAll")


def test_a_page_is_explained_by_procedure_channel_account_and_roles() -> None:
    looked = [step.name for step in steps(case(item(), MEMBER))]
    assert looked == ["procedure", "channel", "account", "role scopes", "in all"]


def test_a_client_is_explained_by_what_it_may_ask_for_and_was_granted_too() -> None:
    looked = [step.name for step in steps(case(item(), MEMBER, app("tasks:view", "tasks:view")))]
    assert looked == [
        "procedure",
        "channel",
        "account",
        "client",
        "grant",
        "client scopes",
        "granted scopes",
        "role scopes",
        "in all",
    ]


def test_the_verdict_says_who_may_call_what_by_which_way() -> None:
    by_page, by_client = (
        case(item(), MEMBER),
        case(item(), MEMBER, app("tasks:view", "tasks:view")),
    )
    assert told(by_page).verdict == "Allowed: ada@example.com may call things.do on pages."
    assert told(by_client).verdict == ("Allowed: ada@example.com may call things.do over the API.")
    for_tools = replace(by_client, procedure=item(channels=frozenset({Channel.MCP})))
    assert told(for_tools).verdict == "Allowed: ada@example.com may call things.do over MCP."


def test_each_role_is_told_with_what_it_gives() -> None:
    [roles] = [step for step in steps(case(item(), MEMBER)) if step.name == "role scopes"]
    assert [(part.source, part.scopes) for part in roles.parts] == [
        ("Member", ["tasks:view", "tasks:edit"]),
        ("Reader", ["tasks:viewAll"]),
    ]


REFUSED: list[tuple[Case, str, int, str]] = [
    (case(None, MEMBER), "procedure", 404, "There is no procedure 'things.do'."),
    (
        case(item(channels=PAGES_ONLY), MEMBER, app("tasks:view", "tasks:view")),
        "channel",
        403,
        "things.do is not offered over api. It is offered on pages.",
    ),
    (case(item(), None), "account", 401, "There is no account 'ada@example.com'."),
    (
        case(item(), replace(MEMBER, is_suspended=True)),
        "account",
        401,
        "ada@example.com is suspended: sessions and tokens of the account are refused.",
    ),
    (
        case(item(), MEMBER, client_id="r2"),
        "client",
        401,
        "There is no client 'r2'.",
    ),
    (
        case(item(), MEMBER, replace(app("tasks:view", "tasks:view"), is_revoked=True)),
        "client",
        401,
        "Reporter is revoked: its tokens are refused.",
    ),
    (
        case(item(), MEMBER, app("tasks:view tasks:edit", None)),
        "grant",
        401,
        (
            "ada@example.com has allowed Reporter nothing: it holds no token of theirs. "
            "A consent could give it tasks:view."
        ),
    ),
    (
        case(item(), MEMBER, app("tasks:edit", "tasks:view")),
        "client scopes",
        403,
        "It may not ask for tasks:view.",
    ),
    (
        case(item(), MEMBER, app("tasks:view", "tasks:edit")),
        "granted scopes",
        403,
        "It was not granted tasks:view. A consent could give it tasks:view.",
    ),
    (
        case(item(), account(Member="tasks:edit"), app("tasks:view", "tasks:edit")),
        "granted scopes",
        403,
        "It was not granted tasks:view. No consent could give it what is needed.",
    ),
    (
        case(item(scopes=SCOPES), account(Member="tasks:view")),
        "role scopes",
        403,
        "No role of theirs gives tasks:edit or tasks:viewAll.",
    ),
    (
        case(
            item(any_scope=["tasks:view", "tasks:edit"]),
            MEMBER,
            app("tasks:view", "tasks:edit"),
        ),
        "in all",
        403,
        "things.do needs tasks:edit tasks:view, which this credential lacks.",
    ),
]


@pytest.mark.parametrize(("of", "name", "status", "says"), REFUSED)
def test_the_first_step_that_refuses_gives_the_verdict(
    of: Case, name: str, status: int, says: str
) -> None:
    refused = told(of).refused_at
    assert isinstance(refused, Step)
    assert (refused.name, refused.status, refused.says) == (name, status, says)
    assert told(of).verdict == f"Refused ({status} {refused.code}): {says}"


def test_the_steps_after_a_refusal_are_told_too() -> None:
    of = case(item(channels=PAGES_ONLY), account(Member=""), app("tasks:edit", None))
    assert list(refusals(of)) == ["channel", "grant", "client scopes", "role scopes"]


def test_a_public_procedure_needs_nobody_on_pages_and_a_live_token_of_a_client() -> None:
    public = item(public=True)
    for person in (None, replace(MEMBER, is_suspended=True)):
        assert refusals(case(public, person)) == {}
        assert list(refusals(case(public, person, app("", "")))) == ["account"]
    assert list(refusals(case(public, MEMBER, app("", None)))) == ["grant"]
    assert refusals(case(public, MEMBER, app("", ""))) == {}


def test_of_two_grants_the_one_counts_by_which_the_call_would_do() -> None:
    both = case(item(), MEMBER, app("tasks:view", "tasks:edit", service="tasks:view"))
    assert refusals(both) == {}
    assert "Reporter acts for itself, among its owner's rows." in [s.says for s in steps(both)]
    neither = case(item(), MEMBER, app("tasks:view", "tasks:edit", service="tasks:edit"))
    assert neither.granted == frozenset({"tasks:edit"})
    assert list(refusals(neither)) == ["granted scopes", "in all"]


def test_the_principal_belongs_to_what_the_account_does() -> None:
    principal = case(item(), MEMBER).principal
    assert principal.organizations == {1, 2}
    assert principal.managed == {2}
    assert principal.teams == {5, 7}
    assert case(item(), MEMBER).names[Circle.TEAMS] == ("Design", "Ops")


sets = st.sets(st.sampled_from(SCOPES)).map(" ".join)
needs: st.SearchStrategy[AnyProcedure] = st.builds(
    lambda kind, names, channels: item(**{kind: names} | {"channels": channels}),
    st.sampled_from(["scopes", "any_scope"]),
    st.lists(st.sampled_from(SCOPES), min_size=1, unique=True),
    st.sampled_from([EVERYWHERE, PAGES_ONLY, frozenset({Channel.MCP}), EVERYWHERE - PAGES_ONLY]),
)


@drawn(
    asked=needs | st.just(item(public=True)),
    person=st.none() | st.builds(lambda a, b: account(One=a, Two=b), sets, sets),
    client=st.none() | st.builds(app, sets, st.none() | sets, st.none() | sets),
    is_suspended=st.booleans(),
    is_revoked=st.booleans(),
)
def test_the_verdict_is_that_of_what_decides(
    asked: AnyProcedure,
    person: Account | None,
    client: App | None,
    *,
    is_suspended: bool,
    is_revoked: bool,
) -> None:
    person = person and replace(person, is_suspended=is_suspended)
    client = client and replace(client, is_revoked=is_revoked)
    of = case(asked, person, client)
    refused = told(of).refused_at
    assert (refused.code if refused else None) == _decided(of, asked)


def _decided(of: Case, asked: AnyProcedure) -> str | None:
    try:
        check_channel(asked, of.principal)
        if of.client_id and of.principal.is_nobody:
            # Its token is refused before anything is looked at.
            return "unauthorized"
        check_scopes(asked, of.principal)
    except CallError as refusal:
        return refusal.code
    return None
