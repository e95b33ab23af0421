"""A worker that is told to stop ends what it has begun; one that starts takes what waits, and gives
nothing back."""

from __future__ import annotations

from tests.blackbox.shop import Shop, duplicates, until
from tests.disturbed import DisturbedStack
from tests.load import Load

TRIES = 4  # what takes longer than the stop's patience comes again, so a slow machine may need more


def test_it_ends_its_batches_and_acks_them(stack: DisturbedStack, shop: Shop, load: Load) -> None:
    again = []
    for _ in range(TRIES):
        # Given that the past has come to rest
        load.place(20)
        until(lambda: decided(shop), "all orders are decided")
        before = duplicates(shop)

        # When workers are stopped and started while orders flow
        with load.flowing():
            for _ in range(2):
                load.more(25)
                for worker in ("inventory-worker", "order-worker"):
                    stack.stop_process(worker)
                    stack.start_process(worker)

        # Then nothing was delivered a second time
        until(lambda: decided(shop), "all orders are decided")
        again.append(duplicates(shop) - before)
        if not again[-1]:
            return
    raise AssertionError(f"each time some were delivered a second time: {again}")


def test_started_with_a_backlog_it_gives_nothing_back(
    stack: DisturbedStack, shop: Shop, load: Load
) -> None:
    """py-amqp returns what comes for a consumer that it does not know yet; each return counts
    toward the delivery limit."""
    stack.stop_process("inventory-worker")
    log = stack.log("inventory-worker")
    begin = log.stat().st_size
    load.place(50)

    stack.start_process("inventory-worker")

    until(lambda: decided(shop), "all orders are decided")
    with log.open("rb") as since:
        since.seek(begin)
        assert b"Rejecting message" not in since.read()


def decided(shop: Shop) -> bool:
    return not shop.rows("order", "SELECT FROM orders WHERE status = 'pending' LIMIT 1")
