"""docs/states.md, drawn from the tables of legal moves and of the consumer. Writes the page, or
compares it, as `make check` does."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from deploy.local.services import SERVICES
from deploy.unreachable import settings_of
from polder.consumer import drawing

PAGE = Path(__file__).resolve().parents[1] / "docs" / "states.md"
HEAD = """# State machines

Drawn by `python -m deploy.states` from the tables of legal moves in each service's
`models/owned.py`; `make check` fails when this page and a table differ. The same table decides what
`move_to` allows and is a CHECK constraint of the database. On each way stands its event.
"""
CONSUMER = f"""## The consumer's batches

What becomes of a batch, from the table in `common/polder/consumer/transitions.py`. Of several rows
the first that fits counts. A batch decides the mode when the consumer is going, or when it is the
probe; when another ends, the mode stays.

{drawing.drawn()}
"""


def page() -> str:
    return (
        "\n".join(
            [
                HEAD,
                *(
                    f"## {service.capitalize()} service\n\n{_drawn(service)}"
                    for service in SERVICES
                ),
                CONSUMER,
            ]
        ).rstrip()
        + "\n"
    )


def _drawn(service: str) -> str:
    command = [sys.executable, "manage.py", service, "states"]
    return subprocess.run(
        command, env=os.environ | settings_of(service), capture_output=True, text=True, check=True
    ).stdout


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.states",
        description=__doc__,
        epilog="Example: python -m deploy.states --check",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="only compare; exit status 1 when the page says anything else than the tables",
    )
    options = parser.parse_args()
    drawn = page()
    if options.check:
        if not PAGE.exists() or PAGE.read_text() != drawn:
            print(f"{PAGE.name} is not what the tables say; run: python -m deploy.states")
            return 1
        return 0
    PAGE.write_text(drawn)
    print(f"docs/{PAGE.name} is written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
