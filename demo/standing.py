"""The shop that the story is told on: the one that runs, or one brought up for it. And what is put
back, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from deploy.local.errors import PolderError
from deploy.local.leftovers import holder
from deploy.local.run_directory import RunDirectory, variables_of
from deploy.local.services import SERVICES
from deploy.local.stack import ROOT
from deploy.local.terminal import Terminal
from tests.blackbox.shop import Shop, until

UP_SECONDS = 900  # with packages to be installed
READY = b"Ctrl-C stops everything"


@contextmanager
def standing(run_dir: Path, terminal: Terminal, *, keep: bool) -> Iterator[dict[str, str]]:
    """Its variables. One that was brought up is stopped afterwards, unless it is to be kept. Raises
    PolderError."""
    run_dir.mkdir(parents=True, exist_ok=True)
    try:
        # two would put back what the other has taken away
        with FileLock(run_dir / "demo.lock", timeout=0):
            if _runs(run_dir):
                terminal.say("The shop runs; the demo uses it. What is stopped of it is started.")
                for service in SERVICES:
                    make(run_dir, "start", service)
                yield variables_of(run_dir / "stack.env")
                return
            terminal.say(
                "The shop does not run. It is brought up "
                f"first{', and kept' if keep else '; make demo keep=1 would keep it'}."
            )
            with putting_back((lambda: None) if keep else lambda: make(run_dir, "down")):
                with terminal.step("make up"):
                    _bring_up(run_dir)
                yield variables_of(run_dir / "stack.env")
    except Timeout:
        raise PolderError("Another demo runs on this shop. Wait until it has ended.") from None


def make(run_dir: Path, *command: str) -> None:
    """`make stop service=...` and the like, to its end. Raises PolderError."""
    program = [sys.executable, "-m", "deploy", "--run-dir", str(run_dir), *command]
    done = subprocess.run(
        program, cwd=ROOT, capture_output=True, text=True, check=False, start_new_session=True
    )
    if done.returncode:
        raise PolderError(f"make {' '.join(command)}: {done.stdout}{done.stderr}")


@contextmanager
def putting_back(undo: Callable[[], object]) -> Iterator[None]:
    """Whatever happens in the block, `undo` runs at its end, and Ctrl-C does not interrupt that."""
    try:
        yield
    finally:
        # Handled, not ignored: programs that are begun in it would inherit that.
        before = {
            number: signal.signal(number, lambda *_: None)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            undo()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _runs(run_dir: Path) -> bool:
    try:
        Shop(variables_of(run_dir / "stack.env")).get(SERVICES[0], "/livez")
    except (OSError, KeyError):
        return holder(RunDirectory(run_dir)) is not None
    return True


def _bring_up(run_dir: Path) -> None:
    log = run_dir / "up.log"
    with log.open("wb") as output:
        program = [sys.executable, "-m", "deploy", "--run-dir", str(run_dir), "up"]
        up = subprocess.Popen(
            program,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=os.environ,
        )
    began = time.monotonic()
    while not (up.poll() == 0 or READY in log.read_bytes()):  # with Docker it returns
        if up.poll() is not None or time.monotonic() - began > UP_SECONDS:
            raise PolderError(f"The shop did not come up:\n{log.read_text(errors='replace')}")
        time.sleep(0.2)


def wait_until_known(shop: Shop, product_id: str) -> None:
    """Until the order service has heard of all that inventory has said of the product's stock."""

    def known() -> bool:
        kept = shop.rows("order", "SELECT version FROM replica_stock WHERE key = %s", product_id)
        return kept == shop.rows(
            "inventory", "SELECT version FROM inventory_stock WHERE product_id = %s", product_id
        )

    until(known, f"the order service knows the stock of {product_id}")
