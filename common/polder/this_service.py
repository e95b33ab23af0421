"""Which service this process is of, and what its settings say of it: one dict, `POLDER`, in
Django's settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from django.conf import ENVIRONMENT_VARIABLE, settings
from django.core.exceptions import ImproperlyConfigured

NEEDED = frozenset({"SERVICE", "AMQP_URL"})
DEFAULTS: Mapping[str, Any] = {
    "MANAGEMENT_URL": None,
    "CELERY_MODULE": None,  # `celery` beside the settings module
    "REMOTE_CONTROL": False,
    "WEEKS_KEPT": 8,
    "REPUBLISH_WEEKS": 8,
    "GUARD": "refuse",
    "PARKED_DAYS": 365,
    "DECIDED_DAYS": 90,
    "RECORDS_DAYS": 90,
    "TOMBSTONES_DAYS": 365,
    "ANSWERS_HOURS": 24,
    "CONSUMER_TIMEOUT": 1800.0,
    "LAG_BUDGET": 0.15,
    "AUDIT_EVERY": 3_600,
    "DEEP_AUDIT_EVERY": 86_400,
    "JOBS": {},
    "CONTRACTS": [],
    "OPS_PEERS": {},
    "TRACES_URL": None,
    "ALARM_WEBHOOK": None,
    "ALARM_MAIL": [],
    "RUN_DIR": ".run",
    "SCHEMAS": "schemas",
    "UNREAD_VARIABLES": [],
}

publishers: Callable[[], list[str]] = list  # of the replicas' aggregates; the replicas say it


def said() -> dict[str, Any]:
    """`POLDER` as the settings have it; empty where they have none, which a system check
    reports. Raises ImproperlyConfigured for what is no dict.
    """
    found = getattr(settings, "POLDER", {})
    if not isinstance(found, dict):
        raise ImproperlyConfigured("POLDER in the settings has to be a dict")
    return found


def _setting(key: str) -> Any:
    if key in NEEDED and key not in said():
        raise ImproperlyConfigured(f"POLDER['{key}'] is missing in the settings")
    return said().get(key, DEFAULTS.get(key))


def name() -> str:
    """Lower-case letters: every name that the service has in RabbitMQ begins with it."""
    return cast("str", _setting("SERVICE"))


def command(words: str) -> str:
    """As one types it: `manage.py topology`, or `manage.py order topology` where one manage.py is
    of several services, which puts the name of this one behind its own."""
    program = Path(sys.argv[0]).name
    return f"{program if program.startswith('manage.py') else 'manage.py'} {words}"


def amqp_url() -> str:
    return cast("str", _setting("AMQP_URL"))


def management_url() -> str | None:
    """RabbitMQ's management API, with a user that only looks; None in a service that was not told
    of one."""
    return cast("str | None", _setting("MANAGEMENT_URL"))


def alarms_to() -> tuple[str | None, list[str]]:
    """Who hears of what is wrong, where no Prometheus tells: a webhook, and addresses."""
    return _setting("ALARM_WEBHOOK"), list(_setting("ALARM_MAIL"))


def traces_url() -> str | None:
    """The base address of who takes traces, by OTLP over HTTP; None: there are none."""
    return cast("str | None", _setting("TRACES_URL"))


def subscribes_to() -> list[str]:
    """The services whose events this one takes: those of which it keeps replicas. Once the models
    are loaded."""
    return publishers()


def celery_module() -> str:
    """Where the service's Celery application is: `celery.py` beside its settings, unless
    `CELERY_MODULE` says another."""
    beside = os.environ.get(ENVIRONMENT_VARIABLE, "")  # settings that a test overrides forget it
    return _setting("CELERY_MODULE") or f"{beside.rpartition('.')[0]}.celery"


def contracts() -> list[str]:
    """Modules with event classes, besides `contracts` of every installed app. They are imported
    before anything is checked: raises ImproperlyConfigured for a single text."""
    if isinstance(found := _setting("CONTRACTS"), str):
        raise ImproperlyConfigured("POLDER['CONTRACTS'] has to be a list of modules")
    return cast("list[str]", found)


def remote_control() -> bool:
    """Celery's; a revoke acks events that were never applied, so it is off unless somebody asks for
    it."""
    return cast("bool", _setting("REMOTE_CONTROL"))


def weeks_kept() -> int:
    """Whole weeks of outbox and ledger that are kept; four at least."""
    return cast("int", _setting("WEEKS_KEPT"))


def consumer_timeout() -> float:
    """Seconds after which the broker closes a channel on which a message is unacked; RabbitMQ's
    `consumer_timeout`."""
    return cast("float", _setting("CONSUMER_TIMEOUT"))


def lag_budget() -> float:
    """Seconds that an event may wait at most for others, while the worker is busy."""
    return cast("float", _setting("LAG_BUDGET"))


def audit_every() -> int:
    """Seconds after which a replica's keys and versions are compared with its owner's again; 0:
    never."""
    return cast("int", _setting("AUDIT_EVERY"))


def deep_audit_every() -> int:
    """Seconds after which its content is; 0: never."""
    return cast("int", _setting("DEEP_AUDIT_EVERY"))


def jobs() -> dict[str, int]:
    """The periodic jobs that this service has besides those of every service, each with the seconds
    between two runs."""
    return cast("dict[str, int]", _setting("JOBS"))


def ops_peers() -> Mapping[str, str]:
    """The services that may be asked for what people want to see: by name the address, with this
    service's API key there as the password."""
    return cast("Mapping[str, str]", _setting("OPS_PEERS"))


def republish_weeks() -> int:
    """How many weeks back a publisher may announce again; the same for all services, as every
    ledger has to reach that far."""
    return cast("int", _setting("REPUBLISH_WEEKS"))


def guard() -> str:
    """What becomes of a write that others would not hear of: refuse, report or off."""
    return cast("str", _setting("GUARD"))


def kept(what: str) -> timedelta:
    """How long rows are kept: `PARKED_DAYS`, `DECIDED_DAYS`, `RECORDS_DAYS`,
    `TOMBSTONES_DAYS` or `ANSWERS_HOURS`."""
    unit = what.rpartition("_")[2].lower()
    return timedelta(**{unit: _setting(what)})


def ledger_weeks_kept() -> int:
    """One more than of the outbox: what is announced at the last moment may wait in a queue."""
    return max(weeks_kept(), 4) + 1


def unread_variables() -> list[str]:
    """Variables of the environment that look like ours and that nobody reads."""
    return cast("list[str]", _setting("UNREAD_VARIABLES"))


def schemas() -> Path:
    """The folder with the contracts as files: of this service, and of those that share it."""
    return Path(_setting("SCHEMAS")).absolute()


def run_dir() -> Path:
    """Where a process keeps its files."""
    return Path(_setting("RUN_DIR"))
