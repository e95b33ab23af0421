"""Every variable that the processes of a service read, and those that others read beside them."""

from __future__ import annotations

from polder.configuration.database_url import database
from polder.configuration.kinds import (
    FILE,
    FOLDER,
    HOOK,
    HOSTS,
    KEY,
    MAILS,
    ORIGINS,
    PEERS,
    TEXT,
    WEB,
    YES_OR_NO,
    Kind,
    number,
    one_of,
    whole_number,
)
from polder.configuration.nodes import AMQP, MANAGEMENT
from polder.configuration.variables import Variable

POSTGRESQL = Kind("PostgreSQL URL", database)

DATABASE_URL = Variable(
    "<SERVICE>_DATABASE_URL",
    POSTGRESQL,
    "the run-time role's (for `migrate` the DDL role's); see [Addresses](#addresses)",
    None,
    secret=True,
)
DIRECT_DATABASE_URL = Variable(
    "<SERVICE>_DIRECT_DATABASE_URL",
    POSTGRESQL,
    "where `<SERVICE>_DATABASE_URL` leads to a connection pooler: the database's own address, for "
    "all processes but web; see [Connection poolers](#connection-poolers)",
    default_shown="`<SERVICE>_DATABASE_URL`",
    secret=True,
)
AMQP_URL = Variable(
    "<SERVICE>_AMQP_URL",
    AMQP,
    "the service's own broker user's; see [Addresses](#addresses)",
    None,
    secret=True,
)
AMQP_CA = Variable(
    "<SERVICE>_AMQP_CA",
    FILE,
    "certificates of the authorities that may vouch for the broker of an `amqps://` URL",
    default_shown="the system's",
)
SECRET_KEY = Variable(
    "<SERVICE>_SECRET_KEY",
    TEXT,
    "Django's secret key: signs sessions",
    None,
    secret=True,
    setting="SECRET_KEY",
)
ALLOWED_HOSTS = Variable(
    "<SERVICE>_ALLOWED_HOSTS",
    HOSTS,
    "by which names the service is asked",
    "localhost,127.0.0.1,[::1]",
    setting="ALLOWED_HOSTS",
)
HTTPS = Variable("<SERVICE>_HTTPS", YES_OR_NO, "behind TLS: secure cookies, redirect, HSTS", "0")
TRUSTED_ORIGINS = Variable(
    "<SERVICE>_TRUSTED_ORIGINS",
    ORIGINS,
    "where forms of the admin may come from besides, such as a proxy's port",
)
HSTS_PRELOAD = Variable(
    "<SERVICE>_HSTS_PRELOAD",
    YES_OR_NO,
    "lets browsers' makers put the host on their HTTPS-only lists, for good",
    "0",
    obeyed_with="<SERVICE>_HTTPS",
)
REQUESTS_PER_SECOND = Variable(
    "<SERVICE>_REQUESTS_PER_SECOND", number(0.001, 1_000_000), "what one caller may ask", "1000"
)
PROXIES = Variable(
    "<SERVICE>_PROXIES", whole_number(0, 100), "how many proxies stand before the service", "0"
)
WEEKS_KEPT = Variable(
    "<SERVICE>_WEEKS_KEPT",
    whole_number(4, 1040),
    "whole weeks of outbox and ledger that are kept; the ledger keeps one more",
    "8",
)
CONSUMER_TIMEOUT = Variable(
    "<SERVICE>_CONSUMER_TIMEOUT_SECONDS",
    whole_number(5, 31_536_000),
    "RabbitMQ's `consumer_timeout`, if it is another than the default: the worker gives its "
    "channel up at 80 % of it",
    "1800",
)
LAG_BUDGET = Variable(
    "<SERVICE>_LAG_BUDGET_SECONDS",
    number(0, 10),
    "how long an event may wait at most for others, so that they are applied together; it does "
    "only while the worker is busy",
    "0.15",
)
REPUBLISH_WEEKS = Variable(
    "POLDER_REPUBLISH_WEEKS",
    whole_number(1, 1040),
    "how many weeks back `republish` announces again; the same for all services. A subscriber "
    "that keeps less does not start",
    "8",
)
GUARD = Variable(
    "<SERVICE>_GUARD",
    one_of("refuse", "report", "off"),
    "what becomes of a write to what the service owns that others would not hear of: see "
    "[the guard](public.md#the-guard). In force after the next `migrate`",
    "refuse",
)
PARKED_DAYS = Variable(
    "<SERVICE>_PARKED_DAYS",
    whole_number(1, 36_500),
    "how long a message that nobody has decided about stays parked, from when it came last",
    "365",
)
DECIDED_DAYS = Variable(
    "<SERVICE>_DECIDED_DAYS",
    whole_number(1, 36_500),
    "how long parked messages are kept that were redriven or discarded",
    "90",
)
TOMBSTONES_DAYS = Variable(
    "<SERVICE>_TOMBSTONES_DAYS",
    whole_number(1, 36_500),
    "how long replicas keep rows that their owners have retired; at least as long as the ledger "
    "and parked messages together",
    "365",
)
RECORDS_DAYS = Variable(
    "<SERVICE>_RECORDS_DAYS",
    whole_number(1, 36_500),
    "how long closed records of drift and of regressed aggregates are kept, and what the guard "
    "reported",
    "90",
)
ANSWERS_HOURS = Variable(
    "<SERVICE>_ANSWERS_HOURS",
    whole_number(24, 8_760),
    "how long the answer to a request is given again for its `Idempotency-Key`",
    "24",
)
AUDIT_EVERY = Variable(
    "<SERVICE>_AUDIT_SECONDS",
    whole_number(0, 31_536_000),
    "how often each replica's keys and versions are compared with its owner's; 0: never",
    "3600",
)
DEEP_AUDIT_EVERY = Variable(
    "<SERVICE>_DEEP_AUDIT_SECONDS",
    whole_number(0, 31_536_000),
    "how often its content is compared as well; 0: never",
    "86400",
)
REMOTE_CONTROL = Variable(
    "<SERVICE>_REMOTE_CONTROL",
    YES_OR_NO,
    "lets Celery's remote control reach the workers; better not",
    "0",
)
MANAGEMENT_URL = Variable(
    "<SERVICE>_MANAGEMENT_URL",
    MANAGEMENT,
    "RabbitMQ's management API, with a user that may look and change nothing: the housekeeper "
    "compares by it what is in force with what is "
    "declared (without it, only what the service's own user can see)",
    secret=True,
)
OPS_PEERS = Variable(
    "<SERVICE>_OPS_PEERS",
    PEERS,
    "the services that the admin's timeline asks for their part, each with a key of this service's "
    "own there (scope `ops`). Without it, a timeline is of this service alone",
    secret=True,
)
ALARM_WEBHOOK = Variable(
    "<SERVICE>_ALARM_WEBHOOK",
    HOOK,
    "who hears by a POST what is wrong with the service and that it has ended, where no Prometheus "
    "tells: see [Without Prometheus](operations.md#without-prometheus)",
    secret=True,
)
ALARM_MAIL = Variable(
    "<SERVICE>_ALARM_MAIL",
    MAILS,
    "who hears of it by mail, sent by Django's `EMAIL_` settings",
)
TRACES_URL = Variable(
    "POLDER_TRACES_URL",
    WEB,
    "who takes traces, by OTLP over HTTP, such as `http://localhost:4318`; without it there are "
    "none. Headers, sampling, time-outs: OpenTelemetry's own variables (`OTEL_TRACES_SAMPLER`, "
    "...). See [Traces](operations.md#traces)",
)
RUN_DIR = Variable("POLDER_RUN_DIR", FOLDER, "where static files go", default_shown="`.run`")
STATIC_DIR = Variable(
    "POLDER_STATIC_DIR",
    FOLDER,
    "where static files go, if elsewhere",
    default_shown="`static` in the run directory",
)
PROCESS = Variable(
    "POLDER_PROCESS",
    TEXT,
    "the process's name in logs and in `pg_stat_activity`",
    default_shown="service and command",
)
READY_FILE = Variable(
    "POLDER_READY_FILE",
    TEXT,
    "a file that the process touches once it is ready",
    default_shown="none",
)

