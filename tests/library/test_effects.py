"""Effects: written down with their event, carried out at least once, with one key and one body."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client, override_settings
from django.utils import timezone

from common.contracts.inventory import ProductChanged, ProductCreated
from common.contracts.orders import OrderShipped
from order_service.effects import mail_that_it_shipped
from polder.consumer import housekeeping
from polder.consumer.jobs import run_if_due
from polder.effects import GiveUp, declared, effect
from polder.effects.carrying_out import carry_out_due, pause_after
from polder.effects.checks import effects_follow_from_what_is_heard
from polder.effects.conditions import effects_happen
from polder.effects.intents import skipped
from polder.effects.mail import mail as mail_of
from polder.effects.mail import send
from polder.effects.models import Intent
from polder.inbox import processing
from polder.inbox.models import ParkedEvent
from polder.inbox.redrive import redrive
from polder.outbox.publish import publish
from polder.retention import retention_policies
from polder.testing import deliver, make_event
from polder.testing.admin_pages import operate, superuser_client
from polder.testing.effects import an_effect

ROOT = Path(__file__).resolve().parents[2]
Calls = list[tuple[str, Mapping[str, Any]]]


class Tea:
    """An effect of the test's own, on products: what it was called with, and what it raises."""

    def __init__(self) -> None:
        self.calls: Calls = []
        self.error: BaseException | None = None
        self.seconds = 0.0

    def brew(self, key: str, body: Mapping[str, Any]) -> None:
        self.calls.append((key, body))
        time.sleep(self.seconds)
        if self.error:
            raise self.error


@pytest.fixture
def tea(monkeypatch: pytest.MonkeyPatch) -> Tea:
    monkeypatch.setattr(declared, "effects", mine := {})
    for module in ("effects.carrying_out", "outbox.publish", "inbox.processing"):
        monkeypatch.setattr(f"polder.{module}.effects", mine)
    monkeypatch.setattr("polder.observability.metrics.effects", mine)
    tea = Tea()

    @effect(on=ProductCreated, key=lambda event: event.subject, limit=0.2)
    def brewed(key: str, body: Mapping[str, Any]) -> None:
        tea.brew(key, body)

    return tea


def intent() -> Intent:
    return Intent.objects.get()


def now_due() -> None:
    """The lease of a lost process, or a pause, is over."""
    Intent.objects.update(due_at=timezone.now() - timedelta(seconds=1))


def test_once_for_each_key_however_often_its_events_come(db: None, tea: Tea) -> None:
    first = make_event(ProductCreated, of="p1", name="Pot")

    deliver(make_event(ProductChanged, of="p1", version=2))
    deliver(first, make_event(ProductCreated, of="p1", version=3, name="Kettle"))  # stale, and new
    deliver(first)

    assert carry_out_due() == {"done": 1}
    assert carry_out_due() == {}
    [(key, body)] = tea.calls
    assert (key, body["name"], body["productId"]) == ("order.brewed:p1", "Pot", "p1")
    assert (intent().state, intent().event_id) == ("done", first.id)


def test_nothing_is_written_down_that_was_rolled_back(db: None, tea: Tea) -> None:
    with transaction.atomic():
        deliver(make_event(ProductCreated))
        transaction.set_rollback(True)

    assert carry_out_due() == {}


def test_what_failed_is_tried_again_with_the_same_key_and_body(db: None, tea: Tea) -> None:
    deliver(make_event(ProductCreated, of="p1"))
    tea.error = ConnectionError("no water")

    assert carry_out_due() == {"failed": 1}
    assert carry_out_due() == {}, "not before its pause is over"
    assert (intent().state, intent().error) == ("waiting", "ConnectionError: no water")
    assert [pause_after(number) for number in (1, 2, 3, 50)] == [15, 30, 60, 3600]

    tea.error = None
    now_due()
    assert carry_out_due() == {"done": 1}
    assert tea.calls[0] == tea.calls[1]


