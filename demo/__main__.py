"""`python -m demo`: the command line behind `make demo`."""

from __future__ import annotations

import argparse
import http.client
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from demo.stage import Differs, Stage
from demo.standing import standing
from demo.steps import STEPS
from deploy.local.errors import PolderError
from deploy.local.stack import ROOT
from deploy.local.terminal import Terminal
from tests.blackbox.shop import Shop
from tests.blackbox.surroundings import forget

IF_ROWS_DIFFER = """\
What to do: the next event of its aggregate overwrites a row that somebody changed by hand. If
nobody did, look at Parked events and Drift in the admin of the subscriber, and at its worker's log
(make logs). See docs/operations.md."""
IF_IT_FAILS = (
    "`make status` tells what runs, `make logs service=...` what it says. The demo may be run "
    "again."
)
FAILURES = (
    PolderError,
    AssertionError,
    OSError,
    subprocess.SubprocessError,
    http.client.HTTPException,
    psycopg.Error,
)


def main(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    terminal = Terminal()
    for number in (signal.SIGINT, signal.SIGTERM):  # even where a shell had them ignored
        signal.signal(number, signal.default_int_handler)
    forget()
    try:
        with standing(options.run_dir.resolve(), terminal, keep=options.keep) as variables:
            tell(Stage(Shop(variables), terminal, options.run_dir))
    except KeyboardInterrupt:
        terminal.say("\nInterrupted. What the demo had stopped or spoiled is put back.")
        return 130
    except FAILURES as error:
        advice = IF_ROWS_DIFFER if isinstance(error, Differs) else IF_IT_FAILS
        terminal.error(
            "\n".join(
                [str(error) or type(error).__name__, *getattr(error, "__notes__", []), advice]
            )
        )
        return 1
    return 0


def tell(stage: Stage) -> None:
    """Step after step, each followed by the comparison. Raises what a step raises, with a note in
    which it was."""
    began = time.monotonic()
    stage.compare("before the first step")
    for number, step in enumerate(STEPS, 1):
        title, _, why = (step.__doc__ or "").partition("\n\n    ")
        title = " ".join(title.split())
        stage.terminal.say(
            f"\n[bold]{number}/{len(STEPS)}  {title}[/bold]\n  [dim]{' '.join(why.split())}[/dim]\n"
        )
        try:
            step(stage)
        except Exception as error:
            error.add_note(f"Step {number}, {title}.")
            raise
        stage.compare(f"after step {number}, {title}")
    stage.account()
    pages = [
        stage.shop.variables[f"{one}_URL"] for one in ("ORDER", "INVENTORY", "SHIPPING", "FLOWER")
    ]
    stage.say(f"Where to look: {', '.join(pages)}")
    stage.say(
        f"make demo: every comparison was equal; the story took {time.monotonic() - began:.0f} s"
    )


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="make demo",
        description="Tells the story of Polder on a running shop, step by step, and compares "
        "owners and replicas row by row after each.",
        epilog="Example: make demo keep=1. It may run again and again on the same data. It exits "
        "with 1 when a row of a replica differs from its owner's or something does not come out "
        "as it must, and with 130 when it was interrupted.",
    )
    top.add_argument(
        "--run-dir", type=Path, default=ROOT / ".run", help="of the shop's stack (default: .run)"
    )
    top.add_argument("--keep", action="store_true", help="leave running what was brought up")
    return top


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
