"""Two operators at once: nothing happens twice, and each is told the truth."""

from __future__ import annotations

import pytest
from django.test import Client

from polder.admin.models import OperatorAction
from polder.inbox.models import ParkedEvent
from polder.testing.admin_pages import (
    confirm,
    list_address,
    operate,
    question,
    superuser_client,
)
from tests.library.test_redrive_command import park


@pytest.fixture
def ada(db: None, monkeypatch: pytest.MonkeyPatch) -> Client:
    park(monkeypatch, 3)
    return superuser_client()


def chosen(client: Client, query: str) -> tuple[str, list[str]]:
    """Selects what was parked on a list that shows so much, and discards it: page and messages."""
    keys = [str(key) for key in ParkedEvent.objects.values_list("pk", flat=True)]
    form = {"action": "discard", "_selected_action": keys}
    page = client.post(f"{list_address(ParkedEvent)}{query}", form, follow=True)
    return page.content.decode(), [str(message) for message in page.context["messages"]]


def test_what_somebody_else_has_decided_meanwhile_is_told(ada: Client) -> None:
    # Given a list of what is parked, of which somebody discards one
    first = ParkedEvent.objects.order_by("pk")[0]
    operate(ada, "discard", first, reason="mine")

    # When all of that list is to be discarded
    page, messages = chosen(ada, "?state__exact=parked")

    # Then it is asked for the others, and said that one is gone
    assert "Discard 2 parked events" in page
    assert ["1 row that was selected is gone" in told for told in messages] == [True]


def test_nothing_is_asked_for_when_all_of_it_is_gone(ada: Client) -> None:
    operate(ada, "discard", *ParkedEvent.objects.all(), reason="mine")

    page, messages = chosen(ada, "?state__exact=parked")

    assert "Leave it as it is" not in page
    assert ["3 rows that were selected are gone" in told for told in messages] == [True]


def test_who_was_asked_first_and_confirms_second_is_told_why_not(ada: Client) -> None:
    first = ParkedEvent.objects.order_by("pk")[0]
    asked = question(ada, "redrive", first)
    operate(ada, "discard", first, reason="mine")

    told = confirm(ada, asked, reason="too late")

    assert len(told) == 1
    assert "it is discarded, not parked" in told[0]
    actions = OperatorAction.objects.order_by("pk").values_list("action", "done")
    assert list(actions) == [("discard", True), ("redrive", False)]
