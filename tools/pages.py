"""`python -m tools.pages`: draws the parts of the pages that follow from code, each between its
marks, and writes compose.yaml and its like for the services that there are. `--check` only
compares, as `make check` does."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from common import mail
from deploy.docker.places import DATABASES, published
from deploy.local.ports import SERVERS, WEB, variable
from deploy.local.services import SERVICES
from polder.configuration.table import ACCESS_VARIABLES, SERVICE_VARIABLES
from polder.configuration.topology import TOPOLOGY_VARIABLES
from polder.configuration.variables import Variable
from polder.contracts import markdown
from polder.contracts.published import in_folder
from tools import batches, pictures
from tools.each_service import RENEWED, renewed
from tools.unreachable import settings_of

ROOT = Path(__file__).resolve().parents[1]
DRAWN = (
    "README.md",
    "docs/architecture.md",
    "docs/configuration.md",
    "docs/states.md",
    "docs/events.md",
)
PART = re.compile(r"(<!-- drawn: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def drawn(page: str) -> str:
    """The page with every part drawn anew. Raises KeyError for a part that nobody draws."""
    return PART.sub(lambda part: f"{part[1]}\n{PARTS[part[2]]()}\n\n{part[3]}", page)


def table(variables: Sequence[Variable]) -> str:
    rows = [
        f"| `{one.name}` | {one.kind.form} | {_default(one)} | {one.meaning} |" for one in variables
    ]
    return "\n".join(["| variable | form | default | |", "|---|---|---|---|", *rows])


def of_one_service() -> str:
    parts = []
    for service in SERVICES:
        name = f"{service}_service.variables"
        if find_spec(name):
            parts.append(f"### Of the {service} service alone")
            parts.append(table(import_module(name).VARIABLES))
    return "\n\n".join(parts)


def ports() -> str:
    rows = [f"| `{variable(name)}` | {port} | |" for name, port in (WEB | SERVERS).items()]
    rows += [
        f"| `{variable(name)}` | {port} | "
        "in containers, where each service has a PostgreSQL of its own |"
        for name, port in DATABASES.items()
    ]
    return "\n".join(["| variable | default | |", "|---|---|---|", *rows])


def states() -> str:
    parts = []
    for service in SERVICES:
        command = [sys.executable, "manage.py", service, "states"]
        variables = os.environ | settings_of(service)
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
        parts.append(f"## {service.capitalize()} service\n\n{done.stdout.strip()}")
    return "\n\n".join(parts)


def events() -> str:
    return markdown.drawn(in_folder(ROOT / "schemas"), "../schemas")


def _default(variable: Variable) -> str:
    if variable.default is None:
        return "**needed**"
    return variable.default_shown or (f"`{variable.default}`" if variable.default else "none")


PARTS: dict[str, Callable[[], str]] = {
    "variables of a service": partial(table, (*SERVICE_VARIABLES, *mail.VARIABLES)),
    "variables of one service": of_one_service,
    "variables of topology": partial(table, TOPOLOGY_VARIABLES),
    "variables of access": partial(table, ACCESS_VARIABLES),
    "ports": ports,
    "state machines": states,
    "events": events,
    "services and queues": pictures.services_and_queues,
    "the whole": pictures.the_whole,
    "batches": batches.drawn,
}


def pages() -> Iterator[tuple[Path, str]]:
    """Each with its text as it should be."""
    for name in DRAWN:
        yield ROOT / name, drawn((ROOT / name).read_text())
    for name in RENEWED:
        text = (ROOT / name).read_text()
        yield ROOT / name, renewed(text, SERVICES, published({}).by_variable())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.pages", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare")
    check = parser.parse_args().check
    differ = 0
    for path, anew in pages():
        name = path.relative_to(ROOT)
        if path.exists() and anew == path.read_text():
            continue
        if check:
            print(f"{name} is not as the code says. Draw it: python -m tools.pages")
            differ += 1
        else:
            path.write_text(anew)
            print(f"{name} is written")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
