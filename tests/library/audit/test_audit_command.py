"""`manage.py <service> audit` says how its audits ended, and what they wait for."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from polder.consumer.management.commands import audit
from polder.replication.models import ReplicaState
from polder.resync import receiving, runs
from polder.resync.messages import DigestsRequest
from tests.library.audit.owner import Owner, delete
from tests.library.resync.wire import PRODUCT, edit, refuse_bricks
from tests.makers import product_event


def resynced() -> None:
    runs.begin(PRODUCT, "somebody else")
    runs.cancel(PRODUCT)


BROKEN_OFF: list[Callable[[], None]] = [
    lambda: runs.pause(PRODUCT),
    lambda: runs.cancel(PRODUCT),
    resynced,
]


@pytest.mark.parametrize("broken_off", BROKEN_OFF)
def test_one_that_was_broken_off_found_nothing_in_order(
    owner: Owner, monkeypatch: pytest.MonkeyPatch, broken_off: Callable[[], None]
) -> None:
    runs.begin(PRODUCT, "asked for")
    owner.run()
    edit("p2", name="edited")
    monkeypatch.setattr(audit.time, "sleep", lambda seconds: broken_off())

    with pytest.raises(CommandError, match=r"inventory\.product was not compared to its end"):
        call_command("audit", PRODUCT, deep=True, stdout=StringIO())


def test_it_says_once_what_it_waits_for(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[Callable[[], object]] = [
        lambda: ReplicaState.objects.update(trouble="inventory has not answered"),
        lambda: None,
        lambda: receiving.receive(owner.answer_any()),
    ]
    monkeypatch.setattr(audit.time, "sleep", lambda seconds: steps and steps.pop(0)())
    said, waits = StringIO(), StringIO()

    call_command("audit", PRODUCT, stdout=said, stderr=waits)

    assert waits.getvalue() == "inventory.product: inventory has not answered\n"
    assert said.getvalue() == "10 rows compared, 0 differed\n"


def test_what_cannot_be_made_good_is_told_apart(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner.owns(product_event(product_id="brick", name="Brick"))
    delete("p3")
    refuse_bricks()
    monkeypatch.setattr(audit.Command, "_wait", lambda *_: owner.run_all())
    said = StringIO()

    with pytest.raises(CommandError, match="2 differed: 1 made good, 1 cannot be taken"):
        call_command("audit", PRODUCT, stdout=said)
    assert "inventory.product brick v0: missing here" in said.getvalue()

    # nor is one that was known before forgotten
    with pytest.raises(CommandError, match="1 differed: 0 made good, 1 cannot be taken"):
        call_command("audit", PRODUCT, stdout=said)


@pytest.mark.parametrize("rate", [0, -5, 10**10])
def test_what_is_no_rate_is_refused(owner: Owner, rate: int) -> None:
    """It was the usual rate, or a server error."""
    for command in ("audit", "resync"):
        options = {"all": True} if command == "resync" else {}
        with pytest.raises(CommandError, match=f"{rate} is no rate"):
            call_command(command, PRODUCT, rate=rate, no_wait=True, stdout=StringIO(), **options)
    assert not ReplicaState.objects.exists()


def test_a_rate_is_kept_by_what_is_asked_for(owner: Owner) -> None:
    for deep in (False, True):
        runs.audit(PRODUCT, "asked for", deep=deep, rate=100)
        request = owner.last()
        assert isinstance(request, DigestsRequest)
        assert request.size == 100
        runs.cancel(PRODUCT)


def test_an_empty_since_is_no_word_to_join(owner: Owner) -> None:
    """As of a variable of the shell that is not set: nothing would be compared, and all well."""
    runs.begin(PRODUCT, "asked for")
    owner.run()

    with pytest.raises(CommandError, match="--since '' is neither"):
        call_command("resync", PRODUCT, since="", no_wait=True, stdout=StringIO())
