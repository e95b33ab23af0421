"""`make bench`: relay, apply path, lag and write cost beside what one could write by hand, on
private servers, in one run."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from benchmarks import page, story
from benchmarks.apply import ApplyComparison
from benchmarks.comparison import Comparison, interleaved
from benchmarks.contender import ContenderFailed
from benchmarks.lag import RATES, LagComparison
from benchmarks.machine import machine
from benchmarks.relay import RelayComparison
from benchmarks.report import RECORD, RESULTS, Result, show, write
from benchmarks.servers import Servers, running_servers
from benchmarks.write import WRITERS, WriteComparison
from deploy.local.errors import PolderError
from deploy.local.stack import ROOT
from deploy.local.terminal import Terminal
from tools.checked_out import commit

EXAMPLES = """\
examples:
  python -m benchmarks                        everything, about 20 minutes
  python -m benchmarks --quick                everything, roughly, in three minutes
  python -m benchmarks apply --rounds 7       only the apply path, with medians of seven rounds
  python -m benchmarks lag write --record     these two, kept for docs/performance.md
  make bench filter="lag write" record=1           the same
  make bench filter=story base=HEAD~3         the whole shop, here and at another commit
"""
KINDS = ("relay", "apply", "lag", "write")


def main(arguments: Sequence[str]) -> int:
    if arguments and arguments[0] == "story":
        return story.main(arguments[1:])
    options = parser().parse_args(arguments)
    # an exception: so servers and contenders are stopped as well
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    terminal = Terminal()
    made: dict[str, Any] = {
        "commit": commit(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "note": options.note,
    }
    paths = [RESULTS / f"{made['at'].replace(':', '')}.json", *([RECORD] if options.record else [])]
    results: list[Result] = []
    try:
        with running_servers(terminal) as servers:
            made["machine"] = machine(servers)
            for comparison in comparisons(servers, options):
                results.append(
                    replace(
                        interleaved(
                            comparison, options.rounds or (1 if options.quick else 5), terminal
                        ),
                        made=made,
                    )
                )
                for path in paths:  # now, and not at the end: the rest may be interrupted
                    write(results[-1:], path)
    except (ContenderFailed, PolderError) as error:
        terminal.error(error)
        return 1
    show(results, Console(highlight=False, width=None if sys.stdout.isatty() else 120))
    terminal.say(f"Written to {' and '.join(str(path.relative_to(ROOT)) for path in paths)}")
    if options.record:
        terminal.say(page.write())
    missed = [one for one in results for rival in one.aims if not one.is_met(rival)]
    if missed and options.strict:
        terminal.say("An aim was missed.")
        return 1
    return 0


def comparisons(servers: Servers, options: argparse.Namespace) -> Iterator[Comparison]:
    """Those that were asked for, each made when its turn comes."""
    kinds, quick = options.only or KINDS, options.quick
    events = options.events or (8_000 if quick else 30_000)
    for kind in kinds:
        if kind == "relay":
            yield RelayComparison(servers, events)
        elif kind == "apply":
            yield ApplyComparison(servers, events)
        elif kind == "lag":
            yield from (LagComparison(servers, rate, 3 if quick else 6) for rate in RATES)
        else:
            yield from (
                WriteComparison(servers, writers, 6 if quick else 16) for writers in WRITERS
            )


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=(
            "Measure the relay, the apply path, the lag from service to service and what the "
            "outbox costs a writer, beside programs written by "
            "hand for the same work, and beside the usual ones, on a PostgreSQL and a RabbitMQ of "
            "their own. An aim that is missed is red; machines are noisy, so it decides the exit "
            "status only with --strict."
        ),
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument(
        "only",
        nargs="*",
        type=_kind,
        metavar="|".join(KINDS),
        help="only these, in this order (default: all)",
    )
    top.add_argument(
        "--events",
        type=_positive,
        help="per round of relay and apply (default: 30000; slow rivals get a part of them)",
    )
    top.add_argument("--rounds", type=_positive, help="of each contender, in turn (default: 5)")
    top.add_argument("--quick", action="store_true", help="one short round of each")
    top.add_argument(
        "--record",
        action="store_true",
        help=f"keep the results in {RECORD.relative_to(ROOT)} and write the page anew",
    )
    top.add_argument("--strict", action="store_true", help="exit status 1 when an aim is missed")
    top.add_argument(
        "--note", default="", help="what the machine did besides; the page says: measured <note>"
    )
    return top


def _kind(text: str) -> str:
    if text not in KINDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(KINDS)}")
    return text


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
