"""Edits of the shop's own contracts, as people make them: some break somebody, others do not."""

from __future__ import annotations

from dataclasses import dataclass, field

INVENTORY, SHIPPING = "common/contracts/inventory.py", "common/contracts/shipping.py"


@dataclass(frozen=True)
class Edit:
    """`old`, which is once in the contract, becomes `new`."""

    name: str
    old: str
    new: str
    path: str = ""  # of the member, as the gate names it
    rule: str = ""
    readers: tuple[str, ...] = ()
    also: tuple[tuple[str, str], ...] = ()  # in the same file
    file: str = INVENTORY
    says: tuple[str, ...] = field(default=())

    @property
    def publisher(self) -> str:
        return {INVENTORY: "inventory", SHIPPING: "shipping"}.get(self.file, "order")


NAME = '    name: Text = Field(examples=["Rubber boots"])\n'
WEIGHT = "    weight_grams: Count | None = Field(default=None, examples=[1200])\n"
UPCAST = (
    "from polder.contracts.event import Event, State, Value\n",
    "from polder.contracts.event import Event, State, Value\n"
    "from polder.contracts.upcasts import Data, upcast\n",
)
TO_2 = (
    '    aggregate = "product"\n',
    '    aggregate = "product"\n    schema_version = 2\n',
)
BRAND = (NAME, f"{NAME}    brand: Text\n")


def step(body: str, version: int = 1) -> str:
    """The class after which it stands, and an upcast of it."""
    return (
        '    """It can no longer be ordered."""\n\n\n'
        f"@upcast(ProductEvent, from_version={version})\n"
        f"def _product_event_2(data: Data) -> Data:\n    {body}\n"
    )


RETIRED = '    """It can no longer be ordered."""\n'

