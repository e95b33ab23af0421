"""`manage.py <service> ops`: what the admin shows and does, from a terminal."""

from __future__ import annotations

import json
import os
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from uuid_utils.compat import uuid7

from polder.admin.models import OperatorAction
from polder.consumer.models import Sample
from polder.inbox import bulk
from polder.inbox.models import BulkOperation
from polder.replication.models import ReplicaState
from polder.testing import deliver
from polder.testing.replicas import filled
from tests.library.test_redrive_command import park, states
from tests.makers import product_event

WHY = ("--reason", "too fast")


@pytest.fixture(autouse=True)
def parked(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    park(monkeypatch, 2)


def ops(*arguments: str) -> str:
    said = StringIO()
    call_command("ops", *arguments, stdout=said)
    return said.getvalue()


def told(*arguments: str) -> Any:
    return json.loads(ops(*arguments, "--json"))


def test_how_it_stands() -> None:
    for name in ("lag p50", "lag p95"):
        Sample.objects.create(at=timezone.now(), name=name, of="inventory", value=0.25)

    overview = told("overview")

    assert "parked" in [one["name"] for one in overview["not as it should be"]]
    assert {one["role"] for one in overview["processes"]} >= {"relay", "worker", "beat"}
    [cause] = told("parked")["parked, by cause"]
    assert (cause["reason"], cause["number"]) == ("ValueError", 2)
    assert "ValueError" in ops("parked")
    assert told("lag")["lag of inventory"][0]["p95"] == "0.250 s"
    assert [one["replica"] for one in told("replicas")]
    assert told("timeline", "p0")["key"] == "p0"


def test_all_of_a_cause_are_redriven() -> None:
    said = ops("redrive", "--cause", "ValueError", "--reason", "fixed", "--operator", "ada")
    [one] = BulkOperation.objects.all()
    ops("pause", str(one.pk), *WHY)
    assert bulk.work() == 0
    ops("resume", str(one.pk), *WHY)
    bulk.work()

    assert "Begun for 2" in said
    assert states() == {"redriven"}
    begun, *steps = OperatorAction.objects.order_by("pk")
    assert (begun.operator, begun.reason) == ("ada", "fixed")
    assert [(step.action, step.key) for step in steps] == [
        ("pause", str(one.pk)),
        ("resume", str(one.pk)),
    ]
    assert told("operations")["operations"][0]["state"] == "done"
    with pytest.raises(CommandError, match="it is done"):
        ops("cancel", str(one.pk), "--reason", "too late", "--operator", "eve")
    last = OperatorAction.objects.latest("pk")
    assert (last.operator, last.reason, last.done) == ("eve", "too late", False)


def test_the_present_state_is_fetched() -> None:
    ops("fetch", "--type", "ProductCreated", "--reason", "missed")

    assert ReplicaState.objects.get(pk="inventory.product").asking == ["p0", "p1"]


def test_it_has_to_be_said_which() -> None:
    with pytest.raises(CommandError, match="say which"):
        ops("discard", "--reason", "all of it")


def test_what_is_asked_for_as_json_is_json() -> None:
    begun = told("redrive", "--cause", "ValueError", "--reason", "fixed")
    [one] = BulkOperation.objects.all()

    assert "Begun for 2" in begun["told"]
    assert told("pause", str(one.pk), *WHY)["operations"][0]["state"] == "paused"


@pytest.mark.parametrize("verb", ["redrive --type x", "pause 7", "resume 7", "cancel 7"])
def test_nothing_is_done_without_a_reason(verb: str) -> None:
    with pytest.raises(CommandError, match="required: --reason"):
        ops(*verb.split())
    with pytest.raises(CommandError, match="say why"):
        ops(*verb.split(), "--reason", " ")


def test_which_operation_it_is_has_to_be_right() -> None:
    with pytest.raises(CommandError, match="there is no operation 7"):
        ops("pause", "7", *WHY)


@pytest.mark.parametrize("command", [("ops", "parked"), ("redrive", "--all", "--dry-run")])
def test_what_others_wrote_is_shown_as_they_wrote_it(command: tuple[str, ...]) -> None:
    said = json.loads(product_event().encode())
    deliver(json.dumps(said | {"type": "[red][/x]", "id": str(uuid7())}).encode())

    shown = StringIO()
    call_command(*command, stdout=shown)

    assert "[red][/x]" in shown.getvalue()


@pytest.mark.parametrize("verb", ["fetch", "redrive", "discard"])
def test_a_cause_that_nothing_is_parked_for_is_no_success(verb: str) -> None:
    with pytest.raises(CommandError, match="nothing that is parked"):
        ops(verb, "--cause", "ValueEror", "--reason", "a slip of the pen")
    assert not OperatorAction.objects.exists()


def test_a_complete_replica_is_so_to_a_program() -> None:
    filled("inventory.product")

    [one] = [one for one in told("replicas") if one["replica"] == "inventory.product"]

    assert (one["state"], one["percent"]) == ("complete", 100)


def test_counts_are_read_as_words() -> None:
    deliver(product_event())

    assert "1 applied" in ops("overview")


def test_a_user_without_a_name_may_type(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54_321)

    told("redrive", "--cause", "ValueError", "--reason", "fixed")

    assert {one.operator for one in BulkOperation.objects.all()} == {"user 54321"}
