"""How a service sends mails: to customers, and to whoever hears of what goes wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polder.configuration.kinds import HOST, SENDER, TEXT, YES_OR_NO, whole_number
from polder.configuration.variables import Variable

VARIABLES = (
    Variable(
        "<SERVICE>_EMAIL_HOST",
        HOST,
        "the mail server; without one, mails are files in `mail` of the run directory",
        setting="EMAIL_HOST",
    ),
    Variable(
        "<SERVICE>_EMAIL_PORT",
        whole_number(1, 65535),
        "its port",
        "25",
        setting="EMAIL_PORT",
        obeyed_with="<SERVICE>_EMAIL_HOST",
    ),
    Variable(
        "<SERVICE>_EMAIL_TLS",
        YES_OR_NO,
        "begins TLS there",
        "0",
        setting="EMAIL_USE_TLS",
        obeyed_with="<SERVICE>_EMAIL_HOST",
    ),
    Variable(
        "<SERVICE>_EMAIL_USER",
        TEXT,
        "who logs in there",
        setting="EMAIL_HOST_USER",
        obeyed_with="<SERVICE>_EMAIL_PASSWORD",
    ),
    Variable(
        "<SERVICE>_EMAIL_PASSWORD",
        TEXT,
        "the password",
        secret=True,
        setting="EMAIL_HOST_PASSWORD",
        obeyed_with="<SERVICE>_EMAIL_USER",
    ),
    Variable(
        "<SERVICE>_EMAIL_FROM",
        SENDER,
        "who mails are from",
        "shop@example.org",
        setting="DEFAULT_FROM_EMAIL",
    ),
)


def mail_settings(values: Mapping[str, Any], run_dir: Path) -> dict[str, Any]:
    """By a mail server, or into files that people may look at where there is none."""
    kind = "smtp" if values[VARIABLES[0].name] else "filebased"
    return {
        "EMAIL_BACKEND": f"django.core.mail.backends.{kind}.EmailBackend",
        "EMAIL_FILE_PATH": str(run_dir / "mail"),
        "EMAIL_TIMEOUT": 20,
    }
