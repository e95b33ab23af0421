from __future__ import annotations

from typing import Any

from celery.signals import beat_init

from polder.consumer.arguments import service_app
from polder.consumer.steady_beat import SteadyScheduler
from polder.process.command import ServiceCommand
from polder.process.readiness import announce_ready


class Command(ServiceCommand):
    help = (
        "Asks this service's housekeeper for its periodic jobs, each minute; the database says "
        "which are due. One per service is enough."
    )
    examples = ("manage.py order beat",)

    def handle(self, *args: Any, **options: Any) -> None:
        beat_init.connect(lambda **_: announce_ready(), weak=False)
        scheduler = f"{SteadyScheduler.__module__}:{SteadyScheduler.__name__}"
        service_app().start(["beat", f"--scheduler={scheduler}", "--pidfile=", "--loglevel=INFO"])
