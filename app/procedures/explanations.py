"""Why a call of somebody's would be allowed or refused, and which rows it would meet."""

from collections.abc import Iterator

from app.core import in_words
from app.core.case import Case
from app.core.counting import Counting, in_digits
from app.core.explanation import Explanation, Rows, Way, steps
from app.core.in_words import Caller
from app.core.policy import RowPolicy
from app.core.procedure import PAGES_ONLY, Call, procedure
from app.core.rows import Acting
from app.core.ways import opens
from app.extensions import Model
from app.models import ROW_POLICIES
from app.procedures import cases
from app.procedures.cases import Question

_WRITING = {"add": "insert", "change": "update", "delete": "delete"}


@procedure(
    "explanations.get",
    scopes=["users:viewAll", "roles:view", "oauth-clients:viewAll"],
    channels=PAGES_ONLY,
    touches=cases.TOUCHED,
)
def get(call: Call, given: Question) -> Explanation:
    """Explain step by step why a call of somebody's would be allowed or refused.

    The rows are counted as that person would find them.
    """
    case = cases.found(call.session, call.catalogue, given)
    return explained(case, Counting(call.session.get_bind().engine))


def explained(case: Case, counting: Counting) -> Explanation:
    """Give the explanation; rows are counted where the call would come as far as them."""
    explanation = Explanation(
        name=case.name,
        email=case.email,
        client_id=case.client_id,
        channel=case.channel,
        needs=list(case.procedure.scopes) if case.procedure else [],
        steps=steps(case),
        rows=[],
    )
    if case.procedure and case.account:
        is_allowed = explanation.refused_at is None
        touched = _Touched(case, counting if is_allowed else None)
        explanation.rows = [touched.rows(name) for name in case.procedure.touches]
    return explanation


class _Touched:
    """The tables that a call touches; without `counting` nothing is counted."""

    def __init__(self, case: Case, counting: Counting | None) -> None:
        item = case.procedure
        self._named = frozenset(item.scopes) if item else frozenset()
        self._writes = bool(item and item.writes)
        self._principal = case.principal
        self._acting = Acting.of(case.principal, self._named)
        self._caller = Caller(self._acting, self._named, case.names)
        self._counting = counting

    def rows(self, name: str) -> Rows:
        """Give what the policy of a table says of them."""
        policy = ROW_POLICIES[name]
        return Rows(
            table=name,
            found=self._found(name, policy),
            ways=list(self._ways(name, policy)),
            writing=self._writing(policy) if self._writes else {},
            kept=self._kept(policy) if self._writes else [],
        )

    def _found(self, name: str, policy: RowPolicy) -> str | None:
        if self._counting is None:
            return None
        table = Model.metadata.tables[name]
        return in_digits(self._counting.found(self._principal, self._named, table, policy))

    def _ways(self, name: str, policy: RowPolicy) -> Iterator[Way]:
        table = Model.metadata.tables[name]
        for rule in in_words.ways(policy):
            count = None
            if self._counting and opens(rule, table, self._acting):
                opened = self._counting.opened(self._principal, self._named, table, rule)
                count = in_digits(opened)
            yield Way(words=in_words.words(rule, self._caller), rows=count)

    def _writing(self, policy: RowPolicy) -> dict[str, list[str]]:
        return {
            verb: [
                in_words.words(rule, self._caller)
                for rule in in_words.either_of(getattr(policy, action))
            ]
            for verb, action in _WRITING.items()
        }

    def _kept(self, policy: RowPolicy) -> list[str]:
        return [in_words.keeping(change, self._caller) for change in policy.changes]
