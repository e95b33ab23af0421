"""Every variable in every form: obeyed, or refused by name, and never is a value repeated."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from order_service.variables import VARIABLES
from polder import surroundings
from polder.configuration import table
from polder.configuration.secret import Secret
from polder.configuration.variables import Variable, Wrong, read
from polder.this_service import DEFAULTS
from tools.unreachable import settings_of

ROOT = Path(__file__).resolve().parents[2]
EVERY = (*table.SERVICE_VARIABLES, *VARIABLES)
NEEDED = {name: value for name, value in settings_of("order").items() if name.startswith("ORDER_")}
SECRET = "se-cret-42"
AMQP = f"amqp://u:{SECRET}@h/v"

YES_OR_NO = (
    [
        ("1", True),
        ("TRUE", True),
        ("yes", True),
        ("on", True),
        ("0", False),
        ("False", False),
        ("", False),
        (" 1 ", True),
    ],
    ["ja", "2", "y es"],
)
LEGAL: dict[str, list[tuple[str, Any]]] = {
    "ORDER_SECRET_KEY": [
        ("$HOME", "$HOME"),
        ("a'b\"c #%@:", "a'b\"c #%@:"),
        ("\\$x", "\\$x"),
        ("${X}", "${X}"),
    ],
    "ORDER_AMQP_URL": [
        (url, url)
        for url in (
            AMQP,
            "amqp://u:p@h",
            "amqp://u:p@h/",
            "amqp://u:p@h/%2F",
            "amqp://u:p@h//",
            "amqp://u:p@[::1]:5/a%25b",
            "amqps://u:$p@h:5671/v",
            "amqp://u:p%3B@a/v;amqp://u:p%3B@b/v",
        )
    ],
    "ORDER_AMQP_CA": [(__file__, __file__), ("", None)],
    "ORDER_ALLOWED_HOSTS": [
        ("a.example, B.example ,,.c", ["a.example", "B.example", ".c"]),
        ("[::1]", ["[::1]"]),
        ("*", ["*"]),
        (",", []),
    ],
    "ORDER_HTTPS": YES_OR_NO[0],
    "ORDER_HSTS_PRELOAD": YES_OR_NO[0],
    "ORDER_TRUSTED_ORIGINS": [
        (
            "https://a.example, https://b.example:8443",
            ["https://a.example", "https://b.example:8443"],
        ),
        (",", []),
    ],
    "ORDER_REMOTE_CONTROL": YES_OR_NO[0],
    "ORDER_REQUESTS_PER_SECOND": [("0.5", 0.5), ("10", 10.0), ("", 1000.0)],
    "ORDER_PROXIES": [("0", 0), ("2", 2)],
    "ORDER_WEEKS_KEPT": [("4", 4), (" 12 ", 12)],
    "POLDER_REPUBLISH_WEEKS": [("1", 1), ("12", 12)],
    "ORDER_LAG_BUDGET_SECONDS": [("0", 0.0), ("0.1", 0.1)],
    "ORDER_PARKED_DAYS": [("1", 1)],
    "ORDER_DECIDED_DAYS": [("90", 90)],
    "ORDER_RECORDS_DAYS": [("1", 1)],
    "ORDER_TOMBSTONES_DAYS": [("365", 365)],
    "ORDER_ANSWERS_HOURS": [("48", 48)],
    "ORDER_GUARD": [("refuse", "refuse"), ("report", "report"), ("off", "off")],
    "ORDER_MANAGEMENT_URL": [
        (url, url)
        for url in ("http://u:p@h:15672", "https://u:p@[::1]/x", "http://u:p@a:1;http://u:p@b:1")
    ],
    "ORDER_OPS_PEERS": [
        ("http://inventory:k@h:1", {"inventory": "http://inventory:k@h:1"}),
        (
            "http://inventory:k@h:1; https://shipping:k@h/x;",
            {"inventory": "http://inventory:k@h:1", "shipping": "https://shipping:k@h/x"},
        ),
    ],
    "ORDER_ALARM_WEBHOOK": [("https://h/hooks/x?token=1", "https://h/hooks/x?token=1")],
    "ORDER_ALARM_MAIL": [("a@b.example, c@d", ["a@b.example", "c@d"])],
    "POLDER_TRACES_URL": [
        ("http://h:4318", "http://h:4318"),
        ("https://[::1]/x", "https://[::1]/x"),
    ],
    "POLDER_RUN_DIR": [("/nowhere yet", Path("/nowhere yet"))],
    "POLDER_STATIC_DIR": [("/", Path("/"))],
    "POLDER_PROCESS": [("order-relay", "order-relay"), ("", None)],
    "POLDER_READY_FILE": [("/x", "/x")],
    "ORDER_CONSUMER_TIMEOUT_SECONDS": [("5", 5)],
    "ORDER_AUDIT_SECONDS": [("0", 0), ("60", 60)],
    "ORDER_DEEP_AUDIT_SECONDS": [("0", 0), ("86400", 86_400)],
    "ORDER_FLAG_AFTER_SECONDS": [("1", timedelta(seconds=1))],
    "ORDER_CANCEL_AFTER_SECONDS": [("86400", timedelta(days=1))],
    "ORDER_EMAIL_HOST": [("mail.example", "mail.example"), ("[::1]", "::1"), ("", None)],
    "ORDER_EMAIL_PORT": [("587", 587), ("", 25)],
    "ORDER_EMAIL_TLS": YES_OR_NO[0],
    "ORDER_EMAIL_USER": [("u", "u"), ("", None)],
    "ORDER_EMAIL_PASSWORD": [("p' w", "p' w"), ("", None)],
    "ORDER_EMAIL_FROM": [(text, text) for text in ("a@b.example", "The Shop <a@b.example>")],
}
NUMBERS = ["-1", "x", "1_0", "\u0663", "1e3", "nan", "inf", "9" * 30, "0x10", "1,5", "1 2"]
WRONG: dict[str, list[str]] = {
    "ORDER_ALARM_WEBHOOK": [
        *("h", f"http://u:{SECRET}@h", f"ftp://h/{SECRET}", "http://h/#x"),
        *(f"http://:{SECRET}@h", f"https://h/a {SECRET}", f"https://h/é{SECRET}"),
    ],
    "ORDER_ALARM_MAIL": ["a", "a@b c@d", "a@b,@d", "Ada <a@b>"],
    "POLDER_TRACES_URL": [
        "http://h?x=1",
        "h:4318",
        "grpc://h:4317",
        "http://",
        "http://h:x",
        f"http://u:{SECRET}@h",
        "http://h/a b",
    ],
    "ORDER_OPS_PEERS": [
        f"http://inventory:{SECRET}é@h",
        f"http://inventory:a {SECRET}@h",
        f"amqp://inventory:{SECRET}@h",
        f"http://:{SECRET}@h",
        f"http://inventory:{SECRET}@",
        f"http://inventory:{SECRET}@h:x",
        f"http://inventory:{SECRET}@h;http://inventory:{SECRET}@h",
        f"http://Inventory:{SECRET}@h",
        "http://inventory@h",
    ],
    "ORDER_DATABASE_URL": ["", f"postgres://u:{SECRET}@h"],  # test_database_url has the others
    "ORDER_DIRECT_DATABASE_URL": [f"postgres://u:{SECRET}@h"],
    "ORDER_SECRET_KEY": ["", "a\nb", f" {SECRET}", f"{SECRET}\n"],
    "ORDER_AMQP_URL": [
        "",
        f"http://u:{SECRET}@h/v",
        f"amqp://u:a/{SECRET}@h/v",
        f"amqp://u:a#{SECRET}@h/v",
        f"amqp://u:a@{SECRET}@h/v",
        f"amqp://u:a:{SECRET}@h/v",
        f"amqp://u:a?{SECRET}@h/v",
        f"amqp://u:%z{SECRET}@h/v",
        f"amqp://u:a {SECRET}@h/v",
        f"amqp://:{SECRET}@h/v",
        "amqp://u@h/v",
        "amqp://u:@h/v",
        "amqp://h/v",
        f"amqp://u:{SECRET}@/v",
        f"amqp://u:{SECRET}@h:0/v",
        f"amqp://u:{SECRET}@h:/v",
        f"amqp://u:{SECRET}@h:99999/v",
        f"amqp://u:{SECRET}@h:x/v",
        f"amqp://u:{SECRET}@[::1/v",
        f"amqp://u:{SECRET}@a,b/v",
        f"{AMQP}?heartbeat=3",
        f"{AMQP}?ssl=1&{SECRET}",
        f"{AMQP}?cacertfile=/x",
        f"{AMQP};amqps://u:{SECRET}@h/v",
        f"{AMQP};amqp://u:other@h/v",
        f"{AMQP};",
    ],
    "ORDER_AMQP_CA": ["/nowhere", "/", "a\0b"],
    "ORDER_ALLOWED_HOSTS": ["https://a", "a:80", "a/b", "::1", "a b"],
    "ORDER_HTTPS": YES_OR_NO[1],
    "ORDER_HSTS_PRELOAD": YES_OR_NO[1],
    "ORDER_TRUSTED_ORIGINS": ["a.example", "https://", "https://a/b", "ftp://a", "https://u:p@a"],
    "ORDER_REMOTE_CONTROL": YES_OR_NO[1],
    "ORDER_REQUESTS_PER_SECOND": [*NUMBERS, "0", "1e400"],
    "ORDER_PROXIES": [*NUMBERS, "1.5", "101"],
    "ORDER_WEEKS_KEPT": [*NUMBERS, "3", "0"],
    "POLDER_REPUBLISH_WEEKS": [*NUMBERS, "0"],
    "ORDER_LAG_BUDGET_SECONDS": [*NUMBERS],
    "ORDER_PARKED_DAYS": [*NUMBERS, "0"],
    "ORDER_DECIDED_DAYS": [*NUMBERS, "0"],
    "ORDER_RECORDS_DAYS": [*NUMBERS, "0"],
    "ORDER_TOMBSTONES_DAYS": [*NUMBERS, "0"],
    "ORDER_ANSWERS_HOURS": [*NUMBERS, "23"],
    "ORDER_GUARD": ["Refuse", "on", "0"],
    "ORDER_MANAGEMENT_URL": [
        AMQP,
        f"http://u:{SECRET}@",
        f"http://:{SECRET}@h",
        f"http://u:{SECRET}@h?x=1",
    ],
    "POLDER_RUN_DIR": [__file__],
    "POLDER_STATIC_DIR": [__file__],
    "POLDER_PROCESS": ["a\x1bb"],
    "POLDER_READY_FILE": ["a\nb"],
    "ORDER_CONSUMER_TIMEOUT_SECONDS": [*NUMBERS, "4"],
    "ORDER_AUDIT_SECONDS": [*NUMBERS, "31536001"],
    "ORDER_DEEP_AUDIT_SECONDS": [*NUMBERS, "31536001"],
    "ORDER_FLAG_AFTER_SECONDS": [*NUMBERS, "0"],
    "ORDER_CANCEL_AFTER_SECONDS": [*NUMBERS, "0"],
    "ORDER_EMAIL_HOST": ["a\nb", "mail:587", "smtp://mail", "a b", "*"],
    "ORDER_EMAIL_PORT": [*NUMBERS, "0", "65536"],
    "ORDER_EMAIL_TLS": YES_OR_NO[1],
    "ORDER_EMAIL_USER": ["a\nb"],
    "ORDER_EMAIL_PASSWORD": ["a\nb"],
    "ORDER_EMAIL_FROM": ["a\nb", "shop", "a@b, c@d", "<a@b", "X\n <a@b>"],
}


def value(name: str, text: str) -> Any:
    [variable] = [one for one in EVERY if one.of("order") == name]
    return read([variable], "order", {name: text})[variable.name]


def test_what_is_not_set_is_what_the_library_does_without_a_setting() -> None:
    values = read(EVERY, "order", NEEDED)
    ours = {key: getattr(table, key).name for key in DEFAULTS if hasattr(table, key)}
    said = {key: values[name] for key, name in ours.items() if values[name]}

    assert {"LAG_BUDGET", "CONSUMER_TIMEOUT", "PARKED_DAYS"} <= set(said)
    assert said == {key: DEFAULTS[key] for key in said}


def test_every_variable_is_tried() -> None:
    names = {variable.of("order") for variable in EVERY}

    assert set(WRONG) == names
    assert set(LEGAL) == names - {"ORDER_DATABASE_URL", "ORDER_DIRECT_DATABASE_URL"}


@pytest.mark.parametrize(
    ("name", "text", "expected"), [(name, *case) for name, cases in LEGAL.items() for case in cases]
)
def test_what_is_legal_is_obeyed(name: str, text: str, expected: Any) -> None:
    assert value(name, text) == expected


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in WRONG.items() for text in texts]
)
def test_what_is_not_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(Wrong, match=f"^{name} ") as refused:
        value(name, text)
    assert SECRET not in f"{refused.value} {refused.value.__cause__}"


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(
        Wrong,
        match=r"ORDER_HTTPS must be one of .*; ORDER_WEEKS_KEPT must be a whole number from 4",
    ):
        read(EVERY, "order", NEEDED | {"ORDER_WEEKS_KEPT": "1", "ORDER_HTTPS": "ja"})


@pytest.mark.parametrize(
    ("name", "text", "other"),
    [
        ("ORDER_HSTS_PRELOAD", "1", "ORDER_HTTPS"),
        ("ORDER_EMAIL_PORT", "587", "ORDER_EMAIL_HOST"),
        ("ORDER_EMAIL_TLS", "1", "ORDER_EMAIL_HOST"),
        ("ORDER_EMAIL_USER", "ada", "ORDER_EMAIL_PASSWORD"),
        ("ORDER_EMAIL_PASSWORD", SECRET, "ORDER_EMAIL_USER"),
    ],
)
def test_what_nobody_would_obey_is_refused(name: str, text: str, other: str) -> None:
    with pytest.raises(Wrong, match=f"^{name} is obeyed only where {other} is set, too$"):
        read(EVERY, "order", NEEDED | {name: text})


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("ORDER_DATABSE_URL", "ORDER_DATABASE_URL"),
        ("ORDER_WEEK_KEPT", "ORDER_WEEKS_KEPT"),
        ("ORDER_ALLOWED_HOST", "ORDER_ALLOWED_HOSTS"),
        ("order_https", "ORDER_HTTPS"),
        ("POLDER_RUNDIR", "POLDER_RUN_DIR"),
        ("ORDER_CANCEL_AFTER", "ORDER_CANCEL_AFTER_SECONDS"),
    ],
)
def test_a_misspelling_is_refused_with_what_it_looks_like(name: str, like: str) -> None:
    with pytest.raises(Wrong, match=f"^{name} is read by nobody, and looks like {like}$"):
        read(EVERY, "order", NEEDED | {name: SECRET}, known=table.known("order"))


def test_a_misspelling_is_told_of_once_where_the_right_one_is_missing() -> None:
    environ = {name: text for name, text in NEEDED.items() if name != "ORDER_AMQP_URL"} | {
        "ORDER_AMPQ_URL": AMQP
    }
    with pytest.raises(Wrong) as refused:
        read(EVERY, "order", environ)
    assert str(refused.value) == "ORDER_AMQP_URL is not set (ORDER_AMPQ_URL looks like it)"


def test_what_others_read_is_no_misspelling() -> None:
    others = dict.fromkeys(
        (
            *table.known("order"),
            "ORDER_SERVICE_HOST",
            "ORDER_PORT_8000_TCP_ADDR",
            "INVENTORY_DATABSE_URL",
            "BORDER_HTTP",
        ),
        "x",
    )

    assert read(EVERY, "order", NEEDED | others, known=table.known("order"))


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
