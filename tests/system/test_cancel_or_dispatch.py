"""A customer cancels at the moment at which the warehouse dispatches: one of the two wins, and all
three services agree on which. The dispatch waits a little longer after each race that it won and a
little less after each that it lost, so both win about half of the races on a machine of any speed.
"""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

from tests.blackbox.shop import Shop, until

RACES = 40
SHIPPED = ("shipped", "consumed", "dispatched")
CANCELLED = ("cancelled", "released", "cancelled")
FIRST_PAUSE = 0.03  # seconds that a dispatch waits: a cancel has to travel through two services
STEP = 1.2  # by which the pause is changed after each race


def test_forty_races(shop: Shop) -> None:
    # Given as many shipments that are ready
    product = shop.new_product(weight=100, on_hand=RACES)
    with ThreadPoolExecutor(16) as pool:
        order_ids = list(pool.map(lambda _: shop.place(**{product: 1}), range(RACES)))
    ready = partial(
        shop.rows,
        "shipping",
        "SELECT FROM shipping_shipment WHERE order_id = ANY(%s::uuid[]) AND status = 'ready'",
        order_ids,
    )
    until(lambda: len(ready()) == RACES, "all are ready")
    confirmed = partial(
        shop.rows,
        "order",
        "SELECT FROM orders WHERE id = ANY(%s::uuid[]) AND status = 'confirmed'",
        order_ids,
    )
    until(lambda: len(confirmed()) == RACES, "all are confirmed")

    # When each is cancelled and dispatched at once
    pause, answers = FIRST_PAUSE, {}
    for order_id in order_ids:
        answers[order_id] = race(shop, order_id, pause)
        pause = pause * STEP if answers[order_id][1] == 200 else pause / STEP

    # Then each ends one way or the other, everywhere, and its dispatch was answered accordingly
    ends: Counter[tuple[str | None, ...]] = Counter()
    for order_id, (cancel, dispatch) in answers.items():
        until(lambda: shop.statuses(order_id) in (SHIPPED, CANCELLED), f"{order_id} is decided")  # noqa: B023
        end = shop.statuses(order_id)
        assert (dispatch, end) in ((200, SHIPPED), (409, CANCELLED))
        assert cancel == 202 or (cancel, end) == (409, SHIPPED)
        ends[end] += 1
    print(f"{RACES} races: {ends[SHIPPED]} shipped, {ends[CANCELLED]} cancelled")
    assert ends[SHIPPED] > RACES // 20
    assert ends[CANCELLED] > RACES // 20


def race(shop: Shop, order_id: str, pause: float) -> tuple[int, int]:
    """The answers to the cancel and to the dispatch."""
    start = Barrier(2)

    def cancel() -> int:
        start.wait()
        return shop.cancel(order_id)[0]

    def dispatch() -> int:
        start.wait()
        time.sleep(pause)
        return shop.dispatch(order_id)[0]

    with ThreadPoolExecutor(2) as pool:
        futures = pool.submit(cancel), pool.submit(dispatch)
        return futures[0].result(), futures[1].result()
