"""The corners of the checker that no healthy shop comes to."""

from __future__ import annotations

import pytest

from tests.auditor import Seen
from tests.invariants.events import _is_dense
from tests.invariants.wire import _order


@pytest.mark.parametrize(
    ("found", "version", "may_have_dropped", "dense"),
    [
        ([1, 2, 3], 3, False, True),
        ([1, 3], 3, False, False),
        ([1, 2, 2], 2, False, False),
        ([2, 3], 3, False, False),
        ([2, 3], 3, True, True),  # the week of the first one was dropped
        ([], 3, True, True),
        ([1, 2], 3, True, False),  # the newest is never the one that was dropped
        ([1, 3], 3, True, False),
    ],
)
def test_versions_without_gaps_or_repeats(
    found: list[int], version: int, may_have_dropped: bool, dense: bool
) -> None:
    assert _is_dense(found, version, may_have_dropped) is dense


def arrivals(*versions: int) -> list[Seen]:
    return [Seen(f"{number}", "order", "a", version) for number, version in enumerate(versions)]


@pytest.mark.parametrize(
    ("versions", "from_one", "told"),
    [
        ((1, 2, 3), True, 0),
        ((2, 1), True, 1),
        ((1, 3, 2), True, 1),
        ((4, 5), True, 1),
        ((4, 5), False, 0),  # an auditor that came late
        ((5, 4), False, 1),
    ],
)
def test_the_order_of_first_arrivals(versions: tuple[int, ...], from_one: bool, told: int) -> None:
    assert len(list(_order(arrivals(*versions), set(), from_one=from_one))) == told
    assert list(_order(arrivals(*versions), {"a"}, from_one=from_one)) == []
