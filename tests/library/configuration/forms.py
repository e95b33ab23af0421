"""Forms of each variable: the legal ones, with what is made of them, and those that are not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.library.configuration.given import AMQP, SECRET

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
        ("https://A.example:443,http://b:80", ["https://a.example", "http://b"]),
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
        f"{AMQP.replace('amqp:', 'amqps:')}?cacertfile=/x&cacertfile=/y",
        f"{AMQP};amqps://u:{SECRET}@h/v",
        f"{AMQP};amqp://u:other@h/v",
        f"{AMQP};",
    ],
    "ORDER_AMQP_CA": ["/nowhere", "/", "a\0b"],
    "ORDER_ALLOWED_HOSTS": ["https://a", "a:80", "a/b", "::1", "a b"],
    "ORDER_HTTPS": YES_OR_NO[1],
    "ORDER_HSTS_PRELOAD": YES_OR_NO[1],
    "ORDER_TRUSTED_ORIGINS": [
        *(
            "a.example",
            "https://",
            "https://a/b",
            "ftp://a",
            "https://u:p@a",
            "https://\xe4.example",
        ),
    ],
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
