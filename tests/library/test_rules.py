"""A table of rules that its state machine could not follow is refused when it is made."""

from __future__ import annotations

import pytest

from order_service.models import Order, Reservation
from polder.reconcile.rules import ABSENT, Rule, Rules

UPSTREAM = {"reservation": Reservation}


@pytest.mark.parametrize(
    "rule",
    [
        Rule("pending", "delivered", reservation="held"),
        Rule(ABSENT, "confirmed", reservation="held"),
        Rule("pending", "confirmed", shipment="dispatched"),
        Rule("pending", "confirmed"),
    ],
    ids=str,
)
def test_a_rule_that_cannot_be_followed(rule: Rule) -> None:
    with pytest.raises(ValueError, match=rule.then):
        Rules(Order, UPSTREAM, rule)


def test_the_first_rule_counts_also_while_it_waits() -> None:
    waiting = Rule("pending", "confirmed", reservation="held", needs="a stamp")
    rules = Rules(Order, UPSTREAM, waiting, Rule("pending", "rejected", reservation="held"))

    assert rules.find("pending", reservation="held") is waiting
    assert rules.find("pending", reservation=None) is None
    assert rules.find("confirmed", reservation="held") is None
