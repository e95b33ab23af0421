"""The API answers as its OpenAPI document says, whatever it is sent."""

from __future__ import annotations

import pytest

from order_service.services import Line
from order_service.tests.test_placing import place
from polder.testing import deliver
from polder.testing.openapi import Operation, every_operation
from tests.makers import reservation_event, shipment_event


@pytest.mark.parametrize("operation", every_operation(), ids=str)
def test_every_answer_is_one_that_the_document_names(catalogue: None, operation: Operation) -> None:
    order_id = place(Line("p1", 2), Line("p2", 1)).order.pk
    deliver(reserved := reservation_event(order_id=order_id), shipment_event(order_id=order_id))

    # No order at random names a product that is there: being told so is as far as one gets.
    reaching = (422,) if str(operation) == "POST /api/orders/" else (200, 202)
    operation.fuzz(
        path={
            "order_id": str(order_id),
            "event_id": str(reserved.id),
            "product_id": "p1",
            "key": "p1",
        },
        reaching=reaching,
    )
