"""The admin when somebody holds what it needs, or a migration has outdated a plan."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError
from django.db import connection
from django.test import Client

from polder.admin import board_actions, read_only
from polder.admin.board_actions import BoardAction
from polder.admin.models import OperatorAction
from polder.inbox import bulk
from polder.inbox.models import BulkOperation
from polder.replication.models import Drift, ReplicaState
from polder.testing import deliver
from polder.testing.admin_pages import confirm, list_address, operate, question, superuser_client
from polder.testing.database import other_connection
from polder.testing.replicas import filled
from tests.library.test_ops_command import ops
from tests.library.test_redrive_command import park
from tests.makers import product_event

PARKED = "http://testserver/admin/parked/"


@pytest.fixture
def admin(committed: None) -> Client:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '300ms'")
    return superuser_client()


@contextmanager
def held(statement: str, *values: Any) -> Iterator[None]:
    """By somebody else, who has not committed."""
    with other_connection() as other, other.transaction(force_rollback=True):
        other.execute(statement, values)
        yield


def told(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [str(message) for message in answer.context["messages"]]


def drifted(number: int) -> list[Drift]:
    return [
        Drift.objects.create(aggregate="a.b", key=str(key), version=1, event_id=uuid4())
        for key in range(1, number + 1)
    ]


def test_a_list_that_takes_too_long_is_given_up(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filter that no index answers, on a whole ledger: here the table does not answer at all."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '60s'")
    drifted(1)

    with (
        held("LOCK TABLE polder_replication_drift IN ACCESS EXCLUSIVE MODE"),
        monkeypatch.context() as patch,
    ):
        patch.setattr(read_only, "LIST_SECONDS", 0.2)
        answer = admin.get(f"{list_address(Drift)}?version=7")

    assert (answer.status_code, answer["Location"]) == (302, list_address(Drift))
    assert ["was given up" in one for one in told(admin.get(answer["Location"]))] == [True]


def test_who_asks_for_many_is_told_that_somebody_holds_it(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    park(monkeypatch, 2)
    filled("inventory.product")
    form = {"action": "fetch", "type": "ProductCreated", "reason": "r", "drawn": str(uuid4())}

    with held("SELECT FROM polder_replication_replicastate FOR UPDATE"):
        answer = admin.post("/admin/parked/all/", form, follow=True, headers={"Referer": PARKED})
        with pytest.raises(CommandError, match="somebody else holds"):
            ops("fetch", "--type", "ProductCreated", "--reason", "r")

    assert "Nothing was done: somebody else holds" in told(answer)[0]
    assert answer.redirect_chain == [("/admin/parked/", 302)]
    assert not OperatorAction.objects.exists()


def test_so_is_who_presses_a_button_of_the_board(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> str:
        ReplicaState.objects.select_for_update().get(pk="inventory.product")
        return "done"

    filled("inventory.product")
    action = BoardAction("try", "Try", "order.place_order", run)
    monkeypatch.setitem(board_actions.board_actions, "try", action)
    form = {"action": "try", "drawn": str(uuid4())}

    with held("SELECT FROM polder_replication_replicastate FOR UPDATE"):
        refused = admin.post("/ops/board/do", form)
        elsewhere = admin.post("/ops/board/do", form, headers={"Referer": "https://evil.example/"})

    assert (refused.status_code, elsewhere.status_code) == (409, 409)
    assert refused.json()["detail"].startswith("somebody else holds")
    assert told(admin.post("/ops/board/do", form, follow=True)) == ["done"]


def test_who_has_waited_for_one_row_does_not_wait_for_each(admin: Client) -> None:
    drifted(12)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '2s'")

    page = question(admin, "close", *Drift.objects.all())
    with held("SELECT FROM polder_replication_drift WHERE key <> '1' FOR UPDATE"):
        begun = time.monotonic()
        said = confirm(admin, page, reason="r")

    assert said[0] == "Close: 1 of 12 done."
    assert time.monotonic() - begun < 11 * 2, "the first of eleven waited, and no other"
    assert OperatorAction.objects.filter(done=False).count() == 11


def test_a_migration_makes_no_page_fail(admin: Client) -> None:
    rows = drifted(10)
    for row in rows[:7]:
        assert operate(admin, "close", row, reason="r") == ["Close: 1 of 1 done."]
        admin.get("/admin/timeline/", {"key": "p1"})

    with other_connection() as other:
        alter = "ALTER TABLE polder_replication_drift ALTER COLUMN kind TYPE"
        other.execute(f"{alter} text")
        try:
            said = operate(admin, "close", *rows[7:], reason="r")
        finally:
            other.execute(f"{alter} varchar(12)")

    assert said == ["Close: 3 of 3 done."]


def test_a_bulk_operation_is_begun_despite_one(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    park(monkeypatch, 1)
    for _ in range(7):
        deliver(product_event())
        bulk.begin(BulkOperation.Action.DISCARD, {}, reason="r", operator="o", form=uuid4())
    form = {"action": "discard", "type": "ProductCreated", "reason": "r", "drawn": str(uuid4())}

    with other_connection() as other:
        alter = "ALTER TABLE polder_inbox_bulkoperation ALTER COLUMN trouble TYPE"
        other.execute(f"{alter} varchar(5000)")
        try:
            answer = admin.post("/admin/parked/all/", form, follow=True)
        finally:
            other.execute(f"{alter} text")

    assert "Begun for 1" in told(answer)[0]
