from __future__ import annotations

from typing import Any

from celery.signals import beat_init
from django.core.management.base import BaseCommand

from common import this_service
from common.intake.arguments import service_app
from common.readiness import announce_ready


class Command(BaseCommand):
    help = "Sends this service's periodic tasks to its housekeeper. Exactly one per service. Example: manage.py order beat"

    def handle(self, *args: Any, **options: Any) -> None:
        beat_init.connect(lambda **_: announce_ready(), weak=False)
        this_service.run_dir().mkdir(parents=True, exist_ok=True)
        schedule = this_service.run_dir() / f"{this_service.name()}-beat.schedule"
        service_app().start(["beat", f"--schedule={schedule}", "--pidfile=", "--loglevel=INFO"])
