"""Edits of the shop's own contracts, as people make them: some break somebody, others do not."""

from __future__ import annotations

from dataclasses import dataclass, field

INVENTORY, SHIPPING = "common/contracts/inventory.py", "common/contracts/shipping.py"
ORDERS = "common/contracts/orders.py"


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
