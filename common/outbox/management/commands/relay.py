from __future__ import annotations

import signal
import threading
from typing import Any

from common import this_service
from common.command import ServiceCommand
from common.outbox.relay import Relay
from common.readiness import announce_ready


class Command(ServiceCommand):
    help = (
        "Takes this service's outbox to the broker until it is told to stop (SIGTERM or Ctrl-C: it ends its window first). "
        "Start as many as you like: one leads, the others stand by."
    )
    examples = ("manage.py order relay",)

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        Relay(this_service.name(), this_service.amqp_url(), stop, on_ready=announce_ready).run()
