"""Which service this process is of, and what its settings say of it, with their types."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from django.conf import settings


def name() -> str:
    return cast("str", settings.SERVICE)  # type: ignore[misc]


def amqp_url() -> str:
    return cast("str", settings.AMQP_URL)  # type: ignore[misc]


def management_url() -> str | None:
    """RabbitMQ's management API, with a user that only looks; None in a service that was not told of one."""
    return cast("str | None", getattr(settings, "MANAGEMENT_URL", None))


def subscribes_to() -> list[str]:
    """The services whose events this one takes: those of which it keeps replicas. Once the models are loaded."""
    from common.replication.replica import publishers  # models; this module is read before them

    return publishers()


def celery_module() -> str:
    """Where the service's Celery application is; `CELERY_MODULE` says so in a project whose packages are not named after the service."""
    return cast("str", getattr(settings, "CELERY_MODULE", f"{name()}_service.celery"))


def remote_control() -> bool:
    return cast("bool", settings.REMOTE_CONTROL)  # type: ignore[misc]


def weeks_kept() -> int:
    """Whole weeks of outbox and ledger that are kept; four at least."""
    return cast("int", settings.WEEKS_KEPT)  # type: ignore[misc]


def consumer_timeout() -> float:
    """Seconds after which the broker closes a channel on which a message is unacked; RabbitMQ's `consumer_timeout`."""
    return cast("float", getattr(settings, "CONSUMER_TIMEOUT", 1800.0))


def jobs() -> dict[str, int]:
    """The periodic jobs that this service has besides those of every service, each with the seconds between two runs."""
    return cast("dict[str, int]", getattr(settings, "JOBS", {}))


def republish_weeks() -> int:
    """How many weeks back a publisher may announce again; the same for all services, as every ledger has to reach that far."""
    return cast("int", getattr(settings, "REPUBLISH_WEEKS", 8))


def ledger_weeks_kept() -> int:
    """One more than of the outbox: what is announced at the last moment may wait in a queue."""
    return max(weeks_kept(), 4) + 1


def run_dir() -> Path:
    return cast("Path", settings.RUN_DIR)  # type: ignore[misc]
