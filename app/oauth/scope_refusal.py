"""What an `invalid_scope` error says: which scopes are unknown, and which are not allowed."""

import re
from collections.abc import Set as AbstractSet

from app.core import scopes

# Shown on a page: a request must not be able to put a sentence of its own there.
_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,60}")
_MAX_NAMES = 5


def scope_refusal(excess: AbstractSet[str]) -> str:
    """Return the description of an error about scopes that a client may not request."""
    unknown = sorted(excess - scopes.SCOPES.keys())
    known = scopes.render(excess & scopes.SCOPES.keys()).split()
    sentences = []
    if unknown:
        sentences.append(f"Unknown scope: {_listed(unknown)}.")
    if known:
        sentences.append(f"This client may not request: {_listed(known)}.")
    return " ".join(sentences)


def _listed(names: list[str]) -> str:
    readable = [name for name in names if _NAME.fullmatch(name)][:_MAX_NAMES]
    more = len(names) - len(readable)
    others = [f"{more} {'more' if readable else 'unreadable'}"] if more else []
    return ", ".join(readable + others)
