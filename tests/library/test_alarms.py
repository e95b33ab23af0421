"""Without Prometheus: people hear of what is wrong, once, and of its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from django.core import mail
from django.db.models.functions import Now

from polder import this_service
from polder.configuration.secret import Secret
from polder.consumer.jobs import expected
from polder.inbox.batch import apply_batch
from polder.inbox.delivery import Delivery
from polder.inbox.models import Halt, ParkedEvent
from polder.observability.alarms import tell
from tests.listening import Listener

pytestmark = pytest.mark.django_db


REDIRECTS = (301, 302, 307)


class Hook(Listener):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[dict[str, Any]] = []
        self.status = 200

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        status = self.status if request.command == "POST" else 200
        if body and status == 200:
            self.told.append(json.loads(body))
        request.send_response(status)
        if status in REDIRECTS:
            request.send_header("Location", self.url)
        request.end_headers()

    def of(self, name: str) -> list[str]:
        return [one["state"] for told in self.told for one in told["alarms"] if one["name"] == name]


@pytest.fixture
def hook(settings: Any) -> Iterator[Hook]:
    with Hook().listening() as hook:
        told = {"ALARM_WEBHOOK": Secret(hook.url), "ALARM_MAIL": ["ops@example.org"]}
        settings.POLDER = {**settings.POLDER, **told}
        yield hook


def park() -> None:
    apply_batch([Delivery("order.from.inventory", "inventory", b"{}", 0.0)])


def test_it_is_told_once_and_so_is_its_end(hook: Hook) -> None:
    # Given a message that cannot be read
    park()

    # When it is there for more than one look
    for _ in range(4):
        tell()

    # Then it was told once, to the webhook and by mail
    assert hook.of("parked") == ["firing"]
    [told] = [one for one in hook.told[0]["alarms"] if one["name"] == "parked"]
    assert told["runbook"] == "docs/operations.md#parked-events"
    assert "1 message is parked" in told["sentence"]
    assert "ALARM parked" in hook.told[0]["text"]
    assert [one.to for one in mail.outbox] == [["ops@example.org"]]

    # And when somebody has decided, its end is, and then nothing
    ParkedEvent.objects.update(state="discarded")
    for _ in range(3):
        tell()
    assert hook.of("parked") == ["firing", "ended"]


def test_what_is_over_by_the_next_look_is_not_told(hook: Hook) -> None:
    park()
    tell()
    ParkedEvent.objects.update(state="discarded")
    tell()

    assert hook.of("parked") == []


@pytest.mark.parametrize("status", [503, 9999, *REDIRECTS])  # 9999: no HTTP
def test_a_webhook_that_is_away_hears_of_it_later(hook: Hook, status: int) -> None:
    # Given
    park()
    tell()
    hook.status = status

    # When
    with pytest.raises(OSError, match=str(status)):
        tell()
    assert len(mail.outbox) == 1  # the other way is gone all the same
    with pytest.raises(OSError, match=str(status)):
        tell()
    assert len(mail.outbox) == 1, "a mail every half a minute"
    hook.status = 200
    tell()

    # Then
    assert hook.of("parked") == ["firing"]


def test_a_mail_server_that_is_away_makes_no_flood_of_posts(hook: Hook, settings: Any) -> None:
    # Given a mail server that nobody can reach
    park()
    tell()
    here = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # discard: nobody listens

    # When it is told again and again, Then the webhook has heard it once
    for _ in range(3):
        with pytest.raises(OSError, match="refused"):
            tell()
    assert hook.of("parked") == ["firing"]

    # And when there is one again, it gets its mail, and both hear of the end
    settings.EMAIL_BACKEND = here
    tell()
    ParkedEvent.objects.update(state="discarded")
    tell()
    assert hook.of("parked") == ["firing", "ended"]
    assert ["ended" in one.subject for one in mail.outbox] == [False, True]


def test_what_is_said_in_two_lines_is_mailed(hook: Hook) -> None:
    Halt.objects.create(
        signature="s", reason="KeyError: 'a'\nDETAIL: b", since=Now(), last_at=Now()
    )
    for _ in range(2):
        tell()

    assert [one.subject.startswith("order: ALARM") for one in mail.outbox] == [True]
    assert "DETAIL: b" in mail.outbox[0].subject


def test_who_was_mailed_is_mailed_the_end_though_the_webhook_heard_nothing(hook: Hook) -> None:
    park()
    tell()
    hook.status = 503
    with pytest.raises(OSError, match="503"):
        tell()

    ParkedEvent.objects.update(state="discarded")
    hook.status = 200
    for _ in range(2):
        tell()

    assert hook.of("parked") == []
    assert ["ended" in one.subject for one in mail.outbox] == [False, True]


def test_nobody_is_asked_for_when_nobody_is_to_hear(settings: Any) -> None:
    assert this_service.alarms_to() == (None, [])
    assert "alarms" not in expected()
    settings.POLDER = {**settings.POLDER, "ALARM_MAIL": ["ops@example.org"]}
    assert expected()["alarms"] == 15