BREAKING = [
    Edit("removed", NAME, "", "data.name", "removed", ("order.Product (name)", "shipping.Product")),
    Edit(
        "renamed",
        NAME,
        NAME.replace("name:", "label:"),
        "data.name",
        "renamed",
        ("shipping.Product (name) in shipping, watched by reconcile_shipments",),
        says=("is now label", "@upcast(ProductEvent, from_version=1)", "schema_version = 2"),
    ),
    Edit(
        "removed, though it has a default",
        '    tracking_number: Text = ""\n    """The carrier\'s; empty until it is dispatched."""\n',
        "",
        "data.trackingNumber",
        "removed",
        ("order.Shipment (tracking_number)",),
        file=SHIPPING,
    ),
    Edit(
        "made required",
        '    carrier: Text = ""\n',
        "    carrier: Text\n",
        "data.carrier",
        "made required",
        ("order.Shipment (carrier)",),
        file=SHIPPING,
    ),
    Edit(
        "new, without a default",
        NAME,
        f"{NAME}    brand: Text\n",
        "data.brand",
        "made required",
        says=("no replica reads it",),
    ),
    Edit(
        "another type",
        "    on_hand: Count = Field(examples=[40])\n",
        '    on_hand: Text = Field(examples=["40"])\n',
        "data.onHand",
        "type changed",
        ("order.Stock (on_hand)",),
    ),
    Edit(
        "a type narrowed",
        "    available: Count = Field(examples=[38])\n",
        "    available: Quantity = Field(examples=[38])\n",
        "data.available",
        "narrowed",
        ("order.Stock (available)",),
    ),
    Edit(
        "a type widened",
        NAME,
        '    name: str = Field(max_length=1000, examples=["Rubber boots"])\n',
        "data.name",
        "widened",
        ("order.Product (name)",),
    ),
    Edit(
        "an enum narrowed",
        "    country: Text = Field(",
        '    country: Literal["NL", "BE"] = Field(',
        "data.shippingAddress.country",
        "enum narrowed",
        ("shipping.Order (shipping_address) in shipping",),
        also=(
            (
                "from enum import StrEnum\n",
                "from enum import StrEnum\nfrom typing import Literal\n",
            ),
        ),
        file="common/contracts/orders.py",
    ),
    Edit(
        "another format",
        '    product_id: Key = Field(examples=["p1"])\n    name',
        "    product_id: UUID\n    name",
        "data.productId",
        "format",
        also=(
            (
                "        return self.product_id\n\n\nclass ProductEvent",
                "        return str(self.product_id)\n\n\nclass ProductEvent",
            ),
        ),
    ),
    Edit(
        "may be null",
        NAME,
        '    name: Text | None = Field(examples=["Rubber boots"])\n',
        "data.name",
        "nullability",
        ("order.Product (name)",),
    ),
    Edit(
        "a null that is lost",
        WEIGHT,
        "    weight_grams: Count | None = Field(default=0, examples=[1200])\n",
        "data.weightGrams",
        "null lost",
        says=("readers then take 0", "give it the default None"),
    ),
    Edit(
        "a type widened to a choice",
        NAME,
        '    name: Text | Count = Field(examples=["Rubber boots"])\n',
        "data.name",
        "type widened",
        ("order.Product (name)",),
        says=("subscribers that run the old code cannot read",),
    ),
    Edit(
        "may not be null any more",
        WEIGHT,
        "    weight_grams: Count = Field(default=0, examples=[1200])\n",
        "data.weightGrams",
        "nullability",
        ("shipping.Product (weight_grams)",),
    ),
    Edit(
        "a default of another meaning",
        '    carrier: Text = ""\n',
        '    carrier: Text = "PostNL"\n',
        "data.carrier",
        "default",
        ("order.Shipment (carrier)",),
        file=SHIPPING,
    ),
    Edit(
        "removed in a list, deep down",
        '    available: Count\n    """When it was decided."""\n',
        "",
        "data.shortages[].available",
        "removed",
        ("order.Reservation (shortages) in order, watched by reconcile_orders",),
        also=((', "available": 1}', "}"),),
    ),
    Edit(
        "another aggregate",
        '    aggregate = "stock"\n',
        '    aggregate = "level"\n',
        "aggregatetype",
        "enum narrowed",
    ),
    Edit(
        "an event removed",
        f"class ProductRetired(ProductEvent):\n{RETIRED}",
        "ProductRetired = ProductChanged\n",
        "",
        "event removed",
        ("order.Product", "shipping.Product"),
        says=("keep the class ProductRetired",),
    ),
    Edit(
        "an event renamed",
        f"class ProductRetired(ProductEvent):\n{RETIRED}",
        f"class ProductEnded(ProductEvent):\n{RETIRED}\n\nProductRetired = ProductEnded\n",
        "",
        "event removed",
        ("order.Product", "shipping.Product"),
        says=("keep the class ProductRetired",),
    ),
    Edit(
        "an event that announces no status any more",
        "    status = ReservationStatus.CONSUMED\n",
        "",
        "data.status",
        "enum widened",
        ("order.Reservation (status)",),
    ),
    Edit(
        "code that refuses what the schema allows",
        "        return self.product_id\n\n\nclass ProductEvent",
        "        return self.product_id\n\n"
        '    @field_validator("name")\n    @classmethod\n'
        "    def _short(cls, name: str) -> str:\n"
        '        assert " " not in name, "one word"\n        return name\n\n\n'
        "class ProductEvent",
        "data",
        "read otherwise",
        ("order.Product", "shipping.Product"),
        also=(("from pydantic import Field\n", "from pydantic import Field, field_validator\n"),),
        says=("no longer read: ", "one word"),
    ),
    Edit(
        "code that reads what it is told as something else",
        '    carrier: Text = ""\n',
        '    carrier: Annotated[Text, AfterValidator(str.lower)] = ""\n',
        "data",
        "read otherwise",
        ("order.Shipment",),
        also=(
            (
                "from enum import StrEnum\n",
                "from enum import StrEnum\nfrom typing import Annotated\n\n"
                "from pydantic import AfterValidator\n",
            ),
        ),
        file=SHIPPING,
        says=("data.carrier, written as 'PostNL', is read as 'postnl'",),
    ),
    Edit(
        "code that refuses what its example does not show",
        "        return self.product_id\n\n\nclass ProductEvent",
        "        return self.product_id\n\n"
        '    @field_validator("name")\n    @classmethod\n'
        "    def _begins_well(cls, name: str) -> str:\n"
        '        assert name.istitle() or " " in name, "a title"\n        return name\n\n\n'
        "class ProductEvent",
        "data.name",
        "read otherwise",
        ("order.Product (name)", "shipping.Product (name)"),
        also=(("from pydantic import Field\n", "from pydantic import Field, field_validator\n"),),
        says=('name is "": ', "a title"),
    ),
    Edit(
        "code that changes what its example does not show",
        '    tracking_number: Text = ""\n',
        '    tracking_number: Annotated[Text, AfterValidator(str.strip)] = ""\n',
        "data.trackingNumber",
        "read otherwise",
        ("order.Shipment (tracking_number)",),
        also=(
            (
                "from enum import StrEnum\n",
                "from enum import StrEnum\nfrom typing import Annotated\n\n"
                "from pydantic import AfterValidator\n",
            ),
        ),
        file=SHIPPING,
        says=("data.trackingNumber, written as ' a ', is read as 'a'",),
    ),
    Edit(
        "code that refuses deep down",
        '    available: Count\n    """When it was decided."""\n',
        "    available: Annotated[Count, AfterValidator(_odd)]\n",
        "data.shortages[].available",
        "read otherwise",
        ("order.Reservation (shortages) in order, watched by reconcile_orders",),
        also=(
            (
                "from enum import StrEnum\n",
                "from enum import StrEnum\nfrom typing import Annotated\n",
            ),
            ("from pydantic import Field\n", "from pydantic import AfterValidator, Field\n"),
            (
                "class Shortage(Value):",
                "def _odd(count: int) -> int:\n    assert count % 2, 'odd'\n    return count\n\n\n"
                "class Shortage(Value):",
            ),
        ),
    ),
    Edit(
        "a version skipped",
        RETIRED,
        step("return data") + step("return data", 2).removeprefix(RETIRED).replace("_2(", "_3("),
        "",
        "version skipped",
        also=(UPCAST, (TO_2[0], TO_2[1].replace("2", "3"))),
        says=("there is no version 2", "schema_version = 2"),
    ),
    Edit("an upcast missing", *TO_2, "", "upcast missing", also=(BRAND,)),
    Edit(
        "an upcast unreachable",
        RETIRED,
        step("return data", 2),
        "",
        "upcast unreachable",
        also=(UPCAST, TO_2),
    ),
    Edit(
        "an upcast not total",
        RETIRED,
        step('return {**data, "brand": data["name"].split(" ")[1]}'),
        "",
        "upcast not total",
        also=(UPCAST, TO_2, BRAND),
        says=("name is", "IndexError"),
    ),
    Edit(
        "an upcast that forgets a case",
        RETIRED,
        step('return {**data, "weightGrams": data["weightGrams"] * 2}'),
        "",
        "upcast not total",
        also=(UPCAST, TO_2),
        says=("weightGrams is left out", "KeyError"),
    ),
]

