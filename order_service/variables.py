"""The variables that only the order service has."""

from __future__ import annotations

from polder.configuration.kinds import HOST, SENDER, TEXT, YES_OR_NO, seconds, whole_number
from polder.configuration.variables import Variable

YEAR = 366 * 24 * 3600

# An order that nobody decides about: when people are told, and when it is cancelled.
VARIABLES = (
    Variable(
        "ORDER_FLAG_AFTER_SECONDS",
        seconds(1, YEAR),
        "when an undecided order is flagged",
        "900",
        setting="ORDER_FLAG_AFTER",
    ),
    Variable(
        "ORDER_CANCEL_AFTER_SECONDS",
        seconds(1, YEAR),
        "when an undecided order is cancelled",
        "86400",
        setting="ORDER_CANCEL_AFTER",
    ),
    Variable(
        "ORDER_EMAIL_HOST",
        HOST,
        "the mail server; without one, mails are files in `mail` of the run directory",
        setting="EMAIL_HOST",
    ),
    Variable(
        "ORDER_EMAIL_PORT",
        whole_number(1, 65535),
        "its port",
        "25",
        setting="EMAIL_PORT",
        obeyed_with="ORDER_EMAIL_HOST",
    ),
    Variable(
        "ORDER_EMAIL_TLS",
        YES_OR_NO,
        "begins TLS there",
        "0",
        setting="EMAIL_USE_TLS",
        obeyed_with="ORDER_EMAIL_HOST",
    ),
    Variable(
        "ORDER_EMAIL_USER",
        TEXT,
        "who logs in there",
        setting="EMAIL_HOST_USER",
        obeyed_with="ORDER_EMAIL_PASSWORD",
    ),
    Variable(
        "ORDER_EMAIL_PASSWORD",
        TEXT,
        "the password",
        secret=True,
        setting="EMAIL_HOST_PASSWORD",
        obeyed_with="ORDER_EMAIL_USER",
    ),
    Variable(
        "ORDER_EMAIL_FROM",
        SENDER,
        "who mails are from",
        "shop@example.org",
        setting="DEFAULT_FROM_EMAIL",
    ),
)
