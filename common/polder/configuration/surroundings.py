"""What libraries would take from the environment of whoever starts a process, and ours are not to:
only its own variables count."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

from psycopg import pq

# libpq's own list, and what it reads without listing it.
_LIBPQ = {option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar} | {
    *(
        "PGSERVICEFILE",
        "PGSYSCONFDIR",
        "PGSSLKEYLOGFILE",
        "PGREALM",
        "PGTZ",
        "PGDATESTYLE",
        "PGGEQO",
        "PGLOCALEDIR",
    ),
}
_TLS = {"SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
_PROXIES = {"http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"}
# its command line's
_CELERY = {"APP", "BROKER_URL", "RESULT_BACKEND", "LOADER", "CONFIG_MODULE", "SKIP_CHECKS"}
# what it is made of: how a worker is told to stop, what is logged of messages
_OF_CELERY = {"REMAP_SIGTERM", "PICKLE_PROTOCOL", "DISABLE_TRACEBACKS", "MP_LOG"}
_GUNICORN = {"WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS", "SENDFILE", "LISTEN_PID", "LISTEN_FDS"}
_GUNICORN |= {"SCRIPT_NAME"}
_BEGINNINGS = ("CELERY_", "CELERYD_", "KOMBU_", "GUNICORN_", "C_")


def forget(environ: MutableMapping[str, str] = os.environ) -> None:
    """Takes them out of the environment, of this process and so of its children. May be called
    again and again."""
    for name in list(environ):
        if (
            name in _LIBPQ | _TLS | _CELERY | _OF_CELERY | _GUNICORN
            or name.lower() in _PROXIES
            or name.startswith(_BEGINNINGS)
        ):
            del environ[name]
