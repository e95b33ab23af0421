"""The project's settings; what the adoption adds stands below the line."""

import os
from pathlib import Path
from urllib.parse import urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ["BLOG_SECRET_KEY"]
INSTALLED_APPS = ["reviews"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
_database = urlsplit(os.environ["BLOG_DATABASE_URL"])
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database.path[1:],
        "USER": _database.username,
        "PASSWORD": _database.password,
        "HOST": _database.hostname,
        "PORT": _database.port,
    }
}

# ---- added by python -m polder.init -----------------------------------------------------------

INSTALLED_APPS += [
    "polder.broker",
    "polder.outbox",
    "polder.consumer",
    "polder.inbox",
    "polder.replication",
]

POLDER = {
    "SERVICE": "blog",  # lower-case letters only: every name in RabbitMQ begins with it
    "AMQP_URL": os.environ["BLOG_AMQP_URL"],
}

DATABASES["default"] |= {
    "CONN_MAX_AGE": None,
    "CONN_HEALTH_CHECKS": True,
    # lock_timeout < statement_timeout < the time limit of a batch
    "OPTIONS": {
        "options": "-c lock_timeout=10s -c statement_timeout=30s -c "
        "idle_in_transaction_session_timeout=60s"
    },
}
