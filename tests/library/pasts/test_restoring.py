"""The command `restored`: run twice at once, broken off, and what it reports all the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError, connection
from uuid_utils.compat import uuid7

from order_service.models import Order
from polder.outbox import claims, fence
from polder.outbox.claims import Claim
from polder.outbox.models import Fenced
from polder.pasts import adoption, restoring
from polder.pasts.adoption import Proofs
from polder.pasts.asking import NoAnswer
from polder.pasts.refilling import NotFilled

REFILLED = {"inventory.product": 3}


@pytest.fixture
def alone(db: None, monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """Without neighbours and broker: replicas are filled, everybody has told, and there is nothing
    more to heal. Since when was reconciled."""
    since: list[datetime] = []

    def reconcile_since(moment: datetime, tell: object) -> int:
        since.append(moment)
        return 0

    monkeypatch.setattr(restoring, "refill", lambda *_: REFILLED)
    monkeypatch.setattr(restoring, "ask_all", lambda *_: None)
    monkeypatch.setattr(restoring, "reconcile_since", reconcile_since)
    return since


@pytest.fixture
def another(db: None) -> Iterator[psycopg.Connection[Any]]:
    """Another process's connection."""
    with psycopg.connect(**connection.get_connection_params() | {"autocommit": True}) as other:  # type: ignore[call-overload]
        yield other


def restored(*arguments: str) -> dict[str, Any]:
    said = StringIO()
    call_command("restored", "--json", *arguments, stdout=said)
    report: dict[str, Any] = json.loads(said.getvalue())
    return report


def failing(error: BaseException) -> Any:
    def fails(*_: object, **__: object) -> None:
        raise error

    return fails


@pytest.mark.parametrize("arguments", [[], ["--dry-run"]])
def test_one_at_a_time(
    alone: list[datetime], another: psycopg.Connection[Any], arguments: list[str]
) -> None:
    lock = "(hashtext('polder_restored'), hashtext(''))"
    another.execute(f"SELECT pg_advisory_lock{lock}")  # type: ignore[call-overload]
    with pytest.raises(CommandError, match="running already"):
        restored(*arguments)
    another.execute(f"SELECT pg_advisory_unlock{lock}")  # type: ignore[call-overload]

    assert restored(*arguments)["adopted"] == []


def test_what_a_run_that_was_broken_off_has_healed_is_reported_by_the_next(
    alone: list[datetime],
) -> None:
    key = str(uuid7())
    claims.put_up([Claim("order", key, 3, uuid7())], "inventory")
    fence.note_healed("order", {key: "adopted: forgotten -> shipped v9; nobody knows its customer"})

    [earlier] = restored()["earlier"]

    assert (earlier["key"], earlier["became"][-9:]) == (key, " customer")
    assert restored()["earlier"] == []


def test_what_changes_with_something_undecidable_stays_fenced(
    alone: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of orders, as if one changed another."""
    healed, other, unknown = (str(uuid7()) for _ in range(3))
    claims.put_up([Claim("order", key, 3, uuid7()) for key in (healed, other, unknown)], "shipping")
    fence.note_healed("order", dict.fromkeys((healed, other), "adopted"))
    monkeypatch.setattr(restoring, "gather", lambda *_: Proofs({}))
    monkeypatch.setitem(adoption._changes, "order", {Order: lambda keys: {healed} if keys else ()})

    with pytest.raises(SystemExit):
        call_command("restored", stdout=(said := StringIO()))

    assert "1 healed row stays fenced, because what cannot be decided" in said.getvalue()
    fenced = Fenced.objects.filter(lifted_at=None)
    assert set(fenced.values_list("key", flat=True)) == {healed, unknown}

    # When somebody has decided
    fence.accept(fenced.filter(key=unknown), by="ada", reason="a test")
    report = restored()
    assert [one["key"] for one in report["earlier"]] == [healed]
    assert report["standing"] == 0
    assert not fence.stands()


def test_what_follows_is_reconciled_though_the_fence_is_gone(alone: list[datetime]) -> None:
    """The run that took it down was killed before it reconciled."""
    claims.put_up([Claim("order", str(uuid7()), 3, uuid7())], "inventory")
    fence.accept(Fenced.objects.all(), by="ada", reason="a test")
    row = Fenced.objects.get()
    row.since -= timedelta(hours=3)
    row.lifted_at = row.since + timedelta(minutes=1)
    row.save()

    restored()

    [since] = alone
    assert since < row.since


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("ask_all", NoAnswer("shipping did not answer")),
        ("gather", NoAnswer("shipping did not answer")),
        ("heal", OperationalError("the connection is lost")),
        ("reconcile_since", OperationalError("the connection is lost")),
    ],
)
def test_what_was_done_is_reported_when_the_rest_fails(
    alone: list[datetime], monkeypatch: pytest.MonkeyPatch, step: str, error: Exception
) -> None:
    monkeypatch.setattr(restoring, step, failing(error))
    said = StringIO()

    with pytest.raises(CommandError, match=f"{error}\nWhat was done until then is done"):
        call_command("restored", "--json", stdout=said)

    assert json.loads(said.getvalue())["refilled"] == REFILLED


def test_and_when_somebody_breaks_it_off(
    alone: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "reconcile_since", failing(KeyboardInterrupt()))
    said = StringIO()

    with pytest.raises(KeyboardInterrupt):
        call_command("restored", "--json", stdout=said)

    assert json.loads(said.getvalue())["refilled"] == REFILLED


def test_nothing_is_reported_where_nothing_was_done(
    alone: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "refill", failing(NotFilled("no page has come")))
    said = StringIO()

    with pytest.raises(CommandError, match="no page has come"):
        call_command("restored", stdout=said)

    assert not said.getvalue()


def test_no_neighbour_is_called_so(alone: list[datetime]) -> None:
    with pytest.raises(CommandError, match="no neighbour of order is called shiping; it has: "):
        restored("--without", "shiping")

    assert restored("--without", "shipping")["unfilled"]
