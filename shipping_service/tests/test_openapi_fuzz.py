"""The API answers as its OpenAPI document says, whatever it is sent."""

from __future__ import annotations

import pytest

from polder.testing import deliver
from polder.testing.openapi import Operation, every_operation
from shipping_service.services import shipment_dispatch
from tests.makers import order_event, reservation_event


@pytest.mark.parametrize("operation", every_operation(), ids=str)
def test_every_answer_is_one_that_the_document_names(catalogue: None, operation: Operation) -> None:
    deliver(ordered := order_event(), reserved := reservation_event(order_id=ordered.data.order_id))
    if "deliver" in str(operation):
        shipment_dispatch(order_id=ordered.data.order_id, carrier="PostNL", tracking_number="3S1")

    operation.fuzz(
        path={"order_id": ordered.subject, "event_id": str(reserved.id), "key": ordered.subject}
    )
