"""What the inventory service decides: products, their stock, and what is reserved for whom."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from common.contracts.inventory import (
    ProductChanged,
    ProductEvent,
    ProductRetired,
    ProductState,
    ReservationEvent,
    ReservationState,
    ReservationStatus,
    ReservedLine,
    Shortage,
    StockEvent,
    StockState,
)
from common.contracts.money import Money
from polder.domain.aggregate import Aggregate, StatefulAggregate
from polder.domain.states import Moves

MOVES = Moves(
    {
        ReservationStatus.HELD: {ReservationStatus.CONSUMED, ReservationStatus.RELEASED},
        ReservationStatus.REJECTED: set(),
        ReservationStatus.CONSUMED: set(),
        ReservationStatus.RELEASED: set(),
    },
    initial={ReservationStatus.HELD, ReservationStatus.REJECTED},
)


class Product(Aggregate):
    """What can be ordered. Retired, never deleted."""

    contract = ProductEvent

    product_id = models.CharField(primary_key=True, max_length=64, db_collation="C")
    name = models.CharField(max_length=200)
    price = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)
    weight_grams = models.PositiveIntegerField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["product_id"]
        permissions = [("retire_product", "Can retire products")]

    def __str__(self) -> str:
        return self.product_id

    def public_state(self) -> ProductState:
        return ProductState(
            product_id=self.pk,
            name=self.name,
            price=Money(amount=self.price, currency=self.currency),
            weight_grams=self.weight_grams,
            retired=self.retired_at is not None,
        )

    def announcement(self) -> ProductEvent:
        return (ProductRetired if self.retired_at else ProductChanged).of(self)


class Stock(Aggregate):
    """How much of a product there is: the sum of its movements, at any moment."""

    contract = StockEvent

    product = models.OneToOneField(Product, on_delete=models.PROTECT, primary_key=True)
    on_hand = models.PositiveIntegerField(default=0)
    reserved = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["product_id"]
        verbose_name_plural = "stock"
        permissions = [("receive_stock", "Can receive stock"), ("adjust_stock", "Can adjust stock")]
        constraints = [
            models.CheckConstraint(
                name="stock_not_oversold", condition=Q(reserved__lte=F("on_hand"))
            )
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {self.available} of {self.on_hand} available"

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved

    def public_state(self) -> StockState:
        return StockState(
            product_id=self.pk,
            on_hand=self.on_hand,
            reserved=self.reserved,
            available=self.available,
        )


class Reservation(StatefulAggregate):
    """All lines of one order, held together or rejected together. Decided once: it is never opened
    again."""

    contract = ReservationEvent
    moves = MOVES

    order_id = models.UUIDField(primary_key=True)
    status = models.CharField(
        max_length=12, choices=[(status, status) for status in ReservationStatus]
    )
    lines = models.JSONField(help_text="productId and quantity of each line.")
    shortages = models.JSONField(default=list)

    class Meta:
        ordering = ["-order_id"]
        constraints = [MOVES.constraint("reservation_status")]
        indexes = [models.Index(fields=["status", "order_id"], name="reservation_by_status")]

    def __str__(self) -> str:
        return f"reservation of order {self.pk}"

    def public_state(self) -> ReservationState:
        return ReservationState(
            order_id=self.pk,
            status=ReservationStatus(self.status),
            products=tuple(ReservedLine.model_validate(line) for line in self.lines),
            shortages=tuple(Shortage.model_validate(shortage) for shortage in self.shortages),
        )


class Owed(models.Model):
    """An order whose goods have left while nothing was held for it here, and there is too little to
    take them from: it waits for more."""

    order_id = models.UUIDField(primary_key=True)
    since = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "inventory_owed"

    def __str__(self) -> str:
        return f"order {self.pk}"


class Movement(models.Model):
    """The journal: every change of stock with its cause. Rows are added and never changed."""

    class Kind(models.TextChoices):
        RECEIVE = "receive", "received"
        ADJUST = "adjust", "adjusted"
        RESERVE = "reserve", "reserved"
        RELEASE = "release", "released"
        CONSUME = "consume", "consumed"

    # the index below begins with it
    product = models.ForeignKey(Product, on_delete=models.PROTECT, db_index=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    on_hand = models.IntegerField(default=0, help_text="Change of what is on hand.")
    reserved = models.IntegerField(default=0, help_text="Change of what is reserved.")
    cause = models.UUIDField(help_text="The order, the receipt or the adjustment that moved it.")
    reason = models.CharField(max_length=200, default="", help_text="Why somebody adjusted it.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["product", "id"], name="movement_of_product"),
            models.Index(
                fields=["kind", "id"],
                name="movement_by_people",
                condition=models.Q(kind__in=["receive", "adjust"]),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["cause", "product", "kind"], name="moved_once"),
            models.CheckConstraint(
                name="movement_kind",
                condition=Q(kind__in=["receive", "adjust", "reserve", "release", "consume"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.product_id} {self.on_hand:+d}/{self.reserved:+d}"
