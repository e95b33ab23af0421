"""Only some rows are asked for, by keys as the rows have them."""

from __future__ import annotations

import pytest
from uuid_utils.compat import uuid7

from polder.replication.models import ReplicaState
from polder.resync import runs
from polder.testing import deliver
from tests.library.resync.wire import PRODUCT, Wire, products, state
from tests.makers import product_event

RESERVATION = "inventory.reservation"


def test_only_some_keys(wire: Wire) -> None:
    deliver(*(product_event(product_id=f"p{number}") for number in range(3)))
    wire.owns(*(product_event(product_id=f"p{number}", name="x") for number in range(2)))

    runs.begin(PRODUCT, "asked for", keys=["p1", "p2", "p9"])
    end = wire.run()

    assert set(products()) == {"p0", "p1"}
    assert products()["p1"] == (1, "x")
    assert (end.rows_changed, end.rows_removed) == (1, 1)


@pytest.mark.parametrize("key", ["", "p" * 65, "p\0"])
def test_what_is_no_key_is_refused(wire: Wire, key: str) -> None:
    """It would be asked for for ever, and nothing else any more."""
    with pytest.raises(runs.NotPossible, match="is no key"):
        runs.begin(PRODUCT, "asked for", keys=["p1", key])
    assert not ReplicaState.objects.exists()

    runs.begin(PRODUCT, "asked for", keys=["p1"])
    with pytest.raises(runs.NotPossible, match="is no key"):
        runs.fetch(PRODUCT, [key], "asked for")
    assert state().asking == ["p1"]


def test_keys_as_the_rows_have_them(wire: Wire) -> None:
    """The owner would be asked again and again for one that is none, and says that it does not know
    one that is written otherwise: then the row would be removed."""
    key = uuid7()
    runs.begin(RESERVATION, "asked for", keys=[str(key).upper()])
    assert ReplicaState.objects.get(pk=RESERVATION).asking == [str(key)]

    for keys in (["p1"], [""], ["x" * 65]):
        with pytest.raises(runs.NotPossible, match="is no key of"):
            runs.fetch(RESERVATION, [str(key), *keys], "asked for")
