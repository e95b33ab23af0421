from __future__ import annotations

from typing import Any

from polder import this_service
from polder.broker.watch import tell_at_start
from polder.database.connection import look_at_start
from polder.outbox.relay import Relay
from polder.process.command import ServiceCommand
from polder.process.readiness import announce_ready
from polder.process.stopping import stop_on


class Command(ServiceCommand):
    help = (
        "Takes this service's outbox to the broker until it is told to stop (SIGTERM or Ctrl-C: it "
        "ends its window first). Start as many as you like: one leads, the others stand by."
    )
    examples = ("manage.py order relay",)

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = stop_on()  # first: what it looks at may take a while
        look_at_start()
        tell_at_start()
        Relay(this_service.name(), this_service.amqp_url(), stopping, on_ready=announce_ready).run()
