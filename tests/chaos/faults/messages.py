"""Events arrive again, shuffled, reversed, all at once, all of history; two operators redrive
one.
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from tests.blackbox.copies import subscribers_of
from tests.blackbox.operator import Operator
from tests.blackbox.shop import OWNERS, Shop, duplicates, until
from tests.blackbox.wire import send
from tests.chaos.faults.fault import fault
from tests.chaos.faults.spoiled import parked_for_its_own_sake
from tests.chaos.scene import Scene

TIMES = 10
BACKLOG = 100_000
PUBLISHED = "published_at IS NOT NULL"  # what is not would come for the first time, before its turn


def bodies(shop: Shop, owner: str, where: str = "TRUE") -> list[bytes]:
    """What the owner has in its outbox, oldest first."""
    return [
        body.encode()
        for (body,) in shop.rows(
            owner, f"SELECT body FROM polder_outbox WHERE {where} ORDER BY position"
        )
    ]


@fault()
def every_event_ten_times(scene: Scene) -> None:
    """Each of the last 300 events of each service arrives ten times more"""
    before = duplicates(scene.shop)
    sent = sum(
        send(
            scene.shop.variables["AMQP_URL"],
            f"{owner}.events",
            bodies(scene.shop, owner, PUBLISHED)[-300:] * TIMES,
        )
        for owner in OWNERS
    )
    until(lambda: duplicates(scene.shop) >= before + sent, f"{sent} duplicates counted", seconds=60)


@fault()
def all_history_again(scene: Scene) -> None:
    """All events that ever were arrive again during traffic, newest first"""
    for owner in OWNERS:
        send(
            scene.shop.variables["AMQP_URL"],
            f"{owner}.events",
            reversed(bodies(scene.shop, owner, PUBLISHED)),
        )


@fault(combines=True)
def some_history_again(scene: Scene) -> None:
    """The last 200 events of one service arrive again, in any order"""
    owner = scene.service()
    try:
        again = bodies(scene.shop, owner, PUBLISHED)[-200:]
        scene.chance.shuffle(again)
        send(scene.shop.variables["AMQP_URL"], f"{owner}.events", again)
    except Exception as error:  # broker or database may be down in a storm
        print(f"history could not be repeated: {error!r}")


@fault(disorders=True)
def all_shuffled_and_ten_times(scene: Scene) -> None:
    """No relay runs; the events arrive ten times each in any order, the relays' own last"""
    _by_hand(scene, lambda waiting: scene.chance.shuffle(waiting), TIMES)


@fault(disorders=True)
def reversed_per_aggregate(scene: Scene) -> None:
    """No relay runs; the events arrive with each aggregate's newest first, the relays' own last"""
    _by_hand(scene, lambda waiting: waiting.reverse(), 1)


def _by_hand(scene: Scene, disorder: object, times: int) -> None:
    for owner in OWNERS:
        scene.stack.stop_process(f"{owner}-relay")
    scene.orders(60)
    amqp_url = scene.shop.variables["AMQP_URL"]
    for owner in OWNERS * 2:
        waiting = bodies(scene.shop, owner, "published_at IS NULL") * times
        disorder(waiting)  # type: ignore[operator]
        send(amqp_url, f"{owner}.events", waiting)
        until(
            lambda: _has_all(scene.shop, owner, waiting),  # noqa: B023
            f"the others have everything of {owner}",
        )
    for owner in OWNERS:
        scene.stack.start_process(f"{owner}-relay")


def _has_all(shop: Shop, owner: str, waiting: list[bytes]) -> bool:
    """Whether the other services have as many events of the owner as were put on the wire."""
    sent = (
        len(set(waiting))
        + shop.rows(owner, "SELECT count(*) FROM polder_outbox WHERE published_at IS NOT NULL")[0][
            0
        ]
    )
    had = "SELECT count(*) FROM polder_ledger WHERE publisher = %s"
    return all(
        shop.rows(subscriber, had, owner)[0][0] >= sent for subscriber in subscribers_of(owner)
    )


@fault()
def backlog_of_100_000(scene: Scene) -> None:
    """A worker is down until 100,000 messages wait for it"""
    count = BACKLOG if scene.full else BACKLOG // 10
    scene.stack.stop_process("shipping-worker")
    again = bodies(scene.shop, "order")[-1000:]
    before = duplicates(scene.shop)
    sent = send(
        scene.shop.variables["AMQP_URL"],
        "order.events",
        (again * (count // len(again) + 1))[:count],
    )
    scene.stack.start_process("shipping-worker")
    until(lambda: duplicates(scene.shop) >= before + 2 * sent, "all is taken", seconds=180)


@fault()
def two_operators_redrive_the_same(scene: Scene) -> None:
    """Two operators redrive the same parked event at once, ten times over"""
    operators = [Operator.of(scene.shop, "inventory") for _ in range(2)]
    parked = parked_for_its_own_sake(scene)
    with ThreadPoolExecutor(2) as pool:
        pages = list(
            pool.map(
                lambda operator: [
                    operator.redrive(parked, reason="a fault test") for _ in range(5)
                ],
                operators,
            )
        )
    told: dict[bool, int] = defaultdict(int)
    for page in [page for each in pages for page in each]:
        told[bool(page)] += 1
    assert told[True], "no page came back"
    [[state]] = scene.shop.rows(
        "inventory", "SELECT state FROM polder_inbox_parkedevent WHERE id = %s", parked
    )
    assert state == "redriven", state
