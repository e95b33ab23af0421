"""A restored service's own replicas are filled anew: how long is waited for that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from polder.pasts import refilling
from polder.pasts.refilling import NotFilled, refill
from polder.replication.models import ReplicaState
from polder.replication.replica import replications


class Run:
    """Each look takes five seconds; so many of them see an answer that was taken, none of which
    brought a row: of rows that their owner does not know, or that wait to be asked for."""

    def __init__(self, answers: int) -> None:
        self.answers, self.seconds = answers, 0.0

    def begin(self, aggregate: str, reason: str, **_: object) -> None:
        now = timezone.now()
        about = {"reason": reason, "rate": 1, "started_at": now, "progressed_at": now}
        ReplicaState.objects.create(aggregate=aggregate, state="filling", **about)

    def sleep(self, _: float) -> None:
        self.seconds += 5
        self.answers -= 1
        if self.answers >= 0:
            later = F("progressed_at") + timedelta(seconds=5)
            ReplicaState.objects.update(progressed_at=later)
        if self.answers == 0:
            ReplicaState.objects.update(state="complete")

    def monotonic(self) -> float:
        return self.seconds


def refilled(monkeypatch: pytest.MonkeyPatch, run: Run, *without: str) -> dict[str, int]:
    monkeypatch.setattr(refilling.runs, "begin", run.begin)
    monkeypatch.setattr(refilling, "time", run)
    return refill(12, without=without)


def test_it_is_waited_for_while_answers_come(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refilled(monkeypatch, Run(answers=10)) == dict.fromkeys(replications, 0)


def test_and_not_when_none_comes(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFilled, match="no page has come for 12 s"):
        refilled(monkeypatch, Run(answers=-1))


def test_nor_is_an_owner_waited_for_that_is_away(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its replicas are begun, and fill when it is back."""
    owners = sorted({one.publisher for one in replications.values()})

    assert refilled(monkeypatch, Run(answers=-1), *owners) == {}

    assert set(ReplicaState.objects.values_list("pk", "state")) == {
        (name, "filling") for name in replications
    }
    assert refilling.unfilled() == sorted(replications)
