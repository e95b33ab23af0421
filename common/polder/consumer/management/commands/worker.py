from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from polder import this_service
from polder.broker.names import housekeeping_queue
from polder.broker.watch import tell_at_start
from polder.consumer.arguments import service_app, worker_arguments
from polder.consumer.shared_memory import share_with_children
from polder.consumer.step import EventConsumerStep
from polder.database.connection import look_at_start
from polder.pasts.start import wait_for_answers
from polder.process.command import ServiceCommand


class Command(ServiceCommand):
    help = (
        "Takes events: a Celery worker that reads this service's event queues and applies them in "
        "batches. Start as many as you like, each with its own --name."
    )
    examples = ("manage.py inventory worker --name 2 --concurrency 4",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--name",
            default="1",
            help="unique among the service's workers on this host (default: 1)",
        )
        parser.add_argument(
            "--concurrency",
            type=int,
            default=2,
            help="pool processes, each applying one batch at a time (default: 2)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        look_at_start()
        tell_at_start()
        wait_for_answers()
        share_with_children()
        app = service_app()
        app.steps["consumer"].add(EventConsumerStep)
        # Events only: housekeeping has a worker of its own, so Celery's one queue is left out here.
        no_tasks = f"--exclude-queues={housekeeping_queue(this_service.name())}"
        app.worker_main([*worker_arguments(options["name"], options["concurrency"]), no_tasks])
