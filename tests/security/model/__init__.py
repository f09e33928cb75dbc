"""The row policies once more, in plain Python: what a proof holds the databases against.

They are written from what is said of each table, and share nothing with what is compiled.
"""

from collections.abc import Mapping

from tests.security.model.clients import CLIENTS
from tests.security.model.organizations import ORGANIZATIONS
from tests.security.model.people import PEOPLE
from tests.security.model.tasks import TASKS
from tests.security.who import Policy, nobody

POLICIES: Mapping[str, Policy] = {
    **PEOPLE,
    **ORGANIZATIONS,
    **TASKS,
    **CLIENTS,
    "workspace": Policy(
        sees=lambda who, _: who.may("settings:view", "settings:edit"),
        changes=lambda who, _: who.may("settings:edit"),
    ),
    "access_setting": Policy(
        sees=lambda who, _: who.may("access:edit"), changes=lambda who, _: who.may("access:edit")
    ),
    # Whoever acts leaves a trace in their own name, and need not see it.
    "audit_event": Policy(sees=nobody, adds=lambda who, row: who.is_me(row["user_id"])),
}
