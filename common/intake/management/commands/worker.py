from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from common import this_service
from common.broker.names import housekeeping_queue
from common.broker.watch import tell_at_start
from common.command import ServiceCommand
from common.intake.arguments import service_app, worker_arguments
from common.intake.step import Intake


class Command(ServiceCommand):
    help = (
        "Takes events: a Celery worker that reads this service's event queues and applies them in batches. Start as many as you like, "
        "each with its own --name."
    )
    examples = ("manage.py inventory worker --name 2 --concurrency 4",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default="1", help="unique among the service's workers on this host (default: 1)")
        parser.add_argument("--concurrency", type=int, default=2, help="pool processes, each applying one batch at a time (default: 2)")

    def handle(self, *args: Any, **options: Any) -> None:
        tell_at_start()
        app = service_app()
        app.steps["consumer"].add(Intake)
        # Events only: housekeeping has a worker of its own, so Celery's one queue is left out here.
        no_tasks = f"--exclude-queues={housekeeping_queue(this_service.name())}"
        app.worker_main([*worker_arguments(options["name"], options["concurrency"]), no_tasks])
