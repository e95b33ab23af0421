"""`make bench`: the relay and the apply path beside what one could write by hand, on private servers, in one run."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import Protocol

from rich.console import Console

from benchmarks import apply, relay
from benchmarks.contender import Contender
from benchmarks.report import Report, Result
from benchmarks.servers import Servers, running_servers
from deploy.local.progress import Progress
from deploy.local.terminal import Terminal

EXAMPLES = """\
examples:
  python -m benchmarks                        everything, a few minutes
  python -m benchmarks --quick                everything, roughly, in one minute
  python -m benchmarks apply --rounds 7       only the apply path, with medians of seven rounds
"""
AIMS = {
    "relay": {relay.BY_HAND.name: 0.7, relay.ONE_BY_ONE.name: 10.0},
    "apply": {apply.BY_HAND.name: 0.6, apply.PER_EVENT.name: 20.0},
}
REMARKS = {
    "relay": "OrderCreated events of about 1,000 bytes, one process each; marked only after the broker's confirm.",
    "apply": "StockChanged events over 2,000 products, two processes each. No settle function writes for them, so all do the same work:\n"
    "a ledger row for each event and a replica merged by version.",
}


class Comparison(Protocol):
    title: str

    @property
    def contenders(self) -> Sequence[Contender]: ...

    def measure(self, contender: Contender) -> float:
        """Events per second."""


def main(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # an exception: so servers and contenders are stopped as well
    events = options.events or (8_000 if options.quick else 30_000)
    rounds = options.rounds or (1 if options.quick else 5)
    terminal = Terminal()
    report = Report({"events": events, "rounds": rounds})
    with running_servers(terminal) as servers:
        for name in [options.only] if options.only else AIMS:
            comparison = comparison_named(name, servers, events)
            rates = interleaved(comparison, rounds, terminal)
            report.results.append(Result(comparison.title, rates, AIMS[name], REMARKS[name]))
    report.show(Console(highlight=False, width=None if sys.stdout.isatty() else 120))
    terminal.note(f"Written to {report.write()}")
    return 0 if all(result.is_met(rival) for result in report.results for rival in result.aims) else 1


def comparison_named(name: str, servers: Servers, events: int) -> Comparison:
    if name == "relay":
        return relay.RelayComparison(servers, events)
    return apply.ApplyComparison(servers, events)


def interleaved(comparison: Comparison, rounds: int, progress: Progress) -> dict[str, list[float]]:
    """Ours, theirs, ours, theirs ...: what the machine does besides hits all alike."""
    rates: dict[str, list[float]] = {contender.name: [] for contender in comparison.contenders}
    for number in range(1, rounds + 1):
        for contender in comparison.contenders:
            with progress.step(f"{comparison.title.partition(':')[0]} {number}/{rounds}: {contender.name}"):
                rates[contender.name].append(comparison.measure(contender))
            progress.note(f"{rates[contender.name][-1]:,.0f} events/s")
    return rates


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=(
            "Measure the relay and the apply path beside programs written by hand for the same work, and beside the usual ones, on a "
            "PostgreSQL and a RabbitMQ of their own. Exit status 1 when an aim is missed."
        ),
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("only", nargs="?", choices=["relay", "apply"], metavar="relay|apply", help="only this (default: both)")
    top.add_argument("--events", type=_positive, help="per round (default: 30000; slow rivals get a part of them)")
    top.add_argument("--rounds", type=_positive, help="of each contender, in turn (default: 5)")
    top.add_argument("--quick", action="store_true", help="8000 events, one round")
    return top


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
