from __future__ import annotations

import os
import signal
import sys
from typing import Any

from polder import this_service
from polder.command import ServiceCommand
from polder.contracts.event import Event
from polder.process_group import ProcessGroup
from polder.readiness import announce_ready
from polder.stopping import stop_on


class Command(ServiceCommand):
    help = (
        "For development: runs what this service needs of relay, worker, housekeeper and beat "
        "until Ctrl-C, and begins each line with the name of the process that says it. When one of "
        "them ends, the others end, too, with its exit status."
    )
    examples = ("manage.py order events",)

    def handle(self, *args: Any, **options: Any) -> None:
        stop = stop_on((signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
        environment = {**os.environ}
        environment.pop("POLDER_PROCESS", None)  # each has a name of its own
        group = ProcessGroup(
            {name: command(name) for name in needed()}, environment, self.stdout.write
        )
        sys.exit(group.run(stop, announce_ready))


def needed() -> list[str]:
    """A service that only publishes takes no events, and one that only subscribes has none to
    relay."""
    publishes = any(service == this_service.name() for service, _ in Event.known)
    relay = ["relay"] if publishes else []
    worker = ["worker"] if this_service.subscribes_to() else []
    return [*relay, *worker, "housekeeper", "beat"]


def command(name: str) -> list[str]:
    """As this process was started, whatever it was that started it, and with the same options."""
    mine = sys.orig_argv
    place = len(mine) - mine[::-1].index("events") - 1
    return [sys.executable, *mine[1:place], name, *mine[place + 1 :]]
