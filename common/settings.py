"""Settings that all services share. A service's own settings module names its service and adds
nothing but what is its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from common import mail
from polder.admin.settings import admin_settings
from polder.api.settings import api_settings
from polder.configuration import surroundings, table
from polder.configuration.nodes import WrongAddress, with_authority
from polder.configuration.secret import Secret
from polder.configuration.topology import TOPOLOGY_VARIABLES
from polder.configuration.unknown import unread
from polder.configuration.variables import Variable, Wrong, read
from polder.database.session import may_be_pooled, session_options

ROOT = Path(__file__).resolve().parent.parent


def service_settings(
    service: str, own: Sequence[Variable] = (), jobs: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """The Django settings of one service, from the environment variables that begin with its name
    and from nothing else; `own` are those that only this service has, `jobs` its own periodic ones
    with the seconds between two runs. What libraries would take from the environment by themselves
    is taken out of it.

    Raises django.core.exceptions.ImproperlyConfigured naming every variable that is missing, wrong
    or misspelt, and no value.
    """
    surroundings.forget()
    own = (*mail.VARIABLES, *own)
    values = _values(service, own)
    run_dir = values[table.RUN_DIR.name] or ROOT / ".run"
    static_dir = values[table.STATIC_DIR.name] or run_dir / "static"
    names = [variable.of(service) for variable in (*table.SERVICE_VARIABLES, *own)]
    return {
        "POLDER": {
            "SERVICE": service,
            "AMQP_URL": Secret(values[table.AMQP_URL.name]),
            "MANAGEMENT_URL": values[table.MANAGEMENT_URL.name],
            "REMOTE_CONTROL": values[table.REMOTE_CONTROL.name],
            "WEEKS_KEPT": values[table.WEEKS_KEPT.name],
            "REPUBLISH_WEEKS": values[table.REPUBLISH_WEEKS.name],
            "PARKED_DAYS": values[table.PARKED_DAYS.name],
            "DECIDED_DAYS": values[table.DECIDED_DAYS.name],
            "RECORDS_DAYS": values[table.RECORDS_DAYS.name],
            "TOMBSTONES_DAYS": values[table.TOMBSTONES_DAYS.name],
            "ANSWERS_HOURS": values[table.ANSWERS_HOURS.name],
            "GUARD": values[table.GUARD.name],
            "CONSUMER_TIMEOUT": values[table.CONSUMER_TIMEOUT.name],
            "LAG_BUDGET": values[table.LAG_BUDGET.name],
            "AUDIT_EVERY": values[table.AUDIT_EVERY.name],
            "DEEP_AUDIT_EVERY": values[table.DEEP_AUDIT_EVERY.name],
            "JOBS": dict(jobs or {}),
            "OPS_PEERS": values[table.OPS_PEERS.name] or {},
            "ALARM_WEBHOOK": values[table.ALARM_WEBHOOK.name],
            "ALARM_MAIL": values[table.ALARM_MAIL.name] or [],
            "TRACES_URL": values[table.TRACES_URL.name],
            "RUN_DIR": run_dir,
            "SCHEMAS": ROOT / "schemas",
            "UNREAD_VARIABLES": list(unread(names, table.known(service), service, os.environ)),
        },
        "DATABASES": {"default": _database(_address(values), service)},
        "STATIC_ROOT": str(static_dir / service),
        "ROOT_URLCONF": f"{service}_service.urls",
        "WSGI_APPLICATION": f"{service}_service.wsgi.application",
        "INSTALLED_APPS": [*_APPS, "common", f"{service}_service"],
        **{
            variable.setting: values[variable.name]
            for variable in (*table.SERVICE_VARIABLES, *own)
            if variable.setting
        },
        **mail.mail_settings(values, run_dir),
        "CSRF_TRUSTED_ORIGINS": values[table.TRUSTED_ORIGINS.name] or [],
        **_security(
            https=values[table.HTTPS.name],
            preload=values[table.HSTS_PRELOAD.name],
            prefix=service.upper(),
        ),
        **api_settings(service, values[table.REQUESTS_PER_SECOND.name], values[table.PROXIES.name]),
        **admin_settings(service),
        **_COMMON,
    }


def _values(service: str, own: Sequence[Variable]) -> dict[str, Any]:
    others = {variable.name for variable in (*TOPOLOGY_VARIABLES, *table.ACCESS_VARIABLES)}
    try:
        values = read(
            (*table.SERVICE_VARIABLES, *own),
            service,
            os.environ,
            known=table.known(service) | others,
        )
    except Wrong as error:
        raise ImproperlyConfigured(str(error)) from None  # what it came from may hold a password
    try:
        values[table.AMQP_URL.name] = with_authority(
            values[table.AMQP_URL.name], values[table.AMQP_CA.name]
        )
    except WrongAddress as error:
        raise ImproperlyConfigured(
            f"{table.AMQP_CA.of(service)} is set, and {table.AMQP_URL.of(service)} {error}"
        ) from None
    return values


def _address(values: dict[str, Any]) -> dict[str, Any]:
    """Through a pooler, if there is one, only where that may be."""
    direct = values[table.DIRECT_DATABASE_URL.name]
    pooled: dict[str, Any] = values[table.DATABASE_URL.name]
    return pooled if may_be_pooled(sys.argv) or direct is None else direct


def _database(database: dict[str, Any], service: str) -> dict[str, Any]:
    """What the URL says holds; ours is what it does not say."""
    said = database["OPTIONS"]
    ours = _DATABASE_OPTIONS | {"application_name": _process_name(service)}
    # of two, PostgreSQL obeys the last
    both = f"{ours['options']} {said['options']}" if "options" in said else ours["options"]
    return database | {
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": ours | said | {"options": both},
    }


def _process_name(service: str) -> str:
    """What PostgreSQL shows in pg_stat_activity: `order-relay`."""
    return os.environ.get("POLDER_PROCESS", service).rpartition(":")[2]


def _security(*, https: bool, preload: bool, prefix: str) -> dict[str, Any]:
    """Behind TLS (`<SERVICE>_HTTPS=1`) cookies and redirects insist on it; the private stack on
    loopback speaks plain HTTP."""
    return {
        "DEBUG": False,
        "SECURE_SSL_REDIRECT": https,
        "SESSION_COOKIE_SECURE": https,
        "CSRF_COOKIE_SECURE": https,
        "SECURE_HSTS_SECONDS": 31_536_000 if https else 0,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": https,
        "SECURE_HSTS_PRELOAD": preload,
        # no preload: it binds a host for good, so it has to be asked for
        "SILENCED_SYSTEM_CHECKS": ["security.W021"],
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https") if https else None,
        # services share a host, and cookies know no ports
        "SESSION_COOKIE_NAME": f"{prefix.lower()}_session",
        "CSRF_COOKIE_NAME": f"{prefix.lower()}_csrf",
    }


_DATABASE_OPTIONS: dict[str, Any] = {
    "options": session_options(),
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    # statements are planned once for a connection, and not each time: see docs/performance.md
    "server_side_binding": True,
    "prepare_threshold": 5,
}

_APPS = [
    "polder.admin",  # its templates come before Unfold's, and Unfold's before Django's
    "unfold",
    "polder.admin.late.LateAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "polder.broker",
    "polder.outbox",
    "polder.consumer",
    "polder.effects",
    "polder.inbox",
    "polder.replication",
    "polder.observability",
    "polder.api",
]

_COMMON: dict[str, Any] = {
    "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
    "USE_TZ": True,
    "TIME_ZONE": "UTC",
    "LANGUAGE_CODE": "en-us",
    "FORMAT_MODULE_PATH": ["polder.admin.formats"],
    "STATIC_URL": "/static/",
    "STORAGES": {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "polder.api.static.StaticFiles"},
    },
    "MIDDLEWARE": [
        "polder.api.machines.MachineMiddleware",
        "polder.api.content_policy.ContentPolicyMiddleware",
        "polder.api.tls.TlsMiddleware",
        "django.middleware.security.SecurityMiddleware",
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "polder.api.correlation.CorrelationMiddleware",
        "polder.api.nul.NulMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "polder.api.login.LoginMiddleware",
        "polder.api.slashes.SlashMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
        "polder.admin.zone.ZoneMiddleware",
    ],
    "TEMPLATES": [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    "AUTH_PASSWORD_VALIDATORS": [
        {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}
    ],
    "DATA_UPLOAD_MAX_MEMORY_SIZE": 2_500_000,
    "LOGGING": {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": "polder.observability.logs.formatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        # A request for another host is answered with 400; any scanner can ask, and none deserves
        # a traceback.
        "filters": {"short": {"()": "polder.observability.logs.WithoutTraceback"}},
        "loggers": {"django.security.DisallowedHost": {"filters": ["short"]}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
    },
}
