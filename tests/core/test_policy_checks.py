"""Row policies that cannot be right, found before any database is asked."""

import pytest

from app.core.declarations import Declarations
from app.core.errors import Misdeclared
from app.core.policy import (
    Bypass,
    Everyone,
    Gated,
    Group,
    Owner,
    RowPolicy,
    SharedWith,
    Via,
    rows,
)
from app.core.policy_checks import cycles, low_risks, public_without_rows
from app.core.procedure import AnyProcedure, Call, Catalogue, procedure
from app.core.rule import ALWAYS, Empty, Held, Own, Related, Rule, Words, both, either, held
from app.models import ROW_POLICIES, UNREACHABLE
from app.procedures import catalogue
from app.procedures.shapes import Nothing

PET = rows(Owner(), Via("pet_share", "id", key="pet_id"))
SHARE = rows(Owner("user_id", writes=False), Via("pet", "pet_id", PET))


class OwnSql:
    """A team's own rule."""

    def __init__(self, condition: str, scope: str = "") -> None:
        self._condition, self._scope = condition, scope

    def sql(self, row: str, words: Words) -> str:
        """Return the condition."""
        narrower = f" AND ({words.holds(self._scope)})" if self._scope else ""
        return f"({self._condition.format(row=row, me=words.user())}{narrower})"


def test_the_products_own_policies_have_no_fault() -> None:
    Declarations(catalogue(), ROW_POLICIES, UNREACHABLE).check()


@pytest.mark.parametrize(
    ("policies", "path"),
    [
        ({"pet": PET, "pet_share": SHARE}, "pet → pet_share → pet"),
        ({"folder": rows(Owner(), Via("folder", "parent_id"))}, "folder → folder"),
        (
            {
                "a": rows(Via("b", "b_id")),
                "b": rows(Owner(), Via("c", "c_id")),
                "c": rows(Owner(), insert=both(Own("x"), Related("a", "a_id"))),
                "d": rows(Via("a", "a_id")),
            },
            "a → b → c → a",
        ),
        (
            {"pet": PET, "pet_share": rows(Owner(), delete=OwnSql("EXISTS (SELECT 1 FROM pet)"))},
            "pet → pet_share → pet",
        ),
        (
            {
                "a": RowPolicy(
                    select=OwnSql(
                        '{row}.id IN (SELECT x.a FROM (SELECT b.a FROM z, main."b" AS y) AS x)'
                    )
                ),
                "b": RowPolicy(
                    select=OwnSql("{row}.id = 1 AND 1 = (SELECT 1 FROM x JOIN a ON 1)")
                ),
            },
            "a → b → a",
        ),
    ],
)
def test_a_circle_of_policies_is_named_by_its_path(
    policies: dict[str, RowPolicy], path: str
) -> None:
    [fault] = cycles(policies)
    assert fault == (
        f"row policies form a circle: {path}. "
        "Let one of them read the other's table with SharedWith"
    )
    declared = Declarations(Catalogue([]), policies, frozenset())
    assert list(declared.faults_of_policies()) == [fault]
    with pytest.raises(Misdeclared, match=path):
        declared.check()


@pytest.mark.parametrize(
    "policies",
    [
        {
            "pet": (pet := rows(Owner(), SharedWith("pet_share", "pet_id", "user_id"))),
            "pet_share": rows(Via("pet", "pet_id", pet)),
            "visit": rows(Via("pet", "pet_id", pet), Via("pet_share", "share_id")),
        },
        # What only looks like the name of a table.
        {
            "a": rows(Via("b", "b_id")),
            "b": RowPolicy(select=OwnSql("{row}.a = 'FROM a' AND {row}.x IN (SELECT a.b FROM c)")),
        },
    ],
)
def test_what_forms_no_circle_is_let_be(policies: dict[str, RowPolicy]) -> None:
    assert list(cycles(policies)) == []


