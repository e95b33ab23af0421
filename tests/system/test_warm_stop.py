"""A worker that is told to stop ends what it has begun."""

from __future__ import annotations

from deploy.local.stack import Stack
from tests.load import Load
from tests.shop import Shop, duplicates, until


def test_it_ends_its_batches_and_acks_them(stack: Stack, shop: Shop, load: Load) -> None:
    # Given that the past has come to rest
    load.place(50)
    before = duplicates(shop)

    # When workers are stopped and started while orders flow
    with load.flowing():
        for _ in range(3):
            load.more(60)
            for worker in ("inventory-worker", "order-worker"):
                stack.stop_process(worker)
                stack.start_process(worker)

    # Then nothing was delivered a second time
    until(lambda: not shop.rows("order", "SELECT FROM orders WHERE status = 'pending' LIMIT 1"), "all orders are decided")
    assert duplicates(shop) == before