def test_no_log_says_whom_an_effect_was_for(
    db: None, tea: Tea, caplog: pytest.LogCaptureFixture
) -> None:
    deliver(make_event(ProductCreated, of="p1"))
    tea.error = SMTPRecipientsRefused({"ada@example.org": (550, b"no such user")})

    assert carry_out_due() == {"failed": 1}

    assert "brewed" in caplog.text
    assert "SMTPRecipientsRefused" in caplog.text
    assert "ada@example.org" not in caplog.text
    assert "ada@example.org" in intent().error


def test_it_waits_for_no_clock_that_was_set_back(db: None, tea: Tea) -> None:
    deliver(make_event(ProductCreated, of="p1"))
    Intent.objects.update(due_at=timezone.now() + timedelta(days=1))

    assert carry_out_due() == {"done": 1}


def test_lost_after_it_was_done_it_is_done_again(
    db: None, tea: Tea, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(point: object) -> None:
        raise KeyboardInterrupt

    deliver(make_event(ProductCreated))
    with monkeypatch.context() as patch:
        patch.setattr("polder.effects.carrying_out.failpoint", killed)
        with pytest.raises(KeyboardInterrupt):
            carry_out_due()

    assert carry_out_due() == {}, "somebody may be at it"
    now_due()
    assert carry_out_due() == {"done": 1}
    assert tea.calls[0] == tea.calls[1]


def test_after_an_outage_it_gets_its_chance(db: None, tea: Tea) -> None:
    """For three days nothing was tried, and the mail server is not up yet."""
    deliver(make_event(ProductCreated, of="p1"))
    Intent.objects.update(waiting_since=timezone.now() - timedelta(days=4))
    tea.error = ValueError("no pot")

    assert run_if_due("effects", housekeeping.effects) == {"failed": 1}

    assert intent().state == "waiting"


@pytest.mark.parametrize("why", ["it gives up", "it is late"])
def test_given_up_it_waits_for_an_operator(db: None, client: Client, tea: Tea, why: str) -> None:
    deliver(make_event(ProductCreated, of="p1"))
    tea.error = GiveUp("no pot") if why == "it gives up" else ValueError("no pot")
    if why == "it is late":
        Intent.objects.update(waiting_since=timezone.now() - timedelta(days=3, seconds=1))

    carry_out_due()
    now_due()
    assert carry_out_due() == {}
    assert effects_happen().sentence == "1 effect was given up and waits for an operator"
    metrics = client.get("/metrics").content.decode()
    assert 'polder_effects{effect="brewed",state="failed"} 1.0' in metrics

    tea.error = None
    admin = superuser_client()
    assert "given up" in admin.get("/admin/").content.decode()
    assert operate(admin, "repeat", intent(), reason="there is one") == ["Repeat: 1 of 1 done."]
    assert carry_out_due() == {"done": 1}
    assert effects_happen().state == "ok"
    assert tea.calls[0] == tea.calls[1]


def test_anybody_may_read_that_it_fails_and_not_for_whom(
    db: None, client: Client, tea: Tea
) -> None:
    deliver(make_event(ProductCreated, of="p1"))
    tea.error = SMTPRecipientsRefused({"ada@example.org": (550, b"no such mailbox")})
    for _ in range(4):
        now_due()
        carry_out_due()

    [told] = [one for one in client.get("/readyz").json()["conditions"] if one["name"] == "effects"]

    assert "the effect brewed fails, and is tried again: SMTPRecipientsRefused" in told["sentence"]
    assert "ada@example.org" not in client.get("/readyz").content.decode()
    assert "ada@example.org" in intent().error


def test_skipped_by_an_operator(db: None, tea: Tea) -> None:
    deliver(make_event(ProductCreated))
    admin = superuser_client()
    for told in ("Skip: 1 of 1 done.", "Skip failed for brewed"):
        [said] = operate(admin, "skip", intent(), reason="no thirst")
        assert said.startswith(told)

    assert carry_out_due() == {}
    assert intent().error == "no thirst"


def test_an_attempt_has_a_limit_and_a_failing_effect_keeps_no_other_waiting(
    db: None, tea: Tea
) -> None:
    deliver(*(make_event(ProductCreated) for _ in range(5)))
    tea.seconds = 30

    assert carry_out_due() == {"failed": 3}, "the rest is left to the next run"
    assert intent_errors() == {"", "TookTooLong: not done within 0.2 s"}


def intent_errors() -> set[str]:
    return set(Intent.objects.values_list("error", flat=True))


def test_a_redrive_fires_what_was_not_done_and_nothing_else(
    db: None, tea: Tea, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("not today")

    # Given one that was parked for its own sake
    event = make_event(ProductCreated)
    with monkeypatch.context() as patch:
        patch.setattr(processing, "merge", refuse)
        deliver(event, event.encode().encode())
    assert not Intent.objects.exists()

    # When it is redriven, and parked and redriven as if it never had been
    parked = ParkedEvent.objects.get()
    for _ in range(2):
        redrive(parked.pk)
        ParkedEvent.objects.update(state="parked")

    # Then
    assert carry_out_due() == {"done": 1}
    assert len(tea.calls) == 1


def test_what_tells_of_the_past_is_skipped_and_can_be_repeated(db: None, tea: Tea) -> None:
    with skipped("a replica was filled for the first time"):
        deliver(make_event(ProductCreated, of="p1"))
    assert carry_out_due() == {}
    assert (intent().state, intent().error[:9]) == ("skipped", "a replica")

    operate(superuser_client(), "repeat", intent(), reason="they never got it")
    assert carry_out_due() == {"done": 1}


def test_nobody_calls_it(tea: Tea) -> None:
    with pytest.raises(TypeError, match="nobody calls it, least of all a reconciler"):
        mail_that_it_shipped("k", {})


def test_wrong_declarations(tea: Tea) -> None:
    with pytest.raises(ValueError, match="two effects named brewed"):

        @effect(on=ProductCreated, key=str)
        def brewed(key: str, body: Mapping[str, Any]) -> None: ...

    with pytest.raises(ValueError, match="up to 60 seconds"):
        effect(on=ProductCreated, key=str, limit=61)
    assert effects_follow_from_what_is_heard() == []


def test_what_is_over_is_forgotten_when_no_event_can_bring_it_again(db: None) -> None:
    for state, days in (("done", 91), ("skipped", 91), ("done", 89), ("failed", 364)):
        row = an_effect()
        long_ago = timezone.now() - timedelta(days=days)
        Intent.objects.filter(pk=row.pk).update(
            key=f"{state}{days}", state=state, created_at=long_ago
        )

    assert retention_policies["effects"]() == 2
    assert set(Intent.objects.values_list("key", flat=True)) == {"done89", "failed364"}


@override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
def test_the_customer_gets_a_mail_when_the_order_ships(db: None) -> None:
    event = make_event(OrderShipped)
    publish(event)

    assert carry_out_due() == {"done": 1}
    Intent.objects.update(state="waiting", due_at=timezone.now())
    carry_out_due()

    [sent, again] = mail.outbox
    assert sent.message().as_bytes() == again.message().as_bytes()
    assert (sent.to, event.subject in sent.subject) == (["ada@example.org"], True)
    assert sent.extra_headers["X-Idempotency-Key"] == f"order.mail_that_it_shipped:{event.subject}"


@override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
def test_two_effects_of_one_key_are_two_for_whoever_receives_them(db: None, tea: Tea) -> None:
    @effect(on=ProductCreated, key=lambda event: event.subject, body=a_mail)
    def mailed_to_the_buyer(key: str, body: Mapping[str, Any]) -> None:
        send(key, body)

    @effect(on=ProductCreated, key=lambda event: event.subject, body=a_mail)
    def mailed_to_the_seller(key: str, body: Mapping[str, Any]) -> None:
        send(key, body)

    deliver(make_event(ProductCreated, of="p1"))
    carry_out_due()

    for header in ("Message-ID", "X-Idempotency-Key"):
        assert len({sent.extra_headers[header] for sent in mail.outbox}) == 2


def a_mail(event: ProductCreated) -> Mapping[str, Any]:
    return mail_of(to="ada@example.org", subject="News", text=event.data.name, at=event.time)
