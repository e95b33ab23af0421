"""Settings that all services share. A service's own settings module names its service and adds nothing but what is its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from common.broker.nodes import WrongAddress, node_urls
from common.console.settings import console_settings
from common.web.settings import api_settings

ROOT = Path(__file__).resolve().parent.parent


def service_settings(service: str) -> dict[str, Any]:
    """The Django settings of one service, from the environment variables that begin with its name and from nothing else.

    Raises django.core.exceptions.ImproperlyConfigured naming the variable when one that is needed is not set, or is wrong.
    """
    env = environ.Env()
    prefix = service.upper()
    database = env.db_url(f"{prefix}_DATABASE_URL")
    database |= {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True, "OPTIONS": _DATABASE_OPTIONS | {"application_name": _process_name(service)}}
    run_dir = Path(os.environ.get("POLDER_RUN_DIR", ROOT / ".run"))
    return {
        "SERVICE": service,
        "AMQP_URL": _amqp_url(env, f"{prefix}_AMQP_URL"),
        "SECRET_KEY": env.str(f"{prefix}_SECRET_KEY"),
        "DATABASES": {"default": database},
        "ALLOWED_HOSTS": env.list(f"{prefix}_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"]),
        "REMOTE_CONTROL": env.bool(f"{prefix}_REMOTE_CONTROL", default=False),
        "WEEKS_KEPT": env.int(f"{prefix}_WEEKS_KEPT", default=8),
        "REPUBLISH_WEEKS": env.int("POLDER_REPUBLISH_WEEKS", default=8),
        "RUN_DIR": run_dir,
        "STATIC_ROOT": str(Path(os.environ.get("POLDER_STATIC_DIR", run_dir / "static")) / service),
        "ROOT_URLCONF": f"{service}_service.urls",
        "WSGI_APPLICATION": f"{service}_service.wsgi.application",
        "INSTALLED_APPS": [*_APPS, f"{service}_service"],
        **_security(env, prefix),
        **api_settings(env, service),
        **console_settings(service),
        **_COMMON,
    }


def _amqp_url(env: environ.Env, variable: str) -> str:
    """Of one node, or of several with `;` between them."""
    url: str = env.str(variable)
    try:
        node_urls(url)
    except WrongAddress as error:
        raise ImproperlyConfigured(f"{variable}: {error}") from None  # what it came from may hold the password
    return url


def _process_name(service: str) -> str:
    """What PostgreSQL shows in pg_stat_activity: `order-relay`."""
    return os.environ.get("POLDER_PROCESS", service).rpartition(":")[2]


def _security(env: environ.Env, prefix: str) -> dict[str, Any]:
    """Behind TLS (`<SERVICE>_HTTPS=1`) cookies and redirects insist on it; the private stack on loopback speaks plain HTTP."""
    https = env.bool(f"{prefix}_HTTPS", default=False)
    return {
        "DEBUG": False,
        "SECURE_SSL_REDIRECT": https,
        "SESSION_COOKIE_SECURE": https,
        "CSRF_COOKIE_SECURE": https,
        "SECURE_HSTS_SECONDS": 31_536_000 if https else 0,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": https,
        "SECURE_HSTS_PRELOAD": https,
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https") if https else None,
        "SESSION_COOKIE_NAME": f"{prefix.lower()}_session",  # services share a host, and cookies know no ports
        "CSRF_COOKIE_NAME": f"{prefix.lower()}_csrf",
    }


_DATABASE_OPTIONS: dict[str, Any] = {
    # lock_timeout < statement_timeout < the soft time limit of `apply_events`
    "options": "-c lock_timeout=10s -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}

_APPS = [
    "common.console",  # its templates come before Unfold's, and Unfold's before Django's
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "common.broker",
    "common.outbox",
    "common.intake",
    "common.inbox",
    "common.replication",
    "common.status",
    "common.web",
]

_COMMON: dict[str, Any] = {
    "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
    "USE_TZ": True,
    "TIME_ZONE": "UTC",
    "LANGUAGE_CODE": "en-us",
    "FORMAT_MODULE_PATH": ["common.formats"],
    "STATIC_URL": "/static/",
    "STORAGES": {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
    },
    "MIDDLEWARE": [
        "django.middleware.security.SecurityMiddleware",
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "common.web.cause.CauseMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
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
    "AUTH_PASSWORD_VALIDATORS": [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}],
    "DATA_UPLOAD_MAX_MEMORY_SIZE": 2_500_000,
    "LOGGING": {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "common.status.logs.json_lines"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
    },
}
