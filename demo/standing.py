"""The shop that the story is told on: the one that runs, or one brought up for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.bring_up import Brought, is_ready
from demo.errors import DemoFailed
from demo.interruption import Debts, uninterrupted
from demo.processes import processes_of
from demo.stack_env import read_stack_env
from demo.teller import Teller
from outside.shop import Shop, until

READY_SECONDS = 120.0
STOPPING = "The shop that was brought up for the demo is stopped"


@contextmanager
def standing(run_dir: Path, teller: Teller, *, keep: bool) -> Iterator[Shop]:
    """One that was brought up is stopped afterwards, unless it has come up and is to be kept."""
    variables = read_stack_env(run_dir)
    if variables is not None and processes_of(run_dir, variables).running():
        teller.say("The shop runs; the demo uses it.")
        _complete(run_dir, variables, teller)
        yield Shop(variables)
        return
    after = "It goes on running afterwards; `make down` stops it." if keep else "It is stopped at the end; `make demo keep=1` leaves it running."
    teller.say(f"The shop does not run. It is brought up first, as `make up` does. {after}\n")
    debts = Debts(teller)
    try:
        with uninterrupted():
            brought = Brought.begin(run_dir, teller)
            debts.owed[STOPPING] = brought.stop
        try:
            variables = brought.wait_ready(run_dir)
        except DemoFailed:
            if brought.has_failed:
                debts.owed.clear()
            raise
        if keep:
            debts.owed.clear()
        teller.say()
        yield Shop(variables)
    finally:
        debts.settle()


def _complete(run_dir: Path, variables: dict[str, str], teller: Teller) -> None:
    """All of it: what somebody has stopped is started, and what is starting is waited for."""
    processes = processes_of(run_dir, variables)
    if stopped := processes.stopped():
        with teller.step(f"Start what is stopped: {', '.join(stopped)}"):
            processes.start(*stopped)
    with teller.turning("the services get ready"):
        until(lambda: is_ready(variables), "the services are ready", READY_SECONDS)
