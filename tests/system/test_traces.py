"""One trace from a customer's request to what every service made of it, over the real processes;
and nobody waits for who takes the traces."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from polder.contracts.trace_context import TraceContext
from tests.blackbox.shop import Shop, until
from tests.disturbed import DisturbedStack
from tests.otlp import Receiver, Span

# what has to be in it; who reconciles because of what depends on what came in one batch
STEPS = [
    ("order-web", "POST /api/orders/"),
    ("order-relay", "publish OrderCreated"),
    ("inventory-worker", "process OrderCreated"),
    ("inventory-worker", "reconcile reconcile_reservations"),
    ("inventory-relay", "publish StockReserved"),
    ("order-worker", "process StockReserved"),
    ("order-worker", "reconcile reconcile_orders"),
    ("order-relay", "publish OrderConfirmed"),
    ("shipping-worker", "process OrderConfirmed"),
]


def test_one_trace_from_the_request_to_the_last_reaction(shop: Shop, receiver: Receiver) -> None:
    # Given a client that traces
    client = TraceContext.new()
    customer = replace(shop, traceparent=str(client))

    # When it places an order
    order_id = customer.place_ready(p3=1)

    # Then all is in the client's trace, and each step follows from another
    until(lambda: _missing(receiver.of(client.trace_id)) == [], "all steps have come")
    until(lambda: _way_to(STEPS[-1], receiver.of(client.trace_id)), "none hangs in the air")
    [request, created, *chain] = _way_to(STEPS[-1], receiver.of(client.trace_id))
    assert request.parent == client.span_id
    assert request.attributes["http.response.status_code"] == 201
    verbs = [span.name.split()[0] for span in (request, created, *chain)]
    assert verbs[:4] == ["POST", "publish", "process", "reconcile"]
    assert verbs[1:-2] == ["publish", "process", "reconcile"] * (len(verbs[1:-2]) // 3)
    assert not any(span.failed for span in (request, created, *chain))
    # And what others made of the order is told by ids alone
    assert created.attributes["cloudevents.event_subject"] == order_id
    assert created.attributes["messaging.destination.name"] == "order.events"
    assert "Ada" not in str(receiver.spans)
    assert "ada@" not in str(receiver.spans)


def test_a_batch_is_linked_with_what_published_its_events(shop: Shop, receiver: Receiver) -> None:
    client = TraceContext.new()
    replace(shop, traceparent=str(client)).place_ready(p3=1)

    def published() -> list[Span]:
        return [one for one in receiver.of(client.trace_id) if one.name == "publish OrderCreated"]

    def batches() -> set[str]:
        [publish] = published()
        return {
            span.process
            for span in list(receiver.spans)
            if span.name == "process batch" and (publish.trace, publish.id) in span.links
        }

    until(lambda: published() and len(batches()) == 2, "both subscribers' batches have come")
    assert batches() == {"inventory-worker", "shipping-worker"}
    # And each event's span leads to its batch
    [process] = [
        one
        for one in receiver.of(client.trace_id)
        if (one.process, one.name) == ("shipping-worker", "process OrderCreated")
    ]
    [(_, batch)] = process.links
    assert any(span.id == batch for span in list(receiver.spans))


def test_nothing_waits_for_who_takes_the_traces(
    shop: Shop, stack: DisturbedStack, receiver: Receiver
) -> None:
    # Given somebody who takes connections and answers nobody
    with receiver.hanging():
        # When orders are placed, more than a queue of spans holds
        shop.place_ready(p3=1)
        until(lambda: receiver.kept_waiting >= 3, "some wait for an answer")
        began = time.monotonic()
        shop.place_ready(p3=1)
        took = time.monotonic() - began

        # Then all goes on, and processes end and start as ever
        assert took < 10  # the time-out of an exporter
        for name in ("order-relay", "inventory-worker", "order-web"):
            assert _seconds(partial(stack.stop_process, name)) < 15
        for name in ("order-relay", "inventory-worker", "order-web"):
            stack.start_process(name)
        stack.wait_ready("order-web")
        shop.place_ready(p3=1)


def _seconds(what: Callable[[], object]) -> float:
    began = time.monotonic()
    what()
    return time.monotonic() - began


def _missing(spans: list[Span]) -> list[tuple[str, str]]:
    there = {(span.process, span.name) for span in spans}
    return [step for step in STEPS if step not in there]


def _way_to(step: tuple[str, str], spans: list[Span]) -> list[Span]:
    """From the request to a span of the step, each the parent of the next; empty while one of them
    is missing."""
    by_id = {span.id: span for span in spans}
    way = [span for span in spans if (span.process, span.name) == step][:1]
    while way and (parent := by_id.get(way[0].parent)):
        way.insert(0, parent)
    return way if way and (way[0].process, way[0].name) == STEPS[0] else []