COMPATIBLE = [
    Edit("a member with a default", NAME, f'{NAME}    brand: Text = ""\n'),
    Edit("a member that may be null", NAME, f"{NAME}    depth: Count | None = None\n"),
    Edit(
        "a member with a default, deep down",
        '    available: Count\n    """When it was decided."""\n',
        "    available: Count\n    incoming: Count = 0\n",
    ),
    Edit(
        "an event",
        RETIRED,
        f'{RETIRED}\n\nclass ProductReturned(ProductEvent):\n    """It is back."""\n',
    ),
    Edit(
        "a status with its event",
        '    CANCELLED = "cancelled"\n',
        '    CANCELLED = "cancelled"\n    LOST = "lost"\n',
        also=(
            (
                '    """It will never leave."""\n',
                '    """It will never leave."""\n\n    status = ShipmentStatus.CANCELLED\n\n\n'
                'class ShipmentLost(ShipmentEvent):\n    """Nobody knows where it is."""\n',
            ),
            (
                'Nobody knows where it is."""\n\n    status = ShipmentStatus.CANCELLED\n',
                'Nobody knows where it is."""\n\n    status = ShipmentStatus.LOST\n',
            ),
        ),
        file=SHIPPING,
    ),
    Edit("another text", '    """In the building."""\n', '    """What is in the building."""\n'),
    Edit("another order", NAME, "", also=(("    price: Money\n", f"    price: Money\n{NAME}"),)),
    Edit(
        "a class of another name",
        "class Shortage(Value):",
        "class Missing(Value):",
        also=(
            ("    shortages: tuple[Shortage, ...] = ()", "    shortages: tuple[Missing, ...] = ()"),
            (
                "class ReservationState(State):",
                "Shortage = Missing\n\n\nclass ReservationState(State):",
            ),
        ),
    ),
    Edit(
        "a default where our writer always says it",
        "    products: tuple[ReservedLine, ...]\n",
        "    products: tuple[ReservedLine, ...] = ()\n",
    ),
    Edit(
        "a new version with its upcast",
        RETIRED,
        step('return {**data, "brand": data["name"].partition(" ")[0]}'),
        also=(UPCAST, TO_2, BRAND),
    ),
]
