"""`make demo` as anybody runs it: told to its end in plain lines, twice; and stopped by a row that
somebody changed by hand."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo.steps import STEPS
from deploy.local.stack import ROOT, Stack
from tests.blackbox.shop import Shop, until

SECONDS = 1000
# the story takes its time on a machine that has others to do
pytestmark = pytest.mark.timeout(2400)
COMPARED = re.compile(r"^  ✓ (\d+) rows compared in 9 replicas, all equal: ", re.MULTILINE)
ESCAPE, BACKSPACE, CARRIAGE_RETURN = "\x1b", "\b", "\r"


def demo(stack: Stack, output: Path) -> subprocess.Popen[bytes]:
    """Into a file, which is no more of a terminal than a pipe is. Of this shop only: no colour is
    asked for."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("FORCE_COLOR", "TTY_COMPATIBLE")
    }
    command = [sys.executable, "-m", "demo", "--run-dir", str(stack.run.root)]
    with output.open("wb") as file:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment | {"PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )


@pytest.mark.parametrize(
    "run", ["first", pytest.param("again on the same data", marks=pytest.mark.long)]
)
def test_it_is_told_to_its_end(stack: Stack, shop: Shop, tmp_path: Path, run: str) -> None:
    # When
    output = tmp_path / "told.txt"
    status = demo(stack, output).wait(timeout=SECONDS)
    told = output.read_text()

    # Then every step was followed by a comparison of rows, and the account came out
    assert status == 0, told
    titles = [(step.__doc__ or "").partition("\n\n")[0].split() for step in STEPS]
    assert re.findall(r"^(\d)/\d  (.*)$", told, re.MULTILINE) == [
        (str(number), " ".join(title)) for number, title in enumerate(titles, 1)
    ]
    rows = [int(count) for count in COMPARED.findall(told)]
    assert len(rows) == len(STEPS) + 1
    assert rows == sorted(rows)
    assert re.search(r"\d+ deliveries are due, each has one outcome", told)
    assert "Replicas that moved: none." in told
    # Then it can be read in a pipe: no colour, nothing that moves
    assert not {ESCAPE, BACKSPACE, CARRIAGE_RETURN} & set(told)
    # Then what was spoiled is redriven
    assert shop.rows(
        "inventory",
        "SELECT state FROM polder_inbox_parkedevent WHERE subject = ANY(%s)",
        spoiled(told),
    ) == [("redriven",)]


def spoiled(told: str) -> list[str]:
    """The orders whose events were made to fail."""
    return re.findall(r"Order (\S+) is placed; inventory's stock journal already has a line", told)


@pytest.mark.long
def test_a_row_changed_by_hand_ends_it(stack: Stack, shop: Shop, tmp_path: Path) -> None:
    # Given
    output = tmp_path / "told.txt"
    with renamed(shop, "order", "p1"):
        # When
        status = demo(stack, output).wait(timeout=SECONDS)
    told = output.read_text()

    # Then it says so before it has begun, and which row, and both its sides
    assert status == 1, told
    assert "order.product p1" in told
    [name] = [line for line in told.splitlines() if line.split()[:1] == ["name:"]]
    assert "Spoiled by hand" in name
    assert name.split()[-1] == "differs"
    assert "before the first step" in told
    assert "What to do" in told
    assert "1/8" not in told


@contextmanager
def renamed(shop: Shop, subscriber: str, product_id: str) -> Iterator[None]:
    [[name]] = shop.rows(subscriber, "SELECT name FROM replica_product WHERE key = %s", product_id)
    rename = "UPDATE replica_product SET name = %s WHERE key = %s RETURNING key"
    shop.rows(subscriber, rename, "Spoiled by hand", product_id)
    try:
        yield
    finally:
        shop.rows(subscriber, rename, name, product_id)


@pytest.mark.long
def test_an_interrupt_puts_inventory_back(stack: Stack, shop: Shop, tmp_path: Path) -> None:
    # Given a demo that is stopping inventory
    output = tmp_path / "told.txt"
    program = demo(stack, output)
    until(
        lambda: stack.process("inventory-worker").state in ("stopping", "stopped"),
        "inventory is being stopped",
        SECONDS,
    )

    # When it is interrupted, and once more while it puts things back
    program.send_signal(signal.SIGINT)
    time.sleep(0.5)
    program.send_signal(signal.SIGINT)

    # Then everything runs again when it has ended
    assert program.wait(timeout=SECONDS) == 130
    assert "Interrupted." in output.read_text()
    assert {process.state for process in stack.processes()} == {"running"}
