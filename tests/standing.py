"""A whole shop for tests: private servers, every process, an auditor that was there before the
first event, and a checker."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import NamedTuple

from deploy.local.environment import VHOST
from deploy.local.ports import Ports
from deploy.local.stack import ROOT
from tests.auditor import Auditor
from tests.blackbox.shop import OWNERS, Shop, until
from tests.disturbed import DisturbedStack
from tests.invariants import Checker, Watcher
from tests.invariants.messages import QUEUES

ACKED = 60.0  # seconds until everything is, once nothing more is published
HOLDERS = ("connection", "user", "consumer_count", "messages_unacknowledged")  # of a channel


class Standing(NamedTuple):
    stack: DisturbedStack
    shop: Shop
    checker: Checker


@contextmanager
def standing_shop(
    folder: Path,
    extra: Mapping[str, str] | None = None,
    *,
    root: Path = ROOT,
    strict: bool = True,
    brokers: int = 1,
    watched: bool = True,
) -> Iterator[Standing]:
    """Everything that `make up` starts, under a folder and ports of its own, with the seed data.
    `extra` goes to the services' processes, which run the code in `root`. Of several `brokers` a
    cluster is made. Not `watched`, there is no auditor and no watcher: both cost the more the
    longer a shop works.

    Raises AssertionError on leaving when something was never acked, if `strict`.
    """
    stack = DisturbedStack(folder / "run", Ports.free(), root=root, extra=extra, brokers=brokers)
    stack.start(seed=False)
    try:
        shop = Shop(stack.environment.of_stack())
        auditor = Auditor(shop.variables["AMQP_URL"]) if watched else None
        if auditor is not None:
            auditor.bind()
        stack.manage("inventory", "seed")
        until(
            lambda: len(shop.get("order", "/api/products/")[1]["results"]) >= 5,
            "the products reach the order service",
            seconds=120,
        )
        with Watcher(shop).watching() if watched else nullcontext() as watcher:
            standing = Standing(stack, shop, Checker(shop, auditor, watcher, mails=stack.mails))
            yield standing
        if strict:
            check_unacked(standing)
    finally:
        stack.stop(patient=False)


def check_unacked(standing: Standing) -> None:
    """What a worker held without an ack is back in its queue once it has stopped, where it can be
    counted. The relays stop first: their heartbeats would wait there, too. What is on its way by
    then, or waits in a worker for its next try, is given time to be acked."""
    stack = standing.stack
    for service in OWNERS:
        stack.stop_process(f"{service}-relay")
    with suppress(AssertionError):  # what is left is told of below
        until(lambda: not _unacked(stack), "all is acked", seconds=ACKED)
    if left := _unacked(stack):
        print("not acked while the workers ran (messages, ready, consumers):", *left, sep="\n")
        print(stack.rabbitmqctl("-q", "list_channels", *HOLDERS))
        for service in OWNERS:
            print(_what_it_is_at(stack, f"{service}-worker"))
    for service in OWNERS:
        stack.stop_process(f"{service}-worker")
    standing.checker.check_queues()


def _what_it_is_at(stack: DisturbedStack, worker: str) -> str:
    """The stack of its main process, which Celery logs when it is asked to."""
    pid, log = stack.process(worker).pid, stack.run.log(worker)
    begun = log.stat().st_size
    if pid is None:
        return f"{worker} does not run"
    os.kill(pid, signal.SIGUSR1)
    with suppress(AssertionError):
        until(lambda: log.stat().st_size > begun, "it answers", seconds=10)
    time.sleep(1)
    return f"{worker}, {pid}:\n{log.read_bytes()[begun:].decode(errors='replace')}"


def _unacked(stack: DisturbedStack) -> list[str]:
    """What the broker says of each queue that has a message, those in a worker's hands included."""
    columns = ("name", "messages", "messages_ready", "consumers")
    printed = stack.rabbitmqctl("-q", "list_queues", "-p", VHOST, *columns)
    queues = {line.split("\t")[0]: line for line in printed.splitlines()}
    return [queues[queue] for queue in QUEUES if queues[queue].split("\t")[1] != "0"]
