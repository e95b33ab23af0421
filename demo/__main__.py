"""`python -m demo`: the command line behind `make demo`."""

from __future__ import annotations

import argparse
import http.client
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from demo.alone import alone
from demo.ending import tell_account, tell_links
from demo.errors import DemoFailed, Differs
from demo.interruption import Debts, heed_signals
from demo.processes import processes_of
from demo.stage import Stage
from demo.standing import standing
from demo.story import tell
from demo.teller import Teller
from deploy.local.errors import PolderError
from deploy.local.stack import ROOT
from outside.surroundings import forget

INTERRUPTED = 130
EXAMPLES = """\
examples:
  make demo                 on the shop that runs; else one is brought up, and stopped at the end
  make demo keep=1          the one that was brought up goes on running; `make down` stops it
  make demo | tee demo.txt  plain lines

It may run again and again on the same data. It exits with 1 when a row of a replica differs from its owner's or
something does not come out as it must, and with 130 when it was interrupted.
"""
IF_ROWS_DIFFER = """\
What to do: the next event of its aggregate overwrites a row that somebody changed by hand. If nobody did, look at Parked
events and Drift in the admin of {subscriber}, and at its log: make logs s={subscriber}-worker. See docs/operations.md."""
IF_IT_FAILS = "`make status` tells what runs, `make logs s=...` what it says. The demo may be run again."
FAILURES = (AssertionError, OSError, subprocess.SubprocessError, http.client.HTTPException, psycopg.Error)


def main(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    forget()
    teller = Teller()
    heed_signals()
    try:
        perform(options.run_dir.resolve(), teller, keep=options.keep)
    except KeyboardInterrupt:
        teller.say("\nInterrupted. What the demo had stopped or spoiled is put back.")
        return INTERRUPTED
    except Differs as differs:
        advice = IF_ROWS_DIFFER.format(subscriber=differs.differences[0].copy.subscriber)
        teller.error("\n".join([f"{differs}.", *notes(differs), advice]))
        return 1
    except (DemoFailed, PolderError) as error:
        teller.error("\n".join([str(error), *notes(error)]))
        return 1
    except FAILURES as error:
        teller.error("\n".join([str(error) or type(error).__name__, *notes(error), IF_IT_FAILS]))
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="make demo",
        description="Tells the story of Polder on a running shop, step by step, and compares owners and replicas row by row after each.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--run-dir", type=Path, default=ROOT / ".run", help="of the shop's stack (default: .run)")
    top.add_argument("--keep", action="store_true", help="leave running what was brought up")
    return top


def perform(run_dir: Path, teller: Teller, *, keep: bool) -> None:
    """From beginning to end. Whatever it raises, everything that was taken away is put back by then."""
    with alone(run_dir), standing(run_dir, teller, keep=keep) as shop:
        began = time.monotonic()
        stage = Stage(shop, processes_of(run_dir, shop.variables), teller, Debts(teller))
        try:
            tell(stage)
        finally:
            stage.debts.settle()
        tell_account(stage)
        tell_links(stage)
        teller.say(f"\nmake demo: every comparison was equal; the story took {time.monotonic() - began:.0f} s")


def notes(error: BaseException) -> list[str]:
    """In which step it happened."""
    return getattr(error, "__notes__", [])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
