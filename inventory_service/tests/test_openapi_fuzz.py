"""The API answers as its OpenAPI document says, whatever it is sent."""

from __future__ import annotations

import pytest

from inventory_service.models import Movement
from polder.testing import deliver
from polder.testing.openapi import Operation, every_operation
from tests.makers import order_event


@pytest.mark.parametrize("operation", every_operation(), ids=str)
def test_every_answer_is_one_that_the_document_names(shop: None, operation: Operation) -> None:
    deliver(held := order_event(products={"p1": 4}), order_event(products={"p1": 40}))

    seeded = {
        "product_id": "p1",
        "key": "p1",
        "order_id": held.subject,
        "event_id": str(held.id),
        "movement_id": str(Movement.objects.earliest("pk").pk),
    }
    operation.fuzz(path=seeded, headers={"If-Match": '"1"'})
