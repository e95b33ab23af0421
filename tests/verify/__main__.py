"""`make verify`: checks every invariant of docs/invariants.md on a stack that runs, from outside:
it reads the databases and the broker, changes nothing, and knows nothing of the code that runs
there. Best when nobody orders: it waits until the shop is at rest.

Without `env` it is the stack that `make up` started here. `audit=on` binds an auditor, a stream in
the broker that keeps what goes over the wire (the last 7 days, 500 MB at most), so that later runs
can compare the outboxes with it; `audit=off` deletes it. Exit status: 0 all that was checked holds,
1 something does not, 2 there was nothing to check, or a server went away meanwhile.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from amqp.exceptions import AMQPError
from rich.console import Console

from tests.blackbox.shop import Shop
from tests.blackbox.surroundings import forget
from tests.verify.auditor import StreamAuditor
from tests.verify.run import Verification
from tests.verify.stack import NoStack, unreachable, variables

HERE = Path(__file__).resolve().parents[2] / ".run" / "stack.env"
EXAMPLES = """\
examples:
  make verify                             the stack that `make up` started
  make verify env=/srv/polder/stack.env   another one: a file with AMQP_URL and, of each service,
                                          its ..._DATABASE_URL, a line each
  make verify parked=3 watch=30           three parked messages are expected; watch for 30 s
  make verify audit=on                    from now on what goes over the wire is kept
"""


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    forget()
    began = time.monotonic()
    try:
        shop = Shop(variables(options.env))
        if away := list(unreachable(shop.variables)):
            raise NoStack("\n".join(f"Cannot reach {what}" for what in away))
        if options.audit:
            return _audit(StreamAuditor(shop), on=options.audit == "on")
        with _telling() as tell:
            mails = Path(options.env).parent / "mail"
            report = Verification(
                shop,
                options.wait,
                options.watch,
                options.parked,
                tell,
                mails=mails if mails.is_dir() else None,
            ).run()
    except NoStack as error:
        print(f"{error}\nmake verify: nothing was checked")
        return 2
    except (AMQPError, psycopg.Error, OSError) as error:
        print(
            f"A server went away or refused: {str(error).strip()}\nmake verify: not all was checked"
        )
        return 2
    print("\n".join(report.lines()))
    verdict = (
        f"{', '.join(report.broken)} do not hold"
        if report.broken
        else f"all that was checked holds, in {time.monotonic() - began:.0f} s"
    )
    print(f"make verify: {verdict}")
    return 1 if report.broken else 0


def _audit(auditor: StreamAuditor, *, on: bool) -> int:
    if not on:
        auditor.unbind()
        print("make verify: no auditor listens any more")
    elif auditor.is_bound():
        print("make verify: an auditor listens already")
    else:
        auditor.bind()
        print("make verify: an auditor listens from now on")
    return 0


@contextmanager
def _telling() -> Iterator[Callable[[str], None]]:
    """At a terminal, one line that changes; elsewhere nothing."""
    console = Console()
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("looking") as status:
        yield status.update


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make verify",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="make verify [env=FILE] ...",
    )
    parser.add_argument(
        "--env",
        type=Path,
        default=HERE,
        metavar="FILE",
        help="where the stack is (env=FILE; default: .run/stack.env)",
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=60.0,
        metavar="S",
        help="seconds until it has to be at rest (wait=S; default: 60)",
    )
    parser.add_argument(
        "--watch",
        type=float,
        default=3.0,
        metavar="S",
        help="seconds to watch versions and stock, at least (watch=S; default: 3)",
    )
    parser.add_argument(
        "--parked",
        type=int,
        default=0,
        metavar="N",
        help="parked messages that are expected, in all (parked=N; default: 0)",
    )
    parser.add_argument(
        "--audit", choices=("on", "off"), help="bind the auditor or delete it, and end (audit=on)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
