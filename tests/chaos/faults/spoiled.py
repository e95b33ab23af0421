"""An event that is right and cannot be applied, because of something at the subscriber that is
fixed afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.blackbox.shop import until
from tests.chaos.scene import Scene

_REFUSE = """
CREATE OR REPLACE FUNCTION refuse_spoiled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.key = '{key}' THEN RAISE EXCEPTION 'spoiled on purpose' USING ERRCODE = 'P0001'; END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER refuse_spoiled BEFORE INSERT OR UPDATE
    ON replica_order FOR EACH ROW EXECUTE FUNCTION refuse_spoiled();
"""
_ACCEPT = "DROP TRIGGER IF EXISTS refuse_spoiled ON replica_order"


def parked_for_its_own_sake(scene: Scene) -> int:
    """An order's event that inventory could not apply and now could; the id of the parked event.
    The order is undecided until it is redriven."""
    scene.stack.stop_process("order-relay")
    try:
        order_id = scene.shop.place(p3=1)
        with _refusing(scene, order_id):
            scene.stack.start_process("order-relay")
            until(lambda: _parked(scene, order_id), "the event is parked")
    finally:
        scene.stack.start_process("order-relay")
    [[parked]] = _parked(scene, order_id)
    return int(parked)


def _parked(scene: Scene, order_id: str) -> list[tuple[int]]:
    [[event_id]] = scene.shop.rows(
        "order", "SELECT id FROM polder_outbox WHERE subject = %s AND version = 1", order_id
    )
    return scene.shop.rows(
        "inventory",
        "SELECT id FROM polder_inbox_parkedevent WHERE event_id = %s AND state = 'parked'",
        event_id,
    )


@contextmanager
def _refusing(scene: Scene, order_id: str) -> Iterator[None]:
    with scene.stack.postgres.connect("polder_inventory") as server:
        server.execute(_REFUSE.format(key=order_id))  # type: ignore[call-overload]
        try:
            yield
        finally:
            server.execute(_ACCEPT)  # type: ignore[call-overload]