SERVICE_VARIABLES = (
    DATABASE_URL,
    DIRECT_DATABASE_URL,
    AMQP_URL,
    AMQP_CA,
    SECRET_KEY,
    ALLOWED_HOSTS,
    HTTPS,
    TRUSTED_ORIGINS,
    HSTS_PRELOAD,
    REQUESTS_PER_SECOND,
    PROXIES,
    WEEKS_KEPT,
    REPUBLISH_WEEKS,
    GUARD,
    PARKED_DAYS,
    DECIDED_DAYS,
    RECORDS_DAYS,
    TOMBSTONES_DAYS,
    ANSWERS_HOURS,
    REMOTE_CONTROL,
    CONSUMER_TIMEOUT,
    LAG_BUDGET,
    AUDIT_EVERY,
    DEEP_AUDIT_EVERY,
    MANAGEMENT_URL,
    OPS_PEERS,
    ALARM_WEBHOOK,
    ALARM_MAIL,
    TRACES_URL,
    RUN_DIR,
    STATIC_DIR,
    PROCESS,
    READY_FILE,
)

# Those of `manage.py <service> access`.
ACCESS_VARIABLES = (
    Variable("ADMIN_USER", TEXT, "name of the first admin", None),
    Variable("ADMIN_PASSWORD", TEXT, "password of the first admin", None, secret=True),
    Variable(
        "API_KEY",
        KEY,
        "the first API key. A later start leaves user and key as they are; `--reset` does not",
        None,
        secret=True,
    ),
    Variable(
        "OPS_KEYS",
        KEY,
        "`service:key`, with `;` between them: keys (scope `ops`) of the services that may ask "
        "for parts of timelines",
        secret=True,
    ),
)


def known(service: str) -> set[str]:
    """What begins as this service's variables do and is read by others: by make and Compose, by the
    tests, by tools beside the stack."""
    prefix = service.upper()
    ours = ("FAILPOINTS", "CLOCK_SHIFT", "RABBITMQ_ROOT", "STACK", "OWN_NETWORK", "CACHE")
    return {
        *(f"{prefix}_{name}" for name in ("PORT", "POSTGRES_PORT", "URL")),
        *(f"POLDER_{name}" for name in ours),
    }
