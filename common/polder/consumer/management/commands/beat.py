from __future__ import annotations

import logging
import time
from threading import Thread
from typing import Any

from celery import Celery
from celery.signals import beat_init

from polder.consumer.arguments import service_app
from polder.consumer.jobs import expected
from polder.consumer.steady_beat import SteadyScheduler
from polder.process.command import ServiceCommand
from polder.process.readiness import announce_ready

log = logging.getLogger(__name__)
ALARMS, LOOKS = "alarms", 15.0  # the job; seconds


class Command(ServiceCommand):
    help = (
        "Asks this service's housekeeper for its periodic jobs, each minute; the database says "
        "which are due. One per service is enough."
    )
    examples = ("manage.py order beat",)

    def handle(self, *args: Any, **options: Any) -> None:
        beat_init.connect(lambda **_: announce_ready(), weak=False)
        app = service_app()
        if ALARMS in expected():
            app.loader.import_default_modules()
            Thread(target=_tell_alarms, args=(app,), daemon=True).start()
        scheduler = f"{SteadyScheduler.__module__}:{SteadyScheduler.__name__}"
        app.start(["beat", f"--scheduler={scheduler}", "--pidfile=", "--loglevel=INFO"])


def _tell_alarms(app: Celery) -> None:
    """The job of that name, done here when it is due: what beat asks the housekeeper for goes by
    the broker, and would not come when the broker blocks, or either of the two is away."""
    while True:
        try:
            app.tasks[ALARMS]()
        except Exception as error:  # the next time may succeed
            log.warning("nobody could be told of alarms: %s", type(error).__name__)
        time.sleep(LOOKS)
