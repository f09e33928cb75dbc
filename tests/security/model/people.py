"""Who may do what with people, their sign-ins and their roles."""

from collections.abc import Mapping

from tests.security.tables import Row
from tests.security.who import Policy, Who


def _sees_person(who: Who, person: Row) -> bool:
    """Oneself, whoever is in an organization where one sees that, and for admins everybody."""
    admins = ("users:viewAll", "users:editAll", "users:viewRoles", "users:editRoles")
    others = ("oauth-clients:viewAll", "oauth-clients:edit", "orgs:viewAll", "orgs:manageMembers")
    return (
        who.is_me(person["id"])
        or who.may(*admins, *others)
        or who.sees_one("membership", user_id=person["id"])
    )


def _edits_people(who: Who, _row: Row) -> bool:
    return who.may("users:editAll")


_PEOPLE = Policy(sees=_sees_person, changes=_edits_people, deletes=_edits_people)

_LOGINS = Policy(
    sees=lambda who, login: (
        who.is_me(login["user_id"]) or who.may("users:viewAll", "users:editAll")
    ),
    # It is ended, by who signs out, and stays.
    changes=lambda who, login: who.is_me(login["user_id"]) or who.may("users:editAll"),
    keeps=frozenset({"user_id", "digest"}),
)


def _sees_role(who: Who, _row: Row) -> bool:
    of_users = ("users:viewAll", "users:editAll", "users:viewRoles", "users:editRoles")
    return who.may("roles:view", "roles:edit", "scopes:view", *of_users)


def _edits_roles(who: Who, _row: Row) -> bool:
    return who.may("roles:edit")


def _edits_roles_of_people(who: Who, _row: Row) -> bool:
    return who.may("users:editRoles")


_ROLES = Policy(sees=_sees_role, adds=_edits_roles, changes=_edits_roles, deletes=_edits_roles)
_ROLES_OF_PEOPLE = Policy(
    sees=lambda who, given: who.is_me(given["user_id"]) or _sees_role(who, given),
    adds=_edits_roles_of_people,
    changes=_edits_roles_of_people,
    deletes=_edits_roles_of_people,
    keeps=frozenset({"user_id", "role_id"}),
)

PEOPLE: Mapping[str, Policy] = {
    "user_account": _PEOPLE,
    "login": _LOGINS,
    "role": _ROLES,
    "role_scope": _ROLES,
    "user_role": _ROLES_OF_PEOPLE,
}
