"""Step eight: an event that cannot be applied, and what an operator does about it."""

from __future__ import annotations

from html import unescape

from demo.stage import KETTLE, LAMP, PATIENCE, Stage
from outside.operator import PARKED, Operator
from outside.shop import Unexpected, until

SERVICE = "inventory"
# Inventory journals each line of an order once, and a unique constraint sees to it. A row that is there already, entered by
# hand, lets the journal's own row fail, and with it everything that the event led to.
STRAY = "INSERT INTO inventory_movement (product_id, kind, on_hand, reserved, cause, reason, created_at) VALUES (%s, 'reserve', 0, 0, %s, %s, now())"
MEND = "DELETE FROM inventory_movement WHERE kind = 'reserve' AND reason = %s"
BY_HAND = "entered by hand (make demo)"
FOUND = "SELECT id, reason, error FROM inbox_parkedevent WHERE subject = ANY(%s) AND state = 'parked'"
STATE = "SELECT state FROM inbox_parkedevent WHERE id = %s"


def poison_parked_and_redriven(stage: Stage) -> None:
    spoiled: list[str] = []
    operator = Operator.of(stage.shop, SERVICE)
    with (
        stage.debts.putting_back("An operator redrives it at the admin, with a reason", lambda: _redrive(stage, operator, spoiled)),
        stage.debts.putting_back("Somebody mends the cause: the stray row is deleted", lambda: _mend(stage)),
    ):
        _place_spoiled(stage, spoiled)
        with stage.teller.turning("inventory tries to apply it"):
            until(lambda: _parked(stage, spoiled), "the event is parked", PATIENCE)
        _show(stage, operator, *_parked(stage, spoiled)[0])
        stage.teller.line("The next order goes through meanwhile; a parked event holds up nobody else:")
        stage.place_ready(**{LAMP: 1})
    stage.wait(spoiled[0], "confirmed", "held", "ready")
    stage.ended(spoiled[0])


def _place_spoiled(stage: Stage, spoiled: list[str]) -> None:
    """An order whose event inventory will not be able to apply. The lock keeps it from trying before the stray row is there."""
    with stage.shop.database(SERVICE) as inventory, inventory.transaction():
        inventory.execute("SELECT FROM inventory_stock WHERE product_id = %s FOR UPDATE", [KETTLE])
        spoiled.append(stage.shop.place(**{KETTLE: 1}))
        inventory.execute(STRAY, [KETTLE, spoiled[0], BY_HAND])
    stage.teller.line(f"Order {spoiled[0]} is placed; inventory's stock journal already has a line for it.")


def _parked(stage: Stage, spoiled: list[str]) -> list[tuple[int, str, str]]:
    return stage.shop.rows(SERVICE, FOUND, spoiled)


def _show(stage: Stage, operator: Operator, parked: int, reason: str, error: str) -> None:
    page = f"{PARKED}{parked}/change/"
    if reason not in unescape(operator.open(page)):
        raise Unexpected(f"the admin does not show the reason {reason} on {page}")
    stage.teller.line(f"OrderCreated is parked by inventory. Reason: {reason}")
    stage.teller.line(f"  {error.splitlines()[0]}")
    stage.teller.line(f"  {stage.shop.variables['INVENTORY_URL']}{page}")


def _mend(stage: Stage) -> None:
    with stage.shop.database(SERVICE) as inventory:
        inventory.execute(MEND, [BY_HAND])


def _redrive(stage: Stage, operator: Operator, spoiled: list[str]) -> None:
    for parked, _, _ in _parked(stage, spoiled):
        operator.redrive(parked, reason="make demo: the stray row is gone")
        [[state]] = stage.shop.rows(SERVICE, STATE, parked)
        if state != "redriven":
            raise Unexpected(f"the parked event {parked} is {state} after its redrive")
