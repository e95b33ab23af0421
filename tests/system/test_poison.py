"""Messages that no publisher of ours would send. Each is parked with its reason, the good ones
between them are applied, no process dies."""

from __future__ import annotations

import json
import pickle
from typing import Any
from uuid import uuid4

import pytest
from amqp.basic_message import Message
from amqp.exceptions import AMQPError
from uuid_utils.compat import uuid7

from tests.blackbox.shop import Shop, until
from tests.blackbox.wire import send, send_messages
from tests.disturbed import DisturbedStack
from tests.invariants import Checker
from tests.load import Load


def good_event(shop: Shop) -> dict[str, Any]:
    """A real event of the order service, under an id of its own."""
    [[body]] = shop.rows(
        "order",
        "SELECT body FROM polder_outbox WHERE type = 'OrderCreated' ORDER BY position DESC LIMIT 1",
    )
    event: dict[str, Any] = json.loads(body)
    return event | {"id": str(uuid7())}


def changed(event: dict[str, Any], path: str, value: object) -> bytes:
    """The event with one value replaced, or removed when the new one is `...`."""
    copy = json.loads(json.dumps(event))
    *parents, last = path.split(".")
    inner = copy
    for name in parents:
        inner = inner[name]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return json.dumps(copy).encode()


def poison(event: dict[str, Any]) -> dict[str, bytes]:
    """What it is called, and its bytes; each is to be parked."""
    whole = json.dumps(event).encode()
    return {
        "bad JSON": whole[:-20],
        "empty": b"",
        "bad UTF-8": whole.replace(b"Delft", b"\xff\xfe\xfa"),
        "a pickle": pickle.dumps({"task": "apply_events", "args": []}),
        "not an object": b"[1, 2, 3]",
        "unknown type": changed(event, "type", "OrderTeleported"),
        "type is no text": changed(event, "type", {"a": 1}),
        "newer version": changed(event, "dataschema", "order/OrderCreated/3"),
        "dataschema of another": changed(event, "dataschema", "order/OrderRejected/2"),
        "missing field": changed(event, "data.products", ...),
        "missing data": changed(event, "data", ...),
        "missing id": changed(event, "id", ...),
        "wrong type": changed(event, "data.products", "p1"),
        "NUL in a key": changed(event, "subject", "a\x00b"),
        "NUL in a text": changed(event, "data.customer.givenName", "a\x00b"),
        "lone surrogate": whole.replace(b"Delft", b"\\ud800"),
        "NaN": whole.replace(b'"aggregateversion": 1', b'"aggregateversion": NaN'),
        "1e400": whole.replace(b'"aggregateversion": 1', b'"aggregateversion": 1e400'),
        "2^63": changed(event, "aggregateversion", 2**63),
        "negative version": changed(event, "aggregateversion", -1),
        "depth 100,000": b"[" * 100_000,
        "random id": changed(event, "id", str(uuid4())),
        "id of long ago": changed(event, "id", "00000000-0000-7000-8000-000000000000"),
        "id of the far future": changed(event, "id", "7fffffff-ffff-7fff-bfff-ffffffffffff"),
        "foreign source": changed(event, "source", "/inventory"),
        "foreign aggregate": changed(event, "aggregatetype", "product"),
        "almost a megabyte": b'{"type": "' + b"x" * 900_000 + b'"}',
    }


class Latin(Message):
    """Its AMQP type is in Latin-1: the broker does not mind, py-amqp does."""

    def _serialize_properties(self) -> bytes:
        return b"\x00\x20\x04caf\xe9"


def test_poison_is_parked_and_the_rest_is_applied(
    stack: DisturbedStack, shop: Shop, checker: Checker, load: Load
) -> None:
    # Given a worker at work
    load.place(20)
    worker, children = stack.process("inventory-worker").pid, stack.children("inventory-worker")
    messages = poison(good_event(shop))
    assert len(set(messages.values())) == len(messages), "every poison is another message"

    # When all of it comes, twice, between good events
    with load.flowing():
        send(shop.variables["AMQP_URL"], "order.events", [*messages.values(), *messages.values()])
        send(
            shop.variables["AMQP_URL"],
            "order.events",
            [messages["unknown type"]],
            content_type=None,
        )
        for subscriber in ("inventory", "shipping"):  # not to the auditor, which would end by it
            queue, latin = f"{subscriber}.from.order", Latin(messages["unknown type"])
            send_messages(shop.variables["AMQP_URL"], "", queue, [latin])
    # Then each subscriber has parked each once, with a reason, and the processes are the same as
    # before
    for subscriber in ("inventory", "shipping"):
        checker.parked[subscriber] += len(messages)
        until(
            lambda: parked(shop, subscriber) == len(messages),  # noqa: B023
            f"{len(messages)} parked in {subscriber}",
        )
        assert all(
            reason and error
            for reason, error in shop.rows(
                subscriber, "SELECT reason, error FROM polder_inbox_parkedevent"
            )
        )
    assert (stack.process("inventory-worker").pid, stack.children("inventory-worker")) == (
        worker,
        children,
    )


def outcomes(shop: Shop, subscriber: str, event_id: str) -> list[tuple[str, ...]]:
    return shop.rows(subscriber, "SELECT outcome FROM polder_ledger WHERE id = %s", event_id)


def parked(shop: Shop, subscriber: str) -> int:
    return int(
        shop.rows(
            subscriber, "SELECT count(*) FROM polder_inbox_parkedevent WHERE state = 'parked'"
        )[0][0]
    )


def test_five_megabytes_are_refused_by_the_broker(shop: Shop, load: Load) -> None:
    """It takes no message above 1 MiB, whoever sends it; `publish()` refuses an event long before
    that."""
    with pytest.raises((AMQPError, OSError)):
        send(shop.variables["AMQP_URL"], "order.events", [b"x" * 5_000_000])
    load.place(10)


def test_unknown_fields_are_passed_over(shop: Shop, load: Load) -> None:
    # Given an order whose event has gained a field, and arrives before the relay's own
    load.place(5)
    event = good_event(shop)
    extended = changed(changed_to_dict(event, "data.giftWrap", True), "tracestate", "vendor=1")

    # When it arrives, Then it is taken (as stale: its version is known), not parked; the phantom
    # leaves the ledger again for the checker
    send(shop.variables["AMQP_URL"], "order.events", [extended])
    stale = (
        "SELECT max(id) FROM polder_inbox_deliverycount WHERE outcome = 'stale' AND publisher = "
        "'order'"
    )
    one_less = (
        f"UPDATE polder_inbox_deliverycount SET count = count - 1 WHERE id = ({stale}) RETURNING id"
    )
    for subscriber in ("inventory", "shipping"):
        until(
            lambda: outcomes(shop, subscriber, event["id"]) == [("stale",)],  # noqa: B023
            "taken as stale",
        )
        shop.rows(subscriber, "DELETE FROM polder_ledger WHERE id = %s RETURNING id", event["id"])
        shop.rows(subscriber, one_less)


def changed_to_dict(event: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(changed(event, path, value))
    return result
