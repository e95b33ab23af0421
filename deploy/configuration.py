"""docs/configuration.md, drawn from the declarations of the variables. Writes the page, or compares
it, as `make check` does."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from deploy.docker.places import PUBLISHED
from deploy.local.ports import FIRST_WEB_PORT, SERVERS
from deploy.local.services import SERVICES
from polder.configuration.table import ACCESS_VARIABLES, SERVICE_VARIABLES, TOPOLOGY_VARIABLES
from polder.configuration.variables import Variable

PAGE = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"
HEAD = """# Configuration

Drawn by `python -m deploy.configuration` from the declarations in the code; `make check` fails when this page and the code differ.

## What holds for every variable

- Each is read and checked when a process starts. What cannot be obeyed is refused, all of it at once, by the variable's name; no
  message repeats a value, and no listing of the settings shows a secret.
- A value is taken as it is: `$`, quotes and backslashes mean nothing in it. Blanks around it are cut off. A variable that is set to
  nothing counts as not set.
- A name that begins as ours do, that nobody reads and that looks like one of these, is refused: it is a misspelling. One that looks
  like none is named in a warning (`polder.W001`).
- What libraries would obey by themselves is taken out of the environment before they look: libpq's `PG...`, proxies, `CELERY_...`,
  gunicorn's, `SSL_CERT_FILE` and `SSLKEYLOGFILE`. Nor are `~/.pgpass`, `~/.pg_service.conf` and `~/.postgresql/` read.
"""
ADDRESSES = """## Addresses

**`<SERVICE>_DATABASE_URL`**: `postgres://user:password@host:port/database?option=value`, as libpq reads it. The port may be left
out (5432). Several hosts have commas between them (`a:5432,b:5433`), an IPv6 address stands in `[ ]`, the folder of a Unix socket is
written `postgres:///database?host=/folder&user=name`. Options are PostgreSQL's own and hold for every connection, the relay's
too; they win over our defaults, but for the relay's keepalives. Refused are those that PostgreSQL's client would pass over in
silence: `sslrootcert` without `sslmode=verify-...`, `sslmode=verify-...` without it, TLS by a Unix socket. `service` is refused.

**`<SERVICE>_AMQP_URL`**, **`FLOWER_AMQP_URL`**: `amqp://user:password@host:port/vhost`, or `amqps://`. User and password are needed.
The port may be left out (5672; 5671 with TLS), and so may the vhost: then it is `/`, as with `%2F`; other slashes in a vhost's name
may be written either way. Several nodes of a cluster are whole URLs with `;` between them that differ in nothing but the address.
The only option is `?cacertfile=/path`, which `<SERVICE>_AMQP_CA` stands for.

**`RABBITMQ_MANAGEMENT_URL`**, **`<SERVICE>_MANAGEMENT_URL`**: `http://user:password@host:port` or `https://`, nodes as above. The port
may be left out (15672; 15671 with TLS). No proxy is used.

In all of them, what would end a part of the URL is percent-encoded within user, password and path: `@` `%40`, `:` `%3A`, `/` `%2F`,
`?` `%3F`, `#` `%23`, `%` `%25`, `;` `%3B`, a blank `%20`.

**TLS.** With `amqps://` and `https://` a certificate has to come from an authority that is trusted (the system's, or those in the file
that the variable names) and has to be for the host in the URL; else nothing connects, in no process, and the log says which of the
two it was.

## Connection poolers

A pooler such as PgBouncer may stand before a database for the **web processes only**: `<SERVICE>_DATABASE_URL` is the pooler's
address, `<SERVICE>_DIRECT_DATABASE_URL` the database's own. The relay leads by a lock of its session, and workers set limits for
theirs; through a pooler of transactions both would be somebody else's a moment later. Each new connection is looked at once: a
process that may not be pooled and is, and a session whose time limits are not in force, are refused with what to do.

PgBouncer refuses the settings that a session begins with unless it ignores them (`pool_mode = transaction`,
`ignore_startup_parameters = options`). Then they have to be the role's own: a web process that finds one missing prints the
statements (`ALTER ROLE ... SET lock_timeout = '10s'; ...`).
"""
PORTS = """## Ports

All on 127.0.0.1, given to make (`make up ORDER_PORT=9001`) or in the environment. A port that is taken is
named at the start with its variable.
"""
OTHERS = """## What else `make` reads

| variable | |
|---|---|
| `STACK` | which stack `make up` starts: `native` or `docker` |
| `POLDER_RABBITMQ_ROOT` | for `make up` and the tests: another root directory to take RabbitMQ's programs from (`rabbitmq=4` makes one) |
"""


def page() -> str:
    parts = [
        HEAD,
        *(
            "## Variables of a service's processes\n",
            "`make up` sets them; elsewhere you do. A service reads none of another service.\n",
        ),
        _table(SERVICE_VARIABLES),
        *_of_one_service(),
        ADDRESSES,
        *("## For `manage.py <service> topology`, and for Flower\n", _table(TOPOLOGY_VARIABLES)),
        *("## For `manage.py <service> access`\n", _table(ACCESS_VARIABLES)),
        PORTS,
        _ports(),
        OTHERS,
    ]
    return "\n".join(parts).rstrip() + "\n"


def _of_one_service() -> Iterator[str]:
    for service in SERVICES:
        name = f"{service}_service.variables"
        if find_spec(name):
            yield f"### Of the {service} service alone\n"
            yield _table(import_module(name).VARIABLES)


def _table(variables: Sequence[Variable]) -> str:
    rows = [
        f"| `{one.name}` | {one.kind.form} | {_default(one)} | {one.meaning} |" for one in variables
    ]
    return "\n".join(["| variable | form | default | |", "|---|---|---|---|", *rows, ""])


def _default(variable: Variable) -> str:
    if variable.default is None:
        return "**needed**"
    return variable.default_shown or (f"`{variable.default}`" if variable.default else "none")


def _ports() -> str:
    web = {
        f"{service.upper()}_PORT": FIRST_WEB_PORT + position
        for position, service in enumerate(SERVICES)
    }
    databases = {
        variable: port
        for variable, port in PUBLISHED.values()
        if variable.endswith("_POSTGRES_PORT")
    }
    rows = [f"| `{variable}` | {port} | |" for variable, port in [*web.items(), *SERVERS.values()]]
    rows += [
        f"| `{variable}` | {port} | in containers, where each service has a PostgreSQL of its own |"
        for variable, port in databases.items()
    ]
    return "\n".join(["| variable | default | |", "|---|---|---|", *rows, ""])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.configuration", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="only say whether the page is as it should be"
    )
    if not parser.parse_args().check:
        PAGE.write_text(page())
        return 0
    if PAGE.read_text() == page():
        return 0
    print(
        f"{PAGE.name} is not as the variables are declared. Draw it anew: python -m "
        "deploy.configuration"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
