"""A broker that blocks: the relay says so, can be stopped, and goes on by itself."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from deploy.local.ports import Ports
from deploy.local.run_directory import RunDirectory
from polder.broker.confirms import ConfirmedPublisher
from polder.conditions import State
from polder.consumer.conditions import broker, broker_blocks
from polder.outbox import heartbeat
from polder.outbox import relay as relay_module
from polder.testing import eventually
from tests.disturbed import DisturbedStack
from tests.library.relay.running import commit, everything_is_published, orders, running

MEMORY = "set_vm_memory_high_watermark"


@contextmanager
def blocked() -> Iterator[Callable[[], str]]:
    """The runner's broker is out of memory; what it gives ends that."""
    run = RunDirectory(Path(os.environ["POLDER_RUN_DIR"]))
    stack = DisturbedStack(run.root, Ports.recorded(run.ports))
    stack.rabbitmqctl(MEMORY, "0.0001")
    try:
        yield lambda: stack.rabbitmqctl(MEMORY, "0.4")
    finally:
        stack.rabbitmqctl(MEMORY, "0.4")


@pytest.mark.parametrize("waiting", [True, False], ids=["with an event", "with a heartbeat alone"])
def test_it_is_said_and_ends(
    committed: None, monkeypatch: pytest.MonkeyPatch, waiting: bool
) -> None:
    # Given a relay with something to say, and a broker that answers by its heartbeats alone
    monkeypatch.setattr(heartbeat, "EVERY", 0.5)
    with running(), blocked() as free:
        began = time.monotonic()
        if waiting:
            commit(*orders(1))

        # Then the service's pages say so, and not that the broker is otherwise than declared
        eventually(lambda: broker_blocks().state is State.FAIL, seconds=120)
        assert "memory or its disk is full" in broker_blocks().sentence
        assert broker().state is State.OK
        assert time.monotonic() - began < 100

        # When there is room, Then it is over, and nothing was lost
        free()
        eventually(everything_is_published, seconds=120)
        eventually(lambda: broker_blocks().state is State.OK, seconds=120)


def test_a_relay_that_waits_for_it_can_be_stopped(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # longer than the broker's heartbeats are apart
    publisher = partial(ConfirmedPublisher, timeout=8.0)
    monkeypatch.setattr(relay_module, "ConfirmedPublisher", publisher)
    with blocked(), running():
        commit(*orders(1))
        eventually(lambda: broker_blocks().state is State.FAIL, seconds=120)
    # it has ended, or `running` would have said so
