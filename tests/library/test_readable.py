"""What was parked by code that did not know it is applied by itself when code that does has
started."""

from __future__ import annotations

import pytest

from common.contracts.inventory import ProductChanged
from order_service.models import Product
from polder.contracts.event import Event
from polder.inbox import redrive_many
from polder.inbox.batch_errors import TransientFailure
from polder.inbox.models import ParkedEvent, ParkedState
from polder.inbox.readable import Readable
from polder.testing import deliver
from polder.testing.database import other_connection
from tests.library.test_redrive import judge_each_by_itself
from tests.makers import product_event


@pytest.fixture(autouse=True)
def _no_halt(monkeypatch: pytest.MonkeyPatch) -> None:
    judge_each_by_itself(monkeypatch)


def version_2(product_id: str, version: int = 2, *, schema: int = 2) -> bytes:
    """As the code of tomorrow writes it."""
    event = product_event(ProductChanged, product_id=product_id, version=version)
    name = ProductChanged.schema_name(schema)
    return event.model_copy(update={"dataschema": name}).encode().encode()


def states() -> list[str]:
    return [f"{one.state}: {one.reason}" for one in ParkedEvent.objects.order_by("pk")]


def test_a_newer_version_waits_for_the_code_that_knows_it(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given events of version 2, and code that knows version 1
    for number in range(3):
        deliver(version_2(f"p{number}"))
    assert Readable().redrive() == {}
    assert states() == ["parked: newer-version"] * 3

    # When code starts that knows version 2, and no other
    monkeypatch.setattr(ProductChanged, "schema_version", 2)
    deliver(version_2("p9", schema=3))
    started = Readable()
    redriven = started.redrive()

    # Then
    assert redriven == {"redriven-applied": 3}
    assert states() == ["redriven: newer-version"] * 3 + ["parked: newer-version"]
    assert Product.objects.filter(version=2).count() == 3

    # And what an old worker parks meanwhile follows
    with monkeypatch.context() as old:
        old.setattr(ProductChanged, "schema_version", 1)
        deliver(version_2("p3"))
    assert started.redrive() == {"redriven-applied": 1}
    assert started.redrive() == {}


def test_one_that_needs_what_somebody_holds_keeps_no_other_waiting(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given more than go together, the first of which needs what somebody holds
    monkeypatch.setattr(redrive_many, "BATCH_MESSAGES", 2)
    monkeypatch.setattr(redrive_many, "PAUSES", (0.0,))
    deliver(product_event(product_id="p0"), *(version_2(f"p{number}") for number in range(5)))
    monkeypatch.setattr(ProductChanged, "schema_version", 2)
    started = Readable()

    # When
    with other_connection() as other, other.transaction():
        other.execute("SELECT FROM replica_product WHERE key = 'p0' FOR UPDATE")
        with pytest.raises(TransientFailure, match="1 need what somebody holds"):
            started.redrive()

    # Then the others are done, and it when it is let go
    assert states() == ["parked: newer-version"] + ["redriven: newer-version"] * 4
    assert started.redrive() == {"redriven-applied": 1}


def test_an_unknown_type_waits_for_the_code_that_knows_it(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as old:
        old.delitem(Event.known, ("inventory", "ProductChanged"))
        deliver(product_event(ProductChanged, version=2))
    assert states() == ["parked: unknown-type"]

    assert Readable().redrive() == {"redriven-applied": 1}


def test_what_was_discarded_or_cannot_be_read_stays(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(version_2("p1"))
    deliver(b"{")
    ParkedEvent.objects.filter(reason="newer-version").update(state=ParkedState.DISCARDED)
    monkeypatch.setattr(ProductChanged, "schema_version", 2)

    assert Readable().redrive() == {}
    assert states() == ["discarded: newer-version", "parked: not-json"]


def test_what_an_old_version_said_is_stale_by_then(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(version_2("p1", version=2))
    deliver(product_event(ProductChanged, product_id="p1", version=3))
    monkeypatch.setattr(ProductChanged, "schema_version", 2)

    assert Readable().redrive() == {"redriven-stale": 1}
    assert Product.objects.get().version == 3
