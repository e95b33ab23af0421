"""Mails as effects, by Django's EMAIL_ settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from polder import this_service
from polder.effects.declared import GiveUp


def mail(*, to: str, subject: str, text: str, at: datetime) -> dict[str, str]:
    """The body of an effect that `send` carries out."""
    return {"to": to, "subject": subject, "text": text, "date": format_datetime(at)}


def send(key: str, body: Mapping[str, Any]) -> None:
    """Sends it; at a second attempt the very same message, by whose Message-ID a mail server or
    reader that has it already tells so. Raises what the backend raises, and GiveUp where there is
    nobody to send it to."""
    from django.core.mail import EmailMessage  # of no use to the processes that only declare it

    number = uuid5(NAMESPACE_URL, f"{key}/{body['subject']}")
    headers = {
        "Message-ID": f"<{number}@{this_service.name()}>",
        "Date": body["date"],
        "X-Idempotency-Key": key,
    }
    message = EmailMessage(body["subject"], body["text"], to=[body["to"]], headers=headers)
    if not message.recipients():  # Django sends it to nobody, and says nothing
        raise GiveUp("there is nobody to send it to")
    message.send()
