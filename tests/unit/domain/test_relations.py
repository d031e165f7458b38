"""Who gets receipts."""

from __future__ import annotations

from itertools import product

import pytest
from chat.domain.relations import Relation, gives_receipts


@pytest.mark.parametrize(("accepted", "blocked", "also"), list(product((False, True), repeat=3)))
def test_receipts_go_to_accounts_that_were_accepted_and_are_not_blocked(
    accepted: bool, blocked: bool, also: bool
) -> None:
    """Accepted before or in this frame; a block silences."""
    given = gives_receipts(Relation(accepted=accepted, blocked=blocked), also_accepted=also)

    assert given == ((accepted or also) and not blocked)
