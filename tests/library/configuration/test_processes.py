"""A process started with these variables: what it says of them, and what it keeps to itself."""

from __future__ import annotations

import os
import subprocess
import sys

from polder.configuration import surroundings, table
from polder.configuration.secret import Secret
from polder.configuration.variables import Variable, read
from tests.library.configuration.given import NEEDED, ROOT, SECRET


def manage(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A command of the order service in a process of its own, with these variables besides the
    needed ones."""
    given = {"PATH": os.environ["PATH"], **NEEDED, **environ}
    return subprocess.run(
        [sys.executable, "manage.py", "order", *arguments],
        cwd=ROOT,
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_start_says_what_nobody_reads() -> None:
    told = manage("check", ORDER_COLOUR="red")

    assert told.returncode == 0
    assert "polder.W001) ORDER_COLOUR is set, and nobody reads it." in told.stderr


def test_a_refused_start_and_a_listing_of_the_settings_show_no_secret() -> None:
    database, broker = f"postgres://u:{SECRET}@h/d", f"amqp://u:{SECRET}@h/v"
    refused = manage(
        "check",
        ORDER_DATABASE_URL=f"{database}?foo=1",
        ORDER_AMQP_URL=broker,
        ORDER_SECRET_KEY=SECRET,
    )
    listed = manage(
        "diffsettings",
        "--all",
        ORDER_DATABASE_URL=database,
        ORDER_AMQP_URL=broker,
        ORDER_SECRET_KEY=SECRET,
    )

    assert (refused.returncode, listed.returncode) == (1, 0)
    assert (
        "ORDER_DATABASE_URL has an option that PostgreSQL's client does not know: foo"
        in refused.stderr
    )
    assert "'WEEKS_KEPT': 8" in listed.stdout
    assert SECRET not in refused.stdout + refused.stderr + listed.stdout + listed.stderr


def test_a_secret_is_a_text_like_any_other_and_shows_itself_to_nobody() -> None:
    secret = read(
        [Variable("X", table.SECRET_KEY.kind, "", None, secret=True)], "order", {"X": SECRET}
    )["X"]

    assert isinstance(secret, Secret)
    assert (secret, f"{secret!r}") == (SECRET, "'***'")


def test_what_libraries_would_obey_is_forgotten() -> None:
    told = dict.fromkeys(("PATH", "HOME", "TZ", "ORDER_PORT", "PGX", "CRON"), "x")
    given = dict.fromkeys(
        (
            "PGHOST",
            "PGSERVICEFILE",
            "PGTZ",
            "http_proxy",
            "ALL_PROXY",
            "SSL_CERT_FILE",
            "SSLKEYLOGFILE",
        ),
        "x",
    )
    given |= dict.fromkeys(("CELERY_BROKER_URL", "CELERY_LOADER", "BROKER_URL", "APP"), "x")
    given |= dict.fromkeys(("REMAP_SIGTERM", "KOMBU_LOG_DEBUG", "REQUESTS_CA_BUNDLE"), "x")
    given |= dict.fromkeys(("WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS", "GUNICORN_CMD_ARGS"), "x")
    given |= dict.fromkeys(("SCRIPT_NAME", "CURL_CA_BUNDLE"), "x")
    environ = told | given

    surroundings.forget(environ)

    assert environ == told
