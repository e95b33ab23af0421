"""`make bench`: relay, apply path, lag and write cost beside what one could write by hand, on
private servers, in one run."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from benchmarks import heal, page, set_back
from benchmarks.apply import ApplyComparison
from benchmarks.comparison import Comparison, interleaved
from benchmarks.contender import ContenderFailed
from benchmarks.lag import RATES, LagComparison
from benchmarks.relay import RelayComparison
from benchmarks.report import RECORD, RESULTS, Result, show, write
from benchmarks.scale import ScaleComparison
from benchmarks.servers import Servers, running_servers
from benchmarks.story.comparison import RIVALS, StoryComparison
from benchmarks.story.customers import Load
from benchmarks.story.table import show_stories
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
  python -m benchmarks story --rounds 3       the whole shop and its rivals
  python -m benchmarks story --rate 20 40 80  so many orders a second, whatever the answers take
  make bench filter=story base=HEAD~3         the whole shop, here and at another commit
  python -m benchmarks scale                  one worker with 1 to 4 processes
  make bench filter=heal                      many rows resynced and audited while a shop works
  python -m benchmarks set-back order         an hour's orders, forgotten and taken back
"""
KINDS = ("relay", "apply", "lag", "write")
LONG = {"heal": heal.main, "set-back": set_back.main}  # each with options of its own
BY_NAME = ("story", "scale")  # only when they are asked for


def main(arguments: Sequence[str]) -> int:
    if arguments and arguments[0] in LONG:
        return LONG[arguments[0]](arguments[1:])
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
        with ExitStack() as started:
            for comparison in comparisons(options, started, terminal):
                rounds = options.rounds or (1 if options.quick else comparison.rounds)
                result = interleaved(comparison, rounds, terminal)
                made["machine"] = comparison.machine()
                results.append(replace(result, made=made))
                for path in paths:  # now, and not at the end: the rest may be interrupted
                    write(results[-1:], path)
    except (ContenderFailed, PolderError) as error:
        terminal.error(error)
        return 1
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    stories = [one for one in results if one.name.startswith("story")]
    show([one for one in results if one not in stories], console)
    show_stories(stories, console)
    terminal.say(f"Written to {' and '.join(str(path.relative_to(ROOT)) for path in paths)}")
    if options.record:
        terminal.say(page.write())
    missed = [one for one in results for rival in one.aims if not one.is_met(rival)]
    if missed and options.strict:
        terminal.say("An aim was missed.")
        return 1
    return 0


def comparisons(
    options: argparse.Namespace, started: ExitStack, terminal: Terminal
) -> Iterator[Comparison]:
    """Those that were asked for, each made when its turn comes."""
    kinds = options.only or KINDS
    if "story" in kinds:
        yield _story(options)
    if others := [kind for kind in kinds if kind != "story"]:
        servers = started.enter_context(running_servers(terminal))
        yield from _parts(servers, others, options)


def _story(options: argparse.Namespace) -> StoryComparison:
    alone = options.base or options.warehouse
    return StoryComparison(
        Load(options.customers, until_confirmed=options.until_confirmed),
        options.rate,
        5.0 if options.quick else options.seconds,
        rivals=options.beside if options.beside is not None else [] if alone else list(RIVALS),
        base=options.base,
        warehouse=options.warehouse,
    )


def _parts(
    servers: Servers, kinds: Sequence[str], options: argparse.Namespace
) -> Iterator[Comparison]:
    quick = options.quick
    events = options.events or (8_000 if quick else 30_000)
    for kind in kinds:
        if kind == "relay":
            yield RelayComparison(servers, events)
        elif kind == "apply":
            yield ApplyComparison(servers, events)
        elif kind == "scale":
            yield ScaleComparison(servers, events)
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
        metavar="|".join((*KINDS, *BY_NAME)),
        help=f"only these, in this order (default: all but {' and '.join(BY_NAME)})",
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
    _add_story_options(top.add_argument_group("of the story"))
    return top


def _add_story_options(story: argparse._ArgumentGroup) -> None:
    story.add_argument("--seconds", type=float, default=20.0, help="of each load (default: 20)")
    story.add_argument("--customers", type=_positive, default=8, help="in a closed loop: 8")
    story.add_argument(
        "--until-confirmed",
        action="store_true",
        help="a customer orders again when the order is confirmed, not when it is answered",
    )
    story.add_argument(
        "--rate",
        type=float,
        nargs="+",
        default=[],
        help="orders a second, whatever the answers take; of several, which is held",
    )
    story.add_argument(
        "--warehouse", action="store_true", help="what is ready is sent off and delivered; alone"
    )
    story.add_argument("--base", default="", help="a commit to compare with, without rivals")
    story.add_argument("--beside", nargs="*", choices=list(RIVALS), help="which rivals (all)")


def _kind(text: str) -> str:
    if text not in (known := (*KINDS, *BY_NAME)):
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(known)}")
    return text


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
