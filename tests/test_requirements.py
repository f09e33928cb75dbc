"""The ledger and the tests say the same."""

import re
from collections import Counter

from tests.requirements import CLAIMS, DOCUMENT, SPECIFICATIONS, document, proofs


def test_each_claim_has_a_test_and_each_proof_a_claim() -> None:
    proved = {claimed for claimed, _ in proofs()}
    assert proved ^ CLAIMS.keys() == set()


def test_each_claim_is_made_once() -> None:
    made = Counter(f"{of.key}:{claim.name}" for of in SPECIFICATIONS for claim in of.claims)
    assert [claimed for claimed, times in made.items() if times > 1] == []


def test_each_claim_has_a_section_and_a_level() -> None:
    for claimed, claim in CLAIMS.items():
        assert re.fullmatch(r"[a-z0-9-]+:[a-z0-9-]+", claimed)
        assert claim.level in ("MUST", "SHOULD"), claimed
        assert re.search(r"\d", claim.section), claimed
        assert claim.says.endswith("."), claimed


def test_the_document_is_the_ledger() -> None:
    assert DOCUMENT.read_text() == document(), "run make docs"
