from __future__ import annotations

import os
from typing import Any

from django.core.management.base import CommandParser

from polder.api.server import RECEIVE_SECONDS, WebServer
from polder.database.connection import look_at_start
from polder.pasts.start import wait_for_answers
from polder.process.command import ServiceCommand
from polder.process.giving_way import add_nice


class Command(ServiceCommand):
    help = "Serves this service's API and admin until it is told to stop (SIGTERM or Ctrl-C)."
    requires_system_checks = "__all__"
    examples = ("manage.py order web --bind 127.0.0.1:8001",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--bind",
            default="127.0.0.1:8000",
            metavar="HOST:PORT",
            help="where to listen (default: 127.0.0.1:8000)",
        )
        parser.add_argument(
            "--threads", type=int, default=8, help="requests answered at the same time (default: 8)"
        )
        parser.add_argument(
            "--receive-seconds",
            type=float,
            default=RECEIVE_SECONDS,
            help=f"that a request has to come in (default: {RECEIVE_SECONDS:g})",
        )
        add_nice(parser, "what was taken is finished before more is taken")

    def handle(self, *args: Any, **options: Any) -> None:
        os.nice(options["nice"])
        look_at_start()
        wait_for_answers()
        WebServer(options["bind"], options["threads"], options["receive_seconds"]).run()
