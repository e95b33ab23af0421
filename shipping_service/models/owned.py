"""What the shipping service decides: shipments."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from common.contracts.orders import Address
from common.contracts.shipping import Package, ShipmentEvent, ShipmentState, ShipmentStatus
from polder.domain.aggregate import StatefulAggregate
from polder.domain.states import Moves

MOVES = Moves(
    {
        ShipmentStatus.PREPARED: {ShipmentStatus.READY, ShipmentStatus.CANCELLED},
        ShipmentStatus.READY: {ShipmentStatus.DISPATCHED, ShipmentStatus.CANCELLED},
        ShipmentStatus.DISPATCHED: {ShipmentStatus.DELIVERED},
        ShipmentStatus.DELIVERED: set(),
        ShipmentStatus.CANCELLED: set(),
    },
    initial={ShipmentStatus.PREPARED, ShipmentStatus.CANCELLED, ShipmentStatus.DISPATCHED},
)


class Shipment(StatefulAggregate):
    """What goes to the customer of one order, packed from our own copies of the order and its
    products."""

    contract = ShipmentEvent
    moves = MOVES
    private = ("unweighed",)

    order_id = models.UUIDField(primary_key=True)
    status = models.CharField(
        max_length=12, choices=[(status, status) for status in ShipmentStatus]
    )
    line1 = models.CharField(max_length=500)
    postal_code = models.CharField(max_length=500)
    city = models.CharField(max_length=500)
    country = models.CharField(max_length=500)
    packages = models.JSONField(
        help_text="productId, quantity, parcels and weightGrams of each product."
    )
    weight_grams = models.PositiveIntegerField(
        null=True, help_text="Of everything; empty while the weight of a product is not known."
    )
    unweighed = ArrayField(
        models.CharField(max_length=64),
        default=list,
        help_text="The products whose weight is not known.",
    )
    carrier = models.CharField(max_length=100, default="")
    tracking_number = models.CharField(max_length=100, default="")

    class Meta:
        ordering = ["-order_id"]
        permissions = [
            ("dispatch_shipment", "Can dispatch shipments"),
            ("deliver_shipment", "Can note deliveries"),
        ]
        constraints = [MOVES.constraint("shipment_status")]
        indexes = [
            models.Index(fields=["status", "order_id"], name="shipment_by_status"),
            models.Index(
                fields=["tracking_number"],
                name="shipment_by_tracking_number",
                condition=~models.Q(tracking_number=""),
            ),
            models.Index(
                fields=["order_id"],
                name="shipment_awaiting_weight",
                condition=models.Q(status="prepared") & ~models.Q(unweighed=[]),
            ),
        ]

    def __str__(self) -> str:
        return f"shipment of order {self.pk}"

    def public_state(self) -> ShipmentState:
        return ShipmentState(
            order_id=self.pk,
            status=ShipmentStatus(self.status),
            shipping_address=Address.model_validate(self, from_attributes=True),
            packages=tuple(Package.model_validate(package) for package in self.packages),
            weight_grams=self.weight_grams,
            carrier=self.carrier,
            tracking_number=self.tracking_number,
        )
