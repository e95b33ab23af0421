"""Edits of the shop's contracts that break nobody."""

from __future__ import annotations

from tests.library.contracts.edits import BRAND, NAME, RETIRED, SHIPPING, TO_2, UPCAST, Edit, step

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
