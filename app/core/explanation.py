"""Why a call would be allowed or refused: the steps of the road, and what each finds.

The words are put together here; what decides is what decides about the call itself.
"""

from collections.abc import Callable, Sequence

from pydantic import BaseModel

from app.core.case import App, Case
from app.core.errors import CallError, NotFound, NotSignedIn, ScopeMissing
from app.core.pipeline import check_channel, check_scopes
from app.core.principal import Channel
from app.core.procedure import AnyProcedure
from app.core.scopes import render

_CHANNELS = {
    Channel.BROWSER: "on pages",
    Channel.API: "over the API",
    Channel.MCP: "over MCP",
}


class Part(BaseModel):
    """Scopes, and where they come from."""

    source: str
    scopes: list[str]


class Step(BaseModel):
    """What one step of the road finds; where it refuses, with the code that the caller gets."""

    name: str
    says: str
    parts: list[Part] = []
    code: str | None = None
    status: int | None = None


class Way(BaseModel):
    """A way in which rows of a table are the person's, and how many it opens now."""

    words: str
    rows: str | None


class Rows(BaseModel):
    """What the row policy of a table says: who finds what, and what they may write.

    `found` is how many rows the call finds in all, `kept` which columns may not change at will.
    """

    table: str
    found: str | None
    ways: list[Way]
    writing: dict[str, list[str]]
    kept: list[str]


class Explanation(BaseModel):
    """The steps of a call in their order, then the rows that it meets."""

    name: str
    email: str
    client_id: str | None
    channel: Channel
    needs: list[str]
    steps: list[Step]
    rows: list[Rows]

    @property
    def refused_at(self) -> Step | None:
        """The first step that refuses."""
        return next((step for step in self.steps if step.code), None)

    @property
    def verdict(self) -> str:
        """The answer in one sentence."""
        step = self.refused_at
        if step is None:
            return f"Allowed: {self.email} may call {self.name} {_CHANNELS[self.channel]}."
        return f"Refused ({step.status} {step.code}): {step.says}"


def steps(case: Case) -> list[Step]:
    """Give the steps in which a call is decided, as far as there is something to look at."""
    found = (look(case) for look in _LOOKS)
    return [step for step in found if step is not None]


def _procedure(case: Case) -> Step:
    item = case.procedure
    if item is None:
        return _refused("procedure", NotFound(f"There is no procedure {case.name!r}."))
    return Step(name="procedure", says=f"{item.name}: {item.summary}. {_needs(item)}")


def _channel(case: Case) -> Step | None:
    if case.procedure is None:
        return None
    offered = [words for each, words in _CHANNELS.items() if each in case.procedure.channels]
    says = f"It is offered {', '.join(offered)}."
    try:
        check_channel(case.procedure, case.principal)
    except CallError as refusal:
        return _refused("channel", refusal, f"{refusal.message} {says}")
    return Step(name="channel", says=says)


def _account(case: Case) -> Step:
    if case.account is None:
        return _dead(case, "account", f"There is no account {case.email!r}.")
    if case.account.is_suspended:
        says = f"{case.email} is suspended: sessions and tokens of the account are refused."
        return _dead(case, "account", says)
    return Step(name="account", says=f"{case.email} is active.")


def _client(case: Case) -> Step | None:
    if case.client_id is None:
        return None
    if case.app is None:
        return _dead(case, "client", f"There is no client {case.client_id!r}.")
    if case.app.is_revoked:
        return _dead(case, "client", f"{case.app.name} is revoked: its tokens are refused.")
    return Step(name="client", says=f"{case.app.name} is active.")


def _grant(case: Case) -> Step | None:
    app = case.app
    if app is None or case.account is None:
        return None
    if case.granted is None:
        says = f"{case.email} has allowed {app.name} nothing: it holds no token of theirs."
        return _dead(case, "grant", f"{says} {_a_consent(case, app)}")
    if case.granted is app.consent:
        return Step(name="grant", says=f"{case.email} has connected {app.name}.")
    return Step(name="grant", says=f"{app.name} acts for itself, among its owner's rows.")


def _of_client(case: Case) -> Step | None:
    if case.app is None:
        return None
    held = [Part(source=case.app.name, scopes=_listed(case.app.scopes))]
    return _scopes(case, "client scopes", held, "The client may ask for", "It may not ask for")


def _of_grant(case: Case) -> Step | None:
    app = case.app
    if app is None or case.granted is None:
        return None
    held = [Part(source=app.name, scopes=_listed(case.granted))]
    step = _scopes(case, "granted scopes", held, "The client was granted", "It was not granted")
    if step and step.code:
        step.says = f"{step.says} {_a_consent(case, app)}"
    return step


def _of_roles(case: Case) -> Step | None:
    if case.account is None:
        return None
    held = [Part(source=name, scopes=_listed(each)) for name, each in case.account.roles.items()]
    return _scopes(case, "role scopes", held, "The person's roles give", "No role of theirs gives")


def _together(case: Case) -> Step | None:
    item, principal = case.procedure, case.principal
    if item is None or (principal.is_nobody and not item.public):
        return None
    common = [Part(source="In common", scopes=_listed(principal.scopes))] if case.app else []
    try:
        check_scopes(item, principal)
    except CallError as refusal:
        return _refused("in all", refusal, parts=common)
    says = "No scope is needed." if item.public else "That is enough."
    return Step(name="in all", says=says, parts=common)


_LOOKS: tuple[Callable[[Case], Step | None], ...] = (
    _procedure,
    _channel,
    _account,
    _client,
    _grant,
    _of_client,
    _of_grant,
    _of_roles,
    _together,
)


def _scopes(case: Case, name: str, held: list[Part], gives: str, lacks: str) -> Step | None:
    """Give the step that looks at scopes from one source; none are looked at for a public one."""
    item = case.procedure
    if item is None or item.public:
        return None
    together = frozenset(scope for part in held for scope in part.scopes)
    if item.is_open_to(together):
        return Step(name=name, says=f"{gives} what is needed.", parts=held)
    missing = " or ".join(scope for scope in item.scopes if scope not in together)
    refusal = ScopeMissing(item.name, item.scopes)
    return _refused(name, refusal, f"{lacks} {missing}.", parts=held)


def _dead(case: Case, name: str, says: str) -> Step:
    """Give the step at which the credential counts for nothing: a call without one is left."""
    item = case.procedure
    if case.channel is Channel.BROWSER and item and item.public:
        return Step(name=name, says=f"{says} The call needs none.")
    return _refused(name, NotSignedIn(says))


def _refused(
    name: str, refusal: CallError, says: str | None = None, parts: Sequence[Part] = ()
) -> Step:
    return Step(
        name=name,
        says=says or refusal.message,
        parts=list(parts),
        code=refusal.code,
        status=refusal.status,
    )


def _needs(item: AnyProcedure) -> str:
    if item.public:
        return "It is public."
    joined = " or ".join(item.scopes) if item.any_scope else " and ".join(item.scopes)
    return f"It needs {joined}."


def _a_consent(case: Case, app: App) -> str:
    could = app.scopes & (case.account.scopes if case.account else frozenset())
    item = case.procedure
    if item and not item.public:
        could &= frozenset(item.scopes)
    given = render(could)
    if given:
        return f"A consent could give it {given}."
    return "No consent could give it what is needed."


def _listed(scopes: frozenset[str]) -> list[str]:
    return render(scopes).split()