READ, WRITE = "tasks:view", "tasks:edit"


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (rows(Owner(), Bypass(reads=READ)), {READ: "reads every row of task"}),
        (rows(Owner(), Bypass(writes=WRITE)), {WRITE: "writes every row of task"}),
        (rows(Gated(reads=READ, writes=WRITE)), {WRITE: "writes every row of task"}),
        # Where rows are somebody's, a gate opens those of others.
        (rows(Owner(), Gated(reads=READ)), {READ: "reads every row of task"}),
        (RowPolicy(select=Held(READ)), {READ: "reads every row of task"}),
        (rows(Owner(), delete=either(Own("x"), held(WRITE))), {WRITE: "writes every row of task"}),
        (rows(Owner(), insert=held(READ)), {READ: "writes every row of task"}),
        (rows(Owner(), update=both(ALWAYS, held(WRITE))), {WRITE: "writes every row of task"}),
        (
            RowPolicy(select=both(held(READ), held(WRITE))),
            dict.fromkeys((READ, WRITE), "reads every row of task"),
        ),
        # What a team's own rule asks a scope for cannot be told.
        (RowPolicy(select=OwnSql("1 = 1", READ)), {READ: "reads every row of task"}),
        (RowPolicy(select=both(OwnSql("1 = 1"), held(READ))), {}),
        (rows(Owner(), Group(reads=READ, writes=WRITE)), {}),
        (rows(Owner(), Bypass(reads="tasks:viewAll", writes="settings:edit")), {}),
        (rows(Gated(reads=READ)), {}),
        (rows(Owner(), Everyone()), {}),
        (RowPolicy(select=both(Related("team", "team_id"), held(READ))), {}),
    ],
)
def test_a_scope_that_opens_the_rows_of_others_has_to_be_an_admin_scope(
    policy: RowPolicy, told: dict[str, str]
) -> None:
    expected = [
        f"scope {name}: it {what}, so its risk must be admin" for name, what in told.items()
    ]
    assert sorted(low_risks({"task": policy})) == sorted(expected)
    declared = Declarations(Catalogue([]), {"task": policy}, frozenset())
    if expected:
        with pytest.raises(Misdeclared, match="so its risk must be admin"):
            declared.check()


def public(*touches: str) -> AnyProcedure:
    """Return a public procedure that touches tables."""

    @procedure("notices.list", public=True, touches=touches)
    def list_(call: Call, given: Nothing) -> Nothing:
        """List the notices."""
        return given

    return list_


@pytest.mark.parametrize(
    ("select", "is_read"),
    [
        (ALWAYS, True),
        (Empty("owner_id"), True),
        (either(Own("owner_id"), Empty("owner_id")), True),
        (Related("board", "board_id"), True),
        (OwnSql("{row}.published = 1"), True),
        (Own("owner_id"), False),
        (held("tasks:viewAll"), False),
        (both(Empty("owner_id"), held("tasks:viewAll")), False),
        (Related("task", "task_id"), False),
        (Related("board", "board_id", rule=Own("owner_id")), False),
        (Related("nowhere", "id"), False),
    ],
)
def test_a_public_procedure_has_tables_that_anonymous_callers_can_read(
    select: Rule, *, is_read: bool
) -> None:
    policies = {
        "notice": RowPolicy(select=select),
        "board": rows(Everyone(reads=True)),
        "task": rows(Owner()),
    }
    fault = (
        "procedure notices.list: it is public, and anonymous callers can't read notice. "
        "Give the policy of notice the pattern Everyone(reads=True)"
    )
    found = list(public_without_rows([public("board", "notice")], policies))
    assert found == ([] if is_read else [fault])


def test_a_procedure_with_scopes_may_touch_what_anonymous_callers_cannot_read() -> None:
    assert not list(public_without_rows(catalogue(), ROW_POLICIES))
    declared = Declarations(Catalogue([public("task")]), ROW_POLICIES, UNREACHABLE)
    with pytest.raises(Misdeclared, match="it is public, and anonymous callers can't read task"):
        declared.check()


def test_a_scope_that_no_procedure_requires_grants_nothing() -> None:
    declared = Declarations(catalogue(), ROW_POLICIES, UNREACHABLE)
    assert list(declared.faults_of_scopes()) == []
    fewer = Catalogue(item for item in catalogue() if "tasks:viewAll" not in item.scopes)
    assert list(Declarations(fewer, ROW_POLICIES, UNREACHABLE).faults_of_scopes()) == [
        "scope tasks:viewAll: it grants nothing, since no procedure requires it"
    ]
