"""Who gets receipts."""

from __future__ import annotations

from itertools import product

import pytest
from chat.domain.relations import Relation, gives_receipts


@pytest.mark.parametrize(("accepted", "mine", "theirs", "also"), list(product((False, True), repeat=4)))
def test_receipts_go_to_accepted_accounts_unless_somebody_blocks(
    accepted: bool, mine: bool, theirs: bool, also: bool
) -> None:
    """Accepted before or in this frame; a block on either side silences."""
    given = gives_receipts(
        Relation(accepted=accepted, blocked=mine), Relation(blocked=theirs), also_accepted=also
    )

    assert given == ((accepted or also) and not (mine or theirs))


def test_what_the_other_accepted_does_not_matter() -> None:
    """Only my own choice tells somebody that I read."""
    assert not gives_receipts(Relation(), Relation(accepted=True))
