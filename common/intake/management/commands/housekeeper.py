from __future__ import annotations

from typing import Any

from celery.signals import worker_ready
from django.core.management.base import CommandParser

from common.command import ServiceCommand
from common.intake.arguments import service_app, worker_arguments
from common.readiness import announce_ready


class Command(ServiceCommand):
    help = "Does what beat asks for (settling what is overdue, partitions ahead): a Celery worker without intake, so that it cannot hold up events."
    examples = ("manage.py order housekeeper",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default="housekeeper", help="unique among the service's workers on this host (default: housekeeper)")

    def handle(self, *args: Any, **options: Any) -> None:
        worker_ready.connect(lambda **_: announce_ready(), weak=False)
        service_app().worker_main(worker_arguments(options["name"], 1))
