"""Django for one service of a rival, with the shop's own tables and nothing of Polder in it."""

from __future__ import annotations

import os
from urllib.parse import unquote, urlsplit

SERVICE = os.environ["SERVICE"]
_database = urlsplit(os.environ["DATABASE_URL"])

SECRET_KEY = "of a benchmark"
ALLOWED_HOSTS = ["*"]
USE_TZ = True
INSTALLED_APPS = ["rest_framework", f"{SERVICE}_service"]
if "URLS" in os.environ:  # of the web process
    ROOT_URLCONF = os.environ["URLS"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database.path.removeprefix("/"),
        "USER": unquote(_database.username or ""),
        "PASSWORD": unquote(_database.password or ""),
        "HOST": _database.hostname,
        "PORT": _database.port,
        "CONN_MAX_AGE": None,
    }
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}
