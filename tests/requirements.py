"""The ledger: each MUST and SHOULD that Latchkey claims, held to its tests by test_requirements.

`make docs` makes docs/oauth.md from it.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

TESTS = Path(__file__).parent
DOCUMENT = TESTS.parent / "docs" / "oauth.md"


class Claim(NamedTuple):
    """One demand of a specification that we meet: its name, where it stands, what it says."""

    name: str
    section: str
    level: Literal["MUST", "SHOULD"]
    says: str


@dataclass(frozen=True, slots=True)
class Specification:
    """A document, and what of it we claim; its `key` begins each of the claims' ids."""

    key: str
    title: str
    claims: tuple[Claim, ...]


SPECIFICATIONS = (
    Specification(
        "rfc6749",
        "RFC 6749: The OAuth 2.0 Authorization Framework",
        (Claim("one-authentication", "2.3", "MUST", "A client authenticates in one way only."),),
    ),
)

CLAIMS = {f"{of.key}:{claim.name}": claim for of in SPECIFICATIONS for claim in of.claims}


def requirement(*ids: str) -> pytest.MarkDecorator:
    """Mark a test as the proof of these claims.

    Raises:
        KeyError: the ledger makes no such claim.
    """
    for claimed in ids:
        _ = CLAIMS[claimed]
    return pytest.mark.requirement(*ids)


def proofs() -> Iterator[tuple[str, str]]:
    """Give the id of a claim and the test that proves it, as the tests' source has them."""
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                where = f"{path.relative_to(TESTS.parent).as_posix()}::{node.name}"
                yield from ((claimed, where) for claimed in _claimed_by(node))


def _claimed_by(test: ast.FunctionDef) -> Iterator[str]:
    for mark in test.decorator_list:
        if isinstance(mark, ast.Call) and getattr(mark.func, "id", None) == requirement.__name__:
            yield from (ast.literal_eval(argument) for argument in mark.args)


def document() -> str:
    """Give docs/oauth.md: each claim with the tests that prove it."""
    proved = list(proofs())
    lines = [
        "# What the authorization server keeps to",
        "",
        "Made from `tests/requirements.py` by `make docs`. Each line is a demand of the named",
        "section that Latchkey claims to meet; the tests beside it fail where it does not.",
    ]
    for of in SPECIFICATIONS:
        lines += ["", f"## {of.title}", "", "| § | | what | proved by |", "|---|---|---|---|"]
        for claim in of.claims:
            tests = ", ".join(
                f"`{where.rpartition('::')[2]}`"
                for claimed, where in proved
                if claimed == f"{of.key}:{claim.name}"
            )
            lines.append(f"| {claim.section} | {claim.level} | {claim.says} | {tests} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    DOCUMENT.write_text(document())
