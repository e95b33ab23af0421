from __future__ import annotations

import os
from typing import Any

from celery.signals import worker_ready
from django.core.management.base import CommandParser

from polder.consumer.arguments import service_app, worker_arguments
from polder.consumer.direct import DirectConsumerStep
from polder.consumer.housekeeping import ask_at_start, fill_at_start, redrive_at_start
from polder.consumer.shared_memory import share_with_children
from polder.database.connection import look_at_start
from polder.outbox import gate
from polder.process.command import ServiceCommand
from polder.process.giving_way import add_nice
from polder.process.readiness import announce_ready

PROCESSES = 2  # a job that takes long keeps no question waiting


class Command(ServiceCommand):
    help = (
        "Does what beat asks for (reconcile what is overdue, partitions ahead), and what other "
        "services say to this one (questions, pages of a resync): a Celery worker that takes no "
        "events, so that it cannot hold them up."
    )
    examples = ("manage.py order housekeeper",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--name",
            default="housekeeper",
            help="unique among the service's workers on this host (default: housekeeper)",
        )
        add_nice(parser, "events are applied before a replica is filled or audited")

    def handle(self, *args: Any, **options: Any) -> None:
        os.nice(options["nice"])
        look_at_start()
        gate.begin()
        worker_ready.connect(_ready, weak=False)
        share_with_children()
        app = service_app()
        app.steps["consumer"].add(DirectConsumerStep)
        app.worker_main(worker_arguments(options["name"], PROCESSES))


def _ready(**_: Any) -> None:
    announce_ready()
    ask_at_start.delay()
    fill_at_start.delay()
    redrive_at_start.delay()
