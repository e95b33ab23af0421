from __future__ import annotations

from typing import Any

from celery.signals import beat_init

from common import this_service
from common.command import ServiceCommand
from common.intake.arguments import service_app
from common.readiness import announce_ready


class Command(ServiceCommand):
    help = "Sends this service's periodic tasks to its housekeeper. Exactly one per service."
    examples = ("manage.py order beat",)

    def handle(self, *args: Any, **options: Any) -> None:
        beat_init.connect(lambda **_: announce_ready(), weak=False)
        this_service.run_dir().mkdir(parents=True, exist_ok=True)
        schedule = this_service.run_dir() / f"{this_service.name()}-beat.schedule"
        service_app().start(["beat", f"--schedule={schedule}", "--pidfile=", "--loglevel=INFO"])
