"""Starting Celery's programs for one service, from that service's own manage.py."""

from __future__ import annotations

import os
from importlib import import_module
from typing import cast

from celery import Celery

from polder import this_service


def service_app() -> Celery:
    """Celery checks nothing again: its command has, and all addresses and pages, which these
    processes never serve, would cost each of them 23 MB and 600 modules."""
    os.environ["CELERY_SKIP_CHECKS"] = "1"
    return cast("Celery", import_module(this_service.celery_module()).app)


def worker_arguments(name: str, concurrency: int) -> list[str]:
    """`name` makes the node's name unique: two workers of one name lock each other out."""
    node = f"{this_service.name()}.{name}@%h"
    return [
        "worker",
        f"--hostname={node}",
        f"--concurrency={concurrency}",
        "--loglevel=INFO",
        "--without-gossip",
        "--without-mingle",
    ]
