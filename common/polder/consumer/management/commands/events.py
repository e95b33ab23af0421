from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from polder import this_service
from polder.consumer.process_group import ProcessGroup
from polder.contracts.event import Event
from polder.process.command import ServiceCommand
from polder.process.readiness import announce_ready
from polder.process.stopping import stop_on

PREPARE = "--prepare"
ON_THIS_MACHINE = "http://guest:guest@localhost:15672"  # as RabbitMQ is installed


class Command(ServiceCommand):
    help = (
        "For development: runs what this service needs of relay, worker, housekeeper and beat "
        "until Ctrl-C, and begins each line with the name of the process that says it. When one of "
        "them ends, the others end, too, with its exit status."
    )
    examples = ("manage.py order events", "manage.py order events --prepare")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            PREPARE,
            action="store_true",
            help="before that, makes and runs the migrations that are missing and declares the "
            f"topology, with RABBITMQ_MANAGEMENT_URL or else {ON_THIS_MACHINE}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        names = needed()
        if options["prepare"]:
            prepare()
        stop = stop_on((signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
        environment = {**os.environ}
        environment.pop("POLDER_PROCESS", None)  # each has a name of its own
        group = ProcessGroup(
            {name: command(name) for name in names}, environment, self.stdout.write
        )
        sys.exit(group.run(stop, announce_ready))


def prepare() -> None:
    """Each in a process of its own, as the next one sees what the one before has written. Exits
    with the status of one that fails. Raises CommandError where one asks and nobody answers."""
    environment = {"RABBITMQ_MANAGEMENT_URL": ON_THIS_MACHINE} | os.environ
    is_seen = sys.stdin is not None and sys.stdin.isatty()
    for name in ("makemigrations", "migrate", "topology"):
        done = subprocess.run(
            command(name),
            env=environment,
            stdin=subprocess.DEVNULL if sys.stdin is None else None,  # answers may be piped
            stderr=None if is_seen else subprocess.PIPE,
            check=False,
        )
        said = (done.stderr or b"").decode(errors="replace")
        if done.returncode and said.rstrip().rpartition("\n")[2].startswith("EOFError"):
            raise CommandError(
                f"{name} asks something (above), and nobody can answer here. Run "
                f"`{this_service.command(name)}` in a terminal, and then this again."
            )
        sys.stderr.write(said)
        if done.returncode:
            sys.exit(done.returncode)


def needed() -> list[str]:
    """A service that only publishes takes no events, and one that only subscribes has none to
    relay. Raises CommandError for one that does neither."""
    publishes = any(service == this_service.name() for service, _ in Event.known)
    relay = ["relay"] if publishes else []
    worker = ["worker"] if this_service.subscribes_to() else []
    if not relay and not worker:
        raise CommandError(
            f"{this_service.name()} publishes nothing and has no replica. Is the app with its "
            "contracts.py or its replicas in INSTALLED_APPS?"
        )
    return [*relay, *worker, "housekeeper", "beat"]


def command(name: str) -> list[str]:
    """As this process was started, whatever it was that started it, and with the same options."""
    mine = sys.orig_argv
    place = len(mine) - mine[::-1].index("events") - 1
    options = [one for one in mine[place + 1 :] if one != PREPARE]
    return [sys.executable, *mine[1:place], name, *options]
