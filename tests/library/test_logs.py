"""A log line is one line of JSON, whatever was said."""

from __future__ import annotations

import json
import logging
import sys
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection
from pydantic import ValidationError

from common.contracts.inventory import ProductCreated
from common.contracts.orders import OrderState
from polder.contracts.correlation import Correlation, correlated
from polder.inbox.batch import apply_batch
from polder.inbox.delivery import Delivery
from polder.observability.logs import JsonLines, formatter
from polder.testing import make_event


def line(message: str, *args: object, **options: object) -> str:
    logger = logging.getLogger("polder.test")
    options.setdefault("exc_info", None)
    record = logger.makeRecord(
        logger.name, logging.WARNING, "f", 1, message, args, options["exc_info"]
    )
    return JsonLines().format(record)


def test_it_says_what_when_who(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLDER_PROCESS", "polder:order-relay")

    said = json.loads(line("%s are late", 3))

    assert said.pop("timestamp").endswith("Z")
    assert isinstance(said.pop("pid"), int)
    assert said == {
        "event": "3 are late",
        "level": "warning",
        "logger": "polder.test",
        "service": "order",
        "process": "order-relay",
    }


def test_it_says_what_is_under_way() -> None:
    # Given a request
    cause = Correlation(uuid4(), None, f"00-{'a' * 32}-{'b' * 16}-01")

    # When something is said meanwhile
    with correlated(cause):
        said = json.loads(line("late"))

    # Then it can be found by its correlation id and its trace
    assert said["correlation_id"] == str(cause.correlation_id)
    assert said["trace_id"] == "a" * 32
    assert "correlation_id" not in json.loads(line("late"))


@pytest.mark.django_db
def test_what_is_parked_is_said_with_its_event(caplog: pytest.LogCaptureFixture) -> None:
    # Given a product that says what no product can
    event = make_event(ProductCreated)
    broken = json.loads(event.encode())
    broken["data"]["price"] = {"amount": "Ada Waterman", "currency": "EUR"}

    # When it is parked
    apply_batch([Delivery("order.from.inventory", "inventory", json.dumps(broken).encode(), 0.0)])

    # Then the line leads to it, and says nothing of what was in it
    [record] = [one for one in caplog.records if "is parked" in one.getMessage()]
    said = json.loads(JsonLines().format(record))
    assert said["event_id"] == str(event.id)
    assert said["subject"] == event.subject
    assert said["correlation_id"] == str(event.correlationid)
    assert "Ada" not in str(said)


@pytest.mark.django_db
def test_no_values_of_a_row_or_a_message() -> None:
    # Given what PostgreSQL and pydantic refuse, and say in full
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMP TABLE people (mail text CHECK (length(mail) < 3)); "
                "INSERT INTO people VALUES ('ada@example.org')"
            )
    except IntegrityError:
        refused = line("it failed", exc_info=sys.exc_info())
    try:
        OrderState.model_validate({"customer": {"name": ["Ada Waterman"]}})
    except ValidationError as error:
        invalid = line("it failed: %s", error)

    # Then the lines have the reason, and not the value
    assert "violates check constraint" in refused
    assert "validation errors for OrderState" in invalid
    for said in (refused, invalid):
        assert "ada@" not in said
        assert "Ada" not in said


def test_on_a_terminal_it_is_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(formatter(), JsonLines)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    record = logging.makeLogRecord({"msg": "%s are late", "args": (3,), "event_id": "e1"})

    assert formatter().format(record).endswith("3 are late event_id=e1")


@pytest.mark.parametrize("text", ["two\nlines", '"quoted"', "\ud800", "\x00", "é"])
def test_it_is_one_line(text: str) -> None:
    said = line("%s", text)

    assert said.splitlines() == [said]
    assert json.loads(said)["event"] == text


def test_an_error_comes_with_its_traceback() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        said = line("it failed", exc_info=sys.exc_info())

    assert said.splitlines() == [said]
    assert json.loads(said)["exception"].startswith("Traceback")
