"""Whatever others make their keys of, the admin's searches find what happened to that very row."""

from __future__ import annotations

import pytest
from django.test import Client

from polder.inbox.models import LedgerEntry, ParkedEvent
from polder.testing import deliver
from polder.testing.admin_pages import KEYS, list_address
from tests.makers import product_event


def assert_keys_find_what_happened(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """To products with all these keys, which are known at version 1."""
    with monkeypatch.context() as patch:
        patch.setattr("polder.inbox.processing.reconcile_changed", lambda changed: 1 / 0)
        patch.setattr("polder.inbox.judging.ALIKE", len(KEYS) + 1)  # else the consumer would halt
        for key in KEYS:
            deliver(product_event(product_id=key, version=2))

    for key in KEYS:
        parked = admin.get(list_address(ParkedEvent), {"q": key}).context["cl"].result_list
        ledger = admin.get(list_address(LedgerEntry), {"q": key}).context["cl"].result_list
        assert [row.subject for row in parked] == [key]
        assert {row.subject for row in ledger} == {key}
