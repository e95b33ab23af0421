"""What `flush` leaves behind, which tidies up after tests that commit."""

from __future__ import annotations

import builtins

import pytest
from django.core.management import call_command
from django.db import transaction

from common.contracts.orders import OrderCreated
from polder.inbox.models import LedgerEntry
from polder.outbox.publish import publish
from polder.testing import deliver, make_event, published
from tests.makers import product_event


@pytest.fixture
def something(committed: None) -> None:
    deliver(product_event())
    with transaction.atomic():
        publish(make_event(OrderCreated))


def test_nothing(something: None) -> None:
    call_command("flush", verbosity=0, interactive=False)

    assert published() == []
    assert not LedgerEntry.objects.exists()


def test_everything_after_a_no(something: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtins, "input", lambda _: "no")

    call_command("flush", verbosity=0)

    assert len(published()) == 1
    assert LedgerEntry.objects.exists()


def test_nothing_of_a_test_that_commits(committed: None) -> None:
    assert published() == []
